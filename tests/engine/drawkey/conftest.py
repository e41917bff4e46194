"""Studies as texts: loaded as a file, as a notebook's cell, or as code without a source."""

from __future__ import annotations

import importlib
import linecache
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

_numbers = count()


def _forget(folder: Path) -> None:
    """Forget the modules of a folder, and what was read of them, as a new process would."""
    for name, module in list(sys.modules.items()):
        if str(folder) in str(getattr(module, "__file__", "")):
            del sys.modules[name]
    importlib.invalidate_caches()
    linecache.checkcache()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder that studies may import from; what they imported is forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(
        sys, "dont_write_bytecode", True
    )  # files change within the second that bytecode can tell
    yield tmp_path
    _forget(tmp_path)


@pytest.fixture
def as_file(folder: Path) -> Callable[..., dict[str, Any]]:
    """A function that loads a text as a study file and returns its names."""

    def load(text: str, name: str = "study") -> dict[str, Any]:
        _forget(folder)
        path = folder / f"{name}.py"
        path.write_text(text, encoding="utf-8")
        module = ModuleType(f"mcstudy_study_{name}_{next(_numbers)}")
        module.__file__ = str(path)
        sys.modules[module.__name__] = module
        exec(compile(text, str(path), "exec", dont_inherit=True), vars(module))
        return vars(module)

    return load


@pytest.fixture
def as_cell(folder: Path) -> Callable[..., dict[str, Any]]:
    """A function that runs a text as IPython runs a cell: its source is known to linecache alone."""

    def run(text: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
        _forget(folder)
        cell = f"/nowhere/ipykernel_1/{next(_numbers)}.py"
        linecache.cache[cell] = (len(text), None, text.splitlines(keepends=True), cell)
        names = {"__name__": "__main__"} if names is None else names
        exec(compile(text, cell, "exec", dont_inherit=True), names)
        return names

    return run


@pytest.fixture
def as_text(folder: Path) -> Callable[[str], dict[str, Any]]:
    """A function that runs a text whose source nobody keeps."""

    def run(text: str) -> dict[str, Any]:
        _forget(folder)
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(text, "<string>", "exec", dont_inherit=True), names)
        return names

    return run


Load = Callable[..., dict[str, Any]]


@pytest.fixture
def load(request: pytest.FixtureRequest) -> Load:
    """One of the above, by the name that a test is parametrized with."""
    chosen: Load = request.getfixturevalue(request.param)
    return chosen
