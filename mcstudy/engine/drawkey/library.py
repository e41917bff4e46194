"""Functions that an installed package offers under a name, as against those that it made for the study."""

from __future__ import annotations

import sys
from functools import reduce
from types import FunctionType
from typing import Any

import numpy as np

__all__ = ["library_name", "ufunc_name"]

# SciPy's special functions are ufuncs as NumPy's own are, and don't say whose they are.
_UFUNCS = ("numpy", "scipy.special")


def library_name(function: FunctionType) -> str:
    """The name under which its module holds a function; empty where it is made by another one: a decorated function."""
    name = f"{function.__module__}.{function.__qualname__}"
    module = sys.modules.get(function.__module__ or "")
    return name if _reach(module, function.__qualname__) is function else ""


def _reach(start: Any, name: str) -> Any:
    return reduce(lambda value, part: getattr(value, part, None), name.split("."), start)


def ufunc_name(value: np.ufunc) -> str | None:
    """The module that offers a ufunc; None if it was made from a Python function."""
    return next((name for name in _UFUNCS if getattr(sys.modules.get(name), value.__name__, None) is value), None)
