"""What a run writes down: the ledger, with what was changed after looking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcstudy import (
    Experiment,
    Ledger,
    Measure,
    Overlay,
    Rate,
    Replicates,
    Scenario,
    Study,
    Value,
    grid,
    mean,
    run,
)
from mcstudy.exceptions import ClaimError
from mcstudy.ledger import Change

pytestmark = pytest.mark.usefixtures("no_report", "unproved", "project")
MakeStudy = Callable[..., Study]
READ = Path("reports/toy/ledger.json")


def claim(margin: float = 99.0, column: str = "x", **more: Any) -> list[Value]:
    return [Value("mean", "s", of=mean(column), equals=0.0, margin=margin, **more)]


@pytest.fixture
def again(make_study: MakeStudy, counting: Any) -> Callable[..., tuple[Ledger, set[str]]]:
    """A function that runs a study of 48 replicates into one folder: the ledger, and the scenarios that were drawn."""

    def go(*, fresh: bool = False, **parts: Any) -> tuple[Ledger, set[str]]:
        plan = {"claims": claim(), "replicates": Replicates(first=16, quick=16, full=16)}
        executor = counting()
        ledger = run(make_study(**(plan | parts)), executor=executor, out="reports", fresh=fresh)
        assert Ledger.from_json(READ.read_text()).changes == ledger.changes
        return ledger, {scenario for _, scenario, _ in executor.blocks}

    return go


Again = Callable[..., tuple[Ledger, set[str]]]


def test_a_margin_moved_after_looking_is_judged_at_once_and_visible_for_ever(again: Again) -> None:
    first, _ = again()
    second, drawn = again(claims=claim(98.0))
    moved = Change("claim mean, margin", "99.0", "98.0", seen=48)
    assert drawn == set()
    assert (first["mean"].cells[0].margin, second["mean"].cells[0].margin) == (99.0, 98.0)
    assert (first.changes, second.changes) == ((), (moved,))
    assert first.digests["draws"] == second.digests["draws"]
    assert first.findings_digest != second.findings_digest
    back, _ = again()
    assert back.changes == (moved, Change("claim mean, margin", "98.0", "99.0", seen=48))
    assert again()[0].changes == back.changes


def test_a_level_that_is_added_is_drawn_alone(again: Again) -> None:
    again()
    ledger, drawn = again(scenarios=grid(n=(1, 2, 4, 8)))
    assert drawn == {Scenario(n=8).key}
    (change,) = ledger.changes
    assert (change.what, change.seen) == ("scenarios", 48)
    assert change.before.startswith("3 (n 1, 2, 4; ")
    assert change.after.startswith("4 (n 1, 2, 4, 8; ")


def test_more_replicates_are_a_change_too(again: Again) -> None:
    again()
    more = Replicates(first=32, quick=32, full=32)
    (change,) = again(replicates=more)[0].changes
    assert (change.what, change.seen) == ("replicates", 48)
    assert "quick=16" in change.before
    assert "quick=32" in change.after


def test_a_claim_that_is_added_is_seen_to_be_new(again: Again) -> None:
    again()
    ledger, drawn = again(claims=[*claim(), Value("new", "s", of=mean("x"), equals=0.0, margin=9.0)])
    assert drawn == set()
    (added,) = ledger.changes
    assert (added.what, added.before, added.seen) == ("claim new, added", "", 48)
    assert added.after == "kind value, equals 0.0, margin 9.0, of Mean(column='x')"
    (_, removed) = again()[0].changes
    assert removed == Change("claim new, removed", added.after, "", seen=48)


@pytest.mark.parametrize(
    "parts",
    [
        {"title": "another"},
        {"question": "why?"},
        {"source": "elsewhere"},
        {"claims": [replace(claim()[0], statement="t")]},
        {"measures": [Measure("spread", of=mean("x"))]},
    ],
    ids=["title", "question", "source", "statement", "measure"],
)
def test_words_and_measures_are_no_change(again: Again, parts: dict[str, Any]) -> None:
    again()
    ledger, drawn = again(**parts)
    assert (ledger.changes, drawn) == ((), set())


def test_fresh_forgets_draws_and_changes(again: Again) -> None:
    again()
    again(claims=claim(98.0))
    ledger, drawn = again(claims=claim(98.0), fresh=True)
    assert ledger.changes == ()
    assert len(drawn) == 3


def test_an_analysis_that_was_refused_has_not_been_made(again: Again) -> None:
    again()
    with pytest.raises(ClaimError):
        again(claims=claim(column="y"))
    assert again()[0].changes == ()


def declaring(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
    return {"x": rng.normal(size=size), "failure": ["late"] + [""] * (size - 1)}


def test_a_ledger_says_how_it_was_made(make_study: MakeStudy) -> None:
    study = make_study(simulate=declaring, claims=claim(allowed_failures=99), common=("n",), missing=("x",))
    ledger = run(study, executor="serial", out=None, seed=7, profile="full")
    assert (ledger.study.name, ledger.study.title, ledger.study.source) == ("toy", "A toy", "nowhere")
    assert (ledger.design.block_size, ledger.design.stages) == (16, (256,))
    quick = run(study, executor="serial", out=None)
    assert quick.design.stages == (64, 128)  # what it looks at first, and the most
    (design,) = ledger.design.experiments
    assert (design.name, design.factors, design.scenarios) == ("", {"n": (1, 2, 4)}, 3)
    assert (design.common, design.columns, design.missing) == (("n",), ("x",), ("x",))
    assert (ledger.run.seed, ledger.run.profile, ledger.run.executor, ledger.run.alpha) == (
        7,
        "full",
        "serial",
        0.01,
    )
    assert (ledger.run.replicates, ledger.run.failures) == (768, 48)
    assert ledger.run.command.endswith("--profile full --seed 7")
    assert ledger.run.replay.endswith("--seed 7")
    assert {len(digest) for digest in ledger.digests.values()} == {64}
    failure = ledger.failures[0]
    assert (failure.block, failure.index, failure.reason, failure.traceback) == (0, 0, "late", "")
    assert failure.token == f"{Scenario(n=1).digest}:0:0"


def test_overlays_of_claims_that_the_profile_does_not_have_are_left_out(make_study: MakeStudy) -> None:
    rates = [
        Rate(name, "s", of=mean("x"), against="n", exponent=0.0, margin=9.0, where={"n": levels})
        for name, levels in (("low", (1, 2, 4)), ("high", (8, 16, 32)))
    ]
    overlays = (Overlay("both", "t", "c", ("low", "high")), Overlay("late", "t", "c", ("high",)))
    study = make_study(claims=rates, overlays=overlays, full=grid(n=(8, 16, 32)), simulate=positive)
    for profile, expected in (("quick", ["both"]), ("full", ["both", "late"])):
        ledger = run(study, executor="serial", out=None, profile=profile)
        assert [overlay.id for overlay in ledger.overlays] == expected


def positive(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
    return {"x": 9.0 + rng.normal(size=size)}


def test_every_experiment_has_its_own_columns_failures_and_times() -> None:
    experiments = [
        Experiment("one", simulate=declaring, scenarios=grid(n=(1,)), claims=claim(allowed_failures=99)),
        Experiment(
            "other", simulate=positive, scenarios=grid(n=(1, 2)), measures=[Measure("level", of=mean("x"))]
        ),
    ]
    study = Study(
        name="toy",
        title="t",
        question="q?",
        source="s",
        block=16,
        experiments=experiments,
        replicates=Replicates(first=16, quick=16, full=16),
    )
    ledger = run(study, executor="serial", out=None)
    assert [design.scenarios for design in ledger.design.experiments] == [1, 2]
    assert {failure.experiment for failure in ledger.failures} == {"one"}
    assert ledger.failures[0].token.startswith("one/")
    assert [timing.experiment for timing in ledger.timings] == ["one", "other", "other"]
    (measured,) = ledger.measures
    assert (measured.experiment, len(measured.cells)) == ("other", 2)
