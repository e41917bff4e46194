"""Two laws whose distance is just above the margin: as seldom confirmed as promised, at any look."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import betaincinv, ndtri

from mcstudy import SameLaw, Scenario, Verdict
from mcstudy.claims.judging import find
from mcstudy.draws import Draws

DrawsOf = Callable[..., Draws]
Bits = npt.NDArray[np.int8]

SHARE, MARGIN, RUNS = 0.1, 0.2, 500
# Every 1.2-fold number of replicates.
LOOKS = np.unique(np.round(64 * 1.2 ** np.arange(20)).astype(int))
PAIRED = ("kind",)
CLAIM = SameLaw("same", "s", column="x", across="kind", margin=MARGIN)


def two_samples(paired: bool, runs: int) -> Iterator[tuple[Bits, Bits]]:
    """Zeros with probabilities 1/2 + m/2 and 1/2 - m/2; where they are paired, no two of them together."""
    rng = np.random.default_rng(21)
    for _ in range(runs):
        one = rng.random(LOOKS[-1]) > 0.5 + MARGIN / 2
        other = ~one if paired else rng.random(LOOKS[-1]) > 0.5 - MARGIN / 2
        yield one.astype(np.int8), other.astype(np.int8)


def wrong(draws_of: DrawsOf, *, paired: bool, common: tuple[str, ...], runs: int) -> int:
    """How many of the runs confirm at some look; where the distance is not below the margin by 1/2 sqrt(n), none does."""

    def confirms(one: Bits, other: Bits, count: int) -> bool:
        columns = {Scenario(kind="a"): {"x": one[:count]}, Scenario(kind="b"): {"x": other[:count]}}
        return find(CLAIM, draws_of(columns, common=common), SHARE).verdict is Verdict.CONFIRMED

    return sum(
        any(
            confirms(one, other, count)
            for count in map(int, LOOKS)
            if np.mean(other[:count]) - np.mean(one[:count]) < MARGIN - 0.5 / count**0.5
        )
        for one, other in two_samples(paired, runs)
    )


def upper_limit(count: int, runs: int) -> float:
    """Upper 95 % limit of a rate, Clopper and Pearson's."""
    return float(betaincinv(count + 1, runs - count, 0.95))


@pytest.mark.calibration
@pytest.mark.parametrize(("paired", "common"), [(False, ()), (True, PAIRED)], ids=["independent", "paired"])
def test_wrong_confirmations_stay_below_their_share(
    draws_of: DrawsOf, paired: bool, common: tuple[str, ...]
) -> None:
    count = wrong(draws_of, paired=paired, common=common, runs=RUNS)
    assert upper_limit(count, RUNS) < 1.15 * SHARE


def test_pairs_that_are_taken_for_independent_are_caught(draws_of: DrawsOf) -> None:
    assert wrong(draws_of, paired=True, common=(), runs=200) > 1.5 * SHARE * 200


@pytest.mark.parametrize(("paired", "common"), [(False, ()), (True, PAIRED)], ids=["independent", "paired"])
def test_the_normal_quantile_is_caught(
    draws_of: DrawsOf, monkeypatch: pytest.MonkeyPatch, paired: bool, common: tuple[str, ...]
) -> None:
    """It would hold for a single look."""
    monkeypatch.setattr("mcstudy.claims.law.effective_z", lambda count, share, tuned: -ndtri(share))
    assert wrong(draws_of, paired=paired, common=common, runs=200) > 2 * SHARE * 200
