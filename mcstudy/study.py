"""A study: a frozen description of what is drawn, over which scenarios, and what theory claims about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import InitVar, dataclass, field, replace
from pathlib import Path
from typing import Any
from weakref import ref

from mcstudy.answer import check_answer
from mcstudy.checks import is_count, is_positive
from mcstudy.claims.claim import Claim
from mcstudy.claims.judging import spend
from mcstudy.defaults import ALPHA, PROFILES
from mcstudy.exceptions import StudyError
from mcstudy.experiment import Experiment
from mcstudy.ledger import Ledger, Overlay, Section
from mcstudy.measure import Measure
from mcstudy.naming import check_ids, check_names, check_texts
from mcstudy.replicates import Replicates
from mcstudy.scenarios import Scenario

__all__ = ["Option", "Study", "shares_of"]

# The arguments of a study's only experiment, in the order of the fields.
_OF_THE_ONLY = (
    "simulate",
    "scenarios",
    "claims",
    "measures",
    "common",
    "full",
    "missing",
    "inputs",
    "columns",
)


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
    title, question, source, answer : str
        For the report: what it is called, what it asks, where the theory stands, what came out; in the answer
        ``{claim-id}`` stands for the numbers of a claim, see `mcstudy.answer`.
    authors, url
        For citations: names as in ``("Ada Lovelace",)``, and an address.
    experiments : sequence of Experiment
        With distinct names; their claims have distinct ids.
    block : int
        Replicates drawn together from one stream.
    replicates : Replicates
    alpha : float
        The chance that a report holds any wrong verdict, in (0, 1/2].
    options : tuple of Option
    conclusion : callable, optional
        A function of the Ledger giving a Section for the end of the report.
    overlays : tuple of Overlay
    file : Path, optional
        The file that defines the study; default: the one that defines the first `simulate`.
    simulate, scenarios, claims, measures, common, full, missing, inputs, columns
        Those of the only experiment, in place of `experiments`; see `Experiment`.

    Raises
    ------
    StudyError, ClaimError
        If the description breaks a rule; the message names the argument.
    """

    name: str
    title: str
    question: str
    source: str
    block: int
    replicates: Replicates
    answer: str = ""
    authors: Sequence[str] = ()
    url: str = ""
    experiments: Sequence[Experiment] = ()
    alpha: float = ALPHA
    options: tuple[Option, ...] = ()
    conclusion: Callable[[Ledger], Section] | None = None
    overlays: tuple[Overlay, ...] = ()
    file: Path | None = None
    simulate: InitVar[Callable[..., Mapping[str, Any]] | None] = None
    scenarios: InitVar[Sequence[Scenario] | None] = None
    claims: InitVar[Sequence[Claim] | None] = None
    measures: InitVar[Sequence[Measure] | None] = None
    common: InitVar[tuple[str, ...] | None] = None
    full: InitVar[Sequence[Scenario] | None] = None
    missing: InitVar[tuple[str, ...] | None] = None
    inputs: InitVar[tuple[str | Path, ...] | None] = None
    columns: InitVar[Mapping[str, str] | None] = None

    def __post_init__(self, *only: Any) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            msg = f"`name` must be lower-case letters, digits and underscores, got {self.name!r}"
            raise StudyError(msg)
        given = {name: value for name, value in zip(_OF_THE_ONLY, only, strict=True) if value is not None}
        experiments = tuple(experiment.sourced(self.source) for experiment in self._experiments(given))
        object.__setattr__(self, "experiments", experiments)  # all that anybody downstream sees
        self._check_experiments()
        check_names(self.experiments)
        self._check_block()
        check_ids(self.experiments, self.overlays, self.replicates.until)
        check_answer(self.answer, {c.id: bool(c.select(e.scenarios)) for e in experiments for c in e.claims})
        words = {name: getattr(self, name) for name in ("title", "question", "source", "answer", "url")}
        check_texts(words, self.authors, self.overlays, experiments)
        self._check_alpha()

    def _experiments(self, given: Mapping[str, Any]) -> tuple[Experiment, ...]:
        """The experiments as given, or the only one, unnamed: a new one, or the one there is with new arguments."""
        alone = isinstance(self.experiments, Experiment)
        if alone or not all(isinstance(item, Experiment) for item in self.experiments):
            msg = f"`experiments` must be a list of experiments, got {self.experiments!r}; write experiments=[Experiment(...)]"
            raise StudyError(msg)
        if self.experiments:
            given = {name: value for name, value in given.items() if not _was_read(name, value)}
        if not given:
            return tuple(self.experiments)
        if any(experiment.name for experiment in self.experiments):
            arguments = " and ".join(f"`{argument}`" for argument in given)
            msg = f"a study must have either `experiments` or {arguments}, got both; put {arguments} into an Experiment"
            raise StudyError(msg)
        if self.experiments:  # where `dataclasses.replace` changes a study of one unnamed experiment
            return (replace(self.experiments[0], **given),)
        if lacking := [argument for argument in ("simulate", "scenarios") if argument not in given]:
            msg = f"a study must have `{lacking[0]}`, or `experiments`, got only {', '.join(given)}"
            raise StudyError(msg)
        return (Experiment("", **given),)

    def _check_experiments(self) -> None:
        if not self.experiments:
            msg = "a study must have `experiments`, or `simulate` and `scenarios`, got neither"
            raise StudyError(msg)

    def _check_block(self) -> None:
        if not is_count(self.block):
            msg = f"`block` must be a positive whole number of replicates, got {self.block!r}"
            raise StudyError(msg)
        object.__setattr__(self, "block", int(self.block))
        if not isinstance(self.replicates, Replicates):
            msg = f"`replicates` must be Replicates(...), got {self.replicates!r}; write replicates=mc.Replicates(1024)"
            raise StudyError(msg)
        # What a precision begins with is rounded up to whole blocks; nothing of what is written down is.
        written = ("at_most",) if self.replicates.until else ("first", *PROFILES, "at_most")
        for name in written:
            count = getattr(self.replicates, name)
            if count is not None and count % self.block:
                msg = f"`{name}` must be a multiple of the block ({self.block}), got {count}"
                raise StudyError(msg)
        for experiment in self.experiments:
            experiment.check_simulate(self.block)

    def _check_alpha(self) -> None:
        if not (is_positive(self.alpha) and self.alpha <= 0.5):
            msg = f"`alpha` must lie in (0, 1/2], got {self.alpha!r}; {ALPHA} is the default"
            raise StudyError(msg)
        shares_of(self)  # refuses weights that do not sum

    @property
    def block_size(self) -> int:
        """Replicates of a block."""
        return self.block

    def __getitem__(self, name: str) -> Experiment:
        for experiment in self.experiments:
            if experiment.name == name:
                return experiment
        msg = f"`experiment` must be one of {', '.join(repr(e.name) for e in self.experiments)}, got {name!r}"
        raise StudyError(msg)


def shares_of(study: Study) -> dict[str, float]:
    """What each claim of a study may spend of its alpha, by id.

    Raises
    ------
    ClaimError
        If the weights do not sum.
    """
    return spend([claim for experiment in study.experiments for claim in experiment.claims], study.alpha)


class _OfTheOnly:
    """Reads an argument of an unnamed experiment off its study; None where experiments have names."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, study: Study | None, owner: type[Study]) -> Any:
        experiments = () if study is None else study.experiments
        if len(experiments) != 1 or experiments[0].name:
            return None
        _last_read.set(ref(experiments[0]))
        return getattr(experiments[0], self.name)


# Of which experiment arguments were read last: `dataclasses.replace` reads them all, and hands back those that are not
# replaced. They are no new arguments of an experiment that was.
_last_read: ContextVar[ref[Experiment] | None] = ContextVar("_last_read", default=None)


def _was_read(name: str, value: Any) -> bool:
    reference = _last_read.get()
    experiment = reference() if reference is not None else None
    return experiment is not None and getattr(experiment, name) is value


# `dataclasses.replace` reads arguments back: an unnamed experiment keeps those that are not replaced.
for _argument in _OF_THE_ONLY:
    setattr(Study, _argument, _OfTheOnly(_argument))
