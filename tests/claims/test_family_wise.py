"""The promise of a ledger: the chance of any wrong verdict, over all claims, cells and looks, is at most alpha."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest

from mcstudy import (
    Bound,
    Finding,
    Law,
    Rate,
    SameLaw,
    Scenario,
    Value,
    Verdict,
    grid,
    mean,
    proportion,
    quantile,
    rms,
    sd,
    variance,
)
from mcstudy.claims import Claim, judge
from mcstudy.claims.judging import find
from mcstudy.draws import Draws

DrawsOf = Callable[..., Draws]
Judge = Callable[[Sequence[Claim], Draws], Sequence[Finding]]

ALPHA = 0.1
RUNS = 80
# P(Binomial(80, 0.1) > 22) = 2.3e-6: how many of the runs may go wrong where the promise is kept.
MOST_WRONG = 22
NOTHING = 1e-9  # a margin that only a wrong interval leaves room for
SCENARIOS = grid(n=(1, 2, 4, 8), kind=("a", "b"))
HALF = 256


@cache
def true_claims() -> tuple[Claim, ...]:
    """Statements that hold exactly for exponential draws of mean n, so that a refutation is always wrong."""
    from scipy.stats import expon

    kinds: list[tuple[str, Any, Callable[..., float]]] = [
        ("mean", mean("x"), lambda n: float(n)),
        ("variance", variance("x"), lambda n: float(n**2)),
        ("sd", sd("x"), lambda n: float(n)),
        ("rms", rms("x"), lambda n: n * 2**0.5),
        ("median", quantile("x", 0.5), lambda n: n * float(np.log(2))),
        ("covered", proportion("above"), lambda: float(np.exp(-1))),
    ]
    values = [
        Value(f"{name}.{kind}", "s", of=of, equals=equals, margin=NOTHING, where={"kind": kind})
        for name, of, equals in kinds
        for kind in ("a", "b")
    ]
    return (
        *values,
        Law("law", "s", column="x", distribution=lambda n: expon(scale=n), margin=NOTHING),
        SameLaw("same", "s", column="x", across="kind", margin=NOTHING),
        Bound("bound", "s", column="above", at_most=1.0),
        Rate("rate", "s", of=mean("x"), against="n", exponent=1.0, margin=NOTHING, exact=True),
    )


def exponential(rng: np.random.Generator, count: int) -> dict[Scenario, dict[str, Any]]:
    columns = {}
    for scenario in SCENARIOS:
        draws = rng.exponential(size=count)
        columns[scenario] = {"x": int(str(scenario["n"])) * draws, "above": (draws > 1).astype(float)}
    return columns


def goes_wrong(draws_of: DrawsOf, rng: np.random.Generator, judged: Judge) -> bool:
    """Whether any claim is refuted at any of three looks."""
    columns = exponential(rng, 4 * HALF)
    for count in (HALF, 2 * HALF, 4 * HALF):
        part = {s: {name: values[:count] for name, values in named.items()} for s, named in columns.items()}
        findings = judged(true_claims(), draws_of(part, first=HALF))
        if any(finding.verdict is Verdict.REFUTED for finding in findings):
            return True
    return False


def together(claims: Sequence[Claim], draws: Draws) -> Sequence[Finding]:
    return judge(claims, draws, ALPHA)


def each_alone(claims: Sequence[Claim], draws: Draws) -> Sequence[Finding]:
    """What a careless study does: an interval of 95 % for every cell, at the first look."""
    return [find(claim, draws, 2 * 0.05 * len(claim.groups(draws.scenarios))) for claim in claims]


def test_wrong_refutations_are_as_rare_as_promised(draws_of: DrawsOf) -> None:
    rng = np.random.default_rng(2026)
    assert sum(goes_wrong(draws_of, rng, together) for _ in range(RUNS)) <= MOST_WRONG


def test_without_sharing_most_runs_would_go_wrong(draws_of: DrawsOf) -> None:
    rng = np.random.default_rng(2026)
    assert sum(goes_wrong(draws_of, rng, each_alone) for _ in range(30)) > 20


def test_wrong_confirmations_are_as_rare_as_promised(draws_of: DrawsOf) -> None:
    """Theory just outside of the zone: only an interval that misses it confirms."""
    rng = np.random.default_rng(3)
    outside = {"a": 0.1 + NOTHING, "b": -0.1 - NOTHING}
    claims = [
        Value(
            f"{name}.{kind}", "s", of=of, equals=1 + outside[kind], margin=0.1, where={"kind": kind, "n": 1}
        )
        for name, of in (("mean", mean("x")), ("sd", sd("x")), ("variance", variance("x")))
        for kind in outside
    ]
    wrong = 0
    for _ in range(RUNS):
        findings = judge(claims, draws_of(exponential(rng, 8 * HALF), first=HALF), ALPHA)
        wrong += any(finding.verdict is Verdict.CONFIRMED for finding in findings)
    assert wrong <= MOST_WRONG


@pytest.mark.parametrize("count", [16, 64])
def test_an_exact_rate_survives_few_replicates(draws_of: DrawsOf, count: int) -> None:
    """The errors of the levels are estimated themselves: with few replicates that must widen the test."""
    rng = np.random.default_rng(5)
    claim = Rate("rate", "s", of=mean("x"), against="n", exponent=0.0, margin=NOTHING, exact=True)
    wrong = 0
    runs = 1000
    for _ in range(runs):
        columns = {Scenario(n=2**k): {"x": rng.normal(1.0, 0.3, size=count)} for k in range(5)}
        wrong += find(claim, draws_of(columns, first=count), 2 * 0.005).verdict is Verdict.REFUTED
    assert wrong <= 19  # P(Binomial(1000, 0.005) > 19) < 1e-6


def test_rare_events_are_not_confirmed_away(draws_of: DrawsOf) -> None:
    """64 draws of an event of probability 1/1000 show none, most often: that confirms no probability of 0."""
    rng = np.random.default_rng(4)
    claim = Value("rare", "s", of=mean("x"), equals=0.0, margin=1e-4)
    confirmed = 0
    for _ in range(100):
        draws = draws_of({Scenario(n=1): {"x": (rng.random(64) < 1e-3).astype(float)}})
        confirmed += judge([claim], draws)[0].verdict is Verdict.CONFIRMED
    assert confirmed <= 9  # P(Binomial(100, 0.01) > 9) < 1e-6
