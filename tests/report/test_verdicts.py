from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from mcstudy.claims import Value, control, misprint
from mcstudy.findings import Finding, Verdict
from mcstudy.ledger import Ledger
from mcstudy.report import answer
from mcstudy.report.verdicts import badge, losses, tally
from mcstudy.statistics import mean

RIGHT, WRONG, OPEN = 0.0, 1.0, 0.15  # what is claimed of a mean that is 0, with a margin of 0.15


def finding(make: Any, name: str, claimed: float, **expected: Any) -> Finding:
    claim = Value(name, "a mean", of=mean("x"), equals=claimed, margin=0.15, **expected)
    (found,) = make.judged(claim, make.normals(0.0, seed=8))
    assert isinstance(found, Finding)
    return found


def ledger(make: Any, *claims: Finding, **parts: Any) -> Ledger:
    made = make.ledger_of(claims, **parts)
    assert isinstance(made, Ledger)
    return made


@pytest.fixture
def outcomes(make: Any) -> dict[str, Finding]:
    """A finding of each outcome."""
    return {
        "confirmed": finding(make, "a", RIGHT),
        "misprint": finding(make, "b", WRONG, expected=misprint("a sign")),
        "control": finding(make, "c", WRONG, expected=control("a shift")),
        "other": finding(make, "d", WRONG, expected=Verdict.REFUTED, because="either"),
        "wrong": finding(make, "e", WRONG),
        "surprise": finding(make, "f", RIGHT, expected=control("a shift")),
        "open": finding(make, "g", OPEN),
    }


@pytest.mark.parametrize(
    ("name", "mark", "tone", "text"),
    [
        ("confirmed", "confirmed", "good", "Confirmed"),
        ("misprint", "refuted", "neutral", "Refuted, misprint, as expected"),
        ("control", "refuted", "neutral", "Refuted, control, as expected"),
        ("other", "refuted", "neutral", "Refuted, as expected"),
        ("wrong", "unexpected", "bad", "Refuted, not expected"),
        ("surprise", "unexpected", "bad", "Confirmed, not expected"),
        ("open", "undecided", "open", "Undecided"),
    ],
)
def test_badges(outcomes: dict[str, Finding], name: str, mark: str, tone: str, text: str) -> None:
    words = badge(outcomes[name])
    assert (words.mark, words.tone, words.text) == (mark, tone, text)


def test_tally_counts_misprints_and_controls_apart(make: Any, outcomes: dict[str, Finding]) -> None:
    second = replace(outcomes["misprint"], id="h")
    words = [words.text for words in tally(ledger(make, *outcomes.values(), second))]
    assert words == [
        "1 confirmed",
        "2 misprints, 1 control and 1 other refuted, as expected",
        "2 not as expected",
        "1 undecided",
    ]


def test_tally_of_what_all_came_out_has_no_bad_tone(make: Any, outcomes: dict[str, Finding]) -> None:
    badges = tally(ledger(make, outcomes["confirmed"], outcomes["other"]))
    assert [(words.text, words.tone) for words in badges] == [
        ("1 confirmed", "good"),
        ("1 refuted, as expected", "neutral"),
    ]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["confirmed"], "The claim came out as expected: 1 confirmed."),
        (["confirmed", "other"], "All 2 claims came out as expected: 1 confirmed; 1 refuted, as planned."),
        (
            ["confirmed", "misprint", "control"],
            "All 3 claims came out as expected: 1 confirmed; 1 misprint and 1 control refuted, as planned.",
        ),
        (
            ["wrong", "confirmed"],
            "Claim e is refuted, which is not expected. The other claim came out as expected: 1 confirmed.",
        ),
        (
            ["surprise", "confirmed", "misprint"],
            "Claim f is confirmed, but expected to be refuted. The other 2 claims came out as expected: 1 confirmed; "
            "1 misprint refuted, as planned.",
        ),
        (["open"], "Claim g is still undecided."),
        ([], ""),
    ],
)
def test_answer_says_what_came_out(
    make: Any, outcomes: dict[str, Finding], names: Sequence[str], text: str
) -> None:
    assert answer(ledger(make, *(outcomes[name] for name in names))) == text


def test_answer_names_no_more_than_a_few(make: Any, outcomes: dict[str, Finding]) -> None:
    many = [replace(outcomes["open"], id=f"c{k}") for k in range(20)]
    assert answer(ledger(make, *many)) == "Claims c0, c1, c2, c3, c4, c5, c6 and 13 more are still undecided."


def test_failures_are_in_the_answer_and_in_the_tally(make: Any, outcomes: dict[str, Finding]) -> None:
    whole = ledger(make, outcomes["confirmed"])
    assert losses(whole) == ""
    failed = replace(whole, run=replace(whole.run, failures=196, replicates=1536))
    assert answer(failed).endswith(" 196 of 1536 replicates failed.")
    assert (tally(failed)[-1].text, tally(failed)[-1].tone) == ("196 of 1536 replicates failed", "bad")
