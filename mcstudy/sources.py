"""The modules that make up a study: its own file, and the neighbours in its folder that it uses."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["file_of", "module_at", "own_modules", "unwrapped"]


def unwrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function inside of ``functools.partial`` and decorators."""
    while isinstance(function, partial):
        function = function.func
    inner: Callable[..., Any] = inspect.unwrap(function)
    return inner


def file_of(function: Callable[..., Any]) -> Path | None:
    """The file that defines a function, if it is there."""
    try:
        path = Path(inspect.getsourcefile(unwrapped(function)) or "")
    except TypeError:
        return None
    return path.resolve() if path.is_file() else None


def module_at(path: Path) -> ModuleType | None:
    """The module that was loaded from a file."""
    return next((module for module in list(sys.modules.values()) if _path_of(module) == path), None)


def own_modules(module: ModuleType) -> list[ModuleType]:
    """A module and, through whatever it imports, its neighbours in the same folder.

    Parameters
    ----------
    module : module

    Returns
    -------
    list of module
        The module first, then its neighbours by file name.
    """
    path = _path_of(module)
    found, waiting = {module.__name__: module}, [module]
    while path and waiting:
        for other in _used_by(waiting.pop()):
            at = _path_of(other)
            if at is not None and at.parent == path.parent and other.__name__ not in found:
                found[other.__name__] = other
                waiting.append(other)
    first, *others = found.values()
    return [first, *sorted(others, key=lambda other: str(other.__file__))]


def _used_by(module: ModuleType) -> Iterator[ModuleType]:
    """The modules behind a module's global names."""
    for value in list(vars(module).values()):
        if isinstance(value, ModuleType):
            yield value
        home = sys.modules.get(str(getattr(value, "__module__", "")))
        if home is not None and home is not module:
            yield home


def _path_of(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if isinstance(file, str) else None
