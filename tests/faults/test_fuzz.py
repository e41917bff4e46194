"""A few inputs of each reader; and a watch that would see what it looks for."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mcstudy.exceptions import InputError
from tests.faults.fuzz import fuzz
from tests.faults.mutations import EVIL, damaged, misshapen, places
from tests.faults.readers import READERS, Bench, Reader
from tests.faults.watched import BreachError, check_page, check_tables, check_tex, watched

INPUTS = {
    "ledger_bytes": 200,
    "ledger_values": 100,
    "ledger_of_0_1": 50,
    "ledger_texts": 2,
    "journal": 300,
    "part": 300,
    "table": 300,
    "estimates": 300,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz").resolve()


@pytest.mark.parametrize("name", READERS)
def test_readers_read_or_refuse(folder: Path, name: str) -> None:
    found = fuzz(READERS[name], INPUTS[name], 7, folder)
    assert not found.breaches, found.examples
    assert found.read + found.refused == INPUTS[name]
    # What is sealed is refused whatever bit has changed; what is sealed again may be anything.
    assert found.read > 0 or name == "ledger_bytes"
    assert found.refused > 0 or name == "ledger_texts"


def breach_of(read: Callable[[bytes], None], folder: Path) -> list[str]:
    bench = Bench(
        b"sound", lambda rng: b"other", lambda content: read(content) if content == b"other" else None
    )
    return [
        name.partition(" at ")[0]
        for name in fuzz(Reader("control", 1, lambda _: bench), 2, 1, folder).breaches
    ]


def test_whatever_is_no_documented_error_is_seen(folder: Path) -> None:
    def missing(content: bytes) -> None:
        dict[bytes, int]()[content]

    def endless(content: bytes) -> None:
        endless(content)

    def run(_: bytes) -> None:
        subprocess.run(["true"], check=False)

    def write(_: bytes) -> None:
        (folder.parent / "outside").write_text("x")

    def escape(_: bytes) -> None:
        (folder / ".." / "outside").write_text("x")

    def refuse(_: bytes) -> None:
        raise InputError

    assert [breach_of(read, folder) for read in (missing, endless, run, write, escape, refuse)] == [
        ["KeyError"],
        ["RecursionError"],
        ["BreachError"],
        ["BreachError"],
        ["BreachError"],
        [],
    ]
    with watched(folder):
        (folder / "inside").write_text("x")  # the control


@pytest.mark.parametrize("text", ["\\mcsEvil", "% harmless\r\\mcsEvil{}", "a & \\mcsEvil{} %"])
def test_raw_tex_is_seen(text: str) -> None:
    with pytest.raises(BreachError, match="raw TeX"):
        check_tex(text)
    check_tex("% \\mcsEvil{}\n\\textbackslash{}mcsEvil\\{\\}")


@pytest.mark.parametrize(
    "text",
    [
        "<p><mcsevil>",
        '<a href="javascript:mcsevil()">',
        '<img src="../../mcsevil">',
        "<a href=x/../../mcsevil.html>",
    ],
)
def test_raw_html_is_seen(text: str) -> None:
    with pytest.raises(BreachError, match="raw HTML"):
        check_page(text)
    check_page('&lt;mcsevil&gt; javascript:mcsevil() <p aria-label="of ../../mcsevil">')


def test_a_formula_is_seen(tmp_path: Path) -> None:
    (tmp_path / "sound.csv").write_text("a,b\n'=mcsEvil(),1\n")
    check_tables(tmp_path)
    (tmp_path / "evil.csv").write_text("a,b\n1,=mcsEvil()\n")
    with pytest.raises(BreachError, match=r"a formula in evil\.csv"):
        check_tables(tmp_path)


def test_mutations_are_many_and_the_same_again() -> None:
    content, document = bytes(range(256)), {"findings": [{"a": "x"}], "digests": {}}
    known = list(places(document))
    assert known == [(), ("findings",), ("findings", 0), ("findings", 0, "a"), ("digests",)]
    mutations: list[Callable[[random.Random], bytes | str]] = [
        lambda rng: damaged(rng, content),
        lambda rng: misshapen(rng, '{"a": 0.5}', document, known),
    ]
    for mutate in mutations:
        first = [mutate(random.Random(f"1 {n}")) for n in range(60)]
        assert first == [mutate(random.Random(f"1 {n}")) for n in range(60)]
        assert len(set(first)) > 20
    assert len(set(EVIL)) == len(EVIL)
