from collections.abc import Callable

import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.arrays import FloatArray
from mcstudy.models.sensing.errors import gradient_errors, loss_errors
from mcstudy.models.sensing.loss import sensing_gradient, sensing_loss
from mcstudy.models.sensing.samplers import sample_full
from mcstudy.models.sensing.wishart import second_moment

DEPTH = 3
ROUNDING = 1e-12  # sums of at most 6561 terms of order 1, in double precision


@pytest.mark.parametrize("delta", [[[0.3, -1.2], [0.7, 2.0]], [[50.0, 0.0], [1.0, -0.1]]])
def test_errors_are_free_of_delta_against_enumeration(
    delta: list[list[float]], enumerated: Callable[[str, int], tuple[FloatArray, FloatArray]]
) -> None:
    matrices, probabilities = enumerated("gaussian", 2)
    stack, moment = np.broadcast_to(np.array(delta), (len(matrices), 2, 2)), second_moment(matrices)
    counts = {"depth": DEPTH, "measurements": 2}
    loss = loss_errors(stack, sensing_loss(stack, DEPTH, moment), **counts)
    gradient = gradient_errors(stack, sensing_gradient(stack, DEPTH, moment), **counts)
    expected = {
        0.0: (loss.relative, gradient.along, gradient.across, gradient.along * gradient.across),
        1.0: (loss.standardized**2, gradient.across**2, gradient.squared, loss.relative**2),  # 2/n = 1
        2.0: (loss.chi_square, gradient.along**2),
    }
    for value, columns in expected.items():
        for column in columns:
            assert probabilities @ column == pytest.approx(value, rel=ROUNDING, abs=ROUNDING)


def test_errors_see_a_transposed_gradient() -> None:
    delta = np.array([[[0.3, -1.2], [0.7, 2.0]]])
    errors = gradient_errors(delta, delta.mT / DEPTH, depth=DEPTH, measurements=2)
    assert errors.across[0] > 0.5
    right = gradient_errors(delta, delta / DEPTH, depth=DEPTH, measurements=2)
    assert [right.along[0], right.across[0], right.squared[0]] == pytest.approx([0.0] * 3, abs=ROUNDING)


def test_errors_refuse_a_symmetric_delta() -> None:
    with pytest.raises(ModelError, match="`delta` must not be symmetric"):
        gradient_errors(np.eye(2)[None], np.eye(2)[None], depth=1, measurements=1)


def test_units_of_matrices_with_more_than_two_rows() -> None:
    """Variances 2 along Delta and 1 across it, mean 1 of the squares; five standard errors of 4000 replicates."""
    rng = np.random.Generator(np.random.SFC64(1))
    delta = rng.standard_normal((4000, 3, 3))
    drawn = sample_full(rng, delta, depth=DEPTH, measurements=2)
    errors = gradient_errors(delta, drawn.gradient, depth=DEPTH, measurements=2)
    for squares, expected in ((errors.along**2, 2.0), (errors.across**2, 1.0), (errors.squared, 1.0)):
        assert np.mean(squares) == pytest.approx(expected, abs=5 * np.std(squares) / np.sqrt(4000))
