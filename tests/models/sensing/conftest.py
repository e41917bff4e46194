"""What the tests of matrix sensing share: exact means over measurement matrices, by enumeration and not by sampling.

A polynomial of degree at most 5 in a standard normal has the mean that three Gauss-Hermite nodes give it. So the
moments of the loss (degree 4 in the entries of A) are finite sums over all combinations of nodes, and those of
sign matrices are sums over all signs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

FloatArray = npt.NDArray[np.float64]

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(3)
LAWS = {
    "gaussian": tuple(zip(NODES.tolist(), (WEIGHTS / WEIGHTS.sum()).tolist(), strict=True)),
    "rademacher": ((-1.0, 0.5), (1.0, 0.5)),
}


@pytest.fixture
def enumerated() -> Callable[[str, int], tuple[FloatArray, FloatArray]]:
    """A function that gives all values of n 2 x 2 matrices of a law, (count, n, 2, 2), and their probabilities."""

    def enumerate_all(law: str, measurements: int) -> tuple[FloatArray, FloatArray]:
        draws = list(itertools.product(LAWS[law], repeat=measurements * 4))
        values = np.array([[value for value, _ in draw] for draw in draws])
        probabilities = np.prod([[weight for _, weight in draw] for draw in draws], axis=1)
        return values.reshape(-1, measurements, 2, 2), probabilities

    return enumerate_all
