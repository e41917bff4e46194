"""An experiment: one `simulate` over one grid of scenarios, with what is claimed of its columns."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mcstudy.claims.claim import Claim
from mcstudy.exceptions import ClaimError, StudyError
from mcstudy.measure import Measure
from mcstudy.scenarios import Scenario
from mcstudy.words import acting, nearest

__all__ = ["Experiment", "check_printable"]

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
        "worst_low",
        "worst_high",
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
        of shape (size,), numeric. It draws from nothing but ``rng``. The column ``"failure"``, strings of which the
        empty one means success, declares replicates that failed. `each` makes it of a function of one replicate.
        Infinite values are for claims that can take them: on quantiles, coverage and laws.
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
    columns : mapping from str to str
        What columns and factors are, for readers of the report: text with mathematics between dollar signs.
    group : str
        The `group` of claims without their own.

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
    columns: Mapping[str, str] = field(default_factory=dict)
    group: str = ""

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
        if not isinstance(self.columns, Mapping) or not all(map(_is_text, self.columns.items())):
            msg = f"`columns` must say in words what each column is, got {self.columns!r}; write {{'error': 'the error of ...'}}"
            raise StudyError(msg)
        self._check_scenarios()
        self._check_claims()

    def of_profile(self, profile: str) -> tuple[Scenario, ...]:
        """The scenarios that a profile draws."""
        return (*self.scenarios, *self.full) if profile == "full" else tuple(self.scenarios)

    def sourced(self, source: str) -> Experiment:
        """The experiment with claims that all say where they stand: in their own source, its, or the study's; likewise groups."""
        mine = self.source or source
        claims = tuple(
            replace(claim, source=claim.source or mine, group=claim.group or self.group)
            for claim in self.claims
        )
        return replace(self, claims=claims, source=mine)

    def texts(self) -> Iterator[tuple[str, str]]:
        """All that is written for readers, each with its place."""
        place = f" of experiment {self.name}" if self.name else ""
        yield f"`source`{place}", self.source
        yield from ((f"`columns`{place}", f"{name} {text}") for name, text in self.columns.items())
        for claim in self.claims:
            for argument in ("statement", "title", "group", "source"):
                yield f"claim {claim.id}: `{argument}`", str(getattr(claim, argument))
            yield f"claim {claim.id}: `because`", claim.expectation.because

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
            if "too many positional" in str(error):
                msg += "; wrap a function of one replicate, (rng, **factors), in mcstudy.each"
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
        known = (*columns, *self.scenarios[0])
        if unknown := [name for name in self.columns if name not in known]:
            msg = f"`columns` must describe columns and factors, got {unknown[0]!r}; {nearest(unknown[0], known)}there are: {', '.join(known)}"
            raise ClaimError(msg)

    def bounded(self, scenario: Scenario) -> tuple[str, ...]:
        """The columns that may not be infinite in a scenario: a claim or a measure that reads them there can't take it."""
        read = [(claim.columns(), claim.unbounded()) for claim in self.claims if claim.select([scenario])]
        read += [(measure.columns(), measure.of.unbounded) for measure in self.measures]
        return tuple(
            dict.fromkeys(name for names, unbounded in read for name in names if name not in unbounded)
        )

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


def _is_text(item: tuple[object, object]) -> bool:
    """Whether a name and what it is called are texts."""
    return all(isinstance(part, str) and part.strip() for part in item)


def check_printable(texts: Iterable[tuple[str, str]]) -> None:
    """Refuse texts that would act on a terminal, or turn the text of a page around.

    Parameters
    ----------
    texts : iterable of pairs of str
        Where each stands, and the text.

    Raises
    ------
    StudyError
        With the character's number.
    """
    for place, text in texts:
        if strange := acting(text):
            msg = f"{place} must be printable text, got {text!r} with {strange}; write it in plain characters"
            raise StudyError(msg)
