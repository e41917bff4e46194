"""The walk from `simulate` to all that it reaches: code that may be edited, values, packages."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, MethodWrapperType, ModuleType
from typing import Any

import numpy as np

from mcstudy.engine.drawkey.classes import members
from mcstudy.engine.drawkey.functions import (
    closed_over,
    defaults_of,
    is_offered,
    label_of,
    module_of_ufunc,
    read_by,
)
from mcstudy.engine.drawkey.key import Part
from mcstudy.engine.drawkey.origins import Origins
from mcstudy.engine.drawkey.resolve import Found, Resolver, Token
from mcstudy.engine.drawkey.shown import shown
from mcstudy.engine.drawkey.source import Sources
from mcstudy.engine.drawkey.tokens import REMEDY, Place, joined, refusal, sha256
from mcstudy.engine.drawkey.values import CODE, Values
from mcstudy.exceptions import StudyError

__all__ = ["Walk"]

_PLAIN = (type(None), bool, int, float, complex, str)
_BOUND = (BuiltinFunctionType, MethodWrapperType)
_WITHOUT_NAME = ("value", "method", "made", "wrapped", "compiled")  # tokens that say little to people


class Walk:
    """Follows code that may be edited between two runs; installed packages count by their versions.

    Parameters
    ----------
    origins : Origins
    sources : Sources
    folder : Path
        Of the study.

    Attributes
    ----------
    parts : dict from str to Part
        What was met, by name.
    """

    def __init__(self, origins: Origins, sources: Sources, folder: Path) -> None:
        self.parts: dict[str, Part] = {}
        self._origins, self._sources = origins, sources
        self._resolver = Resolver(origins)
        self._values = Values(self, folder)
        self._names: set[str] = set()
        self._followed: dict[int, tuple[object, str]] = {}  # with the objects, so that no id is given twice
        self._held: dict[tuple[object, ...], str] = {}  # values that have a name: namespace and name -> token
        self._waiting: deque[Callable[[], None]] = deque()

    def start(self, simulate: Any) -> None:
        """Walk from a callable to all that it reaches.

        Raises
        ------
        StudyError
            If it reaches a value that can't be hashed.
        """
        place = ("simulate",)
        if self._is_code(simulate):
            token = self._values.token(simulate, place)
        else:
            token = self._value((), "simulate", simulate, place)
        # With what it starts from: the same parts may be reached from another function.
        self.parts["starting point"] = Part("code", sha256(token), token)
        while self._waiting:
            self._waiting.popleft()()

    def owns(self, kind: type) -> bool:
        """Whether a class is the study's own."""
        return self._origins.of_class(kind).own

    def follow(self, value: Any, place: Place) -> str:
        """The token of a function, class or module; what it is made of becomes a part of its own."""
        known = self._followed.get(id(value))
        if known is None:
            known = self._followed[id(value)] = value, self._token(value, place)
        return known[1]

    def _token(self, value: Any, place: Place) -> str:
        for kind, method in (
            (FunctionType, self._function),
            (type, self._class),
            (ModuleType, self._module),
            (MethodType, self._method),
            (np.ufunc, self._ufunc),
        ):
            if issubclass(type(value), kind):  # `isinstance` would believe a proxy
                return method(value, place)
        return self._compiled(value, place)

    def _method(self, method: MethodType, place: Place) -> str:
        bound = self._bound(method.__func__.__qualname__, method.__self__, place)
        return joined("method", [self.follow(method.__func__, place), bound])

    def _bound(self, method: str, value: Any, place: Place) -> str:
        """The token of the object that a method is bound to, all of which counts."""
        try:
            return self._values.token(value, (*place, f"the object of the method `{method}`"))
        except StudyError as error:
            if REMEDY not in str(error):
                raise
            msg = f"{error}, or write a function that makes the object and calls its method"
            raise StudyError(msg) from error

    def _function(self, function: FunctionType, place: Place) -> str:
        origin = self._origins.of_code(function.__code__.co_filename, function.__globals__)
        if origin.own:
            label = label_of(function, place)
            return self._announce("code", label, partial(self._describe_function, function, place))
        name = f"{origin.package}:{function.__code__.co_qualname}"
        if is_offered(function):
            return name
        return joined("made", [name, *(self._values.token(part, place) for part in self._made_of(function))])

    def _made_of(self, function: FunctionType) -> list[Any]:
        """What an installed package made a function of."""
        if not hasattr(function, "__wrapped__"):
            return list(closed_over(function))
        registry = dict(getattr(function, "registry", {}))  # of functools.singledispatch
        # Caches, locks and clocks are in closures of packages as well, and none of the study's business.
        return [
            function.__wrapped__,
            registry,
            *(value for value in closed_over(function) if self._tells(value)),
        ]

    def _tells(self, value: Any) -> bool:
        """Whether a value in the closure of a package is plain, or the study's own."""
        kind = type(value)
        return kind in _PLAIN or self.owns(value if isinstance(value, type) else kind)

    def _class(self, kind: type, place: Place) -> str:
        origin = self._origins.of_class(kind)
        if origin.own:
            return self._announce("class", kind.__qualname__, partial(self._describe_class, kind, place))
        return f"{origin.package}:{kind.__qualname__}"

    def _module(self, module: ModuleType, place: Place) -> str:
        origin = self._origins.of_module(module)
        if not origin.own:
            return origin.package
        describe = self._describe_module if origin.readable else self._describe_file
        return self._announce("module", f"module `{place[-1]}`", partial(describe, module, place))

    def _compiled(self, value: Any, place: Place) -> str:
        """A function without Python code: by its module, and by the object that it is bound to."""
        bound = getattr(value, "__self__", None)
        if isinstance(value, _BOUND) and bound is not None and not isinstance(bound, ModuleType):
            return joined("method", [value.__name__, self._bound(value.__qualname__, bound, place)])
        if owner := getattr(value, "__objclass__", None):
            return joined("method", [value.__name__, self.follow(owner, place)])
        module = self._origins.module_of(value)
        if module is None:
            return f"python:{value.__qualname__}"
        home = self.follow(module, (*place[:-1], module.__name__))
        return (
            joined("compiled", [value.__qualname__, home])
            if home.startswith("module:")
            else f"{home}:{value.__qualname__}"
        )

    def _ufunc(self, value: np.ufunc, place: Place) -> str:
        module = module_of_ufunc(value)
        if module is None:
            remedy = "call it by the module that defines it (`module.name`), or use numpy.vectorize"
            raise refusal(place, f"a NumPy ufunc ({value.__name__}) of unknown origin", remedy)
        return f"{self._origins.of_module(module).package}:{value.__name__}"

    def _announce(self, kind: str, label: str, describe: Callable[[], Part]) -> str:
        """Name a part that is described later, so that code may refer to itself."""
        name = self._unique(label)

        def later() -> None:
            self.parts[name] = describe()

        self.parts[name] = Part(kind, "", "")  # keeps its rank among the parts
        self._waiting.append(later)
        return f"{kind}:{name}"

    def _unique(self, label: str) -> str:
        name, count = label, 1
        while name in self._names:
            count += 1
            name = f"{label} ({count})"
        self._names.add(name)
        return name

    def _describe_function(self, function: FunctionType, place: Place) -> Part:
        code = self._sources.text_of(function.__code__, function.__globals__)
        owner = label_of(function, place)
        found = {str(ref): self._resolver.find(ref, function) for ref in read_by(function)}
        uses = {name: self._use(item, owner, place) for name, item in found.items()}
        defaults = {
            name: self._value((id(function), name), f"default `{name}` of {owner}", value, place)
            for name, value in defaults_of(function)
        }
        tokens = [f"{name} {token}" for name, token in (*uses.items(), *defaults.items())]
        text = "\n".join([code.text, *_elsewhere(uses)])
        return Part("code", sha256("\n".join([code.digest, *tokens])), text, _is_ours(function))

    def _use(self, found: Found, owner: str, place: Place) -> str:
        if isinstance(found.value, Token):
            return found.value.text
        if self._is_code(found.value):
            return self._values.token(found.value, (*place, found.name))
        of = f" of {owner}" if found.kind == "closure" else ""
        return self._value((found.home, found.name), f"{found.kind} `{found.name}`{of}", found.value, place)

    def _is_code(self, value: Any) -> bool:
        """Whether a value is code, or (functools.cache, numba) a mere wrapping of code."""
        wraps = callable(value) and hasattr(value, "__wrapped__") and not self.owns(type(value))
        return issubclass(type(value), CODE) or wraps

    def _value(self, key: tuple[object, ...], label: str, value: Any, place: Place) -> str:
        if key not in self._held:
            name = self._unique(label)
            where = place if name == place[-1] else (*place, name)
            self._held[key] = f"value:{name}"
            self.parts[name] = Part("value", sha256(self._values.token(value, where)), shown(value))
        return self._held[key]

    def _describe_class(self, kind: type, place: Place) -> Part:
        place = place if place[-1] == kind.__qualname__ else (*place, kind.__qualname__)
        bases = [self.follow(base, place) for base in (*kind.__bases__, type(kind))]
        tokens = []
        lines = [f"class {kind.__qualname__}({', '.join(base.__qualname__ for base in kind.__bases__)})"]
        for name, value in members(kind):
            tokens.append(f"{name} {self._values.token(value, (*place, name))}")
            lines.append(f"    {name}" if callable(value) else f"    {name} = {shown(value)}")
        return Part("class", sha256("\n".join([*bases, *tokens])), "\n".join(lines), _is_ours(kind))

    def _describe_module(self, module: ModuleType, place: Place) -> Part:
        """A module that is used as a whole: nobody knows which of its names will be read."""
        names = [name for name in sorted(vars(module)) if not name.startswith("__")]
        found = [Found(vars(module)[name], "global", name, id(vars(module))) for name in names]
        tokens = [f"{item.name} {self._use(item, '', place)}" for item in found]
        return Part("module", sha256("\n".join(tokens)), "\n".join(names))

    def _describe_file(self, module: ModuleType, place: Place) -> Part:
        """A compiled module of the study's own: its file."""
        content = Path(str(module.__file__)).read_bytes()
        return Part("module", hashlib.sha256(content).hexdigest(), f"{len(content)} bytes")


def _elsewhere(uses: dict[str, str]) -> list[str]:
    """Lines that say which names stand for something of another name."""
    named = ((name, *token.partition(":")[::2]) for name, token in uses.items())
    return [
        f"# {name} is {kind} {target}"
        for name, kind, target in named
        if target and kind not in _WITHOUT_NAME and target.split(".")[-1] not in name.split(".")
    ]


def _is_ours(value: FunctionType | type) -> bool:
    return (value.__module__ or "").startswith("mcstudy.")
