"""Means with control variates in claims and measures: values, rates, contrasts, and a wrong expectation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy import Scenario, Verdict
from mcstudy.claims.judging import find, judge
from mcstudy.draws import Draws, Sample
from mcstudy.exceptions import ClaimError, InputError

DrawsOf = Callable[..., Draws]
COUNT = 4096
LEVELS = (4, 8, 16, 32)


def drawn(n: int, seed: int = 0, slope: float = 3.0) -> dict[str, Any]:
    """A column x of mean 1/n, and y of mean n with which it is correlated by 0.95: `slope` over the root of 1 + slope^2."""
    rng = np.random.default_rng([seed, n])
    y, noise = rng.standard_normal((2, COUNT))
    return {"x": (1.0 + 0.3 * (slope * y + noise)) / n, "y": n + y}


CONTROLLED = mc.mean("x", control="y", expectation=lambda n: n)
WRONG = mc.mean("x", control="y", expectation=lambda n: n + 0.3)


@pytest.fixture
def draws(draws_of: DrawsOf) -> Draws:
    return draws_of({Scenario(n=n): drawn(n) for n in LEVELS})


def value(of: mc.Statistic) -> mc.Value:
    return mc.Value("v", "s", of=of, equals=lambda n: 1 / n, margin=mc.relative(0.03))


def test_a_value_is_confirmed_where_the_plain_mean_is_open(draws: Draws) -> None:
    assert find(value(CONTROLLED), draws, 0.01).verdict is Verdict.CONFIRMED
    assert find(value(mc.mean("x")), draws, 0.01).verdict is Verdict.UNDECIDED


def test_a_wrong_expectation_is_refuted_and_so_is_the_claim_beside_it(draws: Draws) -> None:
    assert find(value(WRONG), draws, 0.01).verdict is Verdict.REFUTED
    beside = {
        expected: mc.Value("control", "s", of=mc.mean("y"), equals=mean, margin=0.1)
        for expected, mean in ((Verdict.CONFIRMED, lambda n: n), (Verdict.REFUTED, lambda n: n + 0.3))
    }
    for expected, claim in beside.items():
        assert find(claim, draws, 0.01).verdict is expected


def test_a_rate(draws: Draws) -> None:
    def rate(of: mc.Statistic) -> mc.Rate:
        return mc.Rate("r", "s", of=of, against="n", exponent=-1.0, margin=0.05)

    found, plain = find(rate(CONTROLLED), draws, 0.01), find(rate(mc.mean("x")), draws, 0.01)
    assert found.verdict is Verdict.CONFIRMED
    narrower = np.ptp(found.interval) / np.ptp(plain.interval)
    # sqrt(1 - r^2), of which 4,096 replicates know r to 1/64.
    assert narrower == pytest.approx(np.sqrt(0.1), rel=4 / 64)


@pytest.mark.parametrize("common", [(), ("n",)])
def test_a_contrast(draws_of: DrawsOf, common: tuple[str, ...]) -> None:
    """Levels with the same random numbers are paired."""
    draws = draws_of({Scenario(n=n): drawn(4) for n in (1, 2)}, common=common)
    of = mc.mean("x", control="y", expectation=4.0)
    claim = mc.Contrast("c", "s", of=of, across="n", levels=(1, 2), equals=0.0, margin=0.01)
    cell = find(claim, draws, 0.01).cells[0]
    assert cell.estimate == 0.0
    # Paired they are equal, which proves nothing; apart they have an error.
    assert cell.verdict is (Verdict.UNDECIDED if common else Verdict.CONFIRMED)
    assert (cell.mcse == 0.0) == bool(common)


def test_a_contrast_of_levels_that_share_noise(draws_of: DrawsOf) -> None:
    one, other = drawn(4, seed=1), drawn(4, seed=1)
    other["x"] = other["x"] + 0.01 * np.random.default_rng(9).standard_normal(COUNT)
    of = mc.mean("x", control="y", expectation=4.0)
    claim = mc.Contrast("c", "s", of=of, across="n", levels=(1, 2), equals=0.0, margin=0.002)
    columns = {Scenario(n=1): one, Scenario(n=2): other}
    apart, paired = (find(claim, draws_of(columns, common=common), 0.01) for common in ((), ("n",)))
    assert paired.verdict is Verdict.CONFIRMED
    assert apart.verdict is Verdict.UNDECIDED
    assert paired.mcse < 0.2 * apart.mcse


def test_what_a_mean_alone_may_have_is_refused(draws: Draws) -> None:
    with pytest.raises(ClaimError, match="`range` must go with a mean, got a controlled mean"):
        mc.Value("v", "s", of=CONTROLLED, equals=0.0, margin=0.1, range=(0.0, 1.0))
    paired = mc.Value("v", "s", of=CONTROLLED, equals="y", margin=0.1)
    with pytest.raises(
        ClaimError, match=r"column `y` must be constant within a scenario .*a controlled mean"
    ):
        find(paired, draws, 0.01)


def test_an_expectation_of_what_is_no_factor(draws: Draws) -> None:
    of = mc.mean("x", control="y", expectation=lambda m: m)
    with pytest.raises(InputError, match=r"claim v, in .*`expectation` .*m"):
        find(value(of), draws, 0.01)


def simulate(rng: np.random.Generator, size: int, *, n: int) -> Mapping[str, Any]:
    y = rng.standard_normal(size)
    return {"x": y + 0.1 * rng.standard_normal(size), "y": y}


def test_a_study_draws_less() -> None:
    """The same draws, judged with the control and without."""

    def replicates(of: mc.Statistic) -> int:
        study = mc.Study(
            name="controlled",
            title="Controlled",
            question="Is the mean 0?",
            source="a test",
            simulate=simulate,
            scenarios=mc.grid(n=(1,)),
            claims=[mc.Value("v", "s", of=of, equals=0.0, margin=0.05)],
            measures=[mc.Measure("m", of=of)],
            block=64,
            replicates=mc.Replicates(first=64, quick=65536),
        )
        results = mc.run(study, out=None, executor="serial")
        assert results["v"].verdict is Verdict.CONFIRMED
        (cell,) = results.measures[0].cells
        assert cell.estimate == results["v"].estimate
        return int(results["v"].replicates)

    with_control = replicates(mc.mean("x", control="y", expectation=lambda n: 0.0))
    # r^2 is 1/1.01, a gain of 101; but 64 replicates are the least.
    assert with_control <= replicates(mc.mean("x")) / 20


def test_a_truth_that_is_none_is_told_with_the_claim() -> None:
    samples = {
        (scenario := Scenario(n=n)): Sample(
            scenario, {"x": np.random.default_rng(n).normal(size=256)}, np.ones(256, dtype=np.bool_), 256
        )
        for n in (1, 2)
    }
    claim = mc.Value("one", "s", of=mc.bias("x", truth=lambda n: 1.0 / (n - 2)), equals=0.0, margin=9.0)
    with pytest.raises(InputError, match="claim one, in n=2"):
        judge([claim], Draws(samples))
