"""The files that make up a study: its own, and the neighbours in its folder that it imports."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["file_of", "modules_of", "own_files", "unwrapped"]


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


def own_files(path: Path) -> list[Path]:
    """A file and, through all it imports anywhere in its text, its neighbours in the same folder.

    Parameters
    ----------
    path : Path
        A Python file that can be parsed.

    Returns
    -------
    list of Path
        The file first, then its neighbours by name.
    """
    found, waiting = {path}, [path]
    while waiting:
        for name in _imported(waiting.pop()):
            neighbour = path.parent / f"{name}.py"
            if neighbour not in found and neighbour.is_file():
                found.add(neighbour)
                waiting.append(neighbour)
    return [path, *sorted(found - {path})]


def _imported(path: Path) -> Iterator[str]:
    """The top-level names of the modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def modules_of(files: list[Path]) -> list[ModuleType]:
    """The modules that were loaded from files."""
    names = {file.name for file in files}
    return [module for module in list(sys.modules.values()) if _is_from(module, names, files)]


def _is_from(module: ModuleType, names: set[str], files: list[Path]) -> bool:
    """Whether a module was loaded from one of the files; names first, for resolving each path takes long."""
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and Path(file).name in names and Path(file).resolve() in files
