"""Frozen dataclasses to plain JSON values and back, checked field by field.

Floats are written as their shortest round-trip, NaN and infinities as the strings "nan", "inf" and "-inf".
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from mcstudy.exceptions import InputError
from mcstudy.scenarios import Scenario

__all__ = ["from_plain", "plain"]

T = TypeVar("T")
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def plain(value: Any) -> Any:
    """Turn dataclasses, mappings, sequences, arrays and numbers into what JSON can say.

    Examples
    --------
    >>> plain({"x": np.array([1.0, np.nan])})
    {'x': [1.0, 'nan']}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
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


def from_plain(kind: type[T], value: Any, place: str = "ledger") -> T:
    """Build an object of a type from plain JSON values.

    Parameters
    ----------
    kind : type
        A frozen dataclass, or anything that a field of one may be declared as.
    value : JSON value
    place : str
        Where the value stands, for messages: ``findings[3].cells[0].estimate``.

    Raises
    ------
    InputError
        If a field is missing or of another type; the message names its place.
    """
    built: T = _read(kind, value, place)
    return built


def _read(kind: Any, value: Any, place: str) -> Any:
    origin = get_origin(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        return _read_union(get_args(kind), value, place)
    if origin is tuple:
        return _read_tuple(get_args(kind), value, place)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        _require(isinstance(value, Mapping), "an object", value, place)
        return {key: _read(get_args(kind)[1], item, f"{place}.{key}") for key, item in value.items()}
    if origin is np.ndarray:
        _require(isinstance(value, list), "a list of numbers", value, place)
        return np.array(
            [_read(float, item, f"{place}[{i}]") for i, item in enumerate(value)], dtype=np.float64
        )
    return _read_plain(kind, value, place)


def _read_plain(kind: Any, value: Any, place: str) -> Any:
    if kind is float:
        return _number(value, place)
    if kind in (int, bool, str):
        right = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        _require(right, {int: "a whole number", bool: "true or false", str: "a text"}[kind], value, place)
        return value
    if issubclass(kind, StrEnum):
        _require(value in set(kind), f"one of {', '.join(kind)}", value, place)
        return kind(value)
    _require(isinstance(value, Mapping), "an object", value, place)
    if kind is Scenario:
        return Scenario(**value)
    return _read_dataclass(kind, value, place)


def _read_dataclass(kind: Any, value: Mapping[str, Any], place: str) -> Any:
    hints = _hints(kind)
    content: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        if field.name in value:
            content[field.name] = _read(hints[field.name], value[field.name], f"{place}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            msg = f"`{place}` must have an entry `{field.name}`, got {', '.join(map(str, value)) or 'none'}; run the study again"
            raise InputError(msg)
    return kind(**content)


def _read_union(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    others = [kind for kind in kinds if kind is not type(None)]
    if len(others) == 1:
        return _read(others[0], value, place)
    _require(isinstance(value, tuple(others)), "a level: a number, a text or a boolean", value, place)
    return value


def _read_tuple(kinds: tuple[Any, ...], value: Any, place: str) -> tuple[Any, ...]:
    _require(isinstance(value, list), "a list", value, place)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    _require(len(value) == len(kinds), f"a list of {len(kinds)}", value, place)
    return tuple(
        _read(kind, item, f"{place}[{i}]") for i, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )


def _number(value: Any, place: str) -> float:
    if isinstance(value, str) and value in _NOT_FINITE:
        return _NOT_FINITE[value]
    _require(isinstance(value, (int, float)) and not isinstance(value, bool), "a number", value, place)
    return float(value)


def _require(right: bool, rule: str, value: Any, place: str) -> None:
    if not right:
        shown = repr(value)
        msg = f"`{place}` must be {rule}, got {shown[:60]}; run the study again, or restore the file"
        raise InputError(msg)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
