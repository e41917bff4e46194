import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.sensing.ensembles import BUFFER, batches, fill


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


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


def test_rademacher_matrices_are_signs() -> None:
    matrices = np.empty((50, 20, 4, 4))
    fill(stream(), matrices, "rademacher")
    assert set(np.unique(matrices)) == {-1.0, 1.0}
    assert abs(np.mean(matrices)) < 5 / np.sqrt(matrices.size)  # five standard errors
    assert abs(np.mean(matrices[:, 1:, 0, 0] * matrices[:, :-1, 0, 1])) < 5 / np.sqrt(950)


@pytest.mark.parametrize("shape", [(1, 1), (3, 7, 7), (5, 4, 4)])
def test_rademacher_matrices_against_integers(shape: tuple[int, ...]) -> None:
    """Bit for bit the signs of NumPy's integers, and the stream goes on at the same place, in halves of words too."""
    ours, numpys = stream(), stream()
    for _ in range(3):
        matrices = np.empty(shape)
        fill(ours, matrices, "rademacher")
        np.testing.assert_array_equal(matrices, 2.0 * numpys.integers(0, 2, size=shape, dtype=np.int8) - 1.0)
        assert ours.integers(2**32, dtype=np.uint32) == numpys.integers(2**32, dtype=np.uint32)


def test_symmetric_matrices_are_symmetric_with_unit_off_diagonal() -> None:
    matrices = np.empty((400, 20, 3, 3))
    fill(stream(), matrices, "symmetric")
    np.testing.assert_array_equal(matrices, matrices.mT)
    error = 5 * np.sqrt(2 / 8000)  # five standard errors of a normal variance, relative
    assert np.var(matrices[..., 0, 1]) == pytest.approx(1.0, rel=error)
    assert np.var(matrices[..., 0, 0]) == pytest.approx(2.0, rel=error)


def test_an_unknown_ensemble_is_refused() -> None:
    with pytest.raises(
        ModelError,
        match="`ensemble` must be one of gaussian, rademacher, symmetric, got 'gauss'; did you mean",
    ):
        fill(stream(), np.empty((2, 2)), "gauss")
