"""Values as tokens: short texts, equal for equal values, in every process."""

from __future__ import annotations

import functools
import hashlib
import io
import logging
import os
import threading
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from pathlib import Path, PurePath
from random import Random
from typing import Any, Protocol

import numpy as np

from mcstudy.engine.drawkey.arrays import array_token, dtype_token, number_token
from mcstudy.engine.drawkey.state import Attributes, state_of
from mcstudy.engine.drawkey.tokens import Place, inside, joined, refusal

__all__ = ["CODE", "Guide", "Values"]

# What is followed to the code behind it.
CODE = (
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.MethodWrapperType,
    types.ClassMethodDescriptorType,
    types.ModuleType,
    type,
    np.ufunc,
)
# What holds no value that a draw could depend on.
_IDLE = (logging.Logger, logging.LoggerAdapter, type(threading.Lock()), type(threading.RLock()))
_HINTS = (types.GenericAlias, types.UnionType, typing.TypeVar)
_RANDOM = (np.random.Generator, np.random.BitGenerator, np.random.RandomState, Random)
_RNG = "draw from the `rng` that `simulate` is given"
# Every distribution of scipy.stats holds it; a run watches that nobody draws from it.
_GLOBAL_STATE: Any = vars(np.random.mtrand)["_rand"]

_SCALARS: dict[type, Callable[[Any], str]] = {
    **dict.fromkeys((type(None), bool, float, complex, type(...), type(NotImplemented)), ascii),
    int: hex,  # decimal digits are limited in number
}


class Guide(Protocol):
    """Knows what values leave to it: code."""

    def follow(self, value: Any, place: Place) -> str:
        """The token of a function, class or module."""

    def owns(self, kind: type) -> bool:
        """Whether a class is the study's own."""


class Values:
    """Turns values into tokens.

    Parameters
    ----------
    guide : Guide
    folder : Path
        Of the study: paths inside of it are taken relative to it, so that it may be moved.
    """

    def __init__(self, guide: Guide, folder: Path) -> None:
        self._guide = guide
        self._folder = str(folder)
        self._open: dict[int, int] = {}  # the objects that are being read: id -> depth
        self._read: dict[int, tuple[object, str]] = {}  # with the objects, so that no id is given twice

    def token(self, value: Any, place: Place) -> str:
        """A text that is equal for equal values.

        Raises
        ------
        StudyError
            If the value can't be hashed; the message says where it was met.
        """
        if type(value) in _SCALARS:
            return _SCALARS[type(value)](value)
        if type(value) is str:
            return ascii(self._relative(value))
        key = id(value)
        if key in self._read:
            return self._read[key][1]
        if key in self._open:
            return f"cycle:{len(self._open) - self._open[key]}"
        self._open[key] = len(self._open)
        try:
            token = self._compound(value, place)
        finally:
            del self._open[key]
        self._read[key] = value, token
        return token

    def _relative(self, text: str) -> str:
        return "." if text == self._folder else text.removeprefix(self._folder + os.sep)

    def _compound(self, value: Any, place: Place) -> str:
        if type(value) in _CONTAINERS:
            return _CONTAINERS[type(value)](self, value, place)
        for kinds, method in _KINDS:
            if issubclass(type(value), kinds):  # `isinstance` would believe a proxy
                return method(self, value, place)
        return self._instance(value, place) if self._guide.owns(type(value)) else self._foreign(value, place)

    def _foreign(self, value: Any, place: Place) -> str:
        """An object of an installed package or of Python, and of no kind that has a rule of its own."""
        if callable(value) and hasattr(value, "__wrapped__"):
            # functools.cache, numba, jax: the function counts, not what they keep with it; wrapt calls another for it.
            parts = [value.__wrapped__, getattr(value, "_self_wrapper", None)]
            return self._pair("wrapped", type(value), parts, place)
        if callable(value) and isinstance(getattr(value, "__qualname__", None), str):
            return self._guide.follow(value, place)
        if hasattr(type(value), "__next__"):
            raise refusal(place, f"an iterator ({type(value).__qualname__}), which a draw uses up")
        if hasattr(type(value), "__dlpack__"):  # an array of another library
            return self._pair("array", type(value), np.asarray(value), place)
        if type(value).__module__ in ("typing", "typing_extensions"):
            return "hint"
        if type(value).__module__.partition(".")[0] in ("ctypes", "_ctypes", "_cffi_backend"):
            raise refusal(place, f"a foreign object ({type(value).__qualname__}), which is an address")
        return self._instance(value, place)

    def _instance(self, value: Any, place: Place) -> str:
        kind = type(value)
        within = inside(place, f" ({kind.__qualname__})")
        tokens = [self.token(part, within) for part in state_of(value, place)]
        return joined("instance", [self._guide.follow(kind, place), *tokens])

    def _pair(self, name: str, kind: type, content: Any, place: Place) -> str:
        return joined(name, [self._guide.follow(kind, place), self.token(content, place)])

    def _list(self, value: Iterable[Any], place: Place) -> str:
        items = (self.token(item, _at(place, index, item)) for index, item in enumerate(value))
        return joined(type(value).__name__, items)

    def _dict(self, value: Mapping[Any, Any], place: Place) -> str:
        """With its order: whoever loops over it draws in this order."""
        pairs = (
            (self.token(key, place), self.token(item, _at(place, key, item))) for key, item in value.items()
        )
        return joined("dict", (token for pair in pairs for token in pair))

    def _attributes(self, value: Mapping[str, Any], place: Place) -> str:
        items = (
            (self.token(name, place), self.token(x, inside(place, f".{name}"))) for name, x in value.items()
        )
        return joined("dict", (token for item in items for token in item))

    def _set(self, value: set[Any] | frozenset[Any], place: Place) -> str:
        tokens = sorted(self.token(item, place) for item in value)
        return joined("set", [self._guide.follow(type(value), place), *tokens])

    def _bytes(self, value: bytes | bytearray, place: Place) -> str:
        return f"bytes:{hashlib.sha256(value).hexdigest()}"

    def _code(self, value: Any, place: Place) -> str:
        return self._guide.follow(value, place)

    def _idle(self, value: Any, place: Place) -> str:
        return f"idle:{type(value).__qualname__}"

    def _hint(self, value: Any, place: Place) -> str:
        return "hint"

    def _random(self, value: Any, place: Place) -> str:
        if value is _GLOBAL_STATE:
            return "numpy.random"
        raise refusal(place, f"a random generator ({type(value).__qualname__})", _RNG)

    def _file(self, value: io.IOBase, place: Place) -> str:
        remedy = "read it before, or name its path in `inputs` and open it in the function that reads it"
        raise refusal(place, f"an open file ({type(value).__qualname__})", remedy)

    def _enum(self, value: Enum, place: Place) -> str:
        return joined("enum", [self._guide.follow(type(value), place), self.token(value.value, place)])

    def _path(self, value: PurePath, place: Place) -> str:
        return f"path:{Path(self._relative(str(value))).as_posix()!a}"

    def _partial(self, value: functools.partial[Any], place: Place) -> str:
        tokens = [self.token(value.func, inside(place, " (function)")), self.token(value.args, place)]
        for name, item in sorted(value.keywords.items()):
            tokens.append(f"{name}={self.token(item, inside(place, f' (argument `{name}`)'))}")
        return joined("partial", tokens)

    def _vectorize(self, value: Any, place: Place) -> str:
        """`numpy.vectorize` without the loops that it keeps once it was called."""
        return self._list([value.pyfunc, value.otypes, value.signature, value.excluded], place)

    def _descriptor(self, value: Any, place: Place) -> str:
        """A property, a class method: the functions inside."""
        functions = (getattr(value, name, None) for name in ("__func__", "func", "fget", "fset", "fdel"))
        return joined(type(value).__name__, [self.token(function, place) for function in functions])

    def _array(self, value: Any, place: Place) -> str:
        return array_token(value, lambda item: self.token(item, place))

    def _number(self, value: np.generic, place: Place) -> str:
        return number_token(value, lambda item: self.token(item, place))

    def _dtype(self, value: np.dtype[Any], place: Place) -> str:
        return dtype_token(value)


_Method = Callable[[Values, Any, Place], str]
# Subclasses of these have a class and attributes besides, and go the way of other instances.
_CONTAINERS: dict[type, _Method] = {
    **dict.fromkeys((list, tuple), Values._list),
    **dict.fromkeys((dict, types.MappingProxyType), Values._dict),
    Attributes: Values._attributes,
    **dict.fromkeys((bytes, bytearray), Values._bytes),
}
_KINDS: tuple[tuple[type | tuple[type, ...], _Method], ...] = (
    (_HINTS, Values._hint),
    (CODE, Values._code),
    (np.ndarray, Values._array),
    (np.generic, Values._number),
    (np.dtype, Values._dtype),
    ((set, frozenset), Values._set),
    (Enum, Values._enum),
    (PurePath, Values._path),
    (functools.partial, Values._partial),
    (np.vectorize, Values._vectorize),
    ((staticmethod, classmethod, property, functools.cached_property), Values._descriptor),
    (_RANDOM, Values._random),
    (io.IOBase, Values._file),
    (_IDLE, Values._idle),
)


def _at(place: Place, key: object, item: object) -> Place:
    """The place of an item in a container; not worked out for items that can't be refused."""
    if type(item) in _SCALARS or type(item) in (str, Attributes):
        return place
    return inside(place, f"[{ascii(key) if isinstance(key, (str, int, float)) else type(key).__name__}]")
