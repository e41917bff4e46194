"""A statistic on one side of theory: the other side is free, and costs no part of alpha."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy import Scenario, Verdict, mean
from mcstudy.claims.judging import find
from mcstudy.claims.one_sided import AtLeast, AtMost
from mcstudy.draws import Draws

DrawsOf = Callable[..., Draws]
CONFIRMED, REFUTED, UNDECIDED = Verdict.CONFIRMED, Verdict.REFUTED, Verdict.UNDECIDED
SHARE = 0.02


def values(center: float, count: int = 1024) -> Any:
    drawn = np.random.default_rng(1).normal(size=count)
    return drawn - np.mean(drawn) + center


def at_most(limit: Any, **parts: Any) -> AtMost:
    return AtMost("below", "s", of=mean("x"), at_most=limit, **parts)


def at_least(limit: Any, **parts: Any) -> AtLeast:
    return AtLeast("above", "s", of=mean("x"), at_least=limit, **parts)


@pytest.mark.parametrize(
    ("center", "verdict"),
    [(-50.0, CONFIRMED), (-0.5, CONFIRMED), (0.05, UNDECIDED), (0.5, REFUTED), (50.0, REFUTED)],
)
def test_one_side_is_free(center: float, verdict: Verdict, draws_of: DrawsOf) -> None:
    draws = draws_of({Scenario(n=1): {"x": values(center)}})
    mirrored = draws_of({Scenario(n=1): {"x": -values(center)}})
    assert find(at_most(0.0), draws, SHARE).verdict is verdict
    assert find(at_least(0.0), mirrored, SHARE).verdict is verdict
    # The control: the other side is another claim.
    assert (find(at_least(0.0), draws, SHARE).verdict is verdict) == (verdict is UNDECIDED)


@pytest.mark.parametrize("cells", [1, 3])
def test_what_can_err_at_one_end_only_spends_nothing_on_the_other(cells: int, draws_of: DrawsOf) -> None:
    """All cells refute at the share together, at one end each; one is confirmed at all of it."""
    of, drawn = mean("x"), {Scenario(n=n): {"x": values(0.0)} for n in range(cells)}
    for claim in (at_most, at_least):
        sign = 1.0 if claim is at_most else -1.0
        refuted = find(claim(-0.5 * sign), draws_of(drawn, tuned=256), SHARE)
        assert refuted.verdict is REFUTED
        assert refuted.interval == of.limits(values(0.0), SHARE / cells, 256)[:2]
        confirmed = find(claim(0.5 * sign), draws_of(drawn, tuned=256), SHARE)
        assert confirmed.verdict is CONFIRMED
        assert confirmed.interval == of.limits(values(0.0), SHARE, 256)[:2]


def test_a_column_or_a_function_may_be_the_bound(draws_of: DrawsOf) -> None:
    noise = np.random.default_rng(2).normal(size=1024)
    draws = draws_of({Scenario(n=n): {"x": noise + n, "limit": noise + n + 0.1} for n in (1, 2)})
    assert find(at_most("limit"), draws, SHARE).verdict is CONFIRMED
    assert find(at_least("limit"), draws, SHARE).verdict is REFUTED
    assert find(at_most(lambda n: n + 0.5), draws, SHARE).verdict is CONFIRMED
    assert find(at_most(1.5), draws, SHARE).verdict is REFUTED  # in the second scenario
