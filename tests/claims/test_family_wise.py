"""The promise of a ledger: the chance of any wrong verdict, over all claims, cells and looks, is at most alpha."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import bdtrc

from mcstudy import (
    Bound,
    Identity,
    Law,
    Rate,
    SameLaw,
    Scenario,
    Value,
    Verdict,
    grid,
    mean,
    quantile,
    relative,
    variance,
)
from mcstudy.claims import Claim, judge
from mcstudy.claims.judging import find
from mcstudy.draws import Draws

DrawsOf = Callable[..., Draws]
Verdicts = Callable[[Sequence[Claim], Draws], Iterable[Verdict]]
Columns = Mapping[Scenario, Mapping[str, npt.NDArray[np.float64]]]

ALPHA = 0.1
NOTHING = 1e-9  # a margin that only a wrong limit leaves room for
SCENARIOS = grid(n=(1, 4, 16), kind=("a", "b"))
LOOKS = [int(64 * 1.5**step) for step in range(8)]
TUNED = 256
ABOVE = float(np.exp(-1))  # the probability that an exponential draw exceeds its mean
MEDIAN = float(np.log(2))  # of an exponential law of mean 1
# How often a test of this file may fail though the promise is kept.
FALSE_ALARM = 1e-6


def most_wrong(runs: int, chance: float = ALPHA) -> int:
    """Number of wrong runs that a kept promise exceeds with probability below `FALSE_ALARM`."""
    return next(count for count in range(runs) if bdtrc(count, runs, chance) < FALSE_ALARM)


def exponential(rng: np.random.Generator) -> Columns:
    """Exponential draws of mean n, and whether they exceed it."""
    columns = {}
    for scenario in SCENARIOS:
        draws = rng.exponential(size=LOOKS[-1])
        columns[scenario] = {"x": int(str(scenario["n"])) * draws, "above": (draws > 1).astype(float)}
    return columns


def looks(columns: Columns, draws_of: DrawsOf) -> Iterator[Draws]:
    """What is seen of the draws, look by look."""
    for count in LOOKS:
        seen = {s: {name: values[:count] for name, values in named.items()} for s, named in columns.items()}
        yield draws_of(seen, tuned=TUNED)


def wrong_runs(
    runs: int, claims: Sequence[Claim], draws_of: DrawsOf, verdicts: Verdicts, wrong: Verdict
) -> int:
    """In how many runs any claim ever gets the verdict that none deserves."""
    rng = np.random.default_rng(2026)
    return sum(
        any(verdict is wrong for draws in looks(columns, draws_of) for verdict in verdicts(claims, draws))
        for columns in (exponential(rng) for _ in range(runs))
    )


def together(claims: Sequence[Claim], draws: Draws) -> Iterable[Verdict]:
    """What the package does."""
    return (finding.verdict for finding in judge(claims, draws, ALPHA))


def cell_by_cell(claims: Sequence[Claim], draws: Draws) -> Iterable[Verdict]:
    """What a careless study does: for every cell an interval of 90 % that holds for one look and one cell."""
    for claim in claims:
        if isinstance(claim, Value):
            yield Verdict.all_of(
                [
                    cell.zone.verdict(
                        claim.of.interval(draws.samples[cell.scenario].columns[claim.of.column], 0.9)
                    )
                    for cell in find(claim, draws, ALPHA).cells
                ]
            )


@cache
def true_claims() -> tuple[Claim, ...]:
    """Statements that hold exactly, so that a refutation is always wrong."""
    from scipy.stats import expon

    one = {"kind": "a"}
    return (
        Value("mean", "s", of=mean("x"), equals=lambda n: float(n), margin=NOTHING, where=one),
        Value("variance", "s", of=variance("x"), equals=lambda n: float(n**2), margin=NOTHING, where=one),
        Value("median", "s", of=quantile("x", 0.5), equals=lambda n: n * MEDIAN, margin=NOTHING, where=one),
        Value("above", "s", of=mean("above"), equals=ABOVE, margin=NOTHING, range=(0, 1), where=one),
        Rate("rate", "s", of=mean("x"), against="n", exponent=1.0, margin=NOTHING, exact=True, where=one),
        Law("law", "s", column="x", distribution=lambda n: expon(scale=n), margin=NOTHING, where=one),
        SameLaw("same", "s", column="x", across="kind", margin=NOTHING),
        Bound("bound", "s", column="above", at_most=1.0),
        Identity("identity", "s", column="above", tolerance=1.0),
    )


@pytest.mark.calibration
def test_wrong_refutations_are_as_rare_as_promised(draws_of: DrawsOf) -> None:
    assert wrong_runs(30, true_claims(), draws_of, together, Verdict.REFUTED) <= most_wrong(30)


@pytest.mark.calibration
def test_without_sharing_most_runs_refute_wrongly(draws_of: DrawsOf) -> None:
    assert wrong_runs(20, true_claims(), draws_of, cell_by_cell, Verdict.REFUTED) > most_wrong(20)


def near_the_edge(off: float) -> list[Value]:
    """Statements that are true, but in one of two cells for what they say of it: there they are off by so many margins."""

    def times(side: float, scale: float) -> Callable[..., float]:
        return lambda n, kind: scale * n / (1 + side * 0.3 * off * (kind == "b"))

    def plus(side: float) -> Callable[..., float]:
        return lambda kind: ABOVE - side * 0.15 * off * (kind == "b")

    parts: list[tuple[str, dict[str, Any]]] = []
    for side, name in ((1, "up"), (-1, "down")):
        parts += [
            (f"mean.{name}", {"of": mean("x"), "equals": times(side, 1.0), "margin": relative(0.3)}),
            (f"median.{name}", {"of": quantile("x", 0.5), "equals": times(side, MEDIAN), "margin": relative(0.3)}),
            (f"above.{name}", {"of": mean("above"), "equals": plus(side), "margin": 0.15, "range": (0, 1)}),
        ]  # fmt: skip
    return [Value(name, "s", where={"n": 4}, **arguments) for name, arguments in parts]


# Off by next to nothing more than theory allows: nothing false is confirmed more easily.
FALSE = 1 + NOTHING


@pytest.mark.calibration
def test_wrong_confirmations_are_as_rare_as_promised(draws_of: DrawsOf) -> None:
    wrong = wrong_runs(50, near_the_edge(FALSE), draws_of, together, Verdict.CONFIRMED)
    assert wrong <= most_wrong(50)


@pytest.mark.calibration
def test_with_intervals_for_one_look_most_runs_confirm_wrongly(draws_of: DrawsOf) -> None:
    wrong = wrong_runs(30, near_the_edge(FALSE), draws_of, cell_by_cell, Verdict.CONFIRMED)
    assert wrong > most_wrong(30)


def test_where_they_are_true_they_are_confirmed(draws_of: DrawsOf) -> None:
    """Else none would be wrong: there would be none."""
    *_, last = looks(exponential(np.random.default_rng(5)), draws_of)
    assert all(verdict is Verdict.CONFIRMED for verdict in together(near_the_edge(0.0), last))


def test_rare_events_are_not_confirmed_away(draws_of: DrawsOf) -> None:
    """64 draws of an event of probability 1/1000 show none, most often: that confirms no probability of 0."""
    rng = np.random.default_rng(4)
    claim = Value("rare", "s", of=mean("x"), equals=0.0, margin=1e-4)
    confirmed = 0
    for _ in range(100):
        draws = draws_of({Scenario(n=1): {"x": (rng.random(64) < 1e-3).astype(float)}})
        confirmed += judge([claim], draws)[0].verdict is Verdict.CONFIRMED
    assert confirmed <= most_wrong(100, 0.01)
