from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from scipy.linalg import eigvalsh_tridiagonal

from mcstudy.exceptions import ModelError
from mcstudy.models import marchenko_pastur as spectra
from mcstudy.models import measurements
from mcstudy.models.tracy_widom import tracy_widom
from mcstudy.statistics import dkw_band

FloatArray = npt.NDArray[np.float64]

ROUNDING = 1e-12  # eigenvalues of order 1 of matrices of order at most 64, in double precision
CONFIDENCE = 1 - 1e-6  # of the Monte Carlo comparisons, whose seeds are fixed


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def heights(values: FloatArray, points: FloatArray) -> FloatArray:
    """The empirical distribution function of `values` at `points`."""
    return np.searchsorted(np.sort(values), points, side="right") / len(values)


@pytest.mark.parametrize("buffer", [40, measurements.BUFFER])
def test_full_extremes_against_singular_values(buffer: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether Phi is drawn at once or four rows at a time."""
    monkeypatch.setattr(measurements, "BUFFER", buffer)
    drawn = spectra.full_extremes(stream(), 4, measurements=20, dimension=3)
    phi = stream().standard_normal((4, 20, 9))
    singular = np.linalg.svd(phi, compute_uv=False)
    np.testing.assert_allclose(drawn.largest, singular[:, 0] ** 2 / 20, rtol=ROUNDING)
    np.testing.assert_allclose(drawn.smallest, singular[:, -1] ** 2 / 20, rtol=ROUNDING)


def test_projected_extremes_against_dense_bidiagonal() -> None:
    """The singular values of the bidiagonal matrix that the same chi-square draws make."""
    drawn = spectra.projected_extremes(stream(), 1, measurements=20, parameters=9)
    rng = stream()
    diagonal = np.sqrt(rng.chisquare(20 - np.arange(9)))
    beside = np.sqrt(rng.chisquare(9 - np.arange(1, 9)))
    singular = np.linalg.svd(np.diag(diagonal) + np.diag(beside, -1), compute_uv=False)
    assert drawn.largest[0] == pytest.approx(singular[0] ** 2 / 20, rel=ROUNDING)
    assert drawn.smallest[0] == pytest.approx(singular[-1] ** 2 / 20, rel=ROUNDING)


@pytest.mark.parametrize(("rows", "dimension"), [(12, 2), (9, 3)])
def test_samplers_have_one_law(rows: int, dimension: int) -> None:
    parameters = dimension**2
    full = spectra.full_extremes(stream(1), 6000, measurements=rows, dimension=dimension)
    projected = spectra.projected_extremes(stream(2), 6000, measurements=rows, parameters=parameters)
    wrong = spectra.projected_extremes(stream(3), 6000, measurements=rows, parameters=parameters - 1)
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
    order = int(share * spectra.corner(rows, parameters))
    whole = eigvalsh_tridiagonal(diagonal, off_diagonal)
    part = eigvalsh_tridiagonal(diagonal[:order], off_diagonal[: order - 1])
    return np.abs(part[[0, -1]] / whole[[0, -1]] - 1.0)


@pytest.mark.parametrize(("rows", "parameters"), [(4096, 1024), (6400, 400), (3000, 1500)])
def test_corner_holds_both_extremes(rows: int, parameters: int) -> None:
    """An eigenvalue errs by the square of its vector where it is cut, exp(-(4/3) 10^1.5) with AIRY_LENGTHS = 10.

    Fluctuations move the edge by some lengths: the test allows for three of them, exp(-(4/3) 7^1.5) = 2e-11.
    """
    assert spectra.corner(rows, parameters) < parameters
    assert np.max(corner_errors(rows, parameters, share=1.0)) < 2e-11
    assert np.max(corner_errors(rows, parameters, share=0.2)) > 1e-4


def test_corner_is_the_whole_matrix_where_it_is_small_or_square() -> None:
    assert spectra.corner(64, 16) == 16
    assert spectra.corner(5000, 5000) == 5000


def test_edges_against_theory() -> None:
    assert spectra.edges(measurements=400, parameters=4) == pytest.approx((0.81, 1.21))
    assert spectra.edges(measurements=7, parameters=7) == (0.0, 4.0)


def test_centres_tend_to_the_edges() -> None:
    """To first order the half integers move an edge by (s1 + s2)/(2n), s1 and s2 its slopes in n and p.

    At p/n = 1/4 the slopes of (sqrt n + sqrt p)^2 are 3/2 and 3, those of (sqrt n - sqrt p)^2 are 1/2 and -1.
    """
    n = 10**8
    lower, upper = spectra.edges(n, n // 4)
    largest, smallest = spectra.largest_centre(n, n // 4), spectra.log_smallest_centre(n, n // 4)
    assert n * (upper - largest.centre) == pytest.approx(2.25, rel=1e-4)
    without_skewness = np.exp(smallest.centre - smallest.scale**2 / 8)
    assert n * (without_skewness - lower) == pytest.approx(0.25, rel=1e-4)
    assert n ** (2 / 3) * largest.scale == pytest.approx(1.5 * 3 ** (1 / 3), rel=1e-4)
    assert n ** (2 / 3) * smallest.scale == pytest.approx(0.5 / 0.25, rel=1e-4)


def test_gaps_against_tracy_widom() -> None:
    """The limit law is right to the order of p^(-2/3) (Ma 2012)."""
    n, p, size = 1024, 256, 2000
    drawn = spectra.projected_extremes(stream(), size, measurements=n, parameters=p)
    largest, smallest = spectra.largest_centre(n, p), spectra.log_smallest_centre(n, p)
    allowed = dkw_band(size, CONFIDENCE) + p ** (-2 / 3)
    gaps = {
        largest.scale: largest.centre - drawn.largest,
        smallest.scale: np.log(drawn.smallest) - smallest.centre,
    }
    for scale, gap in gaps.items():
        points = np.sort(gap)
        law = spectra.GapLaw(scale)
        assert np.max(np.abs(heights(gap, points) - law.cdf(points))) < allowed
        mirrored = 1.0 - law.cdf(-points)  # a gap with the wrong sign
        assert np.max(np.abs(heights(gap, points) - mirrored)) > allowed


def test_gap_law_turns_the_law_of_the_eigenvalue_around() -> None:
    x = np.linspace(-1.0, 3.0, 9)
    np.testing.assert_allclose(spectra.GapLaw(0.5).cdf(x), 1.0 - tracy_widom(-2 * x))


def test_symmetric_matrices_have_a_zero_eigenvalue() -> None:
    drawn = spectra.full_extremes(stream(), 3, measurements=30, dimension=3, ensemble="symmetric")
    assert np.all(drawn.smallest > 0.0)  # its logarithm exists
    assert np.max(drawn.smallest) < ROUNDING


def test_one_parameter_against_theory() -> None:
    """With p = 1 both extremes are the mean of n squares."""
    drawn = spectra.projected_extremes(stream(), 5, measurements=8, parameters=1)
    np.testing.assert_array_equal(drawn.smallest, drawn.largest)
    np.testing.assert_allclose(drawn.largest, stream().chisquare(8, size=5) / 8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: spectra.edges(3, 4),
            r"`parameters` \(p = d\^2\) must be at most `measurements` \(n = 3\), got 4",
        ),
        (lambda: spectra.edges(3, 0), "`parameters` must be a whole number, at least 1, got 0"),
        (lambda: spectra.log_smallest_centre(4, 4), r"`parameters` must be less than `measurements` \(4\)"),
        (lambda: spectra.largest_centre(0, 4), "`measurements` must be a whole number"),
        (
            lambda: spectra.full_extremes(stream(), 0, measurements=9, dimension=3),
            "`size` must be a whole number",
        ),
        (lambda: spectra.full_extremes(stream(), 1, measurements=8, dimension=3), "got 9"),
        (lambda: spectra.projected_extremes(stream(), 1, measurements=8, parameters=10), "got 10"),
    ],
)
def test_misuse_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        call()
