"""What authors declare of replicates: taken at their word, and held to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mcstudy import Scenario
from mcstudy.claims.belief import check_constant, check_range
from mcstudy.draws import Draws, Sample
from mcstudy.exceptions import ClaimError

DrawsOf = Callable[..., Draws]
ONE = Scenario(n=1)


@pytest.fixture
def sample(draws_of: DrawsOf) -> Callable[..., Sample]:
    """A function that makes a sample of blocks of 16 from its columns."""
    return lambda columns, **parts: draws_of({ONE: columns}, **parts).samples[ONE]


def halves(**others: float) -> npt.NDArray[np.float64]:
    """64 times 1/2, but for those at the positions that are named ``at37``."""
    values = np.full(64, 0.5)
    for name, other in others.items():
        values[int(name.removeprefix("at"))] = other
    return values


@pytest.mark.parametrize("values", [halves(), halves(at3=np.nextafter(0.5, 1)), np.zeros(64)])
def test_what_only_rounding_tells_apart_is_constant(sample: Any, values: Any) -> None:
    check_constant("v", sample({"x": values}), "x")


@pytest.mark.parametrize(
    ("values", "got", "place"),
    [
        (halves(at37=0.6), 0.6, "2:5"),  # 37 = 2 * 16 + 5
        (halves(at0=0.4), 0.5, "0:1"),
        (halves(at3=np.nextafter(0.5, 1), at63=0.6), 0.6, "3:15"),  # the first that differs is rounding
        (halves(at3=0.6, at40=9.0, at41=0.7), 9.0, "2:8"),
    ],
)
def test_a_constant_that_varies_is_named_with_the_replicate_that_differs_most(
    sample: Any, values: Any, got: float, place: str
) -> None:
    rule = "claim v: `constant` must hold for all replicates of a scenario, "
    said = rf"got {got} after {values[0]} in replicate {ONE.digest}:{place} \(n=1\); leave `constant` out"
    with pytest.raises(ClaimError, match=rule + said):
        check_constant("v", sample({"x": values}), "x")


def test_failed_replicates_are_not_counted_but_keep_their_places(sample: Any) -> None:
    values = halves(at0=np.nan, at20=np.nan, at37=0.6)
    with pytest.raises(ClaimError, match=f"got 0.6 after 0.5 in replicate {ONE.digest}:2:5 "):
        check_constant("v", sample({"x": values}), "x")


def test_an_experiment_stands_before_the_replicate(sample: Any) -> None:
    with pytest.raises(ClaimError, match=f"in replicate flow/{ONE.digest}:2:5 "):
        check_constant("v", sample({"x": halves(at37=0.6)}, experiment="flow"), "x")


@pytest.mark.parametrize("ends", [(0.5, 0.6), (0.0, 0.5), (-1, 1)])
def test_a_range_holds_its_ends(sample: Any, ends: tuple[float, float]) -> None:
    values = halves()
    assert check_range("v", sample({"x": values}), values, ends, ("x",)) == ends


@pytest.mark.parametrize(
    ("values", "got", "place"),
    [
        (halves(at37=1.25), 1.25, "2:5"),
        (halves(at5=-0.25), -0.25, "0:5"),
        (halves(at5=-0.25, at63=1.5), 1.5, "3:15"),  # further outside
        (halves(at5=np.nextafter(1, 2)), np.nextafter(1, 2), "0:5"),  # however little
    ],
)
def test_a_replicate_outside_of_its_range_is_named(sample: Any, values: Any, got: float, place: str) -> None:
    rule = "claim v: `range` must hold for all replicates, "
    said = rf"got {got} outside of \[0.0, 1.0\] in replicate {ONE.digest}:{place} \(n=1\); widen the range"
    with pytest.raises(ClaimError, match=rule + said):
        check_range("v", sample({"x": values}), values, (0, 1), ("x",))


def test_replicates_of_a_pair_are_found_where_both_have_a_value(sample: Any) -> None:
    """Values are those at which both columns are there: missing ones before move the place."""
    x, theory = halves(at37=9.0), halves(at2=np.nan, at50=np.nan)
    drawn = sample({"x": x, "theory": theory}, missing=("theory",))
    one, other = drawn.values("x", "theory")
    with pytest.raises(ClaimError, match=f"got 8.5 outside of .* in replicate {ONE.digest}:2:5 "):
        check_range("v", drawn, one - other, (-1.0, 1.0), ("x", "theory"))
