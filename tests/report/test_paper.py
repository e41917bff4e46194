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
from mcstudy.report.kinds import Crossed, Estimate
from mcstudy.report.numbers import THIN
from mcstudy.report.paper import latex, software_bibtex, write_macros, write_measures
from mcstudy.statistics import mean


@pytest.mark.parametrize(("name", "columns"), [("findings.tex", 4), ("statements.tex", 2)])
def test_tex_tables_are_balanced_escaped_and_as_wide_as_the_text(
    written: Any, name: str, columns: int
) -> None:
    text = (written.out / "linearization" / "tables" / name).read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.endswith(r" \\")]
    assert len(rows) == 1 + len(written.ledger)
    shares = re.findall(r"p\{\\dimexpr ([\d.]+)\\linewidth-2\\tabcolsep\\relax\}", text)
    assert len(shares) == columns
    assert sum(map(float, shares)) == pytest.approx(1.0)
    for row in rows:
        assert len(re.findall(r"(?<!\\)&", row)) == columns - 1
        assert len(re.findall(r"(?<!\\)\$", row)) % 2 == 0
        assert row.count("{") == row.count("}")
    assert not re.search("[−±×⁻⁰¹²³⁴⁵⁶⁷⁸⁹∞≤χ]", text), "a character that LaTeX may not know"


def test_tex_table_of_measures(tmp_path: Path) -> None:
    levels = (Estimate(0.5, 0.1), Estimate(0.25, 0.01))
    table = Crossed(
        ("n", "a_b"), ("cover", "width"), ("Wald & Co", "x"), [(12_000, "s_1", *levels, None, None)]
    )
    write_measures(table, tmp_path / "measures.tex")
    text = (tmp_path / "measures.tex").read_text(encoding="utf-8")
    assert r"\begin{longtable}{llrrrr}" in text
    assert r" &  & \multicolumn{2}{c}{cover} & \multicolumn{2}{c}{width} \\".lstrip() in text
    assert r"\cmidrule(lr){3-4}\cmidrule(lr){5-6}" in text
    assert r"n & a\_b & Wald \& Co & x & Wald \& Co & x \\" in text
    assert r"$12\,000$ & s\_1 & $0.50 \pm 0.10$ & $0.250 \pm 0.010$ &  &  \\" in text
    write_measures(Crossed(("n",), ("m",), (), [(1, levels[0])]), tmp_path / "measures.tex")
    text = (tmp_path / "measures.tex").read_text(encoding="utf-8")
    assert r"n & \multicolumn{1}{c}{m} \\" in text
    assert "cmidrule" not in text


def macros(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\\providecommand\{\\([^}]*)\}\{(.*)\}$", text, re.MULTILINE))


def test_macros(written: Any) -> None:
    text = (written.out / "linearization" / "macros.tex").read_text(encoding="utf-8")
    found = macros(text)
    assert len(found) == text.count(r"\providecommand")
    assert all(name.isascii() and name.isalpha() for name in found)
    assert re.fullmatch(r"\\ensuremath\{-0\.50\d+ \\pm 0\.\d+\}", found["mcsLinearizationTwoDRateEstimate"])
    assert found["mcsLinearizationTwoDRateVerdict"] == "confirmed"
    assert found["mcsLinearizationTwoCPrintedVerdict"] == "refuted (misprint, as expected)"
    assert found["mcsLinearizationDigest"] == "ab" * 32
    assert found["mcsLinearizationReplicates"] == "36864"


def fields_of(found: dict[str, str], stem: str) -> set[str]:
    return {name.removeprefix(stem) for name in found if re.fullmatch(f"{stem}[A-Z][a-z]+", name)}


def test_macros_are_bare_numbers_and_only_those_that_a_kind_has(written: Any) -> None:
    found = macros((written.out / "linearization" / "macros.tex").read_text(encoding="utf-8"))
    rate = written.ledger["2d.rate"]
    numbers = {
        "Value": rate.estimate,
        "Error": rate.mcse,
        "Low": rate.interval[0],
        "Theory": -0.5,
        "Margin": 0.1,
    }
    for field, number in numbers.items():
        assert float(found[f"mcsLinearizationTwoDRate{field}"]) == pytest.approx(number, rel=1e-7)
    always = {"Estimate", "Value", "Replicates", "Verdict"}
    assert fields_of(found, "mcsLinearizationOneA") == always | {"Margin"}
    assert fields_of(found, "mcsLinearizationTwoC") == always | {"High", "Margin"}
    assert fields_of(found, "mcsLinearizationOneLaw") == always | {"Low", "High", "Margin"}
    assert fields_of(found, "mcsLinearizationTwoCPrinted") == always - {"Value"} | {"High", "Margin"}


@pytest.mark.parametrize("ids", [("2d.worst", "2d-worst", "2d_worst"), ("a", "A"), ("a", "aB", "A")])
def test_macros_of_ids_spelled_alike_stay_apart(make: Any, tmp_path: Path, ids: Sequence[str]) -> None:
    (finding,) = make.judged(Value("1", "x", of=mean("x"), equals=0.0, margin=1.0), make.normals(0.0))
    write_macros(make.ledger_of([replace(finding, id=name) for name in ids]), tmp_path / "macros.tex")
    text = (tmp_path / "macros.tex").read_text(encoding="utf-8")
    assert len(macros(text)) == text.count(r"\providecommand")


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


def test_bibtex_names_a_result(full_ledger: Any) -> None:
    text = bibtex(replace(full_ledger, study=About("linearization", r"50 % & more_of {it} ~^\z", "", "")))
    assert re.findall(r"^@(\w+)\{([^,]+),$", text, re.MULTILINE) == [
        ("misc", f"mcstudy-linearization-{full_ledger.findings_digest[:8]}"),
    ]
    assert re.search(rf"^  digest +=\s\{{{'ab' * 32}\}},$", text, re.MULTILINE)
    assert "draws abababababab}" in text
    assert "seed 20261123" in text
    assert re.search(r"^  year +=\s\{2026\},$", text, re.MULTILINE)
    assert r"{{50 \% \& more\_of \{it\} \textasciitilde{}\textasciicircum{}\textbackslash{}z}}" in text
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0


def test_entries_of_several_studies_may_stand_in_one_file(full_ledger: Any) -> None:
    other = replace(full_ledger, study=replace(full_ledger.study, name="other"))
    first, *rest = full_ledger.findings
    judged_anew = replace(full_ledger, findings=(replace(first, margin=0.125), *rest))
    text = "".join(map(bibtex, (full_ledger, other, judged_anew))) + software_bibtex()
    keys = re.findall(r"^@misc\{([^,]+),$", text, re.MULTILINE)
    assert len(set(keys)) == len(keys) == text.count("@") == 4
    assert keys[-1] == "mcstudy"


@pytest.mark.parametrize("evil", ["}\\evil{", "x\n\\evil", "x\r\\evil", "\udc80\\evil"])
def test_nothing_of_an_edited_ledger_ends_a_field_of_bibtex(full_ledger: Any, evil: str) -> None:
    study = replace(full_ledger.study, title=evil, authors=(evil,), url=f"https://example.org/{evil}")
    provenance = {"started": evil, "mcstudy": evil, "git": evil}
    entry = bibtex(replace(full_ledger, study=study, provenance=provenance))
    assert "\\evil" not in entry
    assert entry.count("{") == entry.count("}") + entry.count("\\{") - entry.count("\\}")
    assert "year" not in entry
    assert "url          = {https://example.org/" in entry


def test_bibtex_without_a_date(full_ledger: Any) -> None:
    assert "year" not in bibtex(replace(full_ledger, provenance={}))


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028"])
def test_an_id_does_not_end_the_comment_that_names_it(
    make: Any, single: Any, tmp_path: Path, end: str
) -> None:
    """A ledger that was edited may have any; TeX ends a line at a carriage return too."""
    finding = replace(single.findings[0], id=f"1{end}\\input{{x}}")
    write_macros(make.ledger_of([finding]), tmp_path / "macros.tex")
    lines = (tmp_path / "macros.tex").read_text(encoding="utf-8").splitlines()
    assert r"% claim 1 \input{x}" in lines
    assert not [line for line in lines if line.startswith(r"\input")]
