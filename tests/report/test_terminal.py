from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcstudy.report import answer, terminal
from mcstudy.report.kinds import kind_of
from mcstudy.report.terminal import print_ledger, print_replay, print_table


def printed(
    function: Any, *arguments: Any, width: int, monkeypatch: pytest.MonkeyPatch, **more: Any
) -> list[str]:
    """The lines that a function prints on a terminal of a width."""
    monkeypatch.setenv("COLUMNS", str(width))
    stream = io.StringIO()
    function(*arguments, **more, stream=stream)
    return stream.getvalue().splitlines()


def test_all_that_is_public_is_named() -> None:
    assert set(terminal.__all__) == {name for name in vars(terminal) if name.startswith("print_")}


@pytest.mark.parametrize("width", [60, 80, 150])
def test_no_line_is_wider_than_the_terminal(
    full_ledger: Any, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    lines = printed(print_ledger, full_ledger, width=width, monkeypatch=monkeypatch)
    assert max(map(len, lines)) <= width
    for finding in full_ledger.findings:
        assert sum(f" {finding.id} " in f"{line} " for line in lines if not line.startswith("  ")) >= 1


def test_a_claim_takes_two_lines_at_80_columns_and_one_on_a_wide_terminal(
    full_ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = printed(print_ledger, full_ledger, width=80, monkeypatch=monkeypatch)
    at = next(k for k, line in enumerate(narrow) if line.endswith(" 2c"))
    assert narrow[at].startswith("Confirmed ")
    assert narrow[at + 1].startswith("  largest ratio 1 − ")
    assert narrow[at + 2].endswith(" 2c-printed")
    wide = printed(print_ledger, full_ledger, width=150, monkeypatch=monkeypatch)
    (line,) = [line for line in wide if " 2c " in line]
    assert "P(violation) ≤ 0.0061; allowed ≤ 1" in line  # 1 - 0.002^(1/1024): alpha of five claims


def test_the_numbers_are_those_of_the_page(written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(printed(print_ledger, written.ledger, width=200, monkeypatch=monkeypatch))
    for name in ("2d.rate", "2c", "1a", "1.law"):
        finding = written.ledger[name]
        for number in kind_of(finding.kind).summary(finding):
            assert number in text
            assert number in written.html


def test_what_is_not_as_expected_is_told_in_full(full_ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(printed(print_ledger, full_ledger, width=1000, monkeypatch=monkeypatch))
    for name in ("1.bias", "1.unexpected", "1.spread", "1.lost"):
        finding = full_ledger[name]
        assert kind_of(finding.kind).reading(finding) in text
    assert kind_of("bound").reading(full_ledger["2c"]) not in text


def test_the_last_lines_are_the_answer_and_the_page(
    full_ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Path("reports/linearization.html")
    lines = printed(print_ledger, full_ledger, page=page, width=2000, monkeypatch=monkeypatch)
    assert lines[-2:] == [answer(full_ledger), f"report: {page}"]


def test_no_colour_in_a_pipe(full_ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in "".join(printed(print_ledger, full_ledger, width=80, monkeypatch=monkeypatch))


TABLE = (
    "Studies",
    ("study", "question"),
    [("a", "Why?"), ("long-name", "How [bold]fast[/bold] does it fall?")],
)


def test_table_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(print_table, *TABLE, width=80, monkeypatch=monkeypatch) == [
        "Studies",
        "study      question",
        "a          Why?",
        "long-name  How [bold]fast[/bold] does it fall?",
    ]


def test_table_that_does_not_fit_becomes_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(print_table, *TABLE, width=30, monkeypatch=monkeypatch) == [
        "Studies",
        "a",
        "  question: Why?",
        "long-name",
        "  question: How",
        "  [bold]fast[/bold] does it",
        "  fall?",
    ]


def test_empty_table(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(print_table, "None", ("a",), [], width=80, monkeypatch=monkeypatch) == ["None", "a"]


def test_one_replayed_replicate_is_a_list_in_all_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {"error": 0.1 + 0.2, "bound": np.array([1e-300])}
    lines = printed(print_replay, columns, [], width=80, monkeypatch=monkeypatch)
    assert lines == ["error  0.30000000000000004", "bound  1e-300"]


def test_a_replayed_block_is_folded_to_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {f"column_{k}": np.arange(3) + 10.0 * k for k in range(7)}
    lines = printed(print_replay, columns, ["failed: x\n"], width=80, monkeypatch=monkeypatch)
    assert max(map(len, lines)) <= 80
    assert [line.split() for line in lines[:4]] == [
        ["column_0", "column_1", "column_2"],
        ["0.0", "10.0", "20.0"],
        ["1.0", "11.0", "21.0"],
        ["2.0", "12.0", "22.0"],
    ]
    assert lines[-1] == "failed: x"
    assert sum(line.strip().startswith("column_") for line in lines) == 3


def test_claims_that_nothing_tells_apart_are_named(full_ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not [
        line
        for line in printed(print_ledger, full_ledger, width=200, monkeypatch=monkeypatch)
        if "tells apart" in line
    ]
    first, second, *others = full_ledger.findings
    twins = (first, replace(second, statement=first.statement), *others)
    lines = printed(print_ledger, replace(full_ledger, findings=twins), width=200, monkeypatch=monkeypatch)
    assert "Nothing tells apart what is claimed by 2d.rate and 2c: give them a title=" in lines
    titled = (first, replace(twins[1], title="another"), *others)
    lines = printed(print_ledger, replace(full_ledger, findings=titled), width=200, monkeypatch=monkeypatch)
    assert not [line for line in lines if "tells apart" in line]


def test_the_answer_is_written_in_plain_characters(full_ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    study = replace(full_ledger.study, answer=r"It falls as $m^{-0.4984 \pm 0.0007}$.")
    lines = printed(print_ledger, replace(full_ledger, study=study), width=200, monkeypatch=monkeypatch)
    assert "It falls as m^(-0.4984 ± 0.0007)." in lines
    assert any(line.startswith("Claim 1.bias is refuted") for line in lines)
