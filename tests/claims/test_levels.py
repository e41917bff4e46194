"""The levels of a rate: errors on the logarithmic scale."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mcstudy import Rate, Scenario, mean
from mcstudy.claims.judging import find
from mcstudy.draws import Draws
from mcstudy.evidence import Line


def test_slopes_between_levels_have_the_relative_errors_of_both(draws_of: Callable[..., Draws]) -> None:
    """Levels of sizes 1, 1/8 and 1/64 with relative errors that differ too."""
    rng = np.random.default_rng(1)
    sizes = {1: 0.1, 8: 0.2, 64: 0.4}
    drawn = {Scenario(n=n): {"x": (1 + sd * rng.normal(size=256)) / n} for n, sd in sizes.items()}
    claim = Rate("r", "s", of=mean("x"), against="n", exponent=-1.0, margin=0.1)
    (line,) = find(claim, draws_of(drawn), 0.01).evidence.cells
    assert isinstance(line, Line)
    assert line.fit is not None
    relative = [np.std(own["x"], ddof=1) / np.mean(own["x"]) / 16 for own in drawn.values()]
    expected = np.hypot(relative[:-1], relative[1:]) / np.log(8)
    np.testing.assert_allclose(line.fit.local_mcse, expected, rtol=1e-9)
