import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models import measurements, sensing
from mcstudy.models.measurements import (
    BUFFER,
    batches,
    fill,
    gaussian_product,
    sample_full,
    sample_projected,
)
from mcstudy.models.sensing_errors import gradient_errors, loss_errors
from mcstudy.statistics import dkw_band

FloatArray = npt.NDArray[np.float64]

ROUNDING = 1e-12  # sums of some hundred terms of order 1, in double precision
CONFIDENCE = 1 - 1e-6  # of the comparisons of two samplers, whose seeds are fixed


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def distance(one: FloatArray, other: FloatArray) -> float:
    """Kolmogorov distance of two samples."""
    points = np.concatenate([one, other])
    heights = [np.searchsorted(np.sort(x), points, side="right") / len(x) for x in (one, other)]
    return float(np.max(np.abs(heights[0] - heights[1])))


@pytest.mark.parametrize(
    ("size", "count", "entries"), [(5, 7, 9), (3, 100, 400), (2, 9, BUFFER // 4), (2, 3, BUFFER + 1)]
)
def test_batches_hold_every_matrix_once(size: int, count: int, entries: int) -> None:
    held = np.zeros(size, dtype=int)
    for replicates, matrices in batches(size, count, entries):
        held[replicates] += matrices
        together = (replicates.stop - replicates.start) * matrices
        assert together * entries <= BUFFER or together == 1
    assert held.tolist() == [count] * size


@pytest.mark.parametrize("buffer", [1, 40, 200, BUFFER])
def test_full_sampler_against_brute_force(buffer: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The buffer's size changes nothing: the matrices are those of one big draw, in the same order."""
    monkeypatch.setattr(measurements, "BUFFER", buffer)
    delta = stream(2).standard_normal((6, 3, 3))
    sample = sample_full(stream(), delta, depth=2, measurements=5)
    matrices = stream().standard_normal((6, 5, 3, 3))
    np.testing.assert_allclose(sample.loss, sensing.empirical_loss(delta, matrices, 2), rtol=ROUNDING)
    np.testing.assert_allclose(sample.gradient, sensing.empirical_gradient(delta, matrices, 2), rtol=ROUNDING)


@pytest.mark.parametrize("sample", [sample_full, sample_projected])
def test_loss_is_half_the_gradient_along_delta(sample: Callable[..., Any]) -> None:
    """Euler's identity for a quadratic form: 2 Lhat = <Delta, gradient>."""
    delta = stream(2).standard_normal((20, 3, 3))
    drawn = sample(stream(), delta, depth=2, measurements=5)
    np.testing.assert_allclose(2 * drawn.loss, sensing.inner(delta, drawn.gradient), rtol=ROUNDING)


def errors_of(sample: Callable[..., Any], seed: int, size: int = 20000) -> dict[str, FloatArray]:
    rng = stream(seed)
    delta = gaussian_product(rng, size, depth=2, dimension=2)
    drawn = sample(rng, delta, depth=3, measurements=4)
    loss = loss_errors(delta, drawn.loss, depth=3, measurements=4)
    return {**loss._asdict(), **gradient_errors(delta, drawn.gradient, depth=3, measurements=4)._asdict()}


def unprojected(rng: np.random.Generator, delta: FloatArray, **counts: int) -> measurements.Empirical:
    """A mistaken sampler: it adds the noise across Delta in every direction."""
    right = sample_projected(rng, delta, **counts)
    noise = rng.standard_normal(delta.shape)
    unit = delta / np.sqrt(sensing.inner(delta, delta))[:, None, None]
    scale = np.sqrt(2 * right.loss / (counts["depth"] * counts["measurements"]))[:, None, None]
    along = sensing.inner(noise, unit)[:, None, None] * unit
    return right._replace(gradient=right.gradient + scale * along)


def test_samplers_have_one_law() -> None:
    full, projected, wrong = (
        errors_of(sample_full, 1),
        errors_of(sample_projected, 2),
        errors_of(unprojected, 3),
    )
    band = 2 * dkw_band(20000, CONFIDENCE)
    for column, values in full.items():
        assert distance(values, projected[column]) < band, column
    assert distance(full["along"], wrong["along"]) > band


def test_rademacher_matrices_are_signs() -> None:
    matrices = np.empty((50, 20, 4, 4))
    fill(stream(), matrices, "rademacher")
    assert set(np.unique(matrices)) == {-1.0, 1.0}
    assert abs(np.mean(matrices)) < 5 / np.sqrt(matrices.size)  # five standard errors
    assert abs(np.mean(matrices[:, 1:, 0, 0] * matrices[:, :-1, 0, 1])) < 5 / np.sqrt(950)


def test_symmetric_matrices_are_symmetric_with_unit_off_diagonal() -> None:
    matrices = np.empty((400, 20, 3, 3))
    fill(stream(), matrices, "symmetric")
    np.testing.assert_array_equal(matrices, matrices.swapaxes(-1, -2))
    error = 5 * np.sqrt(2 / 8000)  # five standard errors of a normal variance, relative
    assert np.var(matrices[..., 0, 1]) == pytest.approx(1.0, rel=error)
    assert np.var(matrices[..., 0, 0]) == pytest.approx(2.0, rel=error)


def test_full_sampler_keeps_one_buffer() -> None:
    """All matrices together would take 64 x 500 x 16 x 16 doubles, 66 MB."""
    delta = stream(2).standard_normal((64, 16, 16))
    tracemalloc.start()
    sample_full(stream(), delta, depth=1, measurements=500)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * (2 * BUFFER + 6 * delta.size)  # the buffer, and a few stacks like Delta


@pytest.mark.parametrize("sample", [sample_full, sample_projected])
def test_zero_delta_has_zero_loss(sample: Callable[..., Any]) -> None:
    drawn = sample(stream(), np.zeros((3, 2, 2)), depth=1, measurements=4)
    assert not drawn.loss.any()
    assert not drawn.gradient.any()


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_product_has_entries_of_variance_one_over_d(depth: int) -> None:
    product = gaussian_product(stream(), 4000, depth=depth, dimension=4)
    squares = sensing.inner(product, product)
    assert np.mean(squares) == pytest.approx(
        4.0, abs=5 * np.std(squares) / np.sqrt(4000)
    )  # five standard errors
    assert abs(np.mean(product)) < 5 * 0.5 / np.sqrt(product.size)


def test_product_against_brute_force() -> None:
    rng = stream()
    first, second, third = (rng.standard_normal((2, 3, 3)) for _ in range(3))
    expected = [third[r] @ second[r] @ first[r] / 3**1.5 for r in range(2)]
    np.testing.assert_allclose(gaussian_product(stream(), 2, depth=3, dimension=3), expected, rtol=ROUNDING)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: fill(stream(), np.empty((2, 2)), "uniform"),
            "`ensemble` must be one of gaussian, rademacher, symm",
        ),
        (
            lambda: sample_full(stream(), np.eye(2), depth=1, measurements=1),
            r"shape \(size, d, d\), one matrix a rep",
        ),
        (
            lambda: sample_full(stream(), np.ones((1, 2, 2)), depth=0, measurements=1),
            "`depth` must be a whole",
        ),
        (
            lambda: sample_projected(stream(), np.ones((1, 2, 2)), depth=1, measurements=0),
            "`measurements` must be",
        ),
        (
            lambda: sample_projected(stream(), np.full((1, 2, 2), np.nan), depth=1, measurements=1),
            "must be finite",
        ),
        (lambda: gaussian_product(stream(), 1, depth=1, dimension=0), "`dimension` must be a whole number"),
        (lambda: gaussian_product(stream(), 0, depth=1, dimension=1), "`size` must be a whole number"),
    ],
)
def test_misuse_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        call()
