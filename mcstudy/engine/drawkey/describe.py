"""From `simulate` to its draw key."""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from mcstudy.engine.drawkey.key import DrawKey, Part
from mcstudy.engine.drawkey.machine import machine
from mcstudy.engine.drawkey.origins import Origins
from mcstudy.engine.drawkey.source import Sources
from mcstudy.engine.drawkey.tokens import sha256
from mcstudy.engine.drawkey.walk import Walk
from mcstudy.exceptions import InputError, StudyError

__all__ = ["describe"]


def describe(
    simulate: Any, *, inputs: Sequence[str | PathLike[str]] = (), loaded: Mapping[str, str] | None = None
) -> DrawKey:
    """Find what the draws of a function depend on.

    Followed is code that may be edited between two runs: of the study, of modules and packages that are not
    installed, of editable installations, and of mcstudy itself. Comments, docstrings, formatting, hints of undecorated
    functions, the order of definitions and names of modules change nothing. Installed packages count by their version.
    Values count as they are now: a dictionary that is filled while drawing changes the key, ``functools.cache`` does not.
    Not seen are modules that are imported by a computed name, and files that `inputs` does not name.

    Parameters
    ----------
    simulate : callable
        A function, method, class, callable object or ``functools.partial``, decorated or not.
    inputs : sequence of path
        Files that it reads; they count by their content.
    loaded : mapping from str to str, optional
        File name -> the text that was compiled, where the file may have been edited since.

    Returns
    -------
    DrawKey

    Raises
    ------
    StudyError
        If it reaches a value that can't be hashed; the message says on which way, and what to do.
    InputError
        If an input can't be read.
    """
    home = _home(simulate)
    origins = Origins(str(home.get("__name__", "")).partition(".")[0])
    folder = Path(home["__file__"]).resolve().parent if home.get("__file__") else Path.cwd()
    walk = Walk(origins, Sources(loaded or {}), folder)
    try:
        walk.start(simulate)
    except RecursionError:
        msg = "`simulate` must use only what can be hashed, got values that are nested too deeply; make them flatter"
        raise StudyError(msg) from None
    origins.of_module(np)  # every draw depends on it
    parts = walk.parts | _versions(origins) | _files(inputs, folder) | _machine()
    listed = (f"{name}\n{part.digest}" for name, part in sorted(parts.items()))
    return DrawKey(sha256("\n".join(listed)), parts)


def _home(simulate: Any) -> dict[str, Any]:
    """The names of the module that defines a callable; a notebook's has no `__file__`."""
    while isinstance(simulate, functools.partial):
        simulate = simulate.func
    function = inspect.unwrap(simulate)
    if not inspect.isroutine(function):
        kind = function if isinstance(function, type) else type(function)
        function = inspect.getattr_static(kind, "__call__", None)
    names: dict[str, Any] = getattr(function, "__globals__", {})
    return names


def _versions(origins: Origins) -> dict[str, Part]:
    return {
        f"version of {package}": Part("version", sha256(version), version)
        for package, version in sorted(origins.versions.items())
    }


def _machine() -> dict[str, Part]:
    return {name: Part("machine", sha256(text), text) for name, text in machine().items()}


def _files(inputs: Sequence[str | PathLike[str]], folder: Path) -> dict[str, Part]:
    return {f"input {_relative(Path(path), folder)}": _file(Path(path)) for path in inputs}


def _relative(path: Path, folder: Path) -> str:
    absolute = path.resolve()
    return (absolute.relative_to(folder) if absolute.is_relative_to(folder) else path).as_posix()


def _file(path: Path) -> Part:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        msg = f"`inputs` must name files that can be read, got {str(path)!r}: {error.strerror}; a relative path starts from {Path.cwd()}"
        raise InputError(msg) from None
    return Part("input", digest, f"{path.stat().st_size} bytes, sha256 {digest[:12]}")
