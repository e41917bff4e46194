"""One room for each kind of claim: what the page, the terminal, tables and papers ask of its findings.

A kind is shown by the module of its name in this package, whose ``KIND`` is a `Kind`. Nothing outside this
package looks at a finding's kind, so that a new kind is one new file here.
"""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from mcstudy.exceptions import InputError
from mcstudy.findings import Cell, Finding, Side, Verdict
from mcstudy.report.numbers import count, interval, label, plural, shown, zone
from mcstudy.report.verdicts import WORDS, badge
from mcstudy.scenarios import Scenario

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "CHOSEN",
    "Column",
    "Crossed",
    "Estimate",
    "Kind",
    "Replicate",
    "Summary",
    "Table",
    "at",
    "capital",
    "evidence_of",
]
__all__ += ["file_name", "judged", "kind_of", "leading", "losses", "owned", "place", "replicates_of"]
__all__ += ["varying"]

MOST = 40  # cells of a figure, unless it is told otherwise
# Kinds that are shown as others are, but for a few words: they live with these.
AKIN = {"same_law": "law", "identity": "bound", "at_most": "value", "at_least": "value", "contrast": "value"}

CHOSEN = "of as many levels as fit, and those nearest to the edge of what theory allows or furthest beyond it"

Column = Callable[[Cell, Any], str]  # writes a cell and its evidence, which is None where nothing was judged


class Summary(NamedTuple):
    """A finding in three short texts: what was found, how sure that is, and what theory allows."""

    found: str
    sure: str
    allowed: str


class Table(NamedTuple):
    """A header and rows of equal length."""

    header: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]


class Crossed(NamedTuple):
    """Measures side by side: a row for every combination of factors, and in it a cell for every measure and line.

    Attributes
    ----------
    factors : tuple of str
        Of the rows, before the cells.
    measures : tuple of str
        Each has as many cells one after another as there are lines.
    lines : tuple of str
        What a measure's cells are called; empty where it has only one.
    rows : list of tuple
        Levels, then estimates; None where there is no such scenario.
    """

    factors: tuple[str, ...]
    measures: tuple[str, ...]
    lines: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class Estimate(NamedTuple):
    """A number of a table, with its Monte Carlo standard error."""

    value: float
    mcse: float


class Replicate(NamedTuple):
    """One replicate that speaks for a claim, in a title and a sentence; `token` replays it."""

    title: str
    sentence: str
    token: str


class Kind(ABC):
    """How the findings of one kind of claim read, tabulate and look.

    Attributes
    ----------
    headings : tuple of three str
        What the three texts of a `Summary` are.
    cell, sample : str
        What a cell of a finding is called, and what its number of replicates is counted in.
    decided : tuple of two str
        For the section "How verdicts are decided": the claims, and how.
    drawn : str
        How to read the figures of this kind, said once on a page.
    columns : mapping from str to Column
        The table of cells.
    """

    headings: ClassVar[tuple[str, str, str]] = ("Estimate", "Interval", "Theory")
    cell: ClassVar[str] = "cell"
    sample: ClassVar[str] = "cell"
    decided: ClassVar[tuple[str, str]]
    drawn: ClassVar[str] = ""
    columns: ClassVar[Mapping[str, Column]]

    @abstractmethod
    def summary(self, finding: Finding) -> Summary:
        """Write a finding's numbers."""

    @abstractmethod
    def tell(self, finding: Finding) -> str:
        """Say in sentences what was found and what decided."""

    @abstractmethod
    def draw(self, axes: Axes, finding: Finding, *, most: int = MOST) -> str:
        """Draw a finding, at most so many of its cells, and return what is particular about the drawing."""

    @abstractmethod
    def heights(self, finding: Finding, *, most: int = MOST) -> tuple[float, ...]:
        """Inches that the drawing wants; a second number is the height of `draw_below`."""

    def draw_below(self, axes: Axes, finding: Finding, *, most: int = MOST) -> str:
        """Draw a second panel with the same horizontal axis, and return what is particular about it."""
        raise NotImplementedError  # only a kind whose `heights` are two is asked for it

    def is_comparable(self, finding: Finding, other: Finding) -> bool:
        """Whether a drawing can have the cells of another finding of this kind on the same axis."""
        return False

    def points(self, finding: Finding) -> Table | None:
        """The numbers that the cells rest on, with all digits; an `Estimate` is a pair."""
        return None

    def numbers(self, finding: Finding) -> Mapping[str, float]:
        """The numbers that a paper may quote, by the ends of their macros' names; those not finite are left out."""
        return {
            "Value": finding.estimate,
            "Error": finding.mcse,
            "Low": finding.interval[0],
            "High": finding.interval[1],
            "Theory": finding.theory,
            "Margin": finding.margin,
        }

    def diagnosis(self, finding: Finding) -> str:
        """Say what an expert would ask next."""
        return ""

    def replicate(self, finding: Finding) -> Replicate | None:
        """The replicate that violates the claim, or comes closest."""
        return None

    def headline(self, finding: Finding) -> str:
        """Name a claim and its verdict."""
        return f"Claim {finding.id}: {badge(finding).text.lower()}"

    def reading(self, finding: Finding) -> str:
        """Say in plain text what was found: what the figure's alternative text is."""
        lost = losses(finding)
        if lost and finding.verdict is Verdict.UNDECIDED:
            lost += ", which may be what leaves the claim undecided"
        told = f"{self.tell(finding)} {lost}.".strip() if lost else self.tell(finding)
        note = finding.cells[finding.deciding].note
        waits = finding.verdict is Verdict.UNDECIDED and note and note.lower() not in told.lower()
        return f"{told} No verdict yet: {note}." if waits else told

    def opening(self, finding: Finding) -> tuple[str, str]:
        """Say how many cells share the verdict, and where the deciding one stands; nothing for a single cell."""
        cells = finding.cells
        if len(cells) == 1:
            return "", ""
        same = sum(cell.verdict is finding.verdict for cell in cells)
        every = "both" if len(cells) == 2 else f"all {count(len(cells))}"
        many = every if same == len(cells) else f"{count(same)} of {count(len(cells))}"
        factors = varying([cell.scenario for cell in cells])
        where = f"at {label(cells[finding.deciding].scenario, factors)}, " if factors else ""
        return f"In {many} {self.cell}s the claim {WORDS[finding.verdict].outcome}. ", where


def kind_of(name: str) -> Kind:
    """Find how a kind of claim is shown: the module of its name in this package, or that of the kind it is akin to.

    Raises
    ------
    InputError
        If there is none.
    """
    module = f"{__name__}.{AKIN.get(name, name)}"
    # A name that is no identifier would lead out of the package.
    if not re.fullmatch("[a-z][a-z0-9_]*", name) or find_spec(module) is None:
        msg = f"`kind` must be a kind of claim that the report can show, got {name!r}; add mcstudy/report/kinds/{name}.py"
        raise InputError(msg)
    home = import_module(module)
    kind: Kind = home.KINDS[name] if name in AKIN else home.KIND
    return kind


LONGEST = 150  # characters of an id in a file's name, of which file systems take 255: prefixes and endings are added


def file_name(prefix: str, name: str) -> str:
    """Make the stem of a file, and the anchor of a section, from an id.

    An id of letters, digits, dots, dashes and underscores is kept, if it is short enough for a file; in any other one
    the rest is replaced, and a digest keeps it apart from its like.

    Examples
    --------
    >>> file_name("claim", "2d.worst")
    'claim-2d.worst'
    >>> file_name("claim", "../x")
    'claim-.._x-d6b96a97'
    """
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:LONGEST]
    digest = "" if safe == name else f"-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return f"{prefix}-{safe}{digest}"


def evidence_of(finding: Finding, index: int | None = None) -> Any:
    """The evidence of a cell, by default of the deciding one; None where there was nothing to judge."""
    cells = finding.evidence.cells
    return cells[finding.deciding if index is None else index] if cells else None


def judged(finding: Finding) -> list[Any]:
    """The evidence of all cells that have some."""
    return [item for item in finding.evidence.cells if item is not None]


def leading(finding: Finding, most: int) -> list[int]:
    """The cells to show where there is room for some only, in their own order.

    The deciding cell is among them, then a cell of every level, then those nearest to or furthest beyond the edge
    of their zone.
    """
    ranked = finding.ranked
    met: set[tuple[str, str]] = set()
    telling: list[int] = []
    for index in ranked:
        if len(telling) == most:
            break
        levels = {(name, repr(level)) for name, level in finding.cells[index].scenario.items()}
        if not levels <= met:
            telling.append(index)
            met |= levels
    return sorted(list(dict.fromkeys([*telling, *ranked]))[:most])


def varying(scenarios: Sequence[Mapping[str, Any]]) -> list[str]:
    """The factors that tell scenarios apart.

    Examples
    --------
    >>> varying([{"d": 2, "n": 8}, {"d": 2, "n": 16}])
    ['n']
    """
    factors = dict.fromkeys(factor for scenario in scenarios for factor in scenario)
    firsts = {name: repr(scenarios[0].get(name)) for name in factors}
    return [
        name
        for name, first in firsts.items()
        if any(repr(scenario.get(name)) != first for scenario in scenarios)
    ]


def replicates_of(cell: Cell, _: Any = None) -> str:
    """Write the replicates of a cell, with those that failed or have no value."""
    lost = [f"{count(cell.failures)} failed"] if cell.failures else []
    lost += [f"{count(cell.missing)} missing"] if cell.missing else []
    return f"{count(cell.replicates)} ({', '.join(lost)})" if lost else count(cell.replicates)


def losses(finding: Finding) -> str:
    """Say how many replicates of all cells failed or have no value; nothing if all have one."""
    failures = sum(cell.failures for cell in finding.cells)
    missing = sum(cell.missing for cell in finding.cells)
    drawn = plural(failures + missing + finding.drawn, "replicate")
    parts = [f"{count(failures)} of {drawn} failed"] if failures else []
    parts += [f"{count(missing)} of {drawn} without a value"] if missing else []
    return ", ".join(parts)


def owned(write: Callable[[Any], str]) -> Column:
    """Make a column of a cell's evidence; a dash where there is none."""
    return lambda _, own: "–" if own is None else write(own)


def at(scenario: Scenario, finding: Finding) -> str:
    """Say in brackets in which cell of a finding a replicate was drawn; nothing if there is only one."""
    factors = varying([cell.scenario for cell in finding.cells])
    return f" (at {label(scenario, factors)})" if factors else ""


def capital(text: str) -> str:
    """Begin a sentence with a capital, unless it begins with the name of a factor: n = 20 is no N = 20."""
    first, _, rest = text.partition(" ")
    return text if "=" in first + rest[:1] else text[:1].upper() + text[1:]


def place(cell: Cell, ends: tuple[float, float]) -> str:
    """Say how an interval lies to the zone of a cell."""
    verdict = cell.zone.verdict(ends)
    if cell.side is Side.BOTH:
        return f"{interval(*ends)} {WORDS[verdict].place} {allowed(cell)}"
    lies = {
        Verdict.CONFIRMED: "is",
        Verdict.REFUTED: "is not",
        Verdict.UNDECIDED: "reaches beyond and below what is",
    }
    return f"{interval(*ends)} {lies[verdict]} {allowed(cell)}"


def allowed(cell: Cell) -> str:
    """Write the zone of a cell: theory ± margin, or the side of theory that it allows."""
    if cell.side is Side.BOTH:
        return zone(cell.theory, cell.margin)
    return f"{cell.side} {shown(cell.theory, 4)}"
