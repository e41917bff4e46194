"""What the author of a class wrote into it, without what Python and its decorators add."""

from __future__ import annotations

import dataclasses
from collections import namedtuple
from collections.abc import Iterator
from enum import Enum
from functools import cached_property, partialmethod, singledispatchmethod
from types import BuiltinFunctionType, FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any

__all__ = ["members"]

# Beside what can be called.
_METHODS = (property, cached_property, classmethod, partialmethod, singledispatchmethod)
_HINTS = ("__annotate__", "__annotate_func__")
_SLOTS = (MemberDescriptorType, GetSetDescriptorType, type(vars(namedtuple("Pair", "first second"))["first"]))
_MAKERS = ("collections", "dataclasses", "enum", "typing")
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
    if isinstance(value, _SLOTS) or name in _HINTS or (issubclass(kind, Enum) and isinstance(value, kind)):
        return False
    if callable(value) or isinstance(value, _METHODS):
        return not _is_generated(value)
    # Enumerations and abstract classes keep their books in names such as `_member_map_` and `_abc_impl`.
    return not (name.startswith("__") or name == "_abc_impl" or issubclass(kind, Enum))


def _is_generated(value: Any) -> bool:
    """Whether a method was made by Python for a class of its kind; what it was made from is looked at instead."""
    function = getattr(value, "__func__", value)
    function = getattr(function, "__wrapped__", function)  # a generated `__repr__` is wrapped
    if isinstance(function, BuiltinFunctionType):
        return function.__name__ == "__new__"
    if not isinstance(function, FunctionType):
        return False
    home = str(function.__globals__.get("__name__"))
    made = function.__code__.co_qualname.startswith("__create_fn__.")
    return made or home in _MAKERS or home.startswith("namedtuple_")


def _fields(kind: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a dataclass, and whether it compares: both decide what its methods do."""
    made, options = kind.__dataclass_params__, ("init", "eq", "order", "frozen", "unsafe_hash")
    yield "dataclass", {name: getattr(made, name) for name in options}
    for field in dataclasses.fields(kind):
        default = None if field.default is _MISSING else (field.default,)
        factory = None if field.default_factory is _MISSING else field.default_factory
        yield f"field `{field.name}`", (default, factory, field.init, field.compare, field.kw_only)
