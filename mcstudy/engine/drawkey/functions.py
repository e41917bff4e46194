"""What a function carries beside its code: a name, defaults, a closure, and what a package made it of."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import reduce
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from mcstudy.engine.drawkey.bytecode import Reference, references
from mcstudy.engine.drawkey.tokens import Place

__all__ = ["closed_over", "defaults_of", "is_offered", "label_of", "module_of_ufunc", "read_by"]

# SciPy's special functions are ufuncs as NumPy's own are, and don't say whose they are.
_UFUNCS = ("numpy", "scipy.special")


def label_of(function: FunctionType, place: Place) -> str:
    """What a function is called among the parts: by its name; a lambda by where it was met."""
    own = function.__code__.co_qualname
    if own.endswith("<lambda>"):
        return place[-1]
    decorates = hasattr(function, "__wrapped__") and function.__qualname__ != own
    return f"{own} around {function.__qualname__}" if decorates else own


def read_by(function: FunctionType) -> list[Reference]:
    """What a function reads from outside, with the variables of its closure that `super()` alone reads."""
    found = references(function.__code__)
    read = {ref.name for ref in found if ref.kind == "closure"}
    return [
        *found,
        *(Reference("closure", name) for name in function.__code__.co_freevars if name not in read),
    ]


def defaults_of(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The defaults of a function's arguments, by name."""
    code, values = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount]
    yield from zip(names[len(names) - len(values) :], values, strict=True)
    yield from sorted((function.__kwdefaults__ or {}).items())


def closed_over(function: FunctionType) -> Iterator[Any]:
    """The values in a function's closure, as far as they are set."""
    for cell in function.__closure__ or ():
        with suppress(ValueError):
            yield cell.cell_contents


def is_offered(function: FunctionType) -> bool:
    """Whether its own module offers just this function, as against one that was made for a caller."""
    home = function.__globals__.get("__name__")
    module: Any = sys.modules.get(str(home)) if home == function.__module__ else None
    found = reduce(_part, function.__qualname__.split("."), module)
    return found is function


def _part(value: Any, name: str) -> Any:
    return getattr(value, name, None)


def module_of_ufunc(value: np.ufunc) -> ModuleType | None:
    """The module that offers a ufunc; None if it was made from a Python function."""
    modules = (sys.modules[name] for name in _UFUNCS if name in sys.modules)
    return next((module for module in modules if getattr(module, value.__name__, None) is value), None)
