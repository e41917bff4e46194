"""What a run knows of a measure: its number in every scenario, and how these are laid out for a reader."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from mcstudy.exceptions import InputError
from mcstudy.scenarios import Level, Scenario, factors_of

__all__ = ["LINES", "MOST_ZIPS", "TOLD_APART", "Division", "Intervals", "Layout", "MeasureCell", "Measured"]
__all__ += ["Panel", "Series", "known"]

# Intervals of a zip plot: one a centile, so that the coverage is read to half a percent. They have a point of height
# each in a panel, and no more can be told apart; with both limits they are 4 kB of a ledger.
LINES = 100
HANDFUL, MOST_ZIPS = 6, 9  # scenarios that are seen at a glance; panels of a picture at most
CURVE = 3  # numbers along which a line is a curve
TOLD_APART = 8  # lines of a picture at most: as many have a colour, a mark and a dash of their own
WIDE = 50.0  # the ratio of values from which on they are not to be read off a linear axis


@dataclass(frozen=True)
class Intervals:
    """Intervals of replicates for a zip plot, at equally spaced centiles: the k-th of K at 100 (k + 1/2) / K.

    From the one that covers the truth best to the one that misses it most, see `statistics.centiles`; `truth` has one
    number where all have the same, else one each.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    truth: tuple[float, ...]

    def __post_init__(self) -> None:
        count = len(self.low)
        if not count or len(self.high) != count or len(self.truth) not in (1, count):
            msg = f"`intervals` must have as many lower limits as upper ones, and one truth or as many, got {count}, {len(self.high)} and {len(self.truth)}; run the study again"
            raise InputError(msg)


@dataclass(frozen=True)
class MeasureCell:
    """A measure in one scenario; NaN where there were too few replicates to estimate it.

    `worst_case` is what it could be if the replicates that failed or have no value had shown anything; None where there
    are none, or nothing bounds it. `target` is what the estimate is compared with by eye; None where there is nothing.
    `intervals` are some of those of which it is the coverage; None where no zip plot is drawn of them.
    """

    scenario: Scenario
    estimate: float
    mcse: float
    replicates: int
    missing: int
    worst_case: tuple[float, float] | None = None
    target: float | None = None
    intervals: Intervals | None = None

    @property
    def aim(self) -> float:
        """The target as a number: NaN where there is none."""
        return math.nan if self.target is None else self.target


def known(cells: Iterable[MeasureCell]) -> list[MeasureCell]:
    """The cells that have an estimate which can be drawn."""
    return [cell for cell in cells if math.isfinite(cell.estimate)]


class Layout(NamedTuple):
    """The part that each factor with several levels has in pictures and tables; "" where there is none for a part."""

    over: str
    lines: str
    panels: tuple[str, ...]


class Series(NamedTuple):
    """The cells of one line, and its position among all lines."""

    position: int
    cells: list[MeasureCell]


class Panel(NamedTuple):
    """The lines of one panel, and the levels that all of it has."""

    levels: Mapping[str, Level]
    series: list[Series]

    def shares_targets(self, factors: Iterable[str]) -> bool:
        """Whether lines with the same levels of factors have one target."""
        names, cells = tuple(factors), [cell for series in self.series for cell in series.cells]
        pairs = {(tuple(cell.scenario.get(name) for name in names), cell.target) for cell in cells}
        return len({place for place, _ in pairs}) == len(pairs)


class Division(NamedTuple):
    """A measure in panels and lines: the levels of every line, and the panels."""

    lines: list[Mapping[str, Level]]
    panels: list[Panel]


@dataclass(frozen=True)
class Measured:
    """A statistic that is reported without a claim."""

    id: str
    experiment: str
    label: str
    over: str
    cells: tuple[MeasureCell, ...]
    lines: str = ""

    @cached_property
    def levels(self) -> dict[str, list[Level]]:
        """The factors that tell the scenarios apart, each with its levels in the order of the design.

        A scenario without a factor has None there.
        """
        scenarios = [cell.scenario for cell in self.cells]
        found = {
            name: _distinct(scenario.get(name) for scenario in scenarios) for name in factors_of(scenarios)
        }
        return {name: levels for name, levels in found.items() if len(levels) > 1}

    @cached_property
    def layout(self) -> Layout:
        """Along which factor the measure runs, and which factors make lines and panels.

        What the author has named has its part, if it has several levels. Else a measure runs along the numbers with
        the most levels, or without any along words; lines are words first, of as many levels as can be told apart.
        """
        levels = self.levels
        over = self.over if self.over in levels else self._longest()
        rest = [name for name in levels if name != over]
        apart = [name for name in rest if len(levels[name]) <= TOLD_APART]
        words = [name for name in apart if not self.is_numeric(name)]
        longest = max(words or apart, key=lambda name: len(levels[name]), default="")
        lines = self.lines if self.lines in rest else longest
        return Layout(over, lines, tuple(name for name in rest if name != lines))

    @property
    def suits_zips(self) -> bool:
        """Whether its scenarios are few enough for a picture each, and run along no more than two numbers."""
        over = self.layout.over
        is_curve = bool(over) and self.is_numeric(over) and len(self.levels[over]) >= CURVE
        return len(self.cells) <= HANDFUL and not is_curve

    @property
    def is_zipped(self) -> bool:
        """Whether its picture is a zip plot: intervals are kept where it is."""
        return any(cell.intervals for cell in self.cells)

    def ordered(self, factors: Iterable[str]) -> list[MeasureCell]:
        """The cells by their levels of factors, the last of which runs fastest.

        Numbers go up; other levels keep the order of the design.
        """
        ranks = [(name, self.ranks(name)) for name in factors]
        return sorted(
            self.cells, key=lambda cell: [rank[repr(cell.scenario.get(name))] for name, rank in ranks]
        )

    def divided(self, lines: Iterable[str], panels: Iterable[str]) -> Division:
        """Divide the cells by the factors of lines and of panels, all by their levels in order."""
        lines, panels = tuple(lines), tuple(panels)
        found: dict[str, Panel] = {}
        positions: dict[str, int] = {}
        heads: list[Mapping[str, Level]] = []
        for cell in self.ordered([*panels, *lines, *filter(None, [self.layout.over])]):
            line, panel = ({name: cell.scenario.get(name) for name in part} for part in (lines, panels))
            if repr(line) not in positions:
                positions[repr(line)] = len(heads)
                heads.append(line)
            series = found.setdefault(repr(panel), Panel(panel, [])).series
            position = positions[repr(line)]
            if not series or series[-1].position != position:
                series.append(Series(position, []))
            series[-1].cells.append(cell)
        return Division(heads, list(found.values()))

    @property
    def extremes(self) -> tuple[float, float]:
        """The smallest and the largest of estimates and targets; NaN where there are none."""
        values = [value for cell in self.cells for value in (cell.estimate, cell.target) if value is not None]
        finite = [value for value in values if math.isfinite(value)] or [math.nan]
        return min(finite), max(finite)

    @property
    def is_wide(self) -> bool:
        """Whether all values are positive, and the largest many times the smallest."""
        low, high = self.extremes
        return low > 0.0 and high >= WIDE * low

    def ranks(self, factor: str) -> dict[str, int]:
        """The place of each level of a factor in their order, by its representation."""
        return {repr(level): rank for rank, level in enumerate(self.ascending(factor))}

    def ascending(self, factor: str) -> list[Level]:
        """The levels of a factor, numbers from low to high."""
        levels = self.levels[factor]
        return sorted(levels, key=lambda level: float(level or 0.0)) if self.is_numeric(factor) else levels

    def is_numeric(self, factor: str) -> bool:
        """Whether all levels of a factor are numbers."""
        levels = self.levels[factor]
        return all(isinstance(level, (int, float)) and not isinstance(level, bool) for level in levels)

    def _longest(self) -> str:
        free = [name for name in self.levels if name != self.lines] or list(self.levels)
        numeric = [name for name in free if self.is_numeric(name)]
        return max(numeric or free, key=lambda name: len(self.levels[name]), default="")


def _distinct(levels: Iterable[Level]) -> list[Level]:
    """Levels once each, in their order; 1, 1.0 and True are three."""
    return list({repr(level): level for level in levels}.values())
