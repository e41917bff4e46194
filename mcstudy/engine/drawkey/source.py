"""From a function in hand to its source, and only if it is the source of just this function."""

from __future__ import annotations
import __future__

import ast
import linecache
import tokenize
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_
from types import CodeType
from typing import Any

from mcstudy.engine.drawkey.bytecode import equal, listing, nested
from mcstudy.engine.drawkey.syntax import dump, parsed, stripped
from mcstudy.engine.drawkey.tokens import sha256

__all__ = ["CodeText", "Sources"]

_FUTURES = reduce(or_, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names))
_Node = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True)
class CodeText:
    """What a function does.

    Attributes
    ----------
    digest : str
        Equal for code that differs in comments, docstrings, formatting and place alone.
    text : str
        The code without these, for people to compare.
    """

    digest: str
    text: str


class Sources:
    """The sources of functions; each file is parsed once.

    Parameters
    ----------
    loaded : mapping from str to str
        File name -> the text that was compiled; files may have been edited since.
    """

    def __init__(self, loaded: Mapping[str, str]) -> None:
        self._loaded = loaded
        self._parsed: dict[tuple[str, int], list[_File]] = {}

    def text_of(self, code: CodeType, namespace: dict[str, Any]) -> CodeText:
        """What a function does: by its source, else by its instructions, which change with the version of Python."""
        key = (code.co_filename, code.co_flags & _FUTURES)
        if key not in self._parsed:
            self._parsed[key] = list(_parse(self._texts(code.co_filename, namespace), *key))
        found = next(filter(None, (file.find(code) for file in self._parsed[key])), None)
        if found is None:
            text = listing(code)
            return CodeText(sha256(text), text)
        return found

    def _texts(self, name: str, namespace: dict[str, Any]) -> Iterator[str]:
        """What a file held when it was loaded, holds now, and held when somebody last read it: it may be edited."""
        if name in self._loaded:
            yield self._loaded[name]
        # A notebook's cell is no file, and a file may be no Python any more.
        with suppress(OSError, SyntaxError, UnicodeDecodeError), tokenize.open(name) as file:
            yield file.read()
        yield "".join(linecache.getlines(name, namespace))


def _parse(texts: Iterable[str], name: str, flags: int) -> Iterator[_File]:
    files = (_file(text, name, flags) for text in dict.fromkeys(filter(None, texts)))
    return filter(None, files)


@lru_cache(maxsize=128)  # the experiments of a study share their helpers
def _file(text: str, name: str, flags: int) -> _File | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the file was compiled before, and said then what there is to say
        try:
            tree = parsed(text)
            return _File(tree, compile(tree, name, "exec", flags, dont_inherit=True))
        except (SyntaxError, ValueError):  # edited since
            return None


class _File:
    """A parsed source, and the code that it compiles to."""

    def __init__(self, tree: ast.Module, code: CodeType) -> None:
        self._nodes: dict[tuple[str, int], list[_Node]] = {}
        self._codes: dict[str, list[CodeType]] = {}
        # With the code, so that no id is given twice.
        self._found: dict[int, tuple[CodeType, CodeText | None]] = {}
        for node in ast.walk(tree):
            if isinstance(node, _Node):
                self._nodes.setdefault((_name(node), _first_line(node)), []).append(node)
        for part in nested(code):
            self._codes.setdefault(part.co_qualname, []).append(part)

    def find(self, code: CodeType) -> CodeText | None:
        """What code does, by its source; None if the file does not compile to it."""
        if id(code) not in self._found:
            node = self._node(code)
            self._found[id(code)] = code, None if node is None else _text(node)
        return self._found[id(code)][1]

    def _node(self, code: CodeType) -> _Node | None:
        equals = [part for part in self._codes.get(code.co_qualname, ()) if equal(part, code)]
        if not equals:
            return None
        found = equals[0]
        if len(equals) > 1:  # lines above may have been edited since: else any that does the same will do
            there = (code.co_firstlineno, _columns(code))
            found = min(equals, key=lambda part: (part.co_firstlineno, _columns(part)) != there)
        nodes = self._nodes.get((code.co_name, found.co_firstlineno), [])
        if len(nodes) == 1:
            return nodes[0]
        span = _columns(found)
        return _innermost(nodes, span) if span else _alone(nodes, found)


def _text(node: _Node) -> CodeText:
    tree = stripped(node)
    return CodeText(sha256(dump(tree)), ast.unparse(tree))


def _name(node: _Node) -> str:
    return "<lambda>" if isinstance(node, ast.Lambda) else node.name


def _first_line(node: _Node) -> int:
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return decorators[0].lineno if decorators else node.lineno


_Span = tuple[tuple[int, int], tuple[int, int]]


def _columns(code: CodeType) -> _Span | None:
    """From where to where the instructions of a function's body reach; None if Python was told not to keep columns."""
    places = list(_places(code))
    return (min(start for start, _ in places), max(end for _, end in places)) if places else None


def _places(code: CodeType) -> Iterator[_Span]:
    for line, last, column, end in code.co_positions():
        # Instructions that open a function have no columns of their own.
        if line is not None and last is not None and column is not None and end:
            yield (line, column), (last, end)


def _innermost(nodes: list[_Node], span: _Span) -> _Node | None:
    """The smallest lambda whose body holds a span: several may stand on one line."""
    bodies = [(node, _body(node)) for node in nodes if isinstance(node, ast.Lambda)]
    holding = [(node, start) for node, (start, end) in bodies if start <= span[0] and span[1] <= end]
    return max(holding, key=lambda item: item[1], default=(None, None))[0]


def _alone(nodes: list[_Node], code: CodeType) -> _Node | None:
    """The first lambda that compiles to the code by itself: one that returns a constant has no columns."""
    for node in nodes:
        if isinstance(node, ast.Lambda) and equal(_compiled(node), code):
            return node
    return None


def _compiled(node: ast.Lambda) -> CodeType:
    whole = compile(ast.Expression(node), "<lambda>", "eval", dont_inherit=True)
    return next(part for part in nested(whole) if part is not whole)


def _body(node: ast.Lambda) -> _Span:
    body = node.body
    return (body.lineno, body.col_offset), (body.end_lineno or 0, body.end_col_offset or 0)
