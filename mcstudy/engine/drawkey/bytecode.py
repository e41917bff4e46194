"""What compiled code tells: the names that it reads, whether it is that of a source, and a listing of it."""

from __future__ import annotations

import dis
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import CodeType
from typing import Any

__all__ = ["Reference", "equal", "listing", "nested", "references"]

_ROOTS = {
    "LOAD_GLOBAL": "global",
    "LOAD_NAME": "global",
    "LOAD_FROM_DICT_OR_GLOBALS": "global",
    "LOAD_DEREF": "closure",
    "LOAD_CLASSDEREF": "closure",
    "LOAD_FROM_DICT_OR_DEREF": "closure",
}
_STORES = ("STORE_DEREF", "STORE_NAME", "STORE_GLOBAL")
# They stand between a name and its attributes, and touch neither.
_TRANSPARENT = ("EXTENDED_ARG", "PUSH_NULL", "SWAP", "POP_TOP")
# One instruction may move two local names: STORE_FAST_LOAD_FAST.
_FAST = re.compile(r"(LOAD|STORE)_FAST")


@dataclass(frozen=True, order=True)
class Reference:
    """A name that code reads, with the attributes that it takes of it: ``helpers.draws.shift``.

    Attributes
    ----------
    kind : str
        "global", "closure", or "import" for a module that the code imports itself.
    name : str
        For an import the module's name, with a leading dot for each level that it is relative by.
    attributes : tuple of str
    """

    kind: str
    name: str
    attributes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((self.name, *self.attributes))

    def attribute(self, name: str) -> Reference:
        """The reference to an attribute of this one."""
        return replace(self, attributes=(*self.attributes, name))


def nested(code: CodeType) -> Iterator[CodeType]:
    """A code object, and those inside of it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested(constant)


@lru_cache(maxsize=4096)  # the experiments of a study share their helpers
def references(code: CodeType) -> tuple[Reference, ...]:
    """The names that code, and the functions inside of it, read from outside of it, sorted."""
    reader = _Reader(set(code.co_freevars))
    for part in nested(code):
        reader.read(part)
    return tuple(sorted(reader.found))


@dataclass
class _Reader:
    """Follows names through instructions, and remembers which local names hold what was imported."""

    outer: set[str]
    found: set[Reference] = field(default_factory=set)
    _imported: dict[str, Reference] = field(default_factory=dict)
    _chain: Reference | None = None
    _import: Reference | None = None  # the module of the import statement that is being read

    def read(self, code: CodeType) -> None:
        constants: list[Any] = [0, None]  # the level and the names of an import stand before it
        cells = {*code.co_cellvars, *code.co_freevars}
        for instruction in dis.get_instructions(code):
            name, value = instruction.opname, instruction.argval
            if name in _TRANSPARENT:
                continue
            if name.startswith(("LOAD_CONST", "LOAD_SMALL_INT")):
                constants = [constants[-1], value]
            if name == "IMPORT_NAME":
                self._begin_import(value, *constants)
            elif name == "IMPORT_FROM":
                start = self._import or self._chain
                self._chain = start.attribute(value) if start else None
            elif name in ("LOAD_ATTR", "LOAD_METHOD"):
                self._chain = self._chain.attribute(value) if self._chain else None
            else:
                self._move(name, value, cells)
        self._end_chain()

    def _begin_import(self, module: str, level: int, names: tuple[str, ...] | None) -> None:
        self._end_chain()
        # `import a.b` binds `a`; with names, or relatively, the module itself is meant.
        name = "." * level + module if names or level else module.partition(".")[0]
        self._chain = Reference("import", name)
        self._import = self._chain if names else None

    def _move(self, operation: str, value: Any, cells: set[str]) -> None:
        if kinds := _FAST.findall(operation):
            for kind, local in zip(kinds, value if isinstance(value, tuple) else (value,), strict=True):
                if kind == "STORE":
                    self._store(local)
                elif local not in cells:  # else a cell on its way to an inner function
                    self._load(self._imported.get(local))
        elif operation in _STORES:
            self._store(value)
        elif operation in _ROOTS:
            self._load(self._imported.get(value) or self._outside(_ROOTS[operation], value))
        else:
            self._load(None)

    def _outside(self, kind: str, name: str) -> Reference | None:
        """The reference to a name from outside; None for a variable of an enclosing function that is hashed too."""
        return None if kind == "closure" and name not in self.outer else Reference(kind, name)

    def _store(self, name: str) -> None:
        if self._chain and self._chain.kind == "import":  # found when the local name is read, if ever
            self._imported[name] = self._chain
            self._chain = None
        self._end_chain()

    def _load(self, reference: Reference | None) -> None:
        self._end_chain()
        self._import = None
        self._chain = reference

    def _end_chain(self) -> None:
        if self._chain:
            self.found.add(self._chain)
        self._chain = None


def equal(one: CodeType, other: CodeType) -> bool:
    """Whether two code objects do the same, wherever they stand."""
    return (
        one.co_code == other.co_code
        and one.co_names == other.co_names
        and one.co_varnames == other.co_varnames
        and one.co_freevars == other.co_freevars
        and one.co_cellvars == other.co_cellvars
        and one.co_argcount == other.co_argcount
        and len(one.co_consts) == len(other.co_consts)
        and all(map(_equal_constants, one.co_consts, other.co_consts))
    )


def _equal_constants(one: object, other: object) -> bool:
    if isinstance(one, CodeType) and isinstance(other, CodeType):
        return equal(one, other)
    return _constant(one) == _constant(other)


def _constant(value: object) -> str:
    """A constant's text; sets are sorted, for their order changes from process to process."""
    if isinstance(value, frozenset):
        return f"{{{', '.join(sorted(map(_constant, value)))}}}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_constant, value))})"
    return ascii(value)


def listing(code: CodeType) -> str:
    """The instructions of code whose source is not known: without lines, and without docstrings, which none loads."""
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    lines = [f"{code.co_name}({', '.join(arguments)})"]
    for instruction in dis.get_instructions(code):
        if isinstance(instruction.argval, CodeType):
            lines += ["  " + line for line in listing(instruction.argval).splitlines()]
        elif instruction.opname not in ("EXTENDED_ARG", "NOP"):
            argument = "" if instruction.arg is None else f" {_constant(instruction.argval)}"
            lines.append(instruction.opname + argument)
    return "\n".join(lines)
