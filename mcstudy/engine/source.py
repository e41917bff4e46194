"""Where a study comes from: its file, the neighbours that it imports, and what was typed to run it."""

from __future__ import annotations

import ast
import inspect
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import ModuleType
from typing import Any

from mcstudy.engine.drawkey.syntax import parsed
from mcstudy.engine.modules import ProcessState, StudyModules, by_file, read_source
from mcstudy.ledger import SourceFile
from mcstudy.seal import source_digest
from mcstudy.study import Study

__all__ = ["Origin"]


@dataclass(frozen=True)
class Origin:
    """A study with its file and the options of its own that were given.

    Attributes
    ----------
    study : Study
    arguments : tuple of str
        The study's options, as given on the command line.
    """

    study: Study
    arguments: tuple[str, ...] = ()

    @cached_property
    def path(self) -> Path | None:
        """The study's file: the one that was loaded, else the one that defines the first `simulate`."""
        if self.study.file is not None:
            return self.study.file.resolve()
        return _file_of(self.study.experiments[0].simulate)

    @property
    def folder(self) -> str:
        """The folder of the study's file; empty where there is none."""
        return str(self.path.parent) if self.path else ""

    @property
    def handle(self) -> str:
        """How a command line names the study: by its name in ``./studies``, else by its file."""
        here = Path.cwd()
        if self.path is None or self.path == here / "studies" / f"{self.study.name}.py":
            return self.study.name
        return shlex.quote(os.path.relpath(self.path, here))

    @property
    def command(self) -> str:
        """The study with its options, as a command line writes them."""
        return " ".join([self.handle, *map(shlex.quote, self.arguments)])

    @property
    def modules(self) -> StudyModules | None:
        """The modules that were loaded for the study; None where Python itself imported them."""
        return by_file.get(self.study.file.resolve()) if self.study.file else None

    @property
    def state(self) -> ProcessState:
        """What the study's modules have set for the process, or what it is where Python imported them."""
        return self.modules.state if self.modules else ProcessState.now()

    def active(self) -> AbstractContextManager[None]:
        """Make the study's modules those that an import finds, where mcstudy has loaded them."""
        return self.modules.active() if self.modules else nullcontext()

    @property
    def imported(self) -> list[ModuleType]:
        """The modules of a study that Python imported: that of its file, and the neighbours in its folder."""
        return [] if self.path is None or self.modules else _modules_of(_own_files(self.path))

    @cached_property
    def texts(self) -> dict[str, str]:
        """The texts of the study's files by path, as they were loaded; empty where there is no file."""
        if modules := self.modules:
            return {source.path: source.text for source in modules.sources.values()}
        if self.path is None:
            return {}
        return {str(file): read_source(file) for file in _own_files(self.path)}

    @property
    def text(self) -> str:
        """The text of the study's files, one after the other."""
        return "\n".join(self.texts.values())

    @cached_property
    def digest(self) -> str:
        """The sha256 of the text."""
        return source_digest(self.texts.values())

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """The study's files, named from its folder."""
        return tuple(
            SourceFile(Path(os.path.relpath(path, self.folder)).as_posix(), text)
            for path, text in self.texts.items()
        )


def _file_of(function: Callable[..., Any]) -> Path | None:
    """The file that defines a function, if it is there."""
    while isinstance(function, partial):
        function = function.func
    try:
        path = Path(inspect.getsourcefile(inspect.unwrap(function)) or "")
    except TypeError:
        return None
    return path.resolve() if path.is_file() else None


def _own_files(path: Path) -> list[Path]:
    """A file, and through all it imports anywhere in its text its neighbours, modules and packages, by name."""
    found, waiting = {path}, [path]
    while waiting:
        for name in _imported(waiting.pop()):
            for neighbour in _neighbours(path.parent, name):
                if neighbour not in found:
                    found.add(neighbour)
                    waiting.append(neighbour)
    return [path, *sorted(found - {path})]


def _neighbours(folder: Path, name: str) -> list[Path]:
    """The files of a module or package of this name in a folder."""
    module = folder / f"{name}.py"
    if module.is_file():
        return [module]
    package = folder / name
    return sorted(package.rglob("*.py")) if (package / "__init__.py").is_file() else []


def _imported(path: Path) -> Iterator[str]:
    """The top-level names of the modules that a file imports; of a page with code in it, whatever runs that, none."""
    try:
        tree = parsed(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _modules_of(files: list[Path]) -> list[ModuleType]:
    """The modules that were loaded from files."""
    names = {file.name for file in files}
    return [module for module in list(sys.modules.values()) if _is_from(module, names, files)]


def _is_from(module: ModuleType, names: set[str], files: list[Path]) -> bool:
    """Whether a module was loaded from one of the files; names first, for resolving each path takes long."""
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and Path(file).name in names and Path(file).resolve() in files
