"""A study: a frozen description of what is drawn, over which scenarios, and what theory claims about it."""

from __future__ import annotations

import hashlib
import inspect
import os
import pickle
import re
import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from mcstudy.claims.claim import Claim
from mcstudy.claims.ledger import Ledger
from mcstudy.defaults import PROFILES
from mcstudy.draws import Scenario, Where, unmatched
from mcstudy.exceptions import ClaimError, StudyError
from mcstudy.sources import file_of, modules_of, own_files, unwrapped

__all__ = ["Option", "Overlay", "Replicates", "Section", "Study"]


@dataclass(frozen=True, kw_only=True)
class Replicates:
    """How many replicates a scenario gets: stages double from `first` up to the profile's count.

    Parameters
    ----------
    first : int
        Replicates of the first stage, a multiple of the study's block.
    quick, full : int
        The most that the profiles draw: `first` times a power of two.
    """

    first: int
    quick: int
    full: int

    def __post_init__(self) -> None:
        for name in ("first", *PROFILES):
            count = getattr(self, name)
            if not isinstance(count, int) or count < 1:
                msg = f"`{name}` must be a positive whole number of replicates, got {count!r}"
                raise StudyError(msg)
            ratio, rest = divmod(count, self.first)
            if rest or ratio & (ratio - 1) or not ratio:
                msg = f"`{name}` must be `first` ({self.first}) times a power of two, got {count}"
                raise StudyError(msg)
        if self.quick > self.full:
            msg = f"`quick` must not exceed `full` ({self.full}), got {self.quick}"
            raise StudyError(msg)

    def stages(self, profile: str) -> tuple[int, ...]:
        """The replicates after each stage of a profile.

        Examples
        --------
        >>> Replicates(first=256, quick=1024, full=4096).stages("quick")
        (256, 512, 1024)
        """
        last = int(getattr(self, profile))
        count = self.first
        stages = [count]
        while count < last:
            count *= 2
            stages.append(count)
        return tuple(stages)


@dataclass(frozen=True)
class Section:
    """A closing section of the report: text, with mathematics between dollar signs."""

    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Overlay:
    """A figure that draws the lines of several Rate claims on common axes.

    `where` keeps only the lines whose remaining factors have these levels.
    """

    id: str
    title: str
    caption: str
    claims: tuple[str, ...]
    where: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Option:
    """A command-line option of a study: ``--name VALUE`` turns the study into ``apply(study, value)``."""

    name: str = field(kw_only=False)
    metavar: str
    help: str
    apply: Callable[[Study, str], Study]


@dataclass(frozen=True, kw_only=True)
class Study:
    r"""What is drawn, over which scenarios, and what theory claims about it.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and underscores: names files, and is part of the key of the random streams.
    title, question, source : str
        For the report: what it is called, what it asks, where the theory stands.
    simulate : callable
        ``simulate(rng, size, **factors)`` draws one block from ``rng`` and returns a mapping from column to array
        of shape (size,), numeric and finite. It draws from nothing but ``rng``. The column ``"failure"``, strings
        of which the empty one means success, declares replicates that failed.
    scenarios : sequence of Scenario
        See `grid`; all over the same factors.
    block : int
        Replicates drawn together from one stream.
    replicates : Replicates
    claims : sequence of Claim
    common : tuple of str
        Factors left out of the key of the streams: their levels see the same random numbers.
    full_only : mapping or callable, optional
        Scenarios that only the full profile draws.
    options : tuple of Option
    conclusion : callable, optional
        A function of the Ledger giving a Section for the end of the report.
    overlays : tuple of Overlay
    arguments : tuple of str
        The options that were applied, as given on the command line.
    file : Path, optional
        The file that defines the study; default: the one that defines `simulate`.

    Raises
    ------
    StudyError, ClaimError
        If the description breaks a rule; the message names the argument.
    """

    name: str
    title: str
    question: str
    source: str
    simulate: Callable[..., Mapping[str, Any]]
    scenarios: Sequence[Scenario]
    block: int
    replicates: Replicates
    claims: Sequence[Claim]
    common: tuple[str, ...] = ()
    full_only: Where = field(default_factory=lambda: _nowhere)
    options: tuple[Option, ...] = ()
    conclusion: Callable[[Ledger], Section] | None = None
    overlays: tuple[Overlay, ...] = ()
    arguments: tuple[str, ...] = ()
    file: Path | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            msg = f"`name` must be lower-case letters, digits and underscores, got {self.name!r}"
            raise StudyError(msg)
        self._check_scenarios()
        self._check_simulate()
        self._check_block()
        self._check_claims()
        _ = self.source_digest  # read now: the file may change before the study is run

    def _check_simulate(self) -> None:
        if not callable(self.simulate):
            msg = f"`simulate` must be a function (rng, size, **factors) -> columns, got {self.simulate!r}"
            raise StudyError(msg)
        try:
            inspect.signature(self.simulate).bind(None, self.block, **self.scenarios[0])
        except TypeError as error:
            msg = f"`simulate` must take (rng, size) and the factors {', '.join(self.scenarios[0])} as keywords, but it has {error}"
            raise StudyError(msg) from None
        except ValueError:  # a callable that has no signature to look at
            return

    def _check_scenarios(self) -> None:
        if not self.scenarios:
            msg = "`scenarios` must hold at least one scenario, got an empty grid"
            raise StudyError(msg)
        if strange := [s for s in self.scenarios if not isinstance(s, Scenario)]:
            msg = (
                f"`scenarios` must hold scenarios, got {strange[0]!r}; make them with `grid` or Scenario(...)"
            )
            raise StudyError(msg)
        factors = set(self.scenarios[0])
        for scenario in self.scenarios:
            if set(scenario) != factors:
                msg = f"`scenarios` must all have the same factors {sorted(factors)}, got {sorted(scenario)}"
                raise StudyError(msg)
        if twice := [str(s) for s, count in Counter(self.scenarios).items() if count > 1]:
            msg = f"`scenarios` must be distinct, got twice: {'; '.join(twice)}"
            raise StudyError(msg)
        for factor in self.common:
            if factor not in factors:
                msg = f"`common` must name factors of the study, got {factor!r}; factors: {', '.join(sorted(factors))}"
                raise StudyError(msg)
        if problem := unmatched(self.full_only, self.scenarios):
            msg = f"`full_only` {problem}"
            raise StudyError(msg)
        if all(s.matches(self.full_only) for s in self.scenarios):
            msg = "`full_only` must leave a scenario to the quick profile, got one that leaves none"
            raise StudyError(msg)

    def _check_block(self) -> None:
        if not isinstance(self.block, int) or self.block < 1:
            msg = f"`block` must be a positive whole number of replicates, got {self.block!r}"
            raise StudyError(msg)
        if self.replicates.first % self.block:
            msg = f"`first` must be a multiple of the block ({self.block}), got {self.replicates.first}"
            raise StudyError(msg)

    def _check_claims(self) -> None:
        if not self.claims:
            msg = "`claims` must hold at least one claim, got none"
            raise StudyError(msg)
        if twice := [name for name, count in Counter(c.id for c in self.claims).items() if count > 1]:
            msg = f"`claims`: ids must be distinct, got twice: {', '.join(twice)}"
            raise ClaimError(msg)
        for claim in self.claims:
            claim.check(self.scenarios)
            quick = self.of_profile("quick")
            if claim.select(quick):
                claim.check(quick)
        ids = {claim.id for claim in self.claims}
        for overlay in self.overlays:
            if unknown := [name for name in overlay.claims if name not in ids]:
                msg = (
                    f"overlay {overlay.id}: `claims` must name claims of the study, got {', '.join(unknown)}"
                )
                raise ClaimError(msg)

    def of_profile(self, profile: str) -> tuple[Scenario, ...]:
        """The scenarios that a profile draws."""
        if profile == "full":
            return tuple(self.scenarios)
        return tuple(s for s in self.scenarios if not s.matches(self.full_only))

    def check_columns(self, columns: Sequence[str]) -> None:
        """Refuse claims on columns that `simulate` does not return.

        Raises
        ------
        ClaimError
        """
        for claim in self.claims:
            for column in claim.columns():
                if column not in columns:
                    msg = f"claim {claim.id}: `column` must be one that `simulate` returns, got {column!r}; columns: {', '.join(columns)}"
                    raise ClaimError(msg)

    @property
    def handle(self) -> str:
        """How a command line names the study: by its name in ``./studies``, else by its file."""
        here = Path.cwd()
        if self.path is None or self.path == here / "studies" / f"{self.name}.py":
            return self.name
        return shlex.quote(os.path.relpath(self.path, here))

    @property
    def option_text(self) -> str:
        """The options that were applied, as a command line writes them."""
        return "".join(f" {shlex.quote(argument)}" for argument in self.arguments)

    def with_arguments(self, *arguments: str) -> Study:
        """The study, remembering command-line options that were applied to it."""
        return replace(self, arguments=(*self.arguments, *arguments))

    def design(self, profile: str, columns: Sequence[str]) -> dict[str, Any]:
        """What the report says of the design: factors, scenarios, block, stages, columns."""
        scenarios = self.of_profile(profile)
        return {
            "factors": {
                factor: list(dict.fromkeys(scenario[factor] for scenario in scenarios))
                for factor in scenarios[0]
            },
            "scenarios": len(scenarios),
            "block": self.block,
            "stages": self.replicates.stages(profile),
            "common": list(self.common),
            "columns": list(columns),
        }

    @cached_property
    def path(self) -> Path | None:
        """The study's file: the one that was loaded, else the one that defines `simulate`."""
        return file_of(self.simulate) if self.file is None else self.file.resolve()

    @property
    def modules(self) -> list[ModuleType]:
        """The modules that make up the study: that of its file, and the neighbours that it imports."""
        return [] if self.path is None else modules_of(own_files(self.path))

    @cached_property
    def source_text(self) -> str:
        """The text of the study's files, or of `simulate` alone where there is no file."""
        if self.path is not None:
            return "\n".join(file.read_text(encoding="utf-8") for file in own_files(self.path))
        function = unwrapped(self.simulate)
        try:
            return inspect.getsource(function)
        except (OSError, TypeError):
            code = getattr(function, "__code__", None)
            return self.name if code is None else repr(_words(code))

    @cached_property
    def source_digest(self) -> str:
        """The sha256 of the study's source, and of the data bound to `simulate` by ``functools.partial``."""
        digest = hashlib.sha256(self.source_text.encode())
        function = self.simulate
        while isinstance(function, partial):
            digest.update(pickle.dumps((function.args, sorted(function.keywords.items())), protocol=5))
            function = function.func
        return digest.hexdigest()


def _words(code: CodeType) -> list[Any]:
    """What a function does, without the addresses that its representation would hold."""
    constants = [_words(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return [code.co_code.hex(), code.co_names, constants]


def _nowhere(_: Scenario) -> bool:
    return False
