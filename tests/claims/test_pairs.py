"""Draws are paired along common factors, and along no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy import Rate, SameLaw, Scenario, mean
from mcstudy.claims import Claim
from mcstudy.claims.judging import find
from mcstudy.draws import Draws

CLAIMS: dict[str, Claim] = {
    "rate": Rate("r", "s", of=mean("x"), against="n", exponent=-0.5, margin=0.1, allowed_failures=1),
    "same law": SameLaw("l", "s", column="x", across="n", margin=0.3, where={"n": (4, 16)}, allowed_failures=1),
}  # fmt: skip


@pytest.fixture
def columns() -> dict[Scenario, Any]:
    """The same random numbers at all levels of both factors; one replicate failed at one of them."""
    noise = 1 + 0.3 * np.random.default_rng(1).normal(size=1024)
    drawn = {Scenario(n=n, d=d): {"x": n**-0.5 * noise} for n in (4, 8, 16) for d in (1, 2)}
    drawn[Scenario(n=16, d=1)] = {"x": np.append(drawn[Scenario(n=16, d=1)]["x"][1:], np.nan)}
    return drawn


@pytest.mark.parametrize("name", CLAIMS)
def test_another_common_factor_pairs_nothing(
    name: str, columns: dict[Scenario, Any], draws_of: Callable[..., Draws]
) -> None:
    claim = CLAIMS[name]
    apart, other, paired = (
        find(claim, draws_of(columns, common=common), 0.01).cells for common in ((), ("d",), ("n",))
    )
    assert repr(other) == repr(apart)  # nan, which some fields hold, equals nothing
    # The control: paired along its own factor a claim has other limits.
    assert all(one.interval != own.interval for one, own in zip(apart, paired, strict=True))
