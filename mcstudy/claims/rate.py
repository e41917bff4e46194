"""A statistic is a power of a factor: a log-log regression whose noise and misfit are told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from mcstudy.checks import is_positive
from mcstudy.claims.claim import Assessment, Claim
from mcstudy.claims.deciding import Shares
from mcstudy.claims.levels import Levels
from mcstudy.claims.lines import Claimed, LineFit
from mcstudy.claims.powers import Powers
from mcstudy.claims.theory import Relative, Theory, check_margin, check_statistic, evaluate
from mcstudy.draws import Draws, Sample
from mcstudy.evidence import Line, RateEvidence
from mcstudy.exceptions import ClaimError
from mcstudy.findings import Cell, Zone
from mcstudy.scenarios import Scenario
from mcstudy.statistics import Statistic
from mcstudy.statistics.tails import FEWEST
from mcstudy.words import said

__all__ = ["Rate"]


@dataclass(frozen=True, kw_only=True)
class Rate(Claim):
    r"""A statistic falls or grows as a power of a factor: the slope of log statistic on log factor.

    There is one regression for each combination of the other factors: a line. What theory says is asymptotic, so
    the half of the levels nearest to the limit decides. It confirms by the noise of its draws, and refutes where
    the error that its residuals show leaves no doubt either; a line that is known to be bent stays UNDECIDED.

    Parameters
    ----------
    id, statement : str
        See `Claim`, like `where`, `expected`, `because`, `source`, `allowed_failures` and `weight`.
    of : Statistic
        What is regressed; it must be positive.
    against : str, callable or mapping from str
        A factor with at least three positive levels; a function of the factors that it names, whose values are
        the levels; or several factors with their exponents, ``{"n": -1/2, "d": 1/2}``, fitted together. A line
        runs along the factors that are named.
    exponent : float or callable
        The theoretical slope, or a function of the line's other factors giving it. Left out where `against`
        holds exponents.
    margin : float or mapping from str to float
        Half the width of the zone around the exponent; with several factors one for all, or one for each.
    limit : {"infinity", "zero"}
        Where the law is asymptotic.
    asymptotic_from : float, optional
        The level from which on the law is claimed: to confirm it, no slope over the levels from there, or from a
        later one, to the limit may surely leave the zone. Default: the first level of the half that decides.
    correction : float, optional
        The power q of the next term, ``a x^p (1 + c x^q)``. Then all levels decide, at least four of them.
    log : float or "fit", optional
        Times this power of log(x), of log(1/x) towards zero; "fit" estimates it too, from all levels.
    exact : bool
        Claim the power law itself: then a rejected goodness of fit REFUTES, and the slope over all levels has to
        lie in the zone as well. Without it, the finding says that it is a power law to within the margin only.
    constant : bool or float
        True declares that all replicates of a scenario are equal, as those of a bound are: only then does a level
        without spread pin the line. A number claims the prefactor a, given the theoretical exponents.
    constant_margin : float or Relative, optional
        Half the width of the zone around the prefactor.
    """

    of: Statistic
    against: str | Callable[..., float] | Mapping[str, Theory]
    exponent: Theory | None = None
    margin: float | Mapping[str, float]
    limit: str = "infinity"
    asymptotic_from: float | None = None
    correction: float | None = None
    log: float | Literal["fit"] | None = None
    exact: bool = False
    constant: bool | float = False
    constant_margin: float | Relative | None = None

    kind = "rate"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_statistic(self.id, self.of)
        self._check_exponents()
        self._check_margins()
        self._check_prefactor()
        if self.asymptotic_from is not None and not self.powers.takes_half:
            rule = "be left out where all levels decide, as with a correction or several factors"
            self._refuse("asymptotic_from", rule, self.asymptotic_from)

    @cached_property
    def powers(self) -> Powers:
        """What the statistic is claimed to be a power of."""
        return Powers(self.id, self.against, self.limit, self.correction, self.log)

    @property
    def estimand(self) -> str:
        """The regression in words."""
        if self.powers.several:
            return f"exponents of {self.of.label} in {self.powers.label}"
        return f"slope of log {self.of.label} on log {self.powers.label}"

    def columns(self) -> tuple[str, ...]:
        """What the statistic is taken of."""
        return self.of.columns

    def unbounded(self) -> tuple[str, ...]:
        """Those of the statistic, unless each replicate has a line, and logarithms, of its own."""
        return () if self.of.each else self.of.unbounded

    @property
    def least(self) -> int:
        """What the statistic needs at every level."""
        return self.of.fewest

    def kept(self, sample: Sample) -> npt.NDArray[np.bool_]:
        """The replicates that the statistic is taken of; those without a value too where it counts them."""
        return sample.kept(self.of)

    def fewest(self, shares: Shares) -> int:
        """So many that the tails of every level can be seen."""
        return super().fewest(shares) if self.constant is True else FEWEST

    def groups(self, scenarios: Sequence[Scenario]) -> list[tuple[Scenario, ...]]:
        """The scenarios of each line, in order of the factor."""
        lines: dict[Scenario, list[Scenario]] = {}
        for scenario in self.select(scenarios):
            lines.setdefault(self.cell_scenario(scenario), []).append(scenario)
        return [tuple(sorted(line, key=self._place)) for line in lines.values()]

    def _place(self, scenario: Scenario) -> tuple[float, ...]:
        return tuple(self.powers.levels([scenario])[0])

    def cell_scenario(self, scenario: Scenario) -> Scenario:
        """The factors that name a line."""
        return scenario.without(*self.powers.reads(scenario))

    def check_cells(self, scenarios: Sequence[Scenario]) -> None:
        """Refuse lines that the model can't be fitted to, and exponents that are no numbers."""
        for factor in () if callable(self.against) else self.powers.names:
            self._check_factor("against", factor, list(scenarios[0]))
        for line in self.groups(scenarios):
            self._claimed(self.cell_scenario(line[0]))
            self.powers.check(line)
            self._check_onset(self.powers.levels(line)[:, 0].tolist())

    def assess(self, samples: tuple[Sample, ...], shares: Shares, draws: Draws) -> Assessment:
        """Fit one line and compare what is claimed of it with its zones."""
        name = self.cell_scenario(samples[0].scenario)
        claimed = self._claimed(name)
        levels = Levels(self.of, self.powers, samples, draws.common, constant=self.constant is True)
        if levels.replicates < self.least:  # levels that have replicates each, but too few in common
            return Assessment(Cell.unjudged(name, claimed.exponents[0]))
        line = self._line(name, levels, claimed)
        if line.note:
            return Assessment(_unfit(line, levels, claimed, shares), line)
        fit = LineFit(
            line, levels.joint(self.id), self.powers, levels.scenarios, claimed, self.asymptotic_from
        )
        return fit.judge(shares)

    def _line(self, name: Scenario, levels: Levels, claimed: Claimed) -> Line:
        """The statistic at every level, with the reason why no line can be fitted if there is one."""
        x = self.powers.levels(levels.scenarios)
        exponents = [zone.theory for zone in claimed.exponents]
        return Line(
            scenario=name,
            x=np.prod(x**exponents, axis=1) if self.powers.several else x[:, 0],
            y=np.array([estimate.value for estimate in levels.estimates]),
            mcse=np.array([estimate.mcse for estimate in levels.estimates]),
            replicates=tuple(estimate.replicates for estimate in levels.estimates),
            fit=None,
            note=levels.obstacle(),
            points=() if isinstance(self.against, str) else levels.scenarios,
        )

    def _claimed(self, name: Scenario) -> Claimed:
        """The numbers that are claimed of a line, with their zones."""
        if isinstance(self.against, Mapping):
            theories = {f"against[{factor!r}]": theory for factor, theory in self.against.items()}
        else:
            theories = {"exponent": self.exponent or 0.0}
        exponents = tuple(
            Zone(evaluate(self.id, argument, theory, name), self._margin_of(factor))
            for (argument, theory), factor in zip(theories.items(), self.powers.names, strict=True)
        )
        return Claimed(exponents, self._prefactor(), self.exact)

    def _margin_of(self, factor: str) -> float:
        return self.margin[factor] if isinstance(self.margin, Mapping) else self.margin

    def _prefactor(self) -> Zone | None:
        margin = self.constant_margin
        if isinstance(self.constant, bool) or margin is None:
            return None
        width = margin.fraction * self.constant if isinstance(margin, Relative) else margin
        return Zone(float(self.constant), float(width))

    def collect(self, assessments: Sequence[Assessment]) -> RateEvidence:
        """The lines with their fits."""
        powers = self.powers
        return RateEvidence(
            cells=tuple(assessment.evidence for assessment in assessments),
            against=powers.label,
            statistic=self.of.label,
            limit=self.limit,
            exact=self.exact,
            model=powers.formula,
            factors=powers.names if powers.several else (),
        )

    def _check_exponents(self) -> None:
        if self.powers.several and self.exponent is not None:
            self._refuse("exponent", "be left out where `against` holds exponents", self.exponent)
        if not self.powers.several and self.exponent is None:
            self._refuse("exponent", "be a number, or a function of the line's factors", self.exponent)

    def _check_margins(self) -> None:
        if not isinstance(self.margin, Mapping):
            check_margin(self.id, "margin", self.margin)
            if isinstance(self.margin, Relative):
                self._refuse("margin", "be absolute, for exponents are compared by differences", self.margin)
            return
        if not self.powers.several or set(self.margin) != set(self.powers.names):
            rule = f"be a number, or one for each of several factors of `against` ({self.powers.label})"
            self._refuse("margin", rule, dict(self.margin))
        for factor, margin in self.margin.items():
            check_margin(self.id, f"margin[{factor!r}]", margin)

    def _check_prefactor(self) -> None:
        if isinstance(self.constant, bool):
            if self.constant_margin is not None:
                self._refuse("constant_margin", "go with a number for `constant`", self.constant_margin)
            return
        if not is_positive(self.constant):
            self._refuse("constant", "be True, False or a positive prefactor", self.constant)
        if self.constant_margin is None:
            self._refuse("constant_margin", "be given with a prefactor, such as relative(0.05)", None)
        check_margin(self.id, "constant_margin", self.constant_margin)

    def _check_onset(self, levels: list[float]) -> None:
        onset = self.asymptotic_from
        nearest = max(levels) if self.limit == "infinity" else min(levels)
        if onset is not None and (onset not in levels or onset == nearest):
            rule = f"be a level of `{self.powers.label}` with another one nearer to the limit ({levels})"
            self._refuse("asymptotic_from", rule, onset)

    def _refuse(self, argument: str, rule: str, value: object) -> None:
        msg = f"claim {self.id}: `{argument}` must {rule}, got {said(value)}"
        raise ClaimError(msg)


def _unfit(line: Line, levels: Levels, claimed: Claimed, shares: Shares) -> Cell:
    """The cell of a line that can't be fitted: yet, or ever."""
    negative = levels.surely_negative(shares)
    hopeless = bool(negative) or levels.constant
    cell = Cell.unjudged(line.scenario, claimed.exponents[0])
    return replace(
        cell, note=negative or line.note, hopeless=hopeless, needed=0 if hopeless else levels.needed()
    )
