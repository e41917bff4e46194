"""The modules of a study: its file and the neighbours that it imports, loaded for it alone.

A study may import modules and packages from its folder, as a script may. They are loaded from the texts that are there
when they are first imported, kept apart from those of other studies, and loaded again from the same texts in worker
processes: there the study's module is what it is here, with its caches, its `np.seterr` and its warning filters.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import linecache
import re
import site
import sys
import sysconfig
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np

__all__ = [
    "ProcessState",
    "Source",
    "StudyModules",
    "by_file",
    "is_installed",
    "is_loading",
    "module_name",
    "read_source",
    "set_filters",
]

# What Python itself filters: a study adds to these, whatever the process around it has set.
_USUAL_FILTERS = (
    ("default", None, DeprecationWarning, "__main__", 0),
    ("ignore", None, DeprecationWarning, None, 0),
    ("ignore", None, PendingDeprecationWarning, None, 0),
    ("ignore", None, ImportWarning, None, 0),
    ("ignore", None, ResourceWarning, None, 0),
)
_loading = threading.local()


# The modules of each study file that was loaded: a study knows its file only.
by_file: dict[Path, StudyModules] = {}


def is_loading() -> bool:
    """Whether this thread is importing a study: a call of `main` in it is then none."""
    return bool(getattr(_loading, "depth", 0))


@dataclass(frozen=True)
class Source:
    """A module of a study, with the text that it was loaded from."""

    name: str
    path: str
    text: str

    @property
    def is_package(self) -> bool:
        """Whether it is the ``__init__`` of a package."""
        return Path(self.path).name == "__init__.py"


@dataclass(frozen=True)
class ProcessState:
    """What a module may set for the whole process and `simulate` then depends on."""

    floating_point: Mapping[str, Any]
    filters: tuple[Any, ...]

    @staticmethod
    def now() -> ProcessState:
        """The state of this thread's process."""
        return ProcessState(dict(np.geterr()), tuple(warnings.filters))

    @contextmanager
    def active(self) -> Iterator[None]:
        """Set the state for a while."""
        with warnings.catch_warnings(), np.errstate(**self.floating_point):
            set_filters(self.filters)
            yield


def set_filters(filters: Sequence[Any]) -> None:
    """Replace the warning filters, as ``warnings.catch_warnings`` restores them."""
    warnings.resetwarnings()
    warnings.filters[:] = filters  # type: ignore[index]


class _TextLoader(importlib.abc.InspectLoader):
    """Compiles a module from its text, always: bytecode could be older, and would litter the folder."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def get_source(self, fullname: str) -> str:
        """The text that is compiled."""
        return self.source.text

    def get_code(self, fullname: str) -> CodeType:
        """The code of the text."""
        code: CodeType = self.source_to_code(self.source.text, self.source.path)
        return code

    def exec_module(self, module: ModuleType) -> None:
        """Run the module; tracebacks show the text that runs, also when the file is edited meanwhile."""
        lines = self.source.text.splitlines(keepends=True)
        linecache.cache[self.source.path] = (len(self.source.text), None, lines, self.source.path)
        super().exec_module(module)


@dataclass(eq=False)  # in `sys.meta_path` it matters which object it is, not what it holds
class StudyModules(importlib.abc.MetaPathFinder):
    """The modules of one study; also the finder that loads them.

    Attributes
    ----------
    folder : Path
        Where neighbours are looked for.
    sources : dict from str to Source
        By module name: those that were loaded, here or in the process that sent them.
    modules : dict from str to module
    state : ProcessState
        What the study's module has set for the process.
    loaded : list of str
        The modules that were loaded on purpose; the others are those that they import.
    """

    folder: Path
    sources: dict[str, Source] = field(default_factory=dict)
    modules: dict[str, ModuleType] = field(default_factory=dict)
    state: ProcessState = field(default_factory=ProcessState.now)
    loaded: list[str] = field(default_factory=list)
    _hidden: dict[str, ModuleType] = field(default_factory=dict)
    _on_path: bool = False

    def load(self, name: str) -> ModuleType:
        """Import a module of the study, from its text, with the process as Python sets it up.

        Parameters
        ----------
        name : str
            One of `sources`.
        """
        with self.active(), warnings.catch_warnings(), np.errstate(**_USUAL_ERRORS):
            set_filters(_USUAL_FILTERS)
            _loading.depth = getattr(_loading, "depth", 0) + 1
            try:
                module = importlib.import_module(name)
            finally:
                _loading.depth -= 1
            self.state = ProcessState.now()
            self.loaded.append(name)
        return module

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make the study's modules those that an import finds."""
        if self in sys.meta_path:
            yield
            return
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def enter(self) -> None:
        """Make them so until `leave`."""
        self._hidden = {name: sys.modules.pop(name) for name in self._strangers()}
        sys.modules.update(self.modules)
        sys.meta_path.insert(0, self)
        # For processes that `simulate` starts itself, which have no finder but Python's. Behind what is installed, and
        # before the folder of another study: a worker that drew for it has inherited that for its lifetime.
        self._on_path = str(self.folder) not in sys.path
        if self._on_path:
            sys.path.insert(_behind_installed(), str(self.folder))

    def leave(self) -> None:
        """Take the study's modules away again."""
        sys.meta_path.remove(self)
        for name in self.sources:
            if (module := sys.modules.pop(name, None)) is not None:
                self.modules[name] = module
        sys.modules.update(self._hidden)
        if self._on_path and str(self.folder) in sys.path:
            sys.path.remove(str(self.folder))

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """How to load a module of the study; None for all others."""
        source = self.sources.get(fullname) or self._neighbour(fullname)
        if source is None:
            return None
        self.sources[fullname] = source
        spec = importlib.util.spec_from_loader(
            fullname, _TextLoader(source), origin=source.path, is_package=source.is_package
        )
        if spec is not None:
            spec.has_location = True
            if source.is_package:
                spec.submodule_search_locations = [str(Path(source.path).parent)]
        return spec

    def _neighbour(self, fullname: str) -> Source | None:
        parent, _, last = fullname.rpartition(".")
        if parent:
            if parent not in self.sources or not self.sources[parent].is_package:
                return None
            folder = Path(self.sources[parent].path).parent
        elif last in sys.stdlib_module_names or last == "mcstudy":
            return None
        else:
            folder = self.folder
        for path in (folder / last / "__init__.py", folder / f"{last}.py"):
            if path.is_file():
                return Source(fullname, str(path), read_source(path))
        # A folder of modules is a package too, unless one of its name is installed.
        if any((folder / last).glob("*.py")) and (parent or not _is_elsewhere(last)):
            return Source(fullname, str(folder / last / "__init__.py"), "")
        return None

    def _strangers(self) -> list[str]:
        """Modules of other studies and other folders whose names this study uses."""
        neighbours = {path.stem for path in self.folder.glob("*.py")}
        neighbours |= {path.parent.name for path in self.folder.glob("*/__init__.py")}
        neighbours.discard("mcstudy")  # a study may lie beside a checkout of it
        return [
            name
            for name, module in list(sys.modules.items())  # to look at a lazy module may import others
            if name not in self.modules
            and (name in self.sources or (name.partition(".")[0] in neighbours and _is_strange(module)))
        ]


_USUAL_ERRORS: dict[str, Any] = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}


def module_name(path: Path) -> str:
    """The name of a study's module: that of its file, under which other processes can import it, unless it is taken."""
    name = path.stem
    taken = name in sys.stdlib_module_names or name in ("mcstudy", "__main__") or "." in name
    if taken or _is_elsewhere(name, path):
        return "mcstudy_study_" + re.sub(r"\W", "_", name)
    return name


def _is_elsewhere(name: str, path: Path | None = None) -> bool:
    """Whether Python finds a module of its own under a name, other than a bare folder, and than a path."""
    spec = importlib.machinery.PathFinder.find_spec(name)
    return spec is not None and spec.loader is not None and spec.origin != str(path)


def read_source(path: Path) -> str:
    """The text of a Python file, in the encoding that it declares."""
    return importlib.util.decode_source(path.read_bytes())


def is_installed(file: str) -> bool:
    """Whether a file lies where packages are installed."""
    return file.startswith(_installed_folders())


def _is_strange(module: ModuleType) -> bool:
    """Whether a module was neither built in nor installed."""
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and not is_installed(file)


def _behind_installed() -> int:
    """The place in `sys.path` behind all folders of Python and of installed packages."""
    return 1 + max(
        (place for place, path in enumerate(sys.path) if is_installed(path)), default=len(sys.path) - 1
    )


def _installed_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = [paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    return (*folders, *site.getsitepackages(), site.getusersitepackages())
