"""Every claim can fail: wrong theories of the sensing loss are refuted by the draws that confirm the right ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcstudy import (
    Law,
    Ledger,
    Rate,
    Replicates,
    Study,
    Value,
    Verdict,
    grid,
    mean,
    relative,
    rms,
    run,
    variance,
)
from mcstudy.claims.claim import Claim
from mcstudy.engine.loading import load_study
from mcstudy.models.sensing import loss_law

FILE = Path(__file__).parents[2] / "studies" / "sensing_loss.py"
DEPTH = 3
FACTORS = {
    "quantity": ("loss",),
    "ensemble": ("gaussian",),
    "sampler": ("projected",),
    "planted": ("random",),
}


def chi_square(more: int) -> Any:
    """The law with `more` degrees of freedom than there are measurements."""
    return lambda measurements, **_: loss_law(measurements + more)


CLAIMS: dict[str, tuple[Claim, Claim]] = {
    "mean": (
        Value("mean", "right", of=mean("relative_error"), equals=0.0, margin=0.01),
        Value("mean-wrong", "off by 3 %", of=mean("relative_error"), equals=0.03, margin=0.01),
    ),
    "variance": (
        Value("variance", "right", of=variance("standardized_error"), equals=1.0, margin=relative(0.05)),
        Value("variance-wrong", "L", of=variance("standardized_error"), equals=DEPTH, margin=relative(0.05)),
    ),
    "law": (
        Law("law", "right", column="chi_square", distribution=chi_square(0), margin=0.02),
        Law("law-wrong", "n + 2", column="chi_square", distribution=chi_square(2), margin=0.02),
    ),
    "rate": (
        Rate("rate", "right", of=rms("relative_error"), against="measurements", exponent=-0.5, margin=0.02),
        Rate(
            "rate-wrong",
            "-0.45",
            of=rms("relative_error"),
            against="measurements",
            exponent=-0.45,
            margin=0.02,
        ),
    ),
}


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    """One run that judges the right and the wrong theories on the same draws, with the same margins."""
    study = Study(
        name="wrong_theory",
        title="Right and wrong theories of the sensing loss",
        question="Are the wrong ones refuted?",
        source="Problem 1",
        simulate=load_study(FILE).simulate,
        scenarios=grid(**FACTORS, dimension=(2,), depth=(DEPTH,), measurements=(16, 64, 256)),
        block=1024,
        replicates=Replicates(first=8192, quick=131072, full=131072),
        claims=[claim for pair in CLAIMS.values() for claim in pair],
    )
    return run(study, executor="serial", out=None)


@pytest.mark.parametrize("name", CLAIMS)
def test_wrong_theory_is_refuted(name: str, ledger: Ledger) -> None:
    right, wrong = (ledger[claim.id].verdict for claim in CLAIMS[name])
    assert right is Verdict.CONFIRMED
    assert wrong is Verdict.REFUTED
