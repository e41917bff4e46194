"""What a finding rests on: witnesses, and the evidence that each kind of claim has to show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mcstudy.draws import Block
from mcstudy.scenarios import Scenario

__all__ = [
    "BoundCell",
    "BoundEvidence",
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


@dataclass(frozen=True)
class LawCell:
    """A Kolmogorov distance, its band, and the deviation of the distribution function against probability."""

    distance: float
    band: float
    probability: FloatArray
    deviation: FloatArray
    merged: int = 0  # values that were taken for others, which only rounding tells apart


@dataclass(frozen=True)
class LawEvidence(Evidence, kinds=("law", "same_law")):
    """The deviations of a law in every cell."""

    cells: tuple[LawCell | None, ...] = ()


@dataclass(frozen=True)
class Half:
    """The slope over the half of the levels nearest to the limit."""

    exponent: float
    interval: tuple[float, float]
    levels: int


@dataclass(frozen=True)
class Fit:
    """A power law fitted to a line of a rate; `sampling_error` and `robust_error` are those of the slope."""

    constant: float
    exponent: float
    sampling_error: float
    robust_error: float
    upper_half: Half
    chi_square: float
    degrees: int
    p_value: float
    curvature: float
    curvature_mcse: float
    local_slopes: FloatArray
    local_mcse: FloatArray


@dataclass(frozen=True)
class Line:
    """A statistic along the levels of a factor, all arrays of shape (levels,), and the fit where there is one."""

    scenario: Scenario
    x: FloatArray
    y: FloatArray
    mcse: FloatArray
    replicates: tuple[int, ...]
    fit: Fit | None
    note: str = ""  # why there is none, or what is wrong with it


@dataclass(frozen=True)
class RateEvidence(Evidence, kinds=("rate",)):
    """The lines of a rate; `exact` claims the power law itself and not its exponent only."""

    cells: tuple[Line | None, ...] = ()
    against: str = ""
    statistic: str = ""
    limit: str = "infinity"
    exact: bool = False
