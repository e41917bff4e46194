"""Checks of arguments that all models share: each returns what it checked, or says the rule and the value.

Messages have one form, "`argument` must <rule>, got <value>; <remedy>".
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from mcstudy.exceptions import ModelError

__all__ = ["check_at_most", "check_choice", "check_count", "check_finite", "check_positive"]


def check_count(name: str, count: int, at_least: int = 1) -> int:
    """A whole number that is large enough: a depth, a width, a number of measurements.

    Raises
    ------
    ModelError
        If `count` is no integer (True is none) or less than `at_least`.

    Examples
    --------
    >>> check_count("depth", 3)
    3
    """
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < at_least:
        msg = f"`{name}` must be a whole number, at least {at_least}, got {count!r}"
        raise ModelError(msg)
    return int(count)


def check_at_most(name: str, count: int, largest: int, meaning: str) -> int:
    """A whole number from 1 to another one, whose meaning the message gives.

    Raises
    ------
    ModelError
        If `count` is no whole number, less than 1 or more than `largest`.

    Examples
    --------
    >>> check_at_most("rank", 2, 3, "the dimension d")
    2
    """
    if check_count(name, count) > largest:
        msg = f"`{name}` must be at most {meaning} = {largest}, got {count}"
        raise ModelError(msg)
    return int(count)


def check_choice(name: str, choice: str, known: Iterable[str]) -> str:
    """One of the known names.

    Raises
    ------
    ModelError
        If `choice` is none of them; the message lists them and guesses which was meant.

    Examples
    --------
    >>> check_choice("ensemble", "gaussian", ("gaussian", "rademacher"))
    'gaussian'
    """
    names = tuple(known)
    if choice not in names:
        near = difflib.get_close_matches(str(choice), names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        msg = f"`{name}` must be one of {', '.join(names)}, got {choice!r}{hint}"
        raise ModelError(msg)
    return choice


def check_finite(name: str, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Real numbers as a float64 array without NaN or infinity.

    Raises
    ------
    ModelError
        If an entry is not finite.
    """
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        msg = f"`{name}` must be finite, got {np.count_nonzero(~np.isfinite(array))} entries that are not"
        raise ModelError(msg)
    return array


def check_positive(name: str, values: npt.ArrayLike, remedy: str = "") -> npt.NDArray[np.float64]:
    """Positive finite numbers as a float64 array.

    Raises
    ------
    ModelError
        If an entry is not; the message gives the first such entry, and `remedy` if there is one.

    Examples
    --------
    >>> check_positive("radius", 2.0).tolist()
    2.0
    """
    array = np.asarray(values, dtype=np.float64)
    valid = np.isfinite(array) & (array > 0)
    if not valid.all():
        msg = f"`{name}` must be positive and finite, got {array[~valid].flat[0]}" + (
            remedy and f"; {remedy}"
        )
        raise ModelError(msg)
    return array
