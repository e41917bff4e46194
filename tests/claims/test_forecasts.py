"""How many replicates a cell needs: those that its width asks for, and those that its tails ask for."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from mcstudy import Scenario, Value, Verdict, mean
from mcstudy.claims.judging import find
from mcstudy.draws import Draws


@pytest.mark.parametrize("margin", [20.0, 200.0])
def test_tails_are_waited_for_however_wide_the_zone(margin: float, draws_of: Callable[..., Draws]) -> None:
    """Lognormal losses in the middle of a wide zone: nothing but their tails leaves the cell open."""
    x = np.random.default_rng(2).lognormal(sigma=1.0, size=128)
    claim = Value("v", "s", of=mean("x"), equals=float(np.mean(x)), margin=margin)
    (cell,) = find(claim, draws_of({Scenario(n=1): {"x": x}}), 0.01).cells
    assert (cell.verdict, cell.note[:9]) == (Verdict.UNDECIDED, "the tails")
    assert 0 < cell.condition < 1
    assert cell.needed == math.ceil(128 / cell.condition)
