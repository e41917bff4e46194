"""What a claim says in numbers: margins, theoretical values and statistics, and the checks of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcstudy.checks import is_positive, is_real
from mcstudy.exceptions import ClaimError, StudyError
from mcstudy.factors import call_with_factors
from mcstudy.scenarios import Scenario
from mcstudy.statistics import Statistic
from mcstudy.words import said

__all__ = ["Relative", "Theory", "check_limit", "check_margin", "check_statistic", "evaluate", "relative"]

Theory = float | Callable[..., float]


@dataclass(frozen=True)
class Relative:
    """A margin as a fraction of the theoretical value."""

    fraction: float


def relative(fraction: float) -> Relative:
    """A margin relative to theory: ``relative(0.01)`` is 1 % of the theoretical value.

    Raises
    ------
    ClaimError
        If the fraction is no positive number.
    """
    if not is_positive(fraction):
        msg = f"`fraction` must be a positive number, got {said(fraction)}; write relative(0.01) for 1 %"
        raise ClaimError(msg)
    return Relative(float(fraction))


def check_margin(claim_id: str, name: str, value: Any) -> None:
    """Refuse a margin, tolerance or probability that is no positive number."""
    if not isinstance(value, Relative) and not is_positive(value):
        msg = f"claim {claim_id}: `{name}` must be a positive number, got {said(value)}"
        raise ClaimError(msg)


def check_limit(claim_id: str, name: str, value: Any) -> None:
    """Refuse a bound that is neither a column nor a non-negative number."""
    if not isinstance(value, str) and not (is_real(value) and value >= 0):
        msg = f"claim {claim_id}: `{name}` must be a column or a non-negative number, got {said(value)}"
        raise ClaimError(msg)


def check_statistic(claim_id: str, statistic: Any) -> None:
    """Refuse what is no statistic."""
    if not isinstance(statistic, Statistic):
        msg = f"claim {claim_id}: `of` must be a statistic, got {said(statistic)}; write mean('x'), rms('x'), ... of a column"
        raise ClaimError(msg)


def evaluate(claim_id: str, name: str, theory: Theory, scenario: Scenario) -> float:
    """The theoretical value in a scenario: a number, or a function of the factors that it names.

    Raises
    ------
    ClaimError
        If the function names what is no factor, or the value is no finite number.
    """
    try:
        value = float(call_with_factors(theory, scenario) if callable(theory) else theory)
    except StudyError as error:
        msg = f"claim {claim_id}: `{name}` {error}"
        raise ClaimError(msg) from error
    except Exception as error:  # it is the author's function, and may raise anything
        msg = f"claim {claim_id}: `{name}` must give a number in {scenario}, but raised {type(error).__name__}: {error}"
        raise ClaimError(msg) from error
    if not math.isfinite(value):
        msg = f"claim {claim_id}: `{name}` must be finite, got {value} in {scenario}"
        raise ClaimError(msg)
    return value
