"""What the author of a class wrote into it, without what Python and its decorators add."""

from __future__ import annotations

import dataclasses
from collections import namedtuple
from collections.abc import Iterator
from enum import Enum
from functools import cached_property, partial, partialmethod, singledispatchmethod
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any

__all__ = ["members"]

_METHODS = (
    FunctionType,
    staticmethod,
    classmethod,
    property,
    cached_property,
    partial,
    partialmethod,
    singledispatchmethod,
)
_SLOTS = (MemberDescriptorType, GetSetDescriptorType, type(namedtuple("Pair", "first second").first))
_MISSING: Any = dataclasses.MISSING


def members(kind: type) -> Iterator[tuple[str, Any]]:
    """The methods and attributes of a class itself, by name; members and fields in their order.

    Examples
    --------
    >>> class Scale:
    ...     unit = 2.0
    >>> list(members(Scale))
    [('unit', 2.0)]
    """
    if issubclass(kind, Enum):
        yield from ((f"member `{name}`", member.value) for name, member in kind.__members__.items())
    if "__dataclass_fields__" in vars(kind):
        yield from _fields(kind)
    for name, value in sorted(vars(kind).items()):
        if _is_written(kind, name, value):
            yield name, value


def _is_written(kind: type, name: str, value: object) -> bool:
    if isinstance(value, _METHODS):
        return not _is_generated(value)
    # Enumerations and abstract classes keep their books in names such as `_member_map_` and `_abc_impl`.
    private = name.startswith("__") or name == "_abc_impl" or issubclass(kind, Enum)
    return not private and not isinstance(value, _SLOTS)


def _is_generated(value: Any) -> bool:
    """Whether a method was made by dataclasses or namedtuple; what it was made from is looked at instead."""
    function = getattr(value, "__func__", value)
    function = getattr(function, "__wrapped__", function)  # a generated `__repr__` is wrapped
    if not isinstance(function, FunctionType):
        return False
    home = str(function.__globals__.get("__name__"))
    made = function.__code__.co_qualname.startswith("__create_fn__.")
    return made or home in ("dataclasses", "collections") or home.startswith("namedtuple_")


def _fields(kind: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a dataclass, and whether it compares: both decide what its methods do."""
    made = kind.__dataclass_params__
    yield "dataclass", {name: getattr(made, name) for name in ("init", "eq", "order", "frozen", "unsafe_hash")}
    for field in dataclasses.fields(kind):
        default = None if field.default is _MISSING else (field.default,)
        factory = None if field.default_factory is _MISSING else field.default_factory
        yield f"field `{field.name}`", (default, factory, field.init, field.compare, field.kw_only)
