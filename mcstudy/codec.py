"""Frozen dataclasses to plain JSON values and back, checked field by field.

Floats are written as their shortest round-trip, NaN and infinities as the strings "nan", "inf" and "-inf".
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

from mcstudy.exceptions import InputError, StudyError
from mcstudy.scenarios import Scenario

__all__ = ["Deferred", "from_plain", "parsed", "plain"]

T = TypeVar("T")
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_PLAIN = frozenset({str, int, bool, type(None)})
DEEP = 64  # levels, of which a ledger has a dozen: what is nested without an end has no end of a stack either
_RULES: dict[Any, str] = {int: "a whole number", bool: "true or false", str: "a text"}


class Deferred(Sequence[Any]):
    """Items of which plain values are made as they are asked for, for there may be 100,000.

    `plain` makes it of a long sequence; `jsontext` writes it as a list.
    """

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, place: Any) -> Any:
        return plain(self._items[place])

    def __iter__(self) -> Iterator[Any]:
        return map(plain, self._items)


def plain(value: Any, *, longest: float = math.inf) -> Any:
    """Turn dataclasses, mappings, sequences, arrays and numbers into what JSON can say.

    Sequences of more than `longest` items are deferred.

    Examples
    --------
    >>> plain({"x": np.array([1.0, np.nan])})
    {'x': [1.0, 'nan']}
    """
    kind: Any = type(value)
    # Nearly all values are of these types, and all others are slower to tell apart.
    if kind in _PLAIN:
        return value
    if kind is float:
        return _number_said(value)
    if (writer := _writer(kind)) is not None:
        return writer(value, longest)
    if isinstance(value, Mapping):
        return {str(key): plain(item, longest=longest) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return Deferred(value) if len(value) > longest else [plain(item, longest=longest) for item in value]
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return _number_said(value)
    return str(value) if isinstance(value, StrEnum) else value


def _number_said(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


@cache
def _writer(kind: Any) -> Callable[[Any, float], dict[str, Any]] | None:
    """What makes plain values of the fields of a dataclass; None for any other type.

    A margin that was given as 1 becomes the 1.0 that is read back: the same object, the same digest.
    """
    if not dataclasses.is_dataclass(kind):
        return None
    hints = _hints(cast(Any, kind))
    names = tuple(hints)
    numbers = tuple(name for name in names if hints[name] is float)
    pairs = tuple(name for name in names if hints[name] == tuple[float, float])
    others = tuple(name for name in names if name not in numbers and name not in pairs)

    def write(value: Any, longest: float) -> dict[str, Any]:
        content = {name: getattr(value, name) for name in names}
        for name in numbers:
            number = content[name]
            if type(number) is not float or not math.isfinite(number):
                content[name] = _number_said(float(number))
        for name in pairs:
            content[name] = [_number_said(float(item)) for item in content[name]]
        for name in others:
            if type(item := content[name]) not in _PLAIN:
                content[name] = plain(item, longest=longest)
        return content

    return write


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
    try:
        read: Callable[[Any], T] = _reader(cast(Any, declared))
        return read(value)
    except _Wrong as wrong:
        msg = f"`{place}{wrong.path}` {wrong.told}"
        raise InputError(msg) from wrong.__cause__


class _Wrong(Exception):  # noqa: N818 - becomes an InputError once its place is known
    """What is wrong with a value, and where it stands, from the outside: ``.cells[0].estimate``.

    Places are put together on the way out, since a ledger has millions of values and nearly always none is wrong.
    """

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told, self.path = told, ""

    def within(self, part: str) -> None:
        self.path = part + self.path


@cache  # what a type is takes longer to tell than a value to read
def _reader(declared: Any) -> Callable[[Any], Any]:
    """The function that reads values of a type, or raises `_Wrong`."""
    origin, arguments = get_origin(declared), get_args(declared)
    # NumPy's NDArray is an alias with a name of its own from some version on: what it stands for is in its value.
    origin = get_origin(getattr(origin, "__value__", None)) or origin
    if declared is Any:
        return lambda value: value
    if origin in (Union, types.UnionType):
        return _union_reader(arguments)
    if origin is tuple:
        return _tuple_reader(arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping_reader(arguments[1])
    if origin is np.ndarray:
        numbers = _tuple_reader((float, ...))
        return lambda value: np.array(numbers(value), dtype=np.float64)
    if declared is float:
        return _number
    if declared is Scenario:
        return _scenario
    return _reader_of_class(declared)


def _reader_of_class(declared: Any) -> Callable[[Any], Any]:
    if rule := _RULES.get(declared):
        return lambda value: _simple(declared, rule, value)
    if isinstance(declared, type) and issubclass(declared, StrEnum):
        members = {str(member): member for member in declared}
        return lambda value: _member(members, value)
    return _dataclass_reader(declared)


def _simple(declared: type, rule: str, value: Any) -> Any:
    # Python takes True for a number; JSON does not.
    right = isinstance(value, declared) and (declared is bool or not isinstance(value, bool))
    _require(right, rule, value)
    return value


def _member(members: Mapping[str, Any], value: Any) -> Any:
    _require(isinstance(value, str) and value in members, f"one of {', '.join(members)}", value)
    return members[value]


def _scenario(value: Any) -> Scenario:
    _require(isinstance(value, Mapping), "an object", value)
    try:
        return Scenario(**value)
    except StudyError as error:
        msg = f"must be a scenario, got {str(value)[:60]}: {error}"
        raise _Wrong(msg) from error


def _dataclass_reader(declared: Any) -> Callable[[Any], Any]:
    missing = dataclasses.MISSING

    @cache  # at the first value: a field may be of the class itself, or of a type that is written and never read
    def readers() -> list[tuple[str, Callable[[Any], Any], bool]]:
        return [
            (field.name, _reader(hint), field.default is missing and field.default_factory is missing)
            for field, hint in zip(dataclasses.fields(declared), _hints(declared).values(), strict=True)
        ]

    def read(value: Any) -> Any:
        _require(isinstance(value, Mapping), "an object", value)
        content: dict[str, Any] = {}
        # Entries that no field is for are left aside: a later version may write more.
        for name, reader, required in readers():
            if name in value:
                try:
                    content[name] = reader(value[name])
                except _Wrong as wrong:
                    wrong.within(f".{name}")
                    raise
            elif required:
                msg = f"must have an entry `{name}`, got {', '.join(map(str, value)) or 'none'}; run the study again"
                raise _Wrong(msg)
        return declared(**content)

    return read


def _mapping_reader(declared: Any) -> Callable[[Any], Any]:
    reader = _reader(declared)

    def read(value: Any) -> dict[str, Any]:
        _require(isinstance(value, Mapping), "an object", value)
        content: dict[str, Any] = {}
        for key, item in value.items():
            try:
                content[key] = reader(item)
            except _Wrong as wrong:
                wrong.within(f".{key}")
                raise
        return content

    return read


def _union_reader(members: tuple[Any, ...]) -> Callable[[Any], Any]:
    others = tuple(member for member in members if member is not type(None))
    if len(others) == 1:
        reader = _reader(others[0])
        return lambda value: None if value is None else reader(value)

    # The only union of several types is that of a factor's levels.
    def read(value: Any) -> Any:
        _require(isinstance(value, members), "a level: a number, a text or a boolean", value)
        return value

    return read


def _tuple_reader(members: tuple[Any, ...]) -> Callable[[Any], tuple[Any, ...]]:
    alike = len(members) == 2 and members[1] is Ellipsis
    readers = [_reader(member) for member in (members[:1] if alike else members)]

    def read(value: Any) -> tuple[Any, ...]:
        _require(isinstance(value, list), "a list", value)
        each = readers * len(value) if alike else readers
        _require(len(value) == len(each), f"a list of {len(each)}", value)
        content: list[Any] = []
        try:
            for reader, item in zip(each, value, strict=True):
                content.append(reader(item))
        except _Wrong as wrong:
            wrong.within(f"[{len(content)}]")
            raise
        return tuple(content)

    return read


def _number(value: Any) -> float:
    if type(value) is float:
        return value
    if isinstance(value, str) and value in _NOT_FINITE:
        return _NOT_FINITE[value]
    _require(isinstance(value, (int, float)) and not isinstance(value, bool), "a number", value)
    try:
        return float(value)
    except OverflowError:  # JSON's whole numbers have any length
        return math.inf if value > 0 else -math.inf


def _require(right: bool, rule: str, value: Any) -> None:
    if not right:
        msg = f"must be {rule}, got {repr(value)[:60]}; run the study again, or restore the file"
        raise _Wrong(msg)


@cache  # resolving the names of annotations takes longer than reading what they announce
def _hints(declared: Any) -> dict[str, Any]:
    """The types of a dataclass's fields, in their order."""
    hints = get_type_hints(declared)
    return {field.name: hints[field.name] for field in dataclasses.fields(declared)}
