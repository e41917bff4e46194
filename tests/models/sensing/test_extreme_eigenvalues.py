from collections.abc import Callable

import numpy as np
import pytest
from scipy.linalg import eigvalsh_tridiagonal

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray
from mcstudy.models.sensing import ensembles
from mcstudy.models.sensing.ensembles import BUFFER
from mcstudy.models.sensing.extreme_eigenvalues import (
    Extremes,
    corner,
    edge_gaps,
    full_extremes,
    projected_extremes,
)
from mcstudy.models.sensing.marchenko_pastur import GapLaw, largest_centre, log_smallest_centre
from mcstudy.statistics import dkw_band

ROUNDING = 1e-12  # eigenvalues of order 1 of matrices of order at most 64, in double precision
CONFIDENCE = 1 - 1e-6  # of the Monte Carlo comparisons, whose seeds are fixed


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def heights(values: FloatArray, points: FloatArray) -> FloatArray:
    """The empirical distribution function of `values` at `points`."""
    return np.searchsorted(np.sort(values), points, side="right") / len(values)


@pytest.mark.parametrize("buffer", [40, BUFFER])
def test_full_extremes_against_singular_values(buffer: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether Phi is drawn at once or four rows at a time."""
    monkeypatch.setattr(ensembles, "BUFFER", buffer)
    drawn = full_extremes(stream(), 4, measurements=20, dimension=3)
    phi = stream().standard_normal((4, 20, 9))
    singular = np.linalg.svd(phi, compute_uv=False)
    np.testing.assert_allclose(drawn.largest, singular[:, 0] ** 2 / 20, rtol=ROUNDING)
    np.testing.assert_allclose(drawn.smallest, singular[:, -1] ** 2 / 20, rtol=ROUNDING)


def test_projected_extremes_against_dense_bidiagonal() -> None:
    """The singular values of the bidiagonal matrix that the same chi-square draws make."""
    drawn = projected_extremes(stream(), 1, measurements=20, parameters=9)
    rng = stream()
    diagonal = np.sqrt(rng.chisquare(20 - np.arange(9)))
    beside = np.sqrt(rng.chisquare(9 - np.arange(1, 9)))
    singular = np.linalg.svd(np.diag(diagonal) + np.diag(beside, -1), compute_uv=False)
    assert drawn.largest[0] == pytest.approx(singular[0] ** 2 / 20, rel=ROUNDING)
    assert drawn.smallest[0] == pytest.approx(singular[-1] ** 2 / 20, rel=ROUNDING)


@pytest.mark.parametrize(("rows", "dimension"), [(12, 2), (9, 3)])
def test_samplers_have_one_law(rows: int, dimension: int) -> None:
    parameters = dimension**2
    full = full_extremes(stream(1), 6000, measurements=rows, dimension=dimension)
    projected = projected_extremes(stream(2), 6000, measurements=rows, parameters=parameters)
    wrong = projected_extremes(stream(3), 6000, measurements=rows, parameters=parameters - 1)
    band = 2 * dkw_band(6000, CONFIDENCE)
    for column, values in full._asdict().items():
        points = np.sort(values)
        at = heights(values, points)
        assert np.max(np.abs(at - heights(getattr(projected, column), points))) < band
        assert np.max(np.abs(at - heights(getattr(wrong, column), points))) > band  # a column less


def corner_errors(rows: int, parameters: int, share: float) -> FloatArray:
    """Relative errors of both extremes when only a share of the corner is kept."""
    rng, steps = stream(), np.arange(parameters)
    squares, beside = rng.chisquare(rows - steps), rng.chisquare(parameters - steps[1:])
    diagonal, off_diagonal = squares + np.append(0.0, beside), np.sqrt(squares[:-1] * beside)
    order = int(share * corner(rows, parameters))
    whole = eigvalsh_tridiagonal(diagonal, off_diagonal)
    part = eigvalsh_tridiagonal(diagonal[:order], off_diagonal[: order - 1])
    return np.asarray(np.abs(part[[0, -1]] / whole[[0, -1]] - 1.0))


@pytest.mark.parametrize(("rows", "parameters"), [(4096, 1024), (6400, 400), (3000, 1500)])
def test_corner_holds_both_extremes(rows: int, parameters: int) -> None:
    """An eigenvalue errs by the square of its vector where it is cut, exp(-(4/3) 10^1.5) with AIRY_LENGTHS = 10.

    Fluctuations move the edge by some lengths: the test allows for three of them, exp(-(4/3) 7^1.5) = 2e-11.
    """
    assert corner(rows, parameters) < parameters
    assert np.max(corner_errors(rows, parameters, share=1.0)) < 2e-11
    assert np.max(corner_errors(rows, parameters, share=0.2)) > 1e-4


def test_corner_is_the_whole_matrix_where_it_is_small_or_square() -> None:
    assert corner(64, 16) == 16
    assert corner(5000, 5000) == 5000


def test_gaps_against_tracy_widom() -> None:
    """The limit law is right to the order of p^(-2/3) (Ma 2012)."""
    n, p, size = 1024, 256, 2000
    drawn = projected_extremes(stream(), size, measurements=n, parameters=p)
    found = edge_gaps(drawn, measurements=n, parameters=p)
    allowed = dkw_band(size, CONFIDENCE) + p ** (-2 / 3)
    gaps = {largest_centre(n, p).scale: found.upper, log_smallest_centre(n, p).scale: found.lower}
    for scale, gap in gaps.items():
        points = np.sort(gap)
        law = GapLaw(scale)
        assert np.max(np.abs(heights(gap, points) - law.cdf(points))) < allowed
        mirrored = 1.0 - law.cdf(-points)  # a gap with the wrong sign
        assert np.max(np.abs(heights(gap, points) - mirrored)) > allowed


def test_edge_gaps_against_the_definitions() -> None:
    n, p = 64, 16  # edges 1/4 and 9/4
    found = edge_gaps(Extremes(np.array([0.5]), np.array([2.0])), measurements=n, parameters=p)
    assert found.lower[0] == pytest.approx(np.log(0.5) - log_smallest_centre(n, p).centre)
    assert found.upper[0] == pytest.approx(largest_centre(n, p).centre - 2.0)
    assert found.distance[0] == pytest.approx(1.0)  # twice the lower edge


def test_symmetric_matrices_have_a_zero_eigenvalue() -> None:
    drawn = full_extremes(stream(), 3, measurements=30, dimension=3, ensemble="symmetric")
    assert np.all(drawn.smallest > 0.0)  # its logarithm exists
    assert np.max(drawn.smallest) < ROUNDING


def test_one_parameter_against_theory() -> None:
    """With p = 1 both extremes are the mean of n squares."""
    drawn = projected_extremes(stream(), 5, measurements=8, parameters=1)
    np.testing.assert_array_equal(drawn.smallest, drawn.largest)
    np.testing.assert_allclose(drawn.largest, stream().chisquare(8, size=5) / 8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: full_extremes(stream(), 0, measurements=9, dimension=3),
            "`size` must be a whole number",
        ),
        (lambda: full_extremes(stream(), 1, measurements=8, dimension=3), "got 9"),
        (lambda: projected_extremes(stream(), 1, measurements=8, parameters=10), "got 10"),
    ],
)
def test_misuse_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        call()


@pytest.mark.parametrize(
    ("smallest", "largest", "distance"),
    [(0.25, 2.25, 0.0), (0.25, 1.8, 0.2), (0.2, 2.25, 0.2), (0.3, 2.5, 0.2)],
)
def test_distance_is_that_of_the_edge_that_is_further_away(
    smallest: float, largest: float, distance: float
) -> None:
    extremes = Extremes(np.array([smallest]), np.array([largest]))
    found = edge_gaps(extremes, measurements=64, parameters=16)  # edges 1/4 and 9/4
    assert found.distance[0] == pytest.approx(distance, abs=ROUNDING)
