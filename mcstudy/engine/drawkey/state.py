"""What an object is rebuilt from, as pickle would keep it, without pickling."""

from __future__ import annotations

import copyreg
import functools
from typing import Any

from mcstudy.engine.drawkey.tokens import Place, refusal

__all__ = ["Attributes", "state_of"]

# What functools.wraps writes into a callable object, and no draw depends on.
_LENT = {*functools.WRAPPER_ASSIGNMENTS, "__annotations__", "__annotate__"}


class Attributes(dict[str, Any]):
    """The attributes of an instance, by name; a dictionary that it holds is a plain one."""


def state_of(value: Any, place: Place) -> list[Any]:
    """The function that rebuilds an object, its arguments, the attributes, and the items of a container.

    Raises
    ------
    StudyError
        If the object can't be copied: a connection, a process.
    """
    kind = type(value)
    try:
        reducer = copyreg.dispatch_table.get(kind)
        reduced: Any = reducer(value) if reducer else value.__reduce_ex__(4)
    except Exception as error:
        msg = f"a {kind.__qualname__}, which keeps its state to itself ({error})"
        raise refusal(place, msg) from error
    if isinstance(reduced, str):  # the name of something that there is one of
        return [reduced]
    make, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    return [make, arguments, _lasting(kind, state), items and list(items), pairs and dict(pairs)]


def _lasting(kind: type, state: Any) -> Any:
    """The attributes of an instance, without what was lent to it and what a cached property left."""
    if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict):  # with those in slots
        return _lasting(kind, state[0]), Attributes(state[1])
    if not isinstance(state, dict):
        return state
    kept = (name for name in state if name not in _LENT and not _is_cached(kind, name))
    return Attributes({name: state[name] for name in sorted(kept, key=str)}) or None


def _is_cached(kind: type, name: object) -> bool:
    return isinstance(getattr(kind, str(name), None), functools.cached_property)
