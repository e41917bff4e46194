from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mcstudy.report import bibtex
from mcstudy.report.names import escape_tex, file_name, macro_name
from mcstudy.report.tables import write_macros


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_csv_holds_the_ledgers_numbers_to_the_last_bit(written: Any) -> None:
    tables = written.out / "linearization" / "tables"
    rows = read(tables / "findings.csv")
    assert [row["id"] for row in rows] == [finding["id"] for finding in written.ledger["findings"]]
    for row, finding in zip(rows, written.ledger["findings"], strict=True):
        for field in ("estimate", "mcse", "theory", "margin", "confidence"):
            assert row[field] == str(finding[field])
        assert [row["low"], row["high"]] == [str(end) for end in finding["interval"]]
        cells = read(tables / f"{file_name('claim', finding['id'])}.csv")
        assert [row["estimate"] for row in cells] == [str(cell["estimate"]) for cell in finding["cells"]]
        assert [row["verdict"] for row in cells] == [cell["verdict"] for cell in finding["cells"]]


def test_csv_of_cells_has_factors_and_evidence(written: Any) -> None:
    tables = written.out / "linearization" / "tables"
    bound = read(tables / "claim-2c.csv")[0]
    assert (bound["activation"], bound["width"], bound["violations"]) == ("tanh", "64", "0")
    rate = read(tables / "claim-2d.worst.csv")[2]
    line = next(f for f in written.ledger["findings"] if f["id"] == "2d.worst")["diagnostics"]["lines"][2]
    assert rate["upper_half_low"] == str(line["upper_half"]["interval"][0])
    assert rate["curvature_estimate"] == str(line["curvature"]["estimate"])
    assert "local_slopes" not in rate


def test_csv_of_points_has_the_whole_line(written: Any) -> None:
    points = read(written.out / "linearization" / "tables" / "claim-2d.worst-points.csv")
    lines = next(f for f in written.ledger["findings"] if f["id"] == "2d.worst")["diagnostics"]["lines"]
    assert len(points) == sum(len(line["x"]) for line in lines)
    assert [row["mean of error"] for row in points[:9]] == [str(y) for y in lines[0]["y"]]
    assert points[8]["local_slope"] == ""  # there is no level after the last


def test_tex_table_is_balanced_and_escaped(written: Any) -> None:
    text = (written.out / "linearization" / "tables" / "findings.tex").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.endswith(r" \\")]
    assert len(rows) == 1 + len(written.ledger["findings"])
    for row in rows:
        assert len(re.findall(r"(?<!\\)&", row)) == 5
        assert len(re.findall(r"(?<!\\)\$", row)) % 2 == 0
        assert row.count("{") == row.count("}")
    assert "$\\pm$" not in text
    assert not re.search("[−±×⁻⁰¹²³⁴⁵⁶⁷⁸⁹∞≤]", text), "a character that LaTeX may not know"


def macros(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\\newcommand\{\\([^}]*)\}\{(.*)\}$", text, re.MULTILINE))


def test_macros(written: Any) -> None:
    text = (written.out / "linearization" / "macros.tex").read_text(encoding="utf-8")
    found = macros(text)
    assert len(found) == text.count(r"\newcommand") == 3 + 4 * len(written.ledger["findings"])
    assert all(name.isascii() and name.isalpha() for name in found)
    assert found["mcsLinearizationTwoDWorstEstimate"] == r"\ensuremath{-0.4986 \pm 0.0012}"
    assert found["mcsLinearizationTwoDWorstVerdict"] == "confirmed"
    assert found["mcsLinearizationTwoCPrintedVerdict"] == "refuted (as expected)"
    assert found["mcsLinearizationDigest"] == "abababababab"


@pytest.mark.parametrize("ids", [("2d.worst", "2d-worst", "2d_worst"), ("a", "A")])
def test_macros_of_ids_spelled_alike_stay_apart(
    ledgers: ModuleType, tmp_path: Path, ids: Sequence[str]
) -> None:
    ledger = ledgers.make_ledger(findings=[ledgers.single_finding() | {"id": name} for name in ids])
    write_macros(ledger, tmp_path / "macros.tex")
    text = (tmp_path / "macros.tex").read_text(encoding="utf-8")
    assert len(macros(text)) == text.count(r"\newcommand")


@pytest.mark.parametrize(
    "name", ["2d.worst", "../../etc/passwd", "a b", "ü", "x" * 20, "..", "<script>", "a/b", ""]
)
def test_file_names_are_safe_and_apart(name: str) -> None:
    stem = file_name("claim", name)
    assert re.fullmatch(r"claim-[A-Za-z0-9._-]*", stem)
    others = {file_name("claim", f"{name}{suffix}") for suffix in ("", " ", "/", "_")}
    assert len(others) == 4


def test_macro_names_are_letters() -> None:
    assert macro_name("1b.2-printed") == "OneBTwoPrinted"


def test_escaped_tex_has_no_active_character() -> None:
    text = escape_tex(r"a_b & 50% #1 $x$ {y} ~ ^ \z")
    assert not re.search(r"(?<!\\)[&%#$_~^]", re.sub(r"\\text\w+\{\}", "", text))


def test_bibtex_names_software_and_result(ledgers: ModuleType) -> None:
    ledger = ledgers.make_ledger()
    ledger["study"]["title"] = "50 % & more_of {it}"
    text = bibtex(ledger)
    assert re.findall(r"^@(\w+)\{([^,]+),$", text, re.MULTILINE) == [
        ("software", "mcstudy"),
        ("misc", "mcstudy-linearization-abababab"),
    ]
    assert "ab" * 32 in text
    assert "seed 20261123" in text
    assert re.search(r"^  year +=\s\{2026\},$", text, re.MULTILINE)
    assert r"{{50 \% \& more\_of \{it\}}}" in text
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0


def test_bibtex_without_a_date(ledgers: ModuleType) -> None:
    assert "year" not in bibtex(ledgers.make_ledger(provenance={}))
