"""Trials of verdicts: draws of a law, and a theory that is placed so many margins beside what is true of it.

Margins are stated in scatters: the scatter of an estimate is sqrt(n) times its standard error, the standard deviation
of one replicate's influence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator

from mcstudy.models.arrays import FloatArray
from mcstudy.models.calibration.laws import law_named, parameter, raised, scatter, unit
from mcstudy.models.checks import check_choice

__all__ = ["EDGES", "PLACES", "Trial", "trial_of"]

# Where the truth lies, in margins above the theory. At the edges it lies a hair outside of the zone, which makes no
# difference to limits.
HAIR = 1e-6
PLACES = {"below": -1 - HAIR, "above": 1 + HAIR, "centre": 0.0, "far": 1.5}
EDGES = ("below", "above")

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
    factor : str
        What its scenarios differ in; empty where there is one.
    levels : tuple of int
        The levels of the factor.
    paired : bool
        Whether the levels share random numbers.
    """

    law: Any
    theory: Any
    margin: float
    scatter: float
    draw: Callable[[Generator, int], Sequence[FloatArray]]
    factor: str = ""
    levels: tuple[int, ...] = ()
    paired: bool = False


def _on_value(law: Any, place: float, width: float, *, name: str) -> Trial:
    """The value of a statistic by its name (see `parameter`)."""
    margin = width * unit(name, law)
    return Trial(law, parameter(name, law) - place * margin, margin, scatter(name, law), _column_of(law))


def _on_limit(law: Any, place: float, width: float) -> Trial:
    """An upper limit of the mean, which is the upper edge of a zone of `_on_value`."""
    trial = _on_value(law, place, width, name="mean")
    return replace(trial, theory=trial.theory + trial.margin)


def _on_violations(law: Any, place: float, width: float) -> Trial:
    """Ones among zeros: as rare as in the law, `width` times, they still count as none; they are, `place` times that."""
    allowed = width * float(law.mean())

    def draw(rng: Generator, count: int) -> Sequence[FloatArray]:
        return [(rng.random(count) < place * allowed).astype(np.float64)]

    return Trial(law, 0.0, allowed, math.nan, draw)


def _on_law(law: Any, place: float, width: float) -> Trial:
    """A power of the law, at a distance from it; a distribution function scatters most at the median, by 1/2."""
    margin = width / 2
    return Trial(law, raised(law, place * margin), margin, 1 / 2, _column_of(law))


def _on_pair(law: Any, place: float, width: float, *, paired: bool = False) -> Trial:
    """Draws of the law and of a power of it; paired, of u and 1 - u, whose indicators differ most."""
    margin, other = width / 2, raised(law, place * width / 2)

    def draw(rng: Generator, count: int) -> Sequence[FloatArray]:
        u = rng.random(count)
        return [np.asarray(law.ppf(u)), other.ppf(1 - u if paired else rng.random(count))]

    return Trial(law, other, margin, 1.0 if paired else math.sqrt(1 / 2), draw, "level", (0, 1), paired)


def _on_contrast(law: Any, place: float, width: float, *, ratio: bool = False, paired: bool = False) -> Trial:
    """The means of two levels that are equal: their difference, or their ratio."""
    own = float(law.std() / law.mean() if ratio else law.std()) * math.sqrt(2) / (2 if paired else 1)
    margin = width * own
    theory = (1.0 if ratio else 0.0) - place * margin
    return Trial(law, theory, margin, own, _levels_of(law, 2, paired=paired), "level", (0, 1), paired)


def _on_line(law: Any, place: float, width: float, *, paired: bool = False) -> Trial:
    """The exponent of positive draws over the roots of the levels."""
    own = float(law.std() / law.mean()) * SLOPE / (2 if paired else 1)
    levels, roots = _levels_of(law, len(LEVELS), paired=paired), np.sqrt(LEVELS)

    def draw(rng: Generator, count: int) -> Sequence[FloatArray]:
        return list(np.asarray(levels(rng, count)) / roots[:, None])

    margin = width * own
    return Trial(law, -1 / 2 - place * margin, margin, own, draw, "n", LEVELS, paired)


def _levels_of(law: Any, levels: int, *, paired: bool) -> Callable[[Generator, int], Sequence[FloatArray]]:
    """Draws of the law at each level; paired, half of each is common to all."""

    def draw(rng: Generator, count: int) -> Sequence[FloatArray]:
        x = np.asarray(law.rvs((levels + 1, count), random_state=rng), dtype=np.float64)
        return list((x[1:] + x[0]) / 2 if paired else x[1:])

    return draw


def _column_of(law: Any) -> Callable[[Generator, int], Sequence[FloatArray]]:
    def draw(rng: Generator, count: int) -> Sequence[FloatArray]:
        return [np.asarray(law.rvs(count, random_state=rng), dtype=np.float64)]

    return draw


# Kind -> its trials, and the width of their margins at an edge, and elsewhere. At an edge a wide zone keeps the other
# one out of the way; elsewhere 2,000 draws can tell from the middle of a narrow one that the truth is within.
TRIALS: dict[str, tuple[Callable[[Any, float, float], Trial], float, float]] = {
    "mean": (partial(_on_value, name="mean"), 1.0, 0.3),
    "variance": (partial(_on_value, name="variance"), 1.0, 0.4),
    "sd": (partial(_on_value, name="sd"), 1.0, 0.4),
    "quantile": (partial(_on_value, name="0.9 quantile"), 1.0, 0.3),
    "proportion": (partial(_on_value, name="proportion"), 1.0, 0.3),
    "range": (partial(_on_value, name="mean"), 1.0, 0.3),
    "at-most": (_on_limit, 1.0, 0.3),
    "contrast": (_on_contrast, 1.0, 0.3),
    "contrast.paired": (partial(_on_contrast, paired=True), 1.0, 0.3),
    "ratio": (partial(_on_contrast, ratio=True), 1.0, 0.3),
    # Confirmed as soon as may be they would be wrong with probability alpha exactly, which takes 4,000 small studies to
    # tell from 1.15 alpha. At 0.8 times a law's own probability the next look comes a sixth later.
    "bound": (_on_violations, 0.8, 1.0),
    "identity": (_on_violations, 0.8, 1.0),
    "law": (_on_law, 0.1, 0.4),
    "same-law": (_on_pair, 0.4, 0.8),
    "same-law.paired": (partial(_on_pair, paired=True), 0.4, 0.8),
    # Three levels have one residual, and by it the slope's error is |N(0, 1)| times 2.4 times that by the draws: to
    # refute, both have to fit in between the truth and the zone.
    "rate": (_on_line, 1.0, 1.0),
    "rate.paired": (partial(_on_line, paired=True), 1.0, 1.0),
}


def trial_of(kind: str, law: str, truth: str) -> Trial:
    """A trial of a kind of claim.

    Parameters
    ----------
    kind : str
        "mean", "variance", "sd", "quantile" (of probability 0.9), "proportion", "range" (a mean within the range of
        the law), "at-most" (a mean), "contrast" and "ratio" (of two means), "bound" and "identity" (ones are
        violations), "law", "same-law", "rate"; some have a sibling whose levels share random numbers: "rate.paired".
    law : str
        The name of a law, see `mcstudy.models.calibration.laws`.
    truth : str
        Where the truth lies: one of `PLACES`.

    Raises
    ------
    ModelError
        If there is no such kind, law or place.

    Examples
    --------
    >>> trial = trial_of("mean", "exponential", "far")
    >>> trial.margin, round(trial.theory, 3)
    (0.3, 0.55)
    """
    build, wide, narrow = TRIALS[check_choice("kind", kind, TRIALS)]
    place = PLACES[check_choice("truth", truth, PLACES)]
    return build(law_named(law), place, wide if truth in EDGES else narrow)
