"""What compiled code tells of the names that it reads."""

from __future__ import annotations

from types import CodeType

import pytest

from mcstudy.engine.drawkey.bytecode import equal, listing, nested, references


def function(body: str, arguments: str = "rng", outer: str = "") -> CodeType:
    """The code of a function, possibly inside of another one with some variables."""
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    text = f"def outer({outer}):\n    def f({arguments}):\n{lines}\n    return f\n"
    (code,) = [part for part in nested(compile(text, "", "exec")) if part.co_name == "f"]
    return code


READ = {
    "a": ("global a", "a"),
    "np.linalg.norm(x).T": ("global np.linalg.norm", "np.linalg.norm"),
    "local = 1\nlocal": ("nothing: local", ""),
    "rng.normal(1)": ("nothing: an argument", ""),
    "f().g": ("the attribute of a result is not that of a name", "f"),
    "[a.b for _ in rng]": ("in a comprehension", "a.b"),
    "lambda: [a.b]": ("in an inner function", "a.b"),
    "x = 1\nlambda: x.y": ("a variable of the function itself", ""),
    "import m\nm.a": ("an import", "m.a"),
    "import p.m\np.m.a": ("an import of a package", "p.m.a"),
    "import p.m as q\nq.a": ("with another name", "p.m.a"),
    "import p.q.m as r\nr.a": ("deep, with another name", "p.q.m.a"),
    "from m import a, b\na, b.c": ("of names", "m.a m.b.c"),
    "from m import a as x\nx.c": ("of a name with another name", "m.a.c"),
    "from . import m\nm.a": ("relative", "..m.a"),
    "from ..p import m\nm.a": ("relative, deep", "..p.m.a"),
    "import m\nlambda: m.a": ("for an inner function", "m.a"),
    "import m\nx = m.a\nx.b": ("passed on", "m.a.b"),
    "import m\nrng(m)": ("as a value", "m"),
    "import m": ("unused", ""),
    "from m import a\nif rng:\n    a = 1\na": ("possibly replaced", "m.a"),
    "class A(b.B):\n    x = c.y": ("of an inner class", "b.B c.y"),
    "global a\na = 1": ("written only", ""),
    "del a.b": ("deleted from", "a"),
}


@pytest.mark.parametrize("body", READ, ids=[what for what, _ in READ.values()])
def test_names_that_are_read(body: str) -> None:
    found = {str(ref) for ref in references(function(body)) if not str(ref).startswith("__")}
    assert found >= set(READ[body][1].split())
    assert found <= set(READ[body][1].split()) | {"x"}, "x is read on the way"


def test_variables_of_an_enclosing_function_are_told_from_globals() -> None:
    found = references(function("shift.x + scale", outer="shift"))
    assert [(ref.kind, str(ref)) for ref in found] == [("closure", "shift.x"), ("global", "scale")]


def test_code_is_equal_wherever_it_stands_and_only_to_itself() -> None:
    one = function("return x + 1, rng in {1, 2}, (1.0, 'a')")
    assert equal(one, function("# moved\n\nreturn x + 1, rng in {2, 1}, (1.0, 'a')"))
    for other in (
        "x + 1.0, rng in {1, 2}, (1.0, 'a')",
        "x + 1, rng in {1, 3}, (1.0, 'a')",
        "x + 1, rng in {1, 2}, (1, 'a')",
        "y + 1, rng in {1, 2}, (1.0, 'a')",
    ):
        assert not equal(one, function(f"return {other}"))
    assert not equal(one, function("return x + 1, rng in {1, 2}, (1.0, 'a')", "rng, *, size"))


def test_a_listing_holds_neither_lines_nor_docstrings() -> None:
    plain = listing(function("return x + 1"))
    assert listing(function("'''A docstring.'''\n\n\nreturn x + 1")) == plain
    assert listing(function("return x + 2")) != plain
    assert "0x" not in listing(function("return lambda: lambda: f'{x!r}'"))
