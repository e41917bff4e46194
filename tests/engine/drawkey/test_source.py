"""From functions in hand to their sources, whatever became of the files."""

from __future__ import annotations
import __future__

import ast
import linecache
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcstudy.engine.drawkey import describe
from mcstudy.engine.drawkey.syntax import dump, parsed

Load = Callable[..., dict[str, Any]]


def test_a_file_that_was_edited_after_it_was_loaded(as_file: Load, folder: Path) -> None:
    """The key is that of the code that runs, not of what the file says now."""
    text = "def f():\n    return 0\ndef simulate(rng):\n    return f()\n"
    simulate = as_file(text)["simulate"]
    key = describe(simulate)
    path = folder / "study.py"
    path.write_text("# a line more\n" + text)
    assert describe(simulate) == key, "the same code, further down"
    path.write_text(text.replace("0", "5"))
    assert describe(simulate, loaded={str(path): text}) == key
    path.write_text("no Python")
    assert describe(simulate, loaded={str(path): text}) == key
    path.unlink()
    assert describe(simulate, loaded={str(path): text}) == key


def test_a_file_whose_text_is_gone_is_told_by_its_instructions(as_file: Load, folder: Path) -> None:
    text = "def simulate(rng):\n    return 1.5\n"
    one, two = as_file(text)["simulate"], as_file(text.replace("1.5", "2.5"))["simulate"]
    (folder / "study.py").write_text("def simulate(rng):\n    return 7\n")
    keys = [describe(function) for function in (one, two)]
    assert keys[0].digest != keys[1].digest
    assert re.search(r"(LOAD|RETURN)_CONST 1\.5", keys[0].parts["simulate"].text)


def test_two_lambdas_that_only_their_columns_tell_apart(as_file: Load) -> None:
    names = as_file("A = B = 1\nf, g, h = lambda: A, lambda: (lambda: A), lambda: A + B\n")
    texts = [describe(names[name]).parts["simulate"].text for name in "fgh"]
    assert texts == ["lambda: A", "lambda: lambda: A", "lambda: A + B"]
    assert describe(names["g"]()).parts["simulate"].text == "lambda: A"


def test_a_source_that_warns_is_read_in_silence(as_cell: Load) -> None:
    """A file with a bad escape has warned when it was loaded."""
    text = "def simulate(rng):\n    return '\\d'\n"
    with pytest.warns((SyntaxWarning, DeprecationWarning), match="invalid escape sequence"):
        simulate = as_cell(text)["simulate"]
    assert describe(simulate).parts["simulate"].text == "def simulate(rng):\n    return '\\\\d'"


def test_future_statements_of_an_earlier_cell_are_minded(as_cell: Load) -> None:
    """IPython compiles each cell with those of the cells before."""
    cell = "/nowhere/ipykernel_1/future.py"
    text = "def simulate(rng):\n    def f(x: rng): return x\n    return f\n"
    linecache.cache[cell] = (len(text), None, text.splitlines(keepends=True), cell)
    names: dict[str, Any] = {}
    exec(compile(text, cell, "exec", __future__.annotations.compiler_flag, dont_inherit=True), names)
    assert describe(names["simulate"]).parts["simulate"].text.startswith("def simulate(rng):")


def test_a_parser_that_has_lost_count_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    parse, asked = ast.parse, []

    def lost(text: str) -> ast.Module:
        asked.append(text)
        if len(asked) == 1:
            raise SystemError("AST constructor recursion depth mismatch (before=150, after=200)")
        return parse(text)

    monkeypatch.setattr(ast, "parse", lost)
    assert dump(parsed("x = 1")) == dump(parse("x = 1"))
    assert asked == ["x = 1"] * 2
    with pytest.raises(SyntaxError):
        parsed("x =")
