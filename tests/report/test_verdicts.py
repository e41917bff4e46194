from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from mcstudy.claims import Value, control, misprint
from mcstudy.findings import Finding, Verdict
from mcstudy.ledger import Ledger, Timing
from mcstudy.measured import MeasureCell, Measured
from mcstudy.report import answer
from mcstudy.report.numbers import THIN
from mcstudy.report.verdicts import badge, losses, outlook, tally
from mcstudy.scenarios import Scenario
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


def test_measures_alone_claim_nothing(make: Any, outcomes: dict[str, Finding]) -> None:
    cell = MeasureCell(Scenario(n=1), 0.5, 0.1, 64, 0)
    measures = (Measured("m", "", "mean of x", "", (cell,)),)
    alone = (
        "Nothing is claimed here: 1 measure is estimated in 0 scenarios, with Monte Carlo standard errors."
    )
    assert answer(ledger(make, measures=measures)) == alone
    assert "Nothing" not in answer(ledger(make, outcomes["open"], measures=measures))


def test_answer_names_no_more_than_a_few(make: Any, outcomes: dict[str, Finding]) -> None:
    many = [replace(outcomes["open"], id=f"c{k}") for k in range(20)]
    assert answer(ledger(make, *many)) == "Claims c0, c1, c2, c3, c4, c5, c6 and 13 more are still undecided."


def needing(make: Any, open_: Finding, needed: int) -> Ledger:
    """A ledger of a finding that needs so many replicates, 64 of which take a second."""
    (cell,) = open_.cells
    timing = Timing("", cell.scenario, seconds=16.0, blocks=16)
    return ledger(make, replace(open_, cells=(replace(cell, needed=needed),)), timings=(timing,))


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (7, "about 7 replicates more, under 1 s"),
        (96, "about 96 replicates more, 1.5 s"),
        (994, "about 990 replicates more, 16 s"),
        (996, "about 1000 replicates more, 16 s"),
        (123_456, "about 120 000 replicates more, 32 min"),
    ],
)
def test_outlook_says_what_would_decide(
    make: Any, outcomes: dict[str, Finding], more: int, text: str
) -> None:
    whole = needing(make, outcomes["open"], 1024 + more)
    told = outlook(whole, whole.findings[0]).replace(THIN, " ")
    assert told == f"Probably decided by {text} of processor time."


def test_outlook_of_what_the_replicates_leave_open(make: Any, outcomes: dict[str, Finding]) -> None:
    """Equal replicates, or none that define the estimate: a forecast would be made up."""
    (cell,) = outcomes["open"].cells
    open_ = replace(outcomes["open"], cells=(replace(cell, condition=0.0),))
    whole = needing(make, open_, 4096)
    assert outlook(whole, whole.findings[0]) == "How many replicates more would decide it these do not tell."


def test_outlook_of_what_draws_cannot_decide(make: Any, outcomes: dict[str, Finding]) -> None:
    whole = needing(make, outcomes["open"], 0)
    assert outlook(whole, whole.findings[0]) == "More draws alone would not decide it."


def test_outlook_counts_the_cells_that_are_open(make: Any, outcomes: dict[str, Finding]) -> None:
    """Those that are decided need nothing; one that no draws decide leaves the claim open."""
    whole = needing(make, outcomes["open"], 2048)
    (cell,) = whole.findings[0].cells
    told = {}
    for name, others in {
        "open": (cell,),
        "decided": (replace(cell, verdict=Verdict.CONFIRMED, needed=0),),
        "hopeless": (replace(cell, needed=0),),
    }.items():
        several = replace(whole, findings=(replace(whole.findings[0], cells=(cell, *others)),))
        told[name] = outlook(several, several.findings[0]).replace(THIN, " ")
    assert told == {
        "open": "Probably decided by about 2000 replicates more in 2 cells, 32 s of processor time.",
        "decided": "Probably decided by about 1000 replicates more, 16 s of processor time.",
        "hopeless": "More draws alone would not decide it.",
    }


def test_there_is_no_outlook_where_it_is_decided(make: Any, outcomes: dict[str, Finding]) -> None:
    whole = ledger(make, outcomes["confirmed"], outcomes["wrong"])
    assert [outlook(whole, finding) for finding in whole.findings] == ["", ""]


def test_failures_are_in_the_answer_and_in_the_tally(make: Any, outcomes: dict[str, Finding]) -> None:
    whole = ledger(make, outcomes["confirmed"])
    assert losses(whole) == ""
    failed = replace(whole, run=replace(whole.run, failures=196, replicates=1536))
    assert answer(failed).startswith("196 of 1536 replicates failed. The claim came out")
    assert (tally(failed)[-1].text, tally(failed)[-1].tone) == ("196 of 1536 replicates failed", "bad")
