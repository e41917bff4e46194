"""Values as short texts, for people who compare an old key with a new one."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from enum import Enum
from functools import partial
from itertools import islice
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

import numpy as np

__all__ = ["shown"]

_NAMED = (FunctionType, MethodType, BuiltinFunctionType, np.ufunc, type)
LONGEST = 400  # characters: more than a line of a message, less than a page


def shown(value: object) -> str:
    """Describe a value in at most some lines, without memory addresses and without calling its own `__repr__`.

    Examples
    --------
    >>> shown({"scale": np.arange(5.0), "names": {"b", "a"}})
    "{'scale': float64 array (5,) [0.0, 1.0, 2.0, ...], 'names': {'a', 'b'}}"
    """
    text = _short.repr(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxdict, self.maxstring, self.maxother = 4, 20, 100, 100
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = 12

    def repr_int(self, value: int, level: int) -> str:
        bits = value.bit_length()
        return (
            repr(value) if bits < 256 else f"a whole number of {bits} bits"
        )  # Python writes out no longer ones

    def repr_dict(self, value: Mapping[Any, Any], level: int) -> str:
        """In its own order, which counts."""
        if level <= 0:
            return "{...}" if value else "{}"
        items = [
            f"{self.repr1(key, level - 1)}: {self.repr1(item, level - 1)}"
            for key, item in islice(value.items(), self.maxdict)
        ]
        return f"{{{', '.join(items)}{', ...' if len(value) > self.maxdict else ''}}}"

    def repr_set(self, value: set[Any], level: int) -> str:
        items = sorted(self.repr1(item, level - 1) for item in value)
        return f"{{{', '.join(items[: self.maxset])}{', ...' if len(items) > self.maxset else ''}}}"

    def repr_frozenset(self, value: frozenset[Any], level: int) -> str:
        return self.repr_set(set(value), level)

    def repr_instance(self, value: Any, level: int) -> str:
        """Everything that is no plain container, number or text."""
        if type(value) in (type(None), bool, float, complex, type(...)):
            return repr(value)
        if isinstance(value, (bytes, bytearray)):
            return repr(bytes(value[:40])) + ("..." if len(value) > 40 else "")
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, np.generic):
            return f"{value.dtype}({value})"
        if isinstance(value, np.dtype):
            return str(value)
        if isinstance(value, Enum):
            return f"{type(value).__qualname__}.{value.name}"
        if isinstance(value, PurePath):
            return f"Path({str(value)!r})"
        if isinstance(value, MappingProxyType):
            return self.repr_dict(value, level)
        return self._named(value, level)

    def _array(self, value: np.ndarray[Any, Any]) -> str:
        first = ", ".join(str(item) for item in value.flat[:3].tolist())
        return f"{value.dtype} array {value.shape} [{first}{', ...' if value.size > 3 else ''}]"

    def _named(self, value: Any, level: int) -> str:
        if isinstance(value, _NAMED):
            return str(getattr(value, "__qualname__", value.__name__))
        if isinstance(value, ModuleType):
            return f"module {value.__name__.rpartition('.')[2]}"
        if isinstance(value, partial):
            rest = [self.repr1(item, level - 1) for item in (value.func, *value.args)]
            return f"partial({', '.join([*rest, *self._keywords(value.keywords, level)])})"
        state = getattr(value, "__dict__", {})
        return f"{type(value).__qualname__}({', '.join(self._keywords(state, level))})"

    def _keywords(self, state: dict[str, Any], level: int) -> list[str]:
        if level <= 0:
            return ["..."]
        texts = [f"{name}={self.repr1(item, level - 1)}" for name, item in sorted(state.items())]
        return texts[: self.maxdict] + ["..."] * (len(texts) > self.maxdict)


_short = _Short()
