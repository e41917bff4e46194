"""Whose code it is: the study's own, an installed package's, or Python's."""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType

__all__ = ["Origin", "Origins"]

_PACKAGES = {"site-packages", "dist-packages"}
_PYTHON = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
# Models are the mathematics of a study, and the rest of mcstudy is used like a helper: it is followed, so that a new
# version of it that draws the same keeps old draws.
_FOLLOWED = Path(__file__).parents[2]


@dataclass(frozen=True)
class Origin:
    """Where code comes from.

    Attributes
    ----------
    package : str
        The installed package, "python" for the standard library, empty for the study's own code.
    version : str
        Empty where none counts.
    readable : bool
        Whether it is the study's own and written in Python.
    """

    package: str = ""
    version: str = ""
    readable: bool = False

    @property
    def own(self) -> bool:
        """Whether the code belongs to the study: what may be edited between two runs."""
        return not self.package


_PYTHONS = Origin("python")
_OWN = Origin(readable=True)


class Origins:
    """Tells where modules and functions come from, and remembers the versions that it was asked for.

    Parameters
    ----------
    own : str
        The top-level package of `simulate`, which is followed even where it is installed.
    """

    def __init__(self, own: str = "") -> None:
        self.versions: dict[str, str] = {}
        self._own = own
        self._known: dict[tuple[str, str | None], Origin] = {}

    def of_module(self, module: ModuleType) -> Origin:
        """The origin of a module; a namespace package counts as own: what matters is in it."""
        file = getattr(module, "__file__", None)
        if file is None and hasattr(module, "__path__"):
            return _OWN
        return self._of(module.__name__, file)

    def of_class(self, kind: type) -> Origin:
        """The origin of a class, by the name of its module."""
        module = sys.modules.get(kind.__module__) or _module_with(kind)
        return _OWN if module is None else self.of_module(module)

    def of_spec(self, name: str) -> Origin:
        """The origin of a module that need not be loaded; a name that is not found counts as own."""
        top = name.partition(".")[0]
        if top in sys.modules:
            return self.of_module(sys.modules[top])
        spec = importlib.util.find_spec(top)
        if spec is None or spec.origin is None:
            return _OWN
        return _PYTHONS if spec.origin in ("built-in", "frozen") else self._of(top, spec.origin)

    def module_of(self, value: object) -> ModuleType | None:
        """The module of a compiled function, if it names one."""
        bound = getattr(value, "__self__", None)
        name = getattr(value, "__module__", None) or ""
        return bound if isinstance(bound, ModuleType) else sys.modules.get(name)

    def of_code(self, filename: str, namespace: Mapping[str, object]) -> Origin:
        """The origin of a function: by the file of its code, for a decorator may lend it another's module."""
        name = namespace.get("__name__")
        if filename.startswith("<"):  # made by `exec`, or in a notebook
            file = namespace.get("__file__")
            return self._of(str(name), file if isinstance(file, str) else filename)
        return self._of(str(name), filename)

    def _of(self, name: str, file: str | None) -> Origin:
        top = name.partition(".")[0]
        known = self._known.get((top, file))
        if known is None:
            known = self._known[top, file] = self._look_up(top, file)
        if known.version:
            self.versions[known.package] = known.version
        return known

    def _look_up(self, top: str, file: str | None) -> Origin:
        if file is None:
            cython = top.startswith("_cython_")  # a module of the class of all functions that Cython made
            python = top != "__main__" and (top in sys.stdlib_module_names or cython)
            return _PYTHONS if python else _OWN
        if file.startswith("<frozen"):
            return _PYTHONS
        path = Path(file)
        if top == self._own or path.is_relative_to(_FOLLOWED):
            return _own(file)
        if not _is_installed(top, path):
            python = any(path.is_relative_to(folder) for folder in _PYTHON)
            return _PYTHONS if python else _own(file)
        version = "" if file.startswith("<") else _version(top)
        # A package without a version is followed: nothing else would tell that it changed.
        return Origin(top, version) if version else _own(file)


def _module_with(kind: type) -> ModuleType | None:
    """The module of a compiled class that names it without its package."""
    ending = f".{kind.__module__}"
    found = (module for name, module in list(sys.modules.items()) if name.endswith(ending))
    return next((module for module in found if getattr(module, kind.__name__, None) is kind), None)


def _own(file: str) -> Origin:
    return Origin(readable=not file.endswith(tuple(EXTENSION_SUFFIXES)))


def _is_installed(top: str, path: Path) -> bool:
    """Whether a file was installed with its package; an editable one leaves only metadata among the packages."""
    parts = path.with_suffix("").parts
    if _PACKAGES & set(parts):
        return True
    folder = Path(*parts[: parts.index(top)]) if top in parts else path.parent
    return _holds_packages(folder)


@cache
def _holds_packages(folder: Path) -> bool:
    return any(folder.glob("*.dist-info"))


def _version(top: str) -> str:
    """The version that a top-level module was installed with; else what the module says itself."""
    return _installed_version(top) or str(getattr(sys.modules.get(top), "__version__", ""))


@cache
def _installed_version(top: str) -> str:
    """The version of a module's distribution, or of each of several; empty where there is none."""
    try:  # by its own name first, for the full list takes long
        return metadata.version(top)
    except metadata.PackageNotFoundError:
        names = sorted(set(_by_module().get(top, ())))
    versions = [metadata.version(name) for name in names]
    return versions[0] if len(names) == 1 else ", ".join(map(" ".join, zip(names, versions, strict=True)))


@cache
def _by_module() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()
