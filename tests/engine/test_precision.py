"""Drawing until estimates are precise, and drawing so many: what is reached, what is said, and what a resumed run sees."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.engine.precision import Imprecise, precise_counts
from mcstudy.exceptions import InputError, StudyError

pytestmark = pytest.mark.usefixtures("unproved")
MakeStudy = Callable[..., mc.Study]
UNTIL = mc.Replicates(until=mc.mcse(0.05), at_most=8192)


def scaled(rng: np.random.Generator, size: int, *, sd: float) -> dict[str, Any]:
    """Normal draws of some standard deviation."""
    return {"x": sd * rng.normal(size=size)}


def go(study: mc.Study, **settings: Any) -> mc.Ledger:
    return mc.run(study, **({"executor": "serial", "out": None} | settings))


@pytest.fixture
def measured(make_study: MakeStudy) -> Callable[..., mc.Study]:
    """A function that makes a study of a mean, without a claim, over three spreads."""

    def make(**parts: Any) -> mc.Study:
        plan: dict[str, Any] = {
            "simulate": scaled,
            "scenarios": mc.grid(sd=(0.1, 1.0, 2.0)),
            "claims": [],
            "measures": [mc.Measure("middle", of=mc.mean("x"))],
            "replicates": UNTIL,
        }
        return make_study(**(plan | parts))

    return make


def test_every_scenario_gets_what_its_precision_needs(measured: Callable[..., mc.Study]) -> None:
    """The variance over the squared target: 4, 400 and 1,600, but no fewer than the first 64."""
    for profile in ("quick", "full"):
        (middle,) = go(measured(), profile=profile).measures
        counts = [cell.replicates for cell in middle.cells]
        assert counts[0] == 64
        assert counts[1:] == [pytest.approx(400, rel=0.2), pytest.approx(1600, rel=0.2)]
        assert all(cell.mcse <= 0.05 for cell in middle.cells)


def test_the_control_is_a_study_without_a_target(measured: Callable[..., mc.Study]) -> None:
    (middle,) = go(measured(replicates=mc.Replicates(64, quick=8192))).measures
    assert [cell.replicates for cell in middle.cells] == [64, 64, 64]


def test_relative_errors_are_held_to_the_estimate(measured: Callable[..., mc.Study]) -> None:
    """The relative error of a standard deviation is about 1 / sqrt(2 n), whatever the spread."""
    replicates = mc.Replicates(until=mc.mcse(0.02, relative=True), at_most=8192)
    (spread,) = go(measured(measures=[mc.Measure("s", of=mc.sd("x"))], replicates=replicates)).measures
    assert [cell.replicates for cell in spread.cells] == [pytest.approx(1250, rel=0.2)] * 3


def test_the_end_of_the_replicates_is_said(measured: Callable[..., mc.Study], listener: Any) -> None:
    replicates = mc.Replicates(until=mc.mcse(0.05), at_most=800)
    (middle,) = go(measured(replicates=replicates), progress=listener).measures
    assert middle.cells[-1].replicates == 800
    (warning,) = listener.said
    assert warning.startswith("toy: the standard error of middle is still 0.07")
    assert "at sd=2.0, 1.4" in warning
    assert warning.endswith("times what `until` wants; raise `at_most`")
    listener.said.clear()
    go(measured(), progress=listener)
    assert listener.said == []


def test_only_what_is_named_is_to_be_precise(measured: Callable[..., mc.Study]) -> None:
    measures = [mc.Measure("middle", of=mc.mean("x")), mc.Measure("rough", of=mc.quantile("x", 0.9))]
    replicates = mc.Replicates(until=mc.mcse(0.05, of="middle"), at_most=8192)
    middle, rough = go(measured(measures=measures, replicates=replicates)).measures
    assert middle.cells[-1].mcse <= 0.05 < rough.cells[-1].mcse
    replicates = mc.Replicates(until=mc.mcse(0.05), at_most=8192)
    *_, rough = go(measured(measures=measures, replicates=replicates)).measures
    assert rough.cells[-1].mcse <= 0.05


def test_claims_are_decided_and_precise(measured: Callable[..., mc.Study]) -> None:
    """Without a measure the estimates of claims are held to the target; and a margin may need more than it."""
    wide = [mc.Value("mean", "s", of=mc.mean("x"), equals=0.0, margin=2.0)]
    ledger = go(measured(claims=wide, measures=[]))
    assert ledger["mean"].cells[-1].mcse <= 0.05
    narrow = [mc.Value("mean", "s", of=mc.mean("x"), equals=0.0, margin=0.12, where={"sd": 1.0})]
    ledger = go(measured(claims=narrow, measures=[]))
    assert ledger["mean"].verdict is mc.Verdict.CONFIRMED
    assert ledger["mean"].cells[0].mcse < 0.04


def test_the_first_look_is_at_whole_blocks(measured: Callable[..., mc.Study]) -> None:
    replicates = mc.Replicates(until=mc.mcse(5.0), at_most=1000)
    (middle,) = go(measured(block=100, replicates=replicates)).measures
    assert [cell.replicates for cell in middle.cells] == [100, 100, 100]
    with pytest.raises(StudyError, match=r"`at_most` must be a multiple of the block \(300\), got 1000"):
        measured(block=300, replicates=replicates)


def test_names_are_those_of_the_study(measured: Callable[..., mc.Study]) -> None:
    replicates = mc.Replicates(until=mc.mcse(0.05, of="midle"), at_most=8192)
    with pytest.raises(
        StudyError, match=r"`until` must name measures or claims, got 'midle'; did you mean middle\?"
    ):
        measured(replicates=replicates)


def test_a_resumed_run_has_the_digest_of_a_single_one(
    measured: Callable[..., mc.Study], tmp_path: Path, no_report: None
) -> None:
    rough, fine = (mc.Replicates(until=mc.mcse(target), at_most=8192) for target in (0.2, 0.1))
    first = go(measured(replicates=rough), out=tmp_path)
    again = go(measured(replicates=fine), out=tmp_path)
    assert again.run.replicates > first.run.replicates
    assert again.digests["draws"] == go(measured(replicates=fine)).digests["draws"]


def test_steps_are_doublings_at_most() -> None:
    counts = {mc.Scenario(n=1): 64, mc.Scenario(n=2): 640}
    lacking = [
        Imprecise("a", (mc.Scenario(n=1),), 1.0, 10.0),
        Imprecise("b", tuple(counts), 1.0, 1.05),
        Imprecise("c", (mc.Scenario(n=2),), math.inf, math.inf),
    ]
    assert precise_counts(iter(lacking[:2]), counts, most=8192, block=16) == {
        mc.Scenario(n=1): 128,
        mc.Scenario(n=2): 720,
    }
    assert precise_counts(iter(lacking), counts, most=800, block=16) == {
        mc.Scenario(n=1): 128,
        mc.Scenario(n=2): 800,
    }
    assert precise_counts(iter(lacking), counts, most=64, block=16) == {}


def test_so_many_replicates_are_drawn_as_are_asked_for(make_study: MakeStudy) -> None:
    """All of them before the first look, in any profile, whatever is decided by then."""
    for profile in ("quick", "full"):
        ledger = go(make_study(), replicates=32, profile=profile)
        assert [cell.replicates for cell in ledger["mean"].cells] == [32, 32, 32]
        assert ledger.run.command.endswith(f"--profile {profile} --replicates 32")
        assert ledger.design.stages == (32,)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"replicates": 40}, "`replicates` must be a whole number of the study's blocks of 16, got 40; take 48"),
        ({"replicates": 0}, "`replicates` must be a positive whole number, got 0"),
        ({"replicates": True}, "`replicates` must be a positive whole number, got True"),
        ({"replicates": 32, "until": "decided"}, "`replicates` must stand without `until`, got 32 and 'decided'"),
    ],
)  # fmt: skip
def test_a_number_of_replicates_is_refused(make_study: MakeStudy, settings: Any, match: str) -> None:
    with pytest.raises(InputError, match=match):
        go(make_study(), **settings)


def test_the_command_line_takes_a_number_of_replicates(
    write_study: Callable[..., Path], command: Callable[..., tuple[int, str, str]]
) -> None:
    write_study()
    code, _, err = command("run", "toy", "--replicates", "128", "--executor", "serial", "--quiet")
    assert code == 0, err
    assert mc.load("reports/toy")["mean"].replicates == 128
    code, _, err = command("run", "toy", "--replicates", "130", "--executor", "serial", "--quiet")
    assert code == 2
    assert "take 144" in err
