from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcstudy.claims import Value
from mcstudy.ledger import About
from mcstudy.report import bibtex
from mcstudy.report.numbers import THIN
from mcstudy.report.paper import latex, write_macros
from mcstudy.statistics import mean


def test_tex_table_is_balanced_and_escaped(written: Any) -> None:
    text = (written.out / "linearization" / "tables" / "findings.tex").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.endswith(r" \\")]
    assert len(rows) == 1 + len(written.ledger)
    for row in rows:
        assert len(re.findall(r"(?<!\\)&", row)) == 5
        assert len(re.findall(r"(?<!\\)\$", row)) % 2 == 0
        assert row.count("{") == row.count("}")
    assert not re.search("[−±×⁻⁰¹²³⁴⁵⁶⁷⁸⁹∞≤χ]", text), "a character that LaTeX may not know"


def macros(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\\newcommand\{\\([^}]*)\}\{(.*)\}$", text, re.MULTILINE))


def test_macros(written: Any) -> None:
    text = (written.out / "linearization" / "macros.tex").read_text(encoding="utf-8")
    found = macros(text)
    assert len(found) == text.count(r"\newcommand") == 3 + 4 * len(written.ledger)
    assert all(name.isascii() and name.isalpha() for name in found)
    assert re.fullmatch(r"\\ensuremath\{-0\.50\d+ \\pm 0\.\d+\}", found["mcsLinearizationTwoDRateEstimate"])
    assert found["mcsLinearizationTwoDRateVerdict"] == "confirmed"
    assert found["mcsLinearizationTwoCPrintedVerdict"] == "refuted (misprint, as expected)"
    assert found["mcsLinearizationTwoCPrintedInterval"] == r"\ensuremath{5120\text{ violations}}"
    assert found["mcsLinearizationDigest"] == "abababababab"


@pytest.mark.parametrize("ids", [("2d.worst", "2d-worst", "2d_worst"), ("a", "A"), ("a", "aB", "A")])
def test_macros_of_ids_spelled_alike_stay_apart(make: Any, tmp_path: Path, ids: Sequence[str]) -> None:
    (finding,) = make.judged(Value("1", "x", of=mean("x"), equals=0.0, margin=1.0), make.normals(0.0))
    write_macros(make.ledger_of([replace(finding, id=name) for name in ids]), tmp_path / "macros.tex")
    text = (tmp_path / "macros.tex").read_text(encoding="utf-8")
    assert len(macros(text)) == text.count(r"\newcommand")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("(1.23 ± 0.03)×10⁻⁸", r"(1.23 \pm 0.03)\times 10^{-8}"),
        ("[0, ∞]", r"[0, \infty]"),
        ("P(violation) ≤ 8×10⁻⁴", r"P(\text{violation}) \le  8\times 10^{-4}"),
        (f"16{THIN}384", r"16\,384"),
        ("768 violations", r"768\text{ violations}"),
        ("upper half [−0.1, 0]", r"\text{upper half }[-0.1, 0]"),
    ],
)
def test_latex(text: str, written: str) -> None:
    assert latex(text) == written


def test_bibtex_names_software_and_result(full_ledger: Any) -> None:
    text = bibtex(replace(full_ledger, study=About("linearization", r"50 % & more_of {it} ~^\z", "", "")))
    assert re.findall(r"^@(\w+)\{([^,]+),$", text, re.MULTILINE) == [
        ("software", "mcstudy"),
        ("misc", "mcstudy-linearization-abababab"),
    ]
    assert "ab" * 32 in text
    assert "seed 20261123" in text
    assert re.search(r"^  year +=\s\{2026\},$", text, re.MULTILINE)
    assert r"{{50 \% \& more\_of \{it\} \textasciitilde{}\textasciicircum{}\textbackslash{}z}}" in text
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0


def test_bibtex_without_a_date(full_ledger: Any) -> None:
    assert "year" not in bibtex(replace(full_ledger, provenance={}))
