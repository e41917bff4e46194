"""A statistic lies on one side of a theoretical value."""

from __future__ import annotations

from dataclasses import dataclass

from mcstudy.claims.compared import Compared
from mcstudy.claims.deciding import Shares
from mcstudy.claims.theory import Theory
from mcstudy.findings import Side, Zone

__all__ = ["AtLeast", "AtMost"]


@dataclass(frozen=True, kw_only=True)
class AtMost(Compared):
    r"""A statistic is at most a theoretical value, in every scenario.

    CONFIRMED where its upper limit is, REFUTED where its lower limit lies above: one side, and no margin.

    Parameters
    ----------
    id, statement : str
        See `Claim`, like `where`, `expected`, `because`, `source`, `allowed_failures` and `weight`.
    of, constant, range
        See `Compared`.
    at_most : float, str or callable
        A number, a function of the factors that it names, or a column; with a column and a mean the comparison is
        paired.

    Examples
    --------
    >>> from mcstudy.statistics import mean
    >>> AtMost("risk", r"\mathbb{E} L \le 1", of=mean("loss"), at_most=1.0).estimand
    'mean of loss'
    """

    at_most: Theory | str

    kind = "at_most"

    @property
    def theory(self) -> tuple[str, Theory | str]:
        """The upper bound."""
        return "at_most", self.at_most

    def zone(self, theory: float) -> Zone:
        """All up to theory."""
        return Zone(theory, 0.0, Side.AT_MOST)

    def shares(self, shares: Shares, zone: Zone) -> Shares:
        """Only one end of an interval can lie beyond."""
        return shares.one_sided()


@dataclass(frozen=True, kw_only=True)
class AtLeast(Compared):
    r"""A statistic is at least a theoretical value, in every scenario; see `AtMost`.

    Parameters
    ----------
    id, statement, of, constant, range
        See `AtMost`.
    at_least : float, str or callable
        A number, a function of the factors that it names, or a column.
    """

    at_least: Theory | str

    kind = "at_least"

    @property
    def theory(self) -> tuple[str, Theory | str]:
        """The lower bound."""
        return "at_least", self.at_least

    def zone(self, theory: float) -> Zone:
        """All from theory on."""
        return Zone(theory, 0.0, Side.AT_LEAST)

    def shares(self, shares: Shares, zone: Zone) -> Shares:
        """Only one end of an interval can lie beyond."""
        return shares.one_sided()
