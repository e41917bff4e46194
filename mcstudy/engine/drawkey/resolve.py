"""Where a name that code reads leads: through globals, closures, imports and the attributes of modules."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from mcstudy.engine.drawkey.bytecode import Reference
from mcstudy.engine.drawkey.origins import Origins

__all__ = ["Found", "Resolver", "Token"]

# What a module says of itself: where it lies, and under which name it was loaded.
_IDENTITY = {
    *("__name__", "__file__", "__doc__", "__package__", "__spec__", "__loader__", "__path__", "__builtins__"),
    *("__cached__", "__annotations__", "__annotate__", "__class__"),
}


@dataclass(frozen=True)
class Token:
    """The token of what is not there as an object: a module that only the draws import, a name without value."""

    text: str


@dataclass(frozen=True)
class Found:
    """An object that a name stands for.

    Attributes
    ----------
    value : object
    kind : str
        "global", "closure" or "attribute".
    name : str
        Its name in the namespace that holds it.
    home : int
        The id of this namespace: two modules may each have a global of the name.
    """

    value: Any
    kind: str
    name: str
    home: int = 0


class Resolver:
    """Finds what references stand for; imports what the study's own code would import."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins

    def find(self, reference: Reference, function: FunctionType) -> Found:
        """The object of a reference, or the nearest one on the way to it that is taken as a whole."""
        found = self._start(reference, function)
        for name in reference.attributes:
            inner = self._attribute(found, name)
            if inner is None:
                break
            found = inner
        return found

    def _start(self, reference: Reference, function: FunctionType) -> Found:
        if reference.kind == "import":
            return Found(self._module(reference.name, function.__globals__), "global", reference.name)
        if reference.kind == "closure":
            return _in_closure(reference.name, function)
        return _in_globals(reference.name, function.__globals__)

    def _attribute(self, found: Found, name: str) -> Found | None:
        value = found.value
        if isinstance(value, FunctionType) and name in vars(value):
            return Found(vars(value)[name], "attribute", f"{found.name}.{name}", id(value))
        if not isinstance(value, ModuleType) or not self._origins.of_module(value).readable:
            return None
        return Found(_from_module(value, name), "global", name, id(vars(value)))

    def _module(self, name: str, namespace: dict[str, Any]) -> ModuleType | Token:
        """A module that a function imports; an installed one is not loaded for the sake of its version."""
        try:
            full = importlib.util.resolve_name(name, namespace.get("__package__"))
            loaded = sys.modules.get(full)
            origin = self._origins.of_spec(full)
            return loaded or (importlib.import_module(full) if origin.own else Token(origin.package))
        except ImportError:
            return Token("no such module")


def _in_closure(name: str, function: FunctionType) -> Found:
    cell = (function.__closure__ or ())[function.__code__.co_freevars.index(name)]
    try:
        return Found(cell.cell_contents, "closure", name, id(cell))
    except ValueError:
        return Found(Token("not yet set"), "closure", name)


def _in_globals(name: str, namespace: dict[str, Any]) -> Found:
    if name in _IDENTITY:
        return Found(Token("of the module"), "global", name)
    if name in namespace:
        return Found(namespace[name], "global", name, id(namespace))
    return Found(Token("builtin" if hasattr(builtins, name) else "not defined"), "global", name)


def _from_module(module: ModuleType, name: str) -> Any:
    """An attribute of a module; a module of a package, where nobody has imported it yet."""
    if name in _IDENTITY:
        return Token("of the module")
    try:
        return getattr(module, name)
    except AttributeError:
        pass
    try:
        return importlib.import_module(f"{module.__name__}.{name}")
    except ImportError:
        return Token("not defined")
