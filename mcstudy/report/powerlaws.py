"""Log-log figures: the lines of a claim on a rate with their local slopes, and lines of several claims together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mcstudy.report.canvas import (
    COLOURS,
    DASHES,
    GREEN,
    MARKERS,
    MUTED,
    PAPER,
    WIDTH,
    axes_in,
    bars,
    decades,
    new_figure,
    number_ticks,
)
from mcstudy.report.cells import Finding, evidence, label, leading, varying
from mcstudy.report.drawing import Drawing
from mcstudy.report.numbers import level, number, shown, uncertain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_overlay", "draw_rate"]

DODGE = 1.05  # the shift along the axis that keeps the local slopes of lines apart
DISTINCT = 8  # lines told apart by colour, mark and dash; further ones are grey
LEFT, RIGHT, FOOT, MAIN, LOCAL, SPACE = 0.8, 0.15, 0.5, 2.6, 1.0, 0.16  # inches
ENTRY, CHARACTER = 0.2, 0.08  # inches: the height of a legend's entry, the width of a letter


@dataclass(frozen=True)
class _Line:
    """One line of a log-log figure, its numbers read."""

    text: str
    x: list[float]
    y: list[float]
    error: list[float]
    exponent: float
    constant: float
    theory: float
    margin: float
    local: list[float]
    local_error: list[float]

    @property
    def center(self) -> tuple[float, float]:
        """The middle of the line on logarithmic axes: where it meets theory's guide."""
        known = [(math.log(x), math.log(y)) for x, y in zip(self.x, self.y, strict=True) if y > 0.0]
        middle = [sum(part) / len(known) for part in zip(*known, strict=True)]
        return math.exp(middle[0]), math.exp(middle[1])


def draw_rate(finding: Finding, most: int) -> Drawing:
    """Draw the statistic against its factor with the fits, and below it the local slopes against the zone."""
    chosen = leading(finding, most // 2)
    names = varying([cell["scenario"] for cell in finding["cells"]])
    lines = [line for index in chosen if (line := _read(finding, index, names))]
    diagnostics = finding["diagnostics"]
    figure = new_figure(FOOT + LOCAL + SPACE + MAIN + _legend_height(lines))
    main = axes_in(figure, LEFT, FOOT + LOCAL + SPACE, WIDTH - LEFT - RIGHT, MAIN)
    local = axes_in(figure, LEFT, FOOT, WIDTH - LEFT - RIGHT, LOCAL)
    _draw_lines(main, lines, diagnostics["statistic"])
    _draw_local_slopes(local, lines)
    _level_axis([main, local], lines, diagnostics["against"])
    caption = (
        f"Above: {diagnostics['statistic']} with ± 2 MCSE, the fitted power laws, and the slope of theory (dashed "
        "grey). Below: slopes between neighbouring levels with ± 2 MCSE, and the zone."
    )
    if len(chosen) < len(finding["cells"]):
        caption += f" Of {len(finding['cells'])} lines the {len(chosen)} nearest to the edge are drawn."
    return Drawing(figure, caption)


def draw_overlay(overlay: Mapping[str, Any], findings: Sequence[Finding], most: int) -> Drawing:
    """Draw the lines of several rate claims on common axes, kept to the scenarios that the overlay names."""
    picked = [(finding, index) for finding in findings for index in _matching(finding, overlay["where"])][
        :most
    ]
    statistics = dict.fromkeys(finding["diagnostics"]["statistic"] for finding in findings)
    lines = []
    for finding, index in picked:
        # A claim's own lines are told apart by what varies among them; claims by their names.
        names = varying([own["cells"][at]["scenario"] for own, at in picked if own is finding])
        name = (
            finding["id"]
            if len(statistics) == 1
            else f"{finding['id']}: {finding['diagnostics']['statistic']}"
        )
        if line := _read(finding, index, names, name=name):
            lines.append(line)
    figure = new_figure(FOOT + MAIN + _legend_height(lines))
    axes = axes_in(figure, LEFT, FOOT, WIDTH - LEFT - RIGHT, MAIN)
    _draw_lines(
        axes, lines, next(iter(statistics)) if len(statistics) == 1 else "statistic, as the legend says"
    )
    _level_axis([axes], lines, " / ".join(dict.fromkeys(f["diagnostics"]["against"] for f in findings)))
    return Drawing(figure, overlay["caption"])


def _matching(finding: Finding, where: Mapping[str, Any]) -> list[int]:
    """Find the cells with the levels that `where` names; a factor that a cell hasn't is no obstacle."""
    wanted = {
        factor: levels if isinstance(levels, (list, tuple)) else (levels,) for factor, levels in where.items()
    }
    return [
        index
        for index, cell in enumerate(finding["cells"])
        if all(cell["scenario"].get(factor, levels[0]) in levels for factor, levels in wanted.items())
    ]


def _read(finding: Finding, index: int, names: Sequence[str], *, name: str = "") -> _Line | None:
    """Read a line; None where there is nothing positive to draw."""
    cell, own = finding["cells"][index], evidence(finding, index)
    y = [number(value) for value in own.get("y", ())]
    if not any(value > 0.0 for value in y):
        return None
    slope = f"slope {uncertain(cell['estimate'], cell['mcse'])}" if "exponent" in own else "no fit"
    return _Line(
        text=" · ".join(filter(None, [name, label(cell["scenario"], names), slope])),
        x=[number(value) for value in own["x"]],
        y=y,
        error=[number(value) for value in own["mcse"]],
        exponent=number(own.get("exponent")),
        constant=number(own.get("constant")),
        theory=number(cell["theory"]),
        margin=number(cell["margin"]),
        local=[number(value) for value in own.get("local_slopes", ())],
        local_error=[number(value) for value in own.get("local_mcse", ())],
    )


def _legend_columns(lines: Sequence[_Line]) -> int:
    longest = max((len(line.text) for line in lines[:DISTINCT]), default=0)
    return 2 if longest * CHARACTER < 0.5 * (WIDTH - LEFT - 1.0) else 1


def _legend_height(lines: Sequence[_Line]) -> float:
    slopes = len({line.theory for line in lines[:DISTINCT]})
    return 0.4 + ENTRY * math.ceil((min(len(lines), DISTINCT) + slopes) / _legend_columns(lines))


def _draw_lines(axes: Axes, lines: Sequence[_Line], title: str) -> None:
    """Draw points, errors and fits on logarithmic axes, a guide for each theoretical slope, and the legend."""
    axes.set_yscale("log")
    axes.set_xscale("log")
    handles = [_draw_line(axes, line, position) for position, line in enumerate(lines)][:DISTINCT]
    lowest = sorted(lines[:DISTINCT], key=lambda line: -line.center[1])
    guided = {line.theory: line for line in lowest if not math.isnan(line.theory)}
    handles += [_draw_guide(axes, line) for line in guided.values()]
    axes.set_yticks(*decades(*axes.get_ylim()))
    axes.minorticks_off()
    _draw_nonpositive(axes, lines)
    axes.set_ylabel(title)
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.02),
        ncols=_legend_columns(lines),
        borderaxespad=0.0,
        handlelength=2.6,
        labelspacing=0.35,
    )


def _draw_line(axes: Axes, line: _Line, position: int) -> Any:
    """Draw one line and return its legend's handle."""
    grey = position >= DISTINCT
    colour = MUTED if grey else COLOURS[position % len(COLOURS)]
    points = [(x, y, error) for x, y, error in zip(line.x, line.y, line.error, strict=True) if y > 0.0]
    x, y, error = (list(part) for part in zip(*points, strict=True))
    low = [max(value - 2.0 * e, value / 10.0) for value, e in zip(y, error, strict=True)]
    high = [value + 2.0 * e for value, e in zip(y, error, strict=True)]
    bars(axes, x, low, high, color=colour, linewidth=1.0, alpha=0.5 if grey else 1.0)
    style: dict[str, Any] = {"color": colour, "linewidth": 1.2, "linestyle": DASHES[position % len(DASHES)]}
    ends = [x[0], x[-1]]
    axes.plot(ends, [line.constant * end**line.exponent for end in ends], **style, alpha=0.5 if grey else 1.0)
    marker = MARKERS[position % len(MARKERS)]
    axes.plot(
        x,
        y,
        marker,
        color=colour,
        markersize=2.5 if grey else 4.5,
        markeredgecolor=PAPER,
        markeredgewidth=0.4,
    )
    (handle,) = axes.plot([], [], marker=marker, markersize=4.5, label=line.text, **style)
    return handle


def _draw_guide(axes: Axes, line: _Line) -> Any:
    """Draw theory's slope a little below a line and return the legend's handle."""
    bottom, top = axes.get_ylim()
    x, y = line.center
    y /= (top / bottom) ** 0.08
    ends = [line.x[0], line.x[-1]]
    heights = [y * (end / x) ** line.theory for end in ends]
    style: dict[str, Any] = {"color": MUTED, "linewidth": 1.0, "linestyle": (0, (2.5, 2.5)), "zorder": 1}
    (handle,) = axes.plot(ends, heights, label=f"theory · slope {shown(line.theory)}", **style)
    return handle


def _draw_nonpositive(axes: Axes, lines: Sequence[_Line]) -> None:
    """Put an open triangle at the lower edge for every value that a logarithmic axis has no place for."""
    bottom = axes.get_ylim()[0]
    x = [x for line in lines for x, y in zip(line.x, line.y, strict=True) if not y > 0.0]
    axes.plot(x, [bottom] * len(x), "v", color=MUTED, markerfacecolor=PAPER, markersize=5, clip_on=False)


def _draw_local_slopes(axes: Axes, lines: Sequence[_Line]) -> None:
    """Draw the slopes between neighbouring levels; relative to theory where lines differ in it."""
    together = len({(line.theory, line.margin) for line in lines}) == 1
    for position, line in reversed(list(enumerate(lines))):
        shift = 0.0 if together else line.theory
        aside = DODGE ** (position - (min(len(lines), DISTINCT) - 1) / 2) if position < DISTINCT else 1.0
        middle = [aside * math.sqrt(a * b) for a, b in pairwise(line.x)][: len(line.local)]
        slopes = [slope - shift for slope in line.local]
        colour = COLOURS[position % len(COLOURS)] if position < DISTINCT else MUTED
        low = [slope - 2.0 * error for slope, error in zip(slopes, line.local_error, strict=True)]
        high = [slope + 2.0 * error for slope, error in zip(slopes, line.local_error, strict=True)]
        bars(axes, middle, low, high, color=colour, linewidth=0.9)
        marker = MARKERS[position % len(MARKERS)]
        axes.plot(
            middle, slopes, marker, color=colour, markersize=3.5, markeredgecolor=PAPER, markeredgewidth=0.3
        )
    for center, margin in {(line.theory if together else 0.0, line.margin) for line in lines}:
        axes.axhspan(center - margin, center + margin, color=GREEN, alpha=0.16, linewidth=0, zorder=0)
        axes.axhline(center, color=MUTED, linewidth=0.8, zorder=1)
    number_ticks(axes.yaxis, 4)
    axes.set_ylabel("local slope" if together else "slope − theory")


def _level_axis(panels: Sequence[Axes], lines: Sequence[_Line], name: str) -> None:
    """Mark the factor's own levels on a common logarithmic axis, as many as there is room for."""
    levels = sorted({x for line in lines for x in line.x}) or [1.0, 2.0]
    span = math.log(levels[-1] / levels[0])
    room = math.exp(0.06 * span)
    inches = (WIDTH - LEFT - RIGHT) / (1.12 * span)
    width = CHARACTER * (max(len(_level(x)) for x in levels) + 1.0)
    ticks = next(
        ticks
        for stride in range(1, len(levels) + 1)
        if (ticks := levels[::stride]) and all(math.log(b / a) * inches >= width for a, b in pairwise(ticks))
    )
    for panel in panels:
        panel.set_xscale("log")
        panel.set_xlim(levels[0] / room, levels[-1] * room)
        panel.set_xticks(ticks, [_level(x) for x in ticks] if panel is panels[-1] else [""] * len(ticks))
        panel.minorticks_off()
    panels[-1].set_xlabel(name)


def _level(x: float) -> str:
    return level(int(x)) if x.is_integer() and abs(x) < 1e6 else shown(x)
