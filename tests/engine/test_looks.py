"""Looks: when a run has drawn enough, for each cell by itself, and where it goes on when there is more to draw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcstudy import Bound, Ledger, Replicates, Study, Value, Verdict, control, grid, mean, run
from mcstudy.engine.progress import Progress

pytestmark = pytest.mark.usefixtures("unproved")
MakeStudy = Callable[..., Study]


def quiet(study: Study, **settings: Any) -> Ledger:
    plan: dict[str, Any] = {"executor": "serial", "out": None}
    return run(study, **(plan | settings))


def digests(ledger: Ledger) -> tuple[str, str]:
    return ledger.digests["draws"], ledger.findings_digest


def replicates(ledger: Ledger) -> list[int]:
    return [cell.replicates for cell in ledger.findings[0].cells]


class Looks(Progress):
    """Remembers how many blocks were drawn before each look, and what was said."""

    def __init__(self) -> None:
        self.blocks: list[int] = []
        self.said: list[str] = []

    def look(self, study: str, number: int, blocks: int) -> None:
        """Count."""
        self.blocks.append(blocks)
        assert number == len(self.blocks)

    def warn(self, text: str) -> None:
        """Keep."""
        self.said.append(text)


def test_looks_go_on_where_something_is_open(make_study: MakeStudy) -> None:
    """After twice as many at most, and in smaller steps as cells are decided and the others come near."""
    looks = Looks()
    claims = [Value("mean", "s", of=mean("x"), equals=0.0, margin=0.25)]
    ledger = quiet(make_study(claims=claims, replicates=Replicates(64, quick=512)), progress=looks)
    first, *later = looks.blocks
    assert first == 12
    assert len(later) > 4
    assert max(later) <= first
    assert later[-1] < first / 2
    assert 16 * sum(looks.blocks) == ledger.run.replicates


def test_quick_stops_where_everything_is_decided_and_full_does_not(make_study: MakeStudy) -> None:
    study = make_study(claims=[Value("mean", "s", of=mean("x"), equals=0.0, margin=1.5)])
    assert replicates(quiet(study)) == [64, 64, 64]
    assert replicates(quiet(study, profile="full")) == [256, 256, 256]


def test_quick_draws_on_only_where_a_claim_is_open(make_study: MakeStudy) -> None:
    claims = [
        Value("mean", "s", of=mean("x"), equals=0.0, margin=1.5),
        Value("open", "s", of=mean("x"), equals=0.0, margin=0.01, where={"n": 2}),
    ]
    ledger = quiet(make_study(claims=claims))
    assert replicates(ledger) == [64, 128, 64]
    assert ledger["open"].verdict is Verdict.UNDECIDED
    assert ledger["open"].replicates == 128
    assert ledger.run.replicates == 256


def test_a_decided_cell_stops_while_its_sibling_goes_on(make_study: MakeStudy) -> None:
    """Of one claim: what is needed at n = 1 is four times as much as at n = 2, and more than there is at n = 1/2."""

    def simulate(rng: np.random.Generator, size: int, n: float) -> dict[str, Any]:
        return {"x": rng.normal(size=size) / n}

    claim = Value("mean", "s", of=mean("x"), equals=0.0, margin=0.3)
    ledger = quiet(
        make_study(
            simulate=simulate,
            scenarios=grid(n=(0.5, 1.0, 4.0)),
            claims=[claim],
            replicates=Replicates(first=64, quick=512),
        )
    )
    cells = ledger["mean"].cells
    assert [cell.verdict for cell in cells] == ["UNDECIDED", "CONFIRMED", "CONFIRMED"]
    assert cells[0].replicates == 512
    assert 64 < cells[1].replicates < 512
    assert cells[2].replicates == 64
    assert ledger.run.replicates == sum(cell.replicates for cell in cells)
    assert ledger["mean"].replicates == 512  # of the cell that decides


@pytest.mark.usefixtures("no_report")
def test_more_replicates_go_on_where_fewer_ended(
    make_study: MakeStudy, tmp_path: Path, counting: Any
) -> None:
    """The verdicts are those of one run with as many: nothing says how often it was taken up again."""
    claims = [Value("mean", "s", of=mean("x"), equals=0.0, margin=0.25)]
    drawn: list[Any] = []
    found = []
    for most in (64, 128, 256, 1024):
        study = make_study(claims=claims, replicates=Replicates(first=64, quick=most))
        executor = counting()
        ledger = run(study, executor=executor, out=tmp_path)
        assert digests(ledger) == digests(quiet(study))
        assert not {*drawn} & {*executor.blocks}
        drawn += executor.blocks
        found.append(ledger["mean"].verdict)
    assert found == ["UNDECIDED", "UNDECIDED", "UNDECIDED", "CONFIRMED"]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({}, True),
        ({"probability": 0.1}, False),
        ({"expected": control("it is exceeded")}, False),
    ],
)
def test_claims_that_the_profile_cannot_confirm_are_told_before(
    make_study: MakeStudy, parts: dict[str, Any], said: bool
) -> None:
    looks = Looks()
    claims = [Bound("b", "s", column="x", at_most=9.0, **parts)]
    quiet(make_study(claims=claims), progress=looks)
    expected = (
        "toy: claim b can't be confirmed with the 128 replicates of the quick profile, for it needs 4,603 a scenario; "
        "raise `replicates`"
    )
    assert looks.said == ([expected] if said else [])
    endless = Looks()
    quiet(make_study(claims=claims), progress=endless, until="decided", at_most=1e-6)
    assert endless.said == []


@pytest.mark.usefixtures("no_report")
def test_quick_after_full_reads_no_further_than_it_would_draw(
    make_study: MakeStudy, tmp_path: Path, counting: Any
) -> None:
    study = make_study()
    reference = digests(quiet(study))
    run(study, profile="full", executor="serial", out=tmp_path)
    again = counting()
    assert digests(run(study, executor=again, out=tmp_path)) == reference
    assert again.blocks == {}


def test_scenarios_and_claims_of_the_full_profile(make_study: MakeStudy) -> None:
    claims = [
        Value("mean", "s", of=mean("x"), equals=0.0, margin=1.5),
        Value("large", "s", of=mean("x"), equals=0.0, margin=1.5, where={"n": 4}),
    ]
    study = make_study(claims=claims, scenarios=grid(n=(1, 2)), full=grid(n=(4,)))
    quick, full = quiet(study), quiet(study, profile="full")
    assert list(quick) == ["mean"]
    assert list(full) == ["mean", "large"]
    assert quick.design.experiments[0].factors == {"n": (1, 2)}
    assert full.design.experiments[0].factors == {"n": (1, 2, 4)}
    # Alpha is shared by all claims of the study, whatever the profile has of them.
    assert quick["mean"].confidence == full["mean"].confidence == 1 - 2 * 0.01 / 2
