"""Influences and remainder of any function of a sample, from what it gives without some of the replicates."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mcstudy.exceptions import InputError
from mcstudy.statistics.expansion import ROUNDING, Expansion
from mcstudy.statistics.intervals import FloatArray
from mcstudy.words import said

__all__ = ["BLOCK", "jackknife"]

# Influences from so many replicates have a variance that is off by their reciprocal, at most a few thousandths; each
# of them costs a call of the function on so many.
BLOCK = 1024

# A function of one replicate need not be defined: each half has two.
FEWEST = 4

# So many draws of the second-order term give its size to about a fifth, and it is a small part of the limits.
HALVES = 32

# What rounding leaves of a mean that is 0, over the largest term: far below what a forgotten mean leaves.
MEAN_ROUNDING = 1e-9


def jackknife(
    function: Callable[..., Any],
    columns: Sequence[FloatArray],
    influence_of: Callable[..., Any] | None = None,
) -> Expansion:
    """Expansion of a functional of the law of some columns, which is a function of arrays.

    The influence of a replicate is ``(m - 1) (T - T_i)``, T_i without it: exactly so for up to `BLOCK` replicates
    m = n; of more, within its own block of at most so many, so that the cost grows as n and each replicate keeps its
    own influence. Two halves of the sample are off to opposite sides by as much as the sample itself: what is left
    in the mean of T of both, less T, is the second-order term, and its root mean square over `HALVES` splits gives
    the remainder.

    Parameters
    ----------
    function : callable
        Takes an array of shape (m,) for each column, for any m > 1; returns a number that depends on m no more than
        an estimate does.
    columns : sequence of ndarrays of shape (n,), n >= 4
    influence_of : callable, optional
        Takes the same arrays and returns the influence of each replicate, where its formula is known.

    Raises
    ------
    InputError
        If there are fewer replicates, the function raises or returns no finite number, or the influences are not
        n finite numbers of mean 0.

    References
    ----------
    B. Efron and C. Stein, "The jackknife estimate of variance", Ann. Statist. 9 (1981) 586-596.

    Examples
    --------
    >>> found = jackknife(np.mean, [np.array([1.0, 2.0, 3.0, 6.0])])
    >>> found.value, found.influence.round(12).tolist()
    (3.0, [-2.0, -1.0, 0.0, 3.0])
    """
    sample = np.stack(columns)
    n = sample.shape[1]
    if n < FEWEST:
        msg = f"`values` must hold at least {FEWEST} replicates to be halved, got {n}; draw more"
        raise InputError(msg)
    value = _number(function, sample.copy())
    if influence_of is None:
        blocks = np.array_split(sample, math.ceil(n / BLOCK), axis=1)
        influence = np.concatenate([_left_out(function, block) for block in blocks])
        # The influence is a difference of two values, times the size of a block.
        rounding = ROUNDING * blocks[0].shape[1] * abs(value)
    else:
        influence, rounding = _given(influence_of, sample.copy()), 0.0
    remainder = _remainder(function, sample, value)
    return Expansion.of(value, influence, remainder=remainder, rounding=rounding)


def _left_out(function: Callable[..., Any], block: FloatArray) -> FloatArray:
    size = block.shape[1]
    without = np.array([_number(function, np.delete(block, i, axis=1)) for i in range(size)])
    influence: FloatArray = (size - 1) * (np.mean(without) - without)
    return influence


def _remainder(function: Callable[..., Any], sample: FloatArray, value: float) -> float:
    # Any splits would do: these are the same in every run.
    rng, n = np.random.default_rng(0), sample.shape[1]
    terms = []
    for _ in range(HALVES):
        parts = np.array_split(rng.permutation(n), 2)
        of_parts = [_number(function, sample[:, part]) * part.size / n for part in parts]
        terms.append(sum(of_parts) - value)
    # The term is remainder * Z^2 for a normal Z, and the mean of Z^4 is 3.
    return math.sqrt(float(np.mean(np.square(terms))) / 3)


def _given(influence_of: Callable[..., Any], sample: FloatArray) -> FloatArray:
    """The influences of a formula: a mean other than 0, beyond rounding, tells that it is another one's."""
    n = sample.shape[1]
    result = np.asarray(_called("influence", influence_of, sample, f"{n} numbers"))
    rule = f"`influence` must return {n} finite numbers of mean 0 for {n} replicates, got"
    if result.shape != (n,) or result.dtype.kind not in "biuf" or not np.all(np.isfinite(result)):
        msg = f"{rule} dtype {result.dtype} of shape {result.shape}; mend the function"
        raise InputError(msg)
    influence: FloatArray = result.astype(np.float64)
    mean, largest = float(np.mean(influence)), float(np.max(np.abs(influence)))
    if abs(mean) > MEAN_ROUNDING * largest:
        msg = f"{rule} a mean of {mean:.3g}; subtract it if the formula is right up to a constant"
        raise InputError(msg)
    return influence - mean


def _called(argument: str, function: Callable[..., Any], sample: FloatArray, asked: str) -> Any:
    try:
        return function(*sample)
    except Exception as error:  # it is the author's function, and may raise anything
        msg = (
            f"`{argument}` must return {asked} for {sample.shape[1]} replicates, but raised "
            f"{type(error).__name__}: {error}; mend the function"
        )
        raise InputError(msg) from error


def _number(function: Callable[..., Any], sample: FloatArray) -> float:
    result = _called("function", function, sample, "a number")
    number = np.asarray(result)
    if number.ndim or number.dtype.kind not in "biuf" or not np.isfinite(number):
        msg = f"`function` must return a finite number for {sample.shape[1]} replicates, got {said(result)}; mend the function"
        raise InputError(msg)
    return float(number)
