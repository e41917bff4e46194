"""What the chances of a line to be refuted spend together, and when a line can be fitted at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy import Rate, Scenario, Verdict, mean, relative
from mcstudy.claims.judging import find
from mcstudy.draws import Draws
from mcstudy.statistics.joint import Joint

LEVELS = (8, 16, 32, 64)
SHARE = 0.012


def rate(**parts: Any) -> Rate:
    return Rate("r", "s", of=mean("x"), against="n", exponent=-0.5, margin=0.1, **parts)


@pytest.mark.parametrize(
    ("parts", "chances"),
    [
        ({}, 1),
        ({"exact": True}, 3),  # the half near the limit, all levels, the fit
        ({"constant": 1.0, "constant_margin": relative(0.1)}, 2),
        ({"exact": True, "constant": 1.0, "constant_margin": relative(0.1)}, 4),
    ],
)
def test_every_chance_to_refute_a_line_has_its_part(
    parts: dict[str, Any], chances: int, draws_of: Callable[..., Draws], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Limits spend a part of half of the share on each side, the fit the same part of the whole."""
    sides: set[float] = set()
    fits: set[float] = set()
    limits, rejects = Joint.limits, Joint.rejects

    def limited(joint: Joint, weights: Any, share: float, tuned: float) -> Any:
        sides.add(share)
        return limits(joint, weights, share, tuned)

    def rejected(joint: Joint, fit: Any, share: float, tuned: float, **known: Any) -> bool:
        fits.add(share)
        return rejects(joint, fit, share, tuned, **known)

    monkeypatch.setattr(Joint, "limits", limited)
    monkeypatch.setattr(Joint, "rejects", rejected)
    rng = np.random.default_rng(1)
    # Outside of all zones, where what refutes is asked too.
    drawn = {Scenario(n=n): {"x": n**-1.5 * (1 + 0.1 * rng.normal(size=512))} for n in LEVELS}
    assert find(rate(**parts), draws_of(drawn), SHARE).verdict is Verdict.REFUTED
    assert sorted(sides) == pytest.approx([SHARE / 2 / chances, SHARE])  # what refutes, and what confirms
    assert sorted(fits) == pytest.approx([SHARE / chances])


def test_a_line_waits_for_the_square_of_what_its_errors_are_too_large(draws_of: Callable[..., Draws]) -> None:
    """Relative errors of 3/4 with 64 draws: a quarter takes nine times as many."""
    noise = np.where(np.arange(64) % 2 == 0, 1.0, -1.0)
    noise *= 0.75 * np.sqrt(63)  # a standard error of 3/4, with the divisor n - 1
    drawn = {Scenario(n=n): {"x": n**-0.5 * (1 + noise)} for n in LEVELS}
    finding = find(rate(), draws_of(drawn), SHARE)
    assert "is not known to 25 %" in finding.note
    assert finding.cells[0].needed == pytest.approx(9 * 64, abs=1)
