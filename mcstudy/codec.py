"""Frozen dataclasses to plain JSON values and back, checked field by field.

Floats are written as their shortest round-trip, NaN and infinities as the strings "nan", "inf" and "-inf".
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from mcstudy.exceptions import InputError, StudyError
from mcstudy.scenarios import Scenario

__all__ = ["from_plain", "parsed", "plain"]

T = TypeVar("T")
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_PLAIN = frozenset({str, int, bool, type(None)})
DEEP = 64  # levels, of which a ledger has a dozen: what is nested without an end has no end of a stack either
_RULES: dict[Any, str] = {int: "a whole number", bool: "true or false", str: "a text"}


def plain(value: Any) -> Any:
    """Turn dataclasses, mappings, sequences, arrays and numbers into what JSON can say.

    Examples
    --------
    >>> plain({"x": np.array([1.0, np.nan])})
    {'x': [1.0, 'nan']}
    """
    if type(value) in _PLAIN:  # nearly all values, and the slowest to be told from all that is not
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        hints = _hints(type(value))
        return {name: plain(_as_declared(hint, getattr(value, name))) for name, hint in hints.items()}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return str(value) if isinstance(value, StrEnum) else value


def parsed(text: str) -> Any:
    """The value of a JSON text, whose texts are whole characters, not nested deeper than any ledger is.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        value = json.loads(text)
        _check_depth(value)
        # An escaped half of a character is a text in Python that no file takes.
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        msg = f"`ledger` must be JSON, got {error}; it is truncated or no ledger: run the study again"
        raise InputError(msg) from error
    return value


def _check_depth(value: Any) -> None:
    level: list[Any] = [[value]]
    for _ in range(DEEP + 1):
        inner = (item.values() if isinstance(item, dict) else item for item in level)
        level = [item for items in inner for item in items if isinstance(item, (dict, list))]
        if not level:
            return
    msg = f"values nested more than {DEEP} deep"
    raise ValueError(msg)


def _as_declared(declared: Any, value: Any) -> Any:
    """A margin that was given as 1 becomes the 1.0 that is read back: the same object, the same digest."""
    if declared is float:
        return float(value)
    return tuple(map(float, value)) if declared == tuple[float, float] else value


def from_plain(declared: type[T], value: Any, place: str = "ledger") -> T:
    """Build an object of a type from plain JSON values.

    Parameters
    ----------
    declared : type
        A frozen dataclass, or anything that a field of one may be declared as.
    value : JSON value
    place : str
        Where the value stands, for messages: ``findings[3].cells[0].estimate``.

    Raises
    ------
    InputError
        If a field is missing or of another type; the message names its place.
    """
    built: T = _read(declared, value, place)
    return built


def _read(declared: Any, value: Any, place: str) -> Any:
    origin, arguments = get_origin(declared), get_args(declared)
    # NumPy's NDArray is an alias with a name of its own from some version on: what it stands for is in its value.
    origin = get_origin(getattr(origin, "__value__", None)) or origin
    if declared is Any:
        return value
    if origin in (Union, types.UnionType):
        return _read_union(arguments, value, place)
    if origin is tuple:
        return _read_tuple(arguments, value, place)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        _require(isinstance(value, Mapping), "an object", value, place)
        return {key: _read(arguments[1], item, f"{place}.{key}") for key, item in value.items()}
    if origin is np.ndarray:
        return np.array(_read_tuple((float, ...), value, place), dtype=np.float64)
    return _read_plain(declared, value, place)


def _read_plain(declared: Any, value: Any, place: str) -> Any:
    if declared is float:
        return _number(value, place)
    if rule := _RULES.get(declared):
        # Python takes True for a number; JSON does not.
        right = isinstance(value, declared) and (declared is bool or not isinstance(value, bool))
        _require(right, rule, value, place)
        return value
    if issubclass(declared, StrEnum):
        _require(
            isinstance(value, str) and value in set(declared), f"one of {', '.join(declared)}", value, place
        )
        return declared(value)
    _require(isinstance(value, Mapping), "an object", value, place)
    return _scenario(value, place) if declared is Scenario else _read_dataclass(declared, value, place)


def _scenario(value: Mapping[str, Any], place: str) -> Scenario:
    try:
        return Scenario(**value)
    except StudyError as error:
        msg = f"`{place}` must be a scenario, got {str(value)[:60]}: {error}"
        raise InputError(msg) from error


def _read_dataclass(declared: Any, value: Mapping[str, Any], place: str) -> Any:
    hints = _hints(declared)
    content: dict[str, Any] = {}
    # Entries that no field is for are left aside: a later version may write more.
    for field in dataclasses.fields(declared):
        if field.name in value:
            content[field.name] = _read(hints[field.name], value[field.name], f"{place}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            msg = f"`{place}` must have an entry `{field.name}`, got {', '.join(map(str, value)) or 'none'}; run the study again"
            raise InputError(msg)
    return declared(**content)


def _read_union(members: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None and type(None) in members:
        return None
    others = [member for member in members if member is not type(None)]
    if len(others) == 1:
        return _read(others[0], value, place)
    # The only union of several types is that of a factor's levels.
    _require(isinstance(value, tuple(others)), "a level: a number, a text or a boolean", value, place)
    return value


def _read_tuple(members: tuple[Any, ...], value: Any, place: str) -> tuple[Any, ...]:
    _require(isinstance(value, list), "a list", value, place)
    if len(members) == 2 and members[1] is Ellipsis:
        members = (members[0],) * len(value)
    _require(len(value) == len(members), f"a list of {len(members)}", value, place)
    pairs = zip(members, value, strict=True)
    return tuple(_read(member, item, f"{place}[{index}]") for index, (member, item) in enumerate(pairs))


def _number(value: Any, place: str) -> float:
    if isinstance(value, str) and value in _NOT_FINITE:
        return _NOT_FINITE[value]
    _require(isinstance(value, (int, float)) and not isinstance(value, bool), "a number", value, place)
    try:
        return float(value)
    except OverflowError:  # JSON's whole numbers have any length
        return math.inf if value > 0 else -math.inf


def _require(right: bool, rule: str, value: Any, place: str) -> None:
    if not right:
        shown = repr(value)
        msg = f"`{place}` must be {rule}, got {shown[:60]}; run the study again, or restore the file"
        raise InputError(msg)


@cache  # resolving the names of annotations takes longer than reading what they announce
def _hints(declared: type) -> dict[str, Any]:
    """The types of a dataclass's fields, in their order."""
    hints = get_type_hints(declared)
    return {field.name: hints[field.name] for field in dataclasses.fields(declared)}
