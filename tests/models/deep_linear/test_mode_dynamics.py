import mpmath
import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray, relative_residual
from mcstudy.models.deep_linear.flow import gradient_flow
from mcstudy.models.deep_linear.mode_dynamics import crossing_value, mode_exponent, mode_time, mode_value
from mcstudy.models.deep_linear.products import end_to_end
from mcstudy.models.deep_linear.starts import balanced_factors, haar_frames
from mcstudy.models.sensing.loss import sensing_gradient

DEPTHS = [1, 2, 3, 4, 7]
# Hypergeometric functions of scipy are good to about 1e-14; the bracket in y to 2^-64 of its length.
CLOSED_FORM = 1e-12
# The integrator: local errors of 1e-11 over some fifty steps.
PATH = 1e-9


def time_by_quadrature(start: float, end: float, target: float, exponent: float) -> float:
    return float(mpmath.quad(lambda s: 1 / (s**exponent * (target - s)), [start, end]))


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(("start", "end", "target"), [(0.01, 0.9, 1.0), (0.3, 1.4, 2.5), (3.0, 1.2, 1.0)])
def test_mode_time_against_quadrature(depth: int, start: float, end: float, target: float) -> None:
    expected = time_by_quadrature(start, end, target, 2 - 2 / depth)
    assert float(mode_time(start, end, target, depth)) == pytest.approx(expected, rel=CLOSED_FORM)


@pytest.mark.parametrize("depth", DEPTHS)
def test_mode_value_inverts_mode_time(depth: int) -> None:
    rng = np.random.Generator(np.random.SFC64(depth))
    start, target = rng.uniform(0.05, 2, 50), rng.uniform(0.8, 1.5, 50)
    times = rng.uniform(0.1, 2, 50)
    value = mode_value(times, start, target, depth)
    # A time is known from a value that is known to eps as well as s' allows: dt = eps s / |s^p (s* - s)|.
    known = 1e-15 * value / np.abs(value ** mode_exponent(depth) * (target - value))
    np.testing.assert_allclose(
        mode_time(start, value, target, depth), times, rtol=CLOSED_FORM, atol=known.max()
    )


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_mode_value_against_gradient_flow(depth: int) -> None:
    """The modes of an aligned start, read off the flow of the factors themselves."""
    rng = np.random.Generator(np.random.SFC64(depth))
    frames = haar_frames(rng, 6, depth, 3)
    start, star = rng.uniform(0.1, 1.5, (6, 3)), rng.uniform(0.5, 1.5, (6, 3))
    target = (frames[:, -1] * star[:, None, :]) @ frames[:, 0].mT
    times = np.linspace(0, 3, 4)

    def slope(matrix: FloatArray) -> FloatArray:
        return sensing_gradient(matrix - target, depth)

    flow = gradient_flow(balanced_factors(frames, start ** (1 / depth)), slope, times)
    in_frames = frames[:, -1].mT @ end_to_end(flow.states) @ frames[:, 0]
    expected = mode_value(times[:, None, None], start, star, depth)
    assert np.max(relative_residual(in_frames, expected[..., None] * np.eye(3))) < PATH


def test_mode_exponent_mutation_is_caught() -> None:
    """With 2 - 1/L in place of 2 - 2/L the time from 0.1 to 0.5 is another one."""
    right = float(mode_time(0.1, 0.5, 1.0, 3))
    assert abs(time_by_quadrature(0.1, 0.5, 1.0, 2 - 1 / 3) / right - 1) > 0.1


def test_mode_at_its_target_stays() -> None:
    for depth in (1, 2, 3):
        assert float(mode_value(5.0, 1.5, 1.5, depth)) == 1.5


def test_mode_value_saturates_at_late_times() -> None:
    for depth in (2, 3, 4):
        np.testing.assert_allclose(mode_value(200.0, [0.1, 4.0], 1.5, depth), 1.5, rtol=CLOSED_FORM)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_crossing_value_is_reached_by_both_modes_at_once(depth: int) -> None:
    start, target = np.array([[0.5, 0.3], [0.2, 0.01]]), np.array([[1.0, 2.0], [0.9, 1.1]])
    value = crossing_value(start, target, depth)
    times = mode_time(start, value[:, None], target, depth)
    # Near its target a mode is so slow that the value fixes the time to few digits only.
    np.testing.assert_allclose(times[:, 0], times[:, 1], rtol=1e-9)


@pytest.mark.parametrize("depth", [3, 4])
def test_escape_time_exponent_against_theory(depth: int) -> None:
    """Local slope between starts of 1e-11 and 1e-12: corrections are of order start^(1 - 2/L) < 1e-3."""
    short, long = mode_time(np.array([1e-11, 1e-12]), 0.5, 1.0, depth)
    assert np.log10(long / short) == pytest.approx(1 - 2 / depth, abs=1e-3)


def test_escape_time_of_two_factors_is_logarithmic() -> None:
    starts = np.array([1e-4, 1e-6, 1e-8])
    np.testing.assert_allclose(mode_time(starts, 1.0, 2.0, 2), np.log(2.0 / starts - 1) / 2, rtol=CLOSED_FORM)


def test_mode_functions_refuse() -> None:
    with pytest.raises(
        ModelError, match=r"`start` must be positive and finite, got 0.0; the closed form divides"
    ):
        mode_value(1.0, 0.0, 1.0, 3)
    with pytest.raises(ModelError, match="`time` must not be negative, got -1"):
        mode_value(-1.0, 0.5, 1.0, 3)
    with pytest.raises(
        ModelError, match=r"`end` must lie between `start` and `target`, got 1.5; a mode moves"
    ):
        mode_time(0.5, 1.5, 1.0, 3)
    with pytest.raises(ModelError, match="`end` must lie between `start` and `target`"):
        mode_time(0.5, 1.0, 1.0, 3)
    with pytest.raises(ModelError, match="`depth` must be a whole number, at least 1, got 0"):
        mode_exponent(0)
    with pytest.raises(
        ModelError, match=r"`start` must be \(ahead, behind\) .* got \[0.3, 0.5\] and \[1.0, 2.0\]"
    ):
        crossing_value(np.array([0.3, 0.5]), np.array([1.0, 2.0]), 3)
