"""Trials of verdicts: draws of a law, and a theory that is placed so many margins beside what is true of it.

Margins are stated in scatters: the scatter of an estimate is sqrt(n) times its standard error, the standard deviation
of one replicate's influence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from mcstudy.models.arrays import FloatArray
from mcstudy.models.calibration.laws import parameter, raised, scatter, unit

__all__ = ["LEVELS", "Trial", "law_trial", "line_trial", "pair_trial", "value_trial", "violation_trial"]

# The levels of a line, and the standard error of the slope over its upper half, three of them, in those of the
# logarithm of a level: they are evenly spaced.
LEVELS = (1, 4, 16, 64, 256)
SLOPE = 1 / (math.sqrt(2) * math.log(4))


@dataclass(frozen=True)
class Trial:
    """What a small study is about.

    Attributes
    ----------
    law : frozen law
        Of the draws.
    theory : float or Raised
        What is claimed: a number, or a law.
    margin : float
    scatter : float
        Of the estimate that is compared; nan where none is.
    draw : callable
        ``draw(rng, count)`` gives the columns of its scenarios, each of shape (count,).
    """

    law: Any
    theory: Any
    margin: float
    scatter: float
    draw: Callable[[Generator, int], Sequence[FloatArray]]


def value_trial(name: str, law: Any, place: float, width: float) -> Trial:
    """The value of a statistic.

    Parameters
    ----------
    name : str
        See `parameter`.
    law : frozen law
    place : float
        Where the truth lies, in margins above the theory.
    width : float
        The margin, in the unit of the statistic (`unit`).

    Examples
    --------
    >>> from mcstudy.models.calibration.laws import law_named
    >>> trial = value_trial("mean", law_named("exponential"), place=1.5, width=0.5)
    >>> trial.theory, trial.margin
    (0.25, 0.5)
    """
    margin = width * unit(name, law)
    return Trial(law, parameter(name, law) - place * margin, margin, scatter(name, law), _column_of(law))


def violation_trial(law: Any, place: float, width: float) -> Trial:
    """Violations, as ones among zeros: so rare as `law` says they still count as none, `width` times.

    `place` is how many times as often they turn up; other parameters as in `value_trial`.
    """
    allowed = width * float(law.mean())

    def draw(rng: Generator, count: int) -> Sequence[FloatArray]:
        return [(rng.random(count) < place * allowed).astype(np.float64)]

    return Trial(law, 0.0, allowed, math.nan, draw)


def law_trial(law: Any, place: float, width: float) -> Trial:
    """A law: the one claimed is a power of that of the draws, at a distance of `place` margins (see `value_trial`).

    The scatter is that of a distribution function at the median, 1/2.
    """
    margin = width / 2
    return Trial(law, raised(law, place * margin), margin, 1 / 2, _column_of(law))


def pair_trial(law: Any, place: float, width: float, *, paired: bool = False) -> Trial:
    """Two columns, of the law and of a power of it, at a distance of `place` margins (see `value_trial`).

    Parameters
    ----------
    paired : bool
        Whether both are made of the same uniform numbers: of u and 1 - u, whose indicators differ most.
    """
    margin, other = width / 2, raised(law, place * width / 2)

    def draw(rng: Generator, count: int) -> Sequence[FloatArray]:
        u = rng.random(count)
        return [np.asarray(law.ppf(u)), other.ppf(1 - u if paired else rng.random(count))]

    return Trial(law, other, margin, 1.0 if paired else math.sqrt(1 / 2), draw)


def line_trial(law: Any, place: float, width: float, *, paired: bool = False) -> Trial:
    """A column for each of `LEVELS`, which falls as its square root: positive draws of the law over that.

    Parameters
    ----------
    paired : bool
        Whether levels share random numbers: each is half its own and half that of all.
    """
    own = float(law.std() / law.mean()) * SLOPE / (2 if paired else 1)
    roots = np.sqrt(LEVELS)

    def draw(rng: Generator, count: int) -> Sequence[FloatArray]:
        x = law.rvs((len(LEVELS) + 1, count), random_state=rng)
        return list(((x[1:] + x[0]) / 2 if paired else x[1:]) / roots[:, None])

    return Trial(law, -1 / 2 - place * width * own, width * own, own, draw)


def _column_of(law: Any) -> Callable[[Generator, int], Sequence[FloatArray]]:
    def draw(rng: Generator, count: int) -> Sequence[FloatArray]:
        return [np.asarray(law.rvs(count, random_state=rng), dtype=np.float64)]

    return draw
