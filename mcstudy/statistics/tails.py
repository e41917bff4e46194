"""When a standard error may be believed: a condition on the tails of the influences.

A time-uniform limit for a mean is asymptotic. It breaks where the sample has not seen what decides: a rare
value, a heavy tail. No sample can exclude both, but a sample that comes from such a law rarely looks harmless,
and three signs give it away: few replicates make up its spread, its tail index leaves no third moment, or
nothing varies at all. `condition` reads them.

The thresholds were chosen by simulation, with the truth on the edge of the zone and looks at every 1.19-fold n
from 64 to 65,536: for lognormal, t3, t5, Pareto, exponential and two-point columns and their variances, at shares
from 0.1 to 1e-4 (to 1e-5 up to 2,048 replicates), wrong verdicts came to at most three quarters of the share.
These are rates as observed, of laws that the thresholds were chosen on: at 1e-4 and below few events stand behind them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mcstudy.exceptions import InputError
from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.pools import Pool, largest, peak_of, total

__all__ = ["FEWEST", "Condition", "Tails", "condition", "tail_index"]

# At 32 replicates lognormal means and variances of t3 slip through at small shares, at 64 none does.
FEWEST = 64

# From here on the plain limits hold; at 5 the mean of a Pareto law of order 2.5 still misses 0.9 to 1.5 times.
AMPLE = 8.0

# A normal law's fourth moment on one side, in units of its squared variance: 3 on both.
NORMAL = 1.5

# Values nearer to the threshold, relative to the largest excess, are ties that rounding has broken: of them the fit
# would make a tail that no law has. A law with a density has one in a billion there.
TIED = 1e-9

# Zhang and Stephens's fit says nothing on fewer exceedances.
FEWEST_EXCEEDANCES = 5

# Excesses of tails that are fitted at once, each for some 40 points: what is in work stays in a processor's cache.
TOGETHER = 1024


@dataclass(frozen=True)
class Condition:
    """Whether a standard error may be believed.

    Parameters
    ----------
    met : bool
        Whether a verdict may rest on it.
    value : float
        Replicates over those that the fourth moments ask for: at least 1 where met.
    reason : str
        Why, in words.
    unseen : float
        How many replicates at twice the largest influence the limits have to make room for
        (`sequences.influence_limits`).
    lasting : bool
        Whether it is the law that lacks a moment, as it seems: more replicates of it will not be believed either.
    """

    met: bool
    value: float
    reason: str
    unseen: float = 0.0
    lasting: bool = False


class _Tail(NamedTuple):
    """One side of the influences; index and error as `tail_index` gives them."""

    name: str
    heaviness: float
    error: float
    fourth_moment: float


class Tails(NamedTuple):
    """What a condition takes from influences.

    Attributes
    ----------
    size : int
    peak : float
        The largest magnitude.
    spread : float
        Their root mean square, in units of the peak; nan where they are but rounding errors.
    sides : tuple
        The left tail and the right one, in units of the spread; none where influences are but rounding errors.
    """

    size: int
    peak: float
    spread: float
    sides: tuple[_Tail, ...]

    @classmethod
    def of(cls, influence: FloatArray | Pool, *, rounding: float = 0.0) -> Tails:
        """Those of influences, shape (n,); up to a magnitude of `rounding` they are rounding errors of 0."""
        pool = Pool.of(influence)
        peak = peak_of(pool) if pool.size else 0.0
        if peak <= rounding:
            return cls(pool.size, peak, math.nan, ())
        spread = math.sqrt(total(pool, lambda portion: np.square(portion / peak)) / pool.size)
        sides = _tail("left", pool, -peak, spread), _tail("right", pool, peak, spread)
        return cls(pool.size, peak, spread, sides)

    @classmethod
    def each(cls, stack: FloatArray, roundings: FloatArray) -> list[Tails]:
        """Those of each row of a stack, shape (k, n), n at most `pools.PORTION`: as `of` gives them, to the last bit."""
        size, ends = stack.shape[1], (np.min(stack, axis=1).tolist(), np.max(stack, axis=1).tolist())
        peaks = np.array([max(-low, high) for low, high in zip(*ends, strict=True)])
        found = [cls(size, peak, math.nan, ()) for peak in peaks.tolist()]
        varied = np.flatnonzero(~(peaks <= roundings))
        stack, peaks = stack[varied], peaks[varied]
        spreads = np.sqrt(np.sum(np.square(stack / peaks[:, None]), axis=1) / size)
        sides = [
            _tails_each(name, stack, sign * peaks, spreads) for name, sign in (("left", -1.0), ("right", 1.0))
        ]
        for place, spread, left, right in zip(varied.tolist(), spreads.tolist(), *sides, strict=True):
            found[place] = cls(size, found[place].peak, spread, (left, right))
        return found


def condition(influence: FloatArray | Pool | Tails, z: float, *, rounding: float = 0.0) -> Condition:
    """Judge whether limits `z` standard errors away may be believed.

    With kappa the larger one of the fourth moments of both sides, ``mean(max(+-u, 0)^4)`` for influences u of
    variance 1, ``(kappa - 3/2) z^2`` replicates are asked for. Eight times as many make the limits hold as they
    are. In between they hold with room for the ``z^2 / 2`` replicates whose absence has about the probability
    of a miss, ``exp(-z^2 / 2)``, on each side.

    Both sides count for both limits: a law may have a tail where the sample has none.

    Parameters
    ----------
    influence : ndarray of shape (n,), n >= 2, or Pool, or Tails
        Influence values, of mean 0; or what counts of them, where it is asked more than once.
    z : float
        Effective z of the limits (`sequences.effective_z`), positive.
    rounding : float
        Influences of at most this magnitude are rounding errors of 0; `Tails` know theirs.

    Returns
    -------
    Condition

    Raises
    ------
    InputError
        If there are no two influences, or `z` is not positive.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> condition(rng.standard_normal(1024), z=4.0).met
    True
    >>> print(condition(rng.standard_cauchy(1024), z=4.0).reason)
    the left tail's index 0.95 leaves no second moment
    """
    tails = influence if isinstance(influence, Tails) else Tails.of(influence, rounding=rounding)
    n = tails.size
    if n < 2 or not z > 0:
        msg = f"`influence` must hold at least 2 values and `z` be positive, got {n} and {z}; draw more"
        raise InputError(msg)
    if not tails.sides:
        return Condition(False, 0.0, f"all {n} replicates are equal: declare them constant, or state a range")
    heaviest = max(tails.sides, key=lambda tail: tail.fourth_moment)
    needed = max((heaviest.fourth_moment - NORMAL) * z**2, 0.0)
    value = n / needed if needed else math.inf
    unseen = 0.0 if value >= AMPLE else z**2 / 2
    if n >= FEWEST and (lacking := _lacking(tails.sides)):
        return Condition(False, value, lacking, unseen, lasting=True)
    if problem := _problem(n, needed, tails.spread**-2 / n):
        return Condition(False, value, problem, unseen)
    room = f", and the limits make room for {unseen:.0f} that were not seen" if unseen else ""
    return Condition(True, value, f"the tails ask for {math.ceil(needed)} replicates of {n}{room}", unseen)


def _lacking(tails: tuple[_Tail, ...]) -> str:
    """Which moment a tail leaves its law without, in words; or nothing."""
    for tail in tails:
        # Beyond its own error, or an index of 1/4 would often look like too much.
        if tail.heaviness - tail.error > 1 / 3:
            moment = "second" if tail.heaviness > 1 / 2 else "third"
            return f"the {tail.name} tail's index {tail.heaviness:.2f} leaves no {moment} moment"
    return ""


def _problem(n: int, needed: float, largest: float) -> str:
    """Why a verdict has to wait, or nothing."""
    if n < FEWEST:
        return f"{n} replicates are too few to see their tails: {FEWEST} are the least"
    if n < needed:
        share = f"{largest:.0%}" if largest >= 0.01 else "under 1%"
        return (
            f"the tails ask for {math.ceil(needed)} replicates, got {n}: one makes up {share} of the spread"
        )
    return ""


def _tail(name: str, pool: Pool, peak: float, spread: float) -> _Tail:
    """The side of the influences that `peak` is on, in units of their spread."""

    def fourth(portion: FloatArray) -> FloatArray:
        # Ten times as fast as a power of four.
        return np.square(np.square(np.maximum(portion / peak / spread, 0)))

    return _Tail(name, *_tail_index(pool, peak * spread), total(pool, fourth) / pool.size)


def _tails_each(name: str, stack: FloatArray, peaks: FloatArray, spreads: FloatArray) -> list[_Tail]:
    """The same side of each row of a stack."""
    size = stack.shape[1]
    places = np.maximum(stack / peaks[:, None] / spreads[:, None], 0)
    fourth = np.sum(np.square(np.square(places)), axis=1) / size
    first, units = size - _count(size) - 1, peaks * spreads
    signed = stack * np.copysign(1.0, units)[:, None]
    ends = np.sort(np.partition(signed, first, axis=1)[:, first:], axis=1)
    indices = _indices(ends / np.abs(units)[:, None])
    return [_Tail(name, *index, moment) for index, moment in zip(indices, fourth.tolist(), strict=True)]


def tail_index(values: FloatArray) -> tuple[float, float]:
    """Index of the right tail: moments of order 1 / index and above do not exist.

    The shape of a generalised Pareto law fitted to the excesses of the ``min(n / 5, 3 sqrt(n))`` largest values
    over the next one, by the method of Zhang and Stephens.

    Parameters
    ----------
    values : ndarray of shape (n,)

    Returns
    -------
    index, error : float
        The index and its standard error, ``(1 + index) / sqrt(excesses)``; nan where fewer than five values
        differ from the threshold by more than rounding: ties, as in a column of few values.

    References
    ----------
    J. Zhang and M. A. Stephens, "A new and efficient estimation method for the generalized Pareto distribution",
    Technometrics 51 (2009) 316-325; the number of values is that of A. Vehtari, D. Simpson, A. Gelman, Y. Yao and
    J. Gabry, "Pareto smoothed importance sampling", J. Mach. Learn. Res. 25 (2024) 72.

    Examples
    --------
    >>> index, error = tail_index(np.random.default_rng(1).pareto(2.0, 10_000))
    >>> abs(index - 0.5) < 3 * error
    True
    """
    return _tail_index(Pool.of(values), 1.0)


def _tail_index(pool: Pool, unit: float) -> tuple[float, float]:
    """Index and error of the right tail in a unit; of the left one where that is negative."""
    ends = largest(pool, _count(pool.size) + 1, sign=math.copysign(1.0, unit)) / abs(unit)
    (found,) = _indices(ends[None])
    return found


def _count(size: int) -> int:
    """How many of the largest values make a tail."""
    return int(min(size / 5, 3 * math.sqrt(size)))


def _indices(ends: FloatArray) -> list[tuple[float, float]]:
    """Index and error of tails of which these are the largest values and the next one, ascending; shape (k, count + 1)."""
    excesses = ends - ends[:, :1]
    above = np.count_nonzero(excesses > TIED * excesses[:, -1:], axis=1)
    found = [(math.nan, math.nan)] * len(ends)
    # The fit takes as many of each sample: without ties all but the first.
    for size in np.unique(above[above >= FEWEST_EXCEEDANCES]).tolist():
        places, step = np.flatnonzero(above == size), max(1, TOGETHER // size)
        for some in np.split(places, range(step, places.size, step)):
            shapes = _pareto_shapes(np.ascontiguousarray(excesses[some, -size:])).tolist()
            for place, index in zip(some.tolist(), shapes, strict=True):
                found[place] = index, (1 + max(index, 0.0)) / math.sqrt(size)
    return found


def _pareto_shapes(excesses: FloatArray) -> FloatArray:
    """Shape of a generalised Pareto law for each row, shape (k, n), ascending and positive."""
    # The posterior mean of b = -shape / scale over a grid that the largest value and the quartile set.
    n = excesses.shape[1]
    points = 30 + int(math.sqrt(n))
    quartile = excesses[:, int(n / 4 + 0.5) - 1]
    steps = 1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))
    b = 1 / excesses[:, -1:] + steps / (3 * quartile)[:, None]
    if not np.all(b):  # which leaves rows of several lengths
        if len(b) > 1:
            return np.concatenate([_pareto_shapes(row[None]) for row in excesses])
        b = b[b != 0][None]
    shapes = np.mean(np.log1p(-b[:, :, None] * excesses[:, None, :]), axis=2)
    likelihood = n * (np.log(-b / shapes) - shapes - 1)
    weights = np.exp(likelihood - np.max(likelihood, axis=1, keepdims=True))
    best = np.sum(b * weights, axis=1) / np.sum(weights, axis=1)
    return np.asarray(np.mean(np.log1p(-best[:, None] * excesses), axis=1))
