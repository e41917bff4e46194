"""What a finding rests on: witnesses, and the evidence that each kind of claim has to show."""

from __future__ import annotations

import math
from collections.abc import Sized
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mcstudy.draws import Block
from mcstudy.exceptions import InputError
from mcstudy.scenarios import Scenario

__all__ = [
    "BoundCell",
    "BoundEvidence",
    "Coefficient",
    "Evidence",
    "Fit",
    "Half",
    "IdentityCell",
    "IdentityEvidence",
    "LawCell",
    "LawEvidence",
    "Line",
    "RateEvidence",
    "Witness",
]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Witness:
    """One replicate that speaks for a claim: it violates it, or comes closest.

    Attributes
    ----------
    scenario : Scenario
    block, index : int
        The block's number, and the replicate's within it.
    token : str
        What ``mcstudy replay STUDY`` takes to draw it again.
    value : float
    bound : float, optional
        What the value may not exceed.
    """

    scenario: Scenario
    block: int
    index: int
    token: str
    value: float
    bound: float | None = None

    @staticmethod
    def at(block: Block, index: int, value: float, bound: float | None = None) -> Witness:
        """The replicate of a block at an index."""
        return Witness(block.scenario, block.number, index, f"{block.token}:{index}", value, bound)

    @property
    def ratio(self) -> float:
        """The value over its bound; NaN without a bound, infinite where a value exceeds a bound of 0 or less."""
        if self.bound is None:
            return math.nan
        if self.bound > 0.0:
            return self.value / self.bound
        return 0.0 if self.value <= self.bound else math.inf


@dataclass(frozen=True)
class Evidence:
    """What a finding rests on besides the numbers that all kinds share.

    A kind of claim with more to show subclasses it: ``class BoundEvidence(Evidence, kinds=("bound",))``.

    Attributes
    ----------
    cells : tuple
        One item for each cell of the finding; None where there was nothing to judge.
    """

    cells: tuple[Any, ...] = ()

    # A ledger is read where no claim is known: the kind that it names leads to the type that it holds.
    of_kind: ClassVar[dict[str, type[Evidence]]] = {}

    def __init_subclass__(cls, *, kinds: tuple[str, ...]) -> None:
        """Register the evidence of kinds of claims, so that a ledger can be read."""
        Evidence.of_kind |= dict.fromkeys(kinds, cls)


@dataclass(frozen=True)
class BoundCell:
    """A bound in one scenario: how near the draws come to it, and how often they exceed it."""

    largest_ratio: float
    violations: int
    upper_limit: float  # of the probability of a violation


@dataclass(frozen=True)
class BoundEvidence(Evidence, kinds=("bound",)):
    """The worst violation of a bound, if there is one, and the draw that comes closest to it."""

    cells: tuple[BoundCell | None, ...] = ()
    witness: Witness | None = None
    tightest: Witness | None = None


@dataclass(frozen=True)
class IdentityCell:
    """The residuals of an identity in one scenario."""

    largest: float
    median: float
    violations: int
    upper_limit: float  # of the probability of a violation


@dataclass(frozen=True)
class IdentityEvidence(Evidence, kinds=("identity",)):
    """The draw with the largest residual."""

    cells: tuple[IdentityCell | None, ...] = ()
    witness: Witness | None = None


def _check_lengths(
    what: str, length: int, *, may_lack: bool = False, at_most: bool = False, **items: Sized
) -> None:
    """Refuse items that do not belong to each other: a ledger that was edited may have such.

    Raises
    ------
    InputError
    """
    for name, item in items.items():
        fits = len(item) <= length if at_most else len(item) == length or (may_lack and not len(item))
        if not fits:
            rule = "at most as many" if at_most else "as many"
            msg = f"`{name}` of {what} must have {rule} items as there are ({length}), got {len(item)}; run the study again"
            raise InputError(msg)


@dataclass(frozen=True)
class LawCell:
    """A Kolmogorov distance, its band, and the deviation of the distribution function against probability."""

    distance: float
    band: float
    probability: FloatArray
    deviation: FloatArray
    merged: int = 0  # values that were taken for others, which only rounding tells apart

    def __post_init__(self) -> None:
        _check_lengths("a law", len(self.probability), deviation=self.deviation)


@dataclass(frozen=True)
class LawEvidence(Evidence, kinds=("law", "same_law")):
    """The deviations of a law in every cell."""

    cells: tuple[LawCell | None, ...] = ()


@dataclass(frozen=True)
class Half:
    """The slope over the levels nearest to the limit, with its interval and its errors by the draws and the residuals."""

    exponent: float
    interval: tuple[float, float]
    levels: int
    sampling_error: float = math.nan
    robust_error: float = math.nan


@dataclass(frozen=True)
class Coefficient:
    """A number that a rate claims of a line, with the interval that decides it, and the zone of theory."""

    name: str
    theory: float
    margin: float
    estimate: float
    mcse: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Fit:
    """The model fitted to all levels of a line; `sampling_error` and `robust_error` are those of the exponent.

    Attributes
    ----------
    upper_half : Half, optional
        Over the half of the levels that decides; none where a correction, or several factors, take all of them.
    scan : tuple of Half
        Over all levels, all but the furthest from the limit, ..., the last two.
    coefficients : tuple of Coefficient
        The numbers that are claimed.
    deciding : int
        The one of them that the cell shows.
    """

    constant: float
    exponent: float
    sampling_error: float
    robust_error: float
    upper_half: Half | None
    chi_square: float
    degrees: int
    p_value: float
    curvature: float
    curvature_mcse: float
    local_slopes: FloatArray
    local_mcse: FloatArray
    interval: tuple[float, float] = (math.nan, math.nan)
    scan: tuple[Half, ...] = ()
    coefficients: tuple[Coefficient, ...] = ()
    deciding: int = 0


@dataclass(frozen=True)
class Line:
    """A statistic along the levels of a factor, all arrays of shape (levels,), and the fit where there is one.

    Attributes
    ----------
    x : array
        The levels; where the statistic is claimed to be a product of powers of several factors, that product.
    fitted : array
        What the fit says of `y`.
    points : tuple of Scenario
        The factors behind each x where it is not the level of one.
    """

    scenario: Scenario
    x: FloatArray
    y: FloatArray
    mcse: FloatArray
    replicates: tuple[int, ...]
    fit: Fit | None
    note: str = ""  # why there is none, or what is wrong with it
    fitted: FloatArray = field(default_factory=lambda: np.empty(0))
    points: tuple[Scenario, ...] = ()

    def __post_init__(self) -> None:
        levels = len(self.x)
        _check_lengths("a line", levels, y=self.y, mcse=self.mcse, replicates=self.replicates)
        _check_lengths("a line", levels, may_lack=True, fitted=self.fitted, points=self.points)
        if self.fit is not None:
            slopes = self.fit.local_slopes
            _check_lengths("a fit", len(slopes), local_mcse=self.fit.local_mcse)
            _check_lengths("a fit", levels, at_most=True, local_slopes=slopes, scan=self.fit.scan)


@dataclass(frozen=True)
class RateEvidence(Evidence, kinds=("rate",)):
    """The lines of a rate.

    Attributes
    ----------
    exact : bool
        Whether the power law itself is claimed, and not its exponent only.
    model : str
        What is fitted: "a n^p (1 + c n^-0.5)".
    factors : tuple of str
        Those that have an exponent each, where there are several.
    """

    cells: tuple[Line | None, ...] = ()
    against: str = ""
    statistic: str = ""
    limit: str = "infinity"
    exact: bool = False
    model: str = ""
    factors: tuple[str, ...] = ()
