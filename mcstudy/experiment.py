"""An experiment: one `simulate` over one grid of scenarios, with what is claimed of its columns."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mcstudy.claims.claim import Claim
from mcstudy.exceptions import ClaimError, StudyError
from mcstudy.measure import Measure
from mcstudy.scenarios import Scenario
from mcstudy.words import nearest

__all__ = ["Experiment"]

# What the tables of results call their own columns: a factor of that name would hide one of them.
RESERVED = frozenset(
    [
        "claim",
        "experiment",
        "scenario",
        "estimate",
        "mcse",
        "low",
        "high",
        "theory",
        "margin",
        "verdict",
        "replicates",
        "replicate",
        "block",
        "index",
        "failure",
    ]
)


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One `simulate` over one grid, with its claims: the columns that it returns are its own.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and underscores; part of the key of the random streams. Empty for the only
        experiment of a study.
    simulate : callable
        ``simulate(rng, size, **factors)`` draws one block from ``rng`` and returns a mapping from column to array
        of shape (size,), numeric and finite. It draws from nothing but ``rng``. The column ``"failure"``, strings
        of which the empty one means success, declares replicates that failed.
    scenarios : sequence of Scenario
        See `grid`; all over the same factors.
    claims : sequence of Claim
        Those without a `source` have the experiment's.
    measures : sequence of Measure
        What is reported without a claim.
    common : tuple of str
        Factors left out of the key of the streams: their levels see the same random numbers.
    full : sequence of Scenario
        What the full profile draws besides.
    missing : tuple of str
        Columns in which NaN means that there is no value.
    inputs : tuple of path
        Files that `simulate` reads: draws are kept while their content stays the same.
    source : str
        Where the theory stands.

    Raises
    ------
    StudyError, ClaimError
        If the description breaks a rule; the message names the argument.
    """

    name: str = field(kw_only=False)
    simulate: Callable[..., Mapping[str, Any]]
    scenarios: Sequence[Scenario]
    claims: Sequence[Claim] = ()
    measures: Sequence[Measure] = ()
    common: tuple[str, ...] = ()
    full: Sequence[Scenario] = ()
    missing: tuple[str, ...] = ()
    inputs: tuple[str | Path, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not re.fullmatch(r"([a-z][a-z0-9_]*)?", self.name):
            msg = f"`name` of an experiment must be lower-case letters, digits and underscores, got {self.name!r}"
            raise StudyError(msg)
        for argument in ("common", "missing", "inputs"):
            if isinstance(names := getattr(self, argument), str):
                msg = f"`{argument}` must be a tuple of names, got {names!r}; write `{argument}=({names!r},)`"
                raise StudyError(msg)
        for argument, kind in (("claims", Claim), ("measures", Measure)):
            if isinstance(given := getattr(self, argument), kind):
                msg = f"`{argument}` must be a list, got {given.id!r} alone; write `{argument}=[...]`"
                raise StudyError(msg)
        self._check_scenarios()
        self._check_claims()

    def of_profile(self, profile: str) -> tuple[Scenario, ...]:
        """The scenarios that a profile draws."""
        return (*self.scenarios, *self.full) if profile == "full" else tuple(self.scenarios)

    def sourced(self, source: str) -> Experiment:
        """The experiment with claims that all say where they stand: in their own source, its, or the study's."""
        mine = self.source or source
        claims = tuple(claim if claim.source else replace(claim, source=mine) for claim in self.claims)
        return replace(self, claims=claims, source=mine)

    def check_simulate(self, block_size: int) -> None:
        """Refuse a `simulate` that can't be called with the factors.

        Raises
        ------
        StudyError
            With what Python says of the call.
        """
        if not callable(self.simulate):
            msg = f"`simulate` must be a function (rng, size, **factors) -> columns, got {self.simulate!r}"
            raise StudyError(msg)
        try:
            inspect.signature(self.simulate).bind(None, block_size, **self.scenarios[0])
        except TypeError as error:
            msg = f"`simulate` must take (rng, size) and the factors {', '.join(self.scenarios[0])} as keywords, but it has {error}"
            raise StudyError(msg) from None
        except ValueError:  # a callable that has no signature to look at
            return

    def check_columns(self, columns: Sequence[str], others: Mapping[str, Sequence[str]]) -> None:
        """Refuse claims, measures and `missing` that name columns which `simulate` does not return.

        Parameters
        ----------
        columns : sequence of str
            What it returns.
        others : mapping from str to sequence of str
            The columns of other experiments, as far as they are known.

        Raises
        ------
        ClaimError
            With the columns that there are, and the experiment that has the one asked for.
        """
        asked = [(f"claim {claim.id}: `column`", claim.columns()) for claim in self.claims]
        asked += [(f"measure {measure.id}: `column`", measure.columns()) for measure in self.measures]
        asked += [("`missing`", self.missing)]
        for argument, names in asked:
            for column in names:
                if column not in columns:
                    owners = [name for name, theirs in others.items() if column in theirs]
                    elsewhere = f"; {column!r} is a column of experiment {owners[0]}" if owners else ""
                    hint = "" if owners else nearest(column, columns)
                    msg = f"{argument} must be one that its `simulate` returns, got {column!r}; {hint}columns: {', '.join(columns)}{elsewhere}"
                    raise ClaimError(msg)

    def _check_scenarios(self) -> None:
        if not self.scenarios:
            msg = "`scenarios` must hold at least one scenario, got an empty grid"
            raise StudyError(msg)
        everything = self.of_profile("full")
        if strange := [s for s in everything if not isinstance(s, Scenario)]:
            msg = (
                f"`scenarios` must hold scenarios, got {strange[0]!r}; make them with `grid` or Scenario(...)"
            )
            raise StudyError(msg)
        factors = set(everything[0])
        for scenario in everything:
            if set(scenario) != factors:
                msg = f"`scenarios` must all have the same factors {sorted(factors)}, got {sorted(scenario)}; give other factors an experiment of their own"
                raise StudyError(msg)
        if twice := [str(s) for s, count in Counter(everything).items() if count > 1]:
            msg = f"`scenarios` must be distinct, also from `full`, got twice: {'; '.join(twice)}"
            raise StudyError(msg)
        self._check_factors(everything)

    def _check_factors(self, scenarios: Sequence[Scenario]) -> None:
        factors = list(scenarios[0])
        if taken := [factor for factor in factors if factor in RESERVED]:
            msg = f"a factor must not have the name of a result's column, got {taken[0]!r}; rename it"
            raise StudyError(msg)
        for factor in factors:
            # 64 and 64.0 are equal in Python and two keys of streams.
            levels = {scenario[factor] for scenario in scenarios}
            spelled = {repr(scenario[factor]) for scenario in scenarios}
            if len(spelled) > len(levels):
                msg = f"`{factor}`: equal levels must be written alike in all scenarios, got {', '.join(sorted(spelled))}"
                raise StudyError(msg)
        for factor in self.common:
            if factor not in factors:
                msg = f"`common` must name factors of the study, got {factor!r}; factors: {', '.join(sorted(factors))}"
                raise StudyError(msg)

    def _check_claims(self) -> None:
        everything, quick = self.of_profile("full"), self.of_profile("quick")
        for claim in self.claims:
            if not isinstance(claim, Claim):
                msg = f"`claims` must hold claims, got {claim!r}; write Value('id', r'statement', of=...), Bound(...), ..."
                raise ClaimError(msg)
            claim.check(everything)
            # A claim may be about scenarios of the full profile only; with a part of a line it can't do.
            if claim.select(quick):
                claim.check_cells(claim.select(quick))
        for measure in self.measures:
            if not isinstance(measure, Measure):
                msg = f"`measures` must hold measures, got {measure!r}; write Measure('id', of=...)"
                raise StudyError(msg)
            measure.check(everything)
