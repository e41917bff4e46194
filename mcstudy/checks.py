"""What counts as a whole number or a positive one: Python's and NumPy's alike."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

__all__ = ["is_count", "is_positive", "is_real"]


def is_count(value: Any, at_least: int = 1) -> bool:
    """Whether a value is a whole number of this size at least; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= at_least


def is_real(value: Any) -> bool:
    """Whether a value is a finite real number; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def is_positive(value: Any) -> bool:
    """Whether a value is a finite real number above 0."""
    return is_real(value) and value > 0
