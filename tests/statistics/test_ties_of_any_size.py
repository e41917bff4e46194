"""A few units in the last place are those of the value itself, however large or small it is."""

import pytest

from mcstudy.statistics.ties import clusters


@pytest.mark.parametrize("unit", [1e-200, 1e-9, 1.0, 1e200])
def test_only_rounding_is_merged(unit: float) -> None:
    assert 0.1 * unit * 3 != 0.3 * unit
    assert clusters([0.1 * unit * 3, 0.3 * unit]).counts.tolist() == [2]
    assert clusters([0.3 * unit, 0.3 * unit * (1 + 1e-12)]).counts.tolist() == [1, 1]
