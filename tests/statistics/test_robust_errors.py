"""Errors of a regression by its residuals, against leaving out one value at a time."""

import numpy as np

from mcstudy.statistics.regression import regress


def test_robust_errors_are_what_leaving_out_each_value_changes() -> None:
    """HC3 divides residuals by 1 - leverage: that is the residual of a fit that has not seen the value."""
    rng = np.random.default_rng(7)
    x = np.stack([np.arange(9.0), np.sqrt(np.arange(9.0))], axis=1)
    variances = rng.uniform(0.5, 2.0, 9)
    values = rng.normal(size=9)
    whole = regress(x, values, np.diag(variances))
    changes = []
    for left_out in range(9):
        kept = np.arange(9) != left_out
        part = regress(x[kept], values[kept], np.diag(variances[kept]))
        changes.append(whole.coefficients - part.coefficients)
    np.testing.assert_allclose(whole.robust_errors, np.sqrt(np.sum(np.square(changes), axis=0)), rtol=1e-9)
