import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray, inner
from mcstudy.models.deep_linear.starts import gaussian_product
from mcstudy.models.sensing import ensembles
from mcstudy.models.sensing.ensembles import BUFFER
from mcstudy.models.sensing.errors import gradient_errors, loss_errors
from mcstudy.models.sensing.loss import sensing_gradient, sensing_loss
from mcstudy.models.sensing.samplers import Empirical, sample_full, sample_projected
from mcstudy.models.sensing.wishart import second_moment
from mcstudy.statistics import dkw_band

ROUNDING = 1e-12  # sums of some hundred terms of order 1, in double precision
CONFIDENCE = 1 - 1e-6  # of the comparisons of two samplers, whose seeds are fixed


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def distance(one: FloatArray, other: FloatArray) -> float:
    """Kolmogorov distance of two samples."""
    points = np.concatenate([one, other])
    heights = [np.searchsorted(np.sort(x), points, side="right") / len(x) for x in (one, other)]
    return float(np.max(np.abs(heights[0] - heights[1])))


@pytest.mark.parametrize("buffer", [1, 40, 200, BUFFER])
def test_full_sampler_against_brute_force(buffer: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The buffer's size changes nothing: the matrices are those of one big draw, in the same order."""
    monkeypatch.setattr(ensembles, "BUFFER", buffer)
    delta = stream(2).standard_normal((6, 3, 3))
    sample = sample_full(stream(), delta, depth=2, measurements=5)
    moment = second_moment(stream().standard_normal((6, 5, 3, 3)))
    np.testing.assert_allclose(sample.loss, sensing_loss(delta, 2, moment), rtol=ROUNDING)
    np.testing.assert_allclose(sample.gradient, sensing_gradient(delta, 2, moment), rtol=ROUNDING)


@pytest.mark.parametrize("sample", [sample_full, sample_projected])
def test_loss_is_half_the_gradient_along_delta(sample: Callable[..., Any]) -> None:
    """Euler's identity for a quadratic form: 2 Lhat = <Delta, gradient>."""
    delta = stream(2).standard_normal((20, 3, 3))
    drawn = sample(stream(), delta, depth=2, measurements=5)
    np.testing.assert_allclose(2 * drawn.loss, inner(delta, drawn.gradient), rtol=ROUNDING)


def errors_of(sample: Callable[..., Any], seed: int, size: int = 20000) -> dict[str, FloatArray]:
    rng = stream(seed)
    delta = gaussian_product(rng, size, 2, 2)
    drawn = sample(rng, delta, depth=3, measurements=4)
    loss = loss_errors(delta, drawn.loss, depth=3, measurements=4)
    return {**loss._asdict(), **gradient_errors(delta, drawn.gradient, depth=3, measurements=4)._asdict()}


def unprojected(rng: np.random.Generator, delta: FloatArray, **counts: int) -> Empirical:
    """A mistaken sampler: it adds the noise across Delta in every direction."""
    right = sample_projected(rng, delta, **counts)
    noise = rng.standard_normal(delta.shape)
    unit = delta / np.sqrt(inner(delta, delta))[:, None, None]
    scale = np.sqrt(2 * right.loss / (counts["depth"] * counts["measurements"]))[:, None, None]
    along = inner(noise, unit)[:, None, None] * unit
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


@pytest.mark.parametrize(
    ("call", "message"),
    [
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
    ],
)
def test_misuse_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        call()
