"""The figure of a claim on a law: the empirical distribution function's deviation from theory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mcstudy.report.canvas import BLUE, GREEN, MUTED, WIDTH, axes_in, new_figure, number_ticks
from mcstudy.report.cells import Finding, deciding, evidence, label, leading, varying
from mcstudy.report.drawing import Drawing
from mcstudy.report.numbers import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_law"]

OTHERS = 16  # the most curves besides the deciding one
POINTS = 51  # the most points of a curve


def draw_law(finding: Finding, most: int) -> Drawing:
    """Draw the deviation of every cell, the deciding one with its Dvoretzky-Kiefer-Wolfowitz band.

    The claim is confirmed where the whole band lies between the margins.
    """
    chosen, worst = leading(finding, min(most, OTHERS + 1)), deciding(finding)
    figure = new_figure(2.9)
    axes = axes_in(figure, 0.72, 0.5, WIDTH - 0.87, 2.2)
    margin = number(finding["cells"][worst]["margin"])
    axes.axhspan(-margin, margin, color=GREEN, alpha=0.16, linewidth=0, zorder=0)
    axes.axhline(0.0, color=MUTED, linewidth=0.8, zorder=1)
    for index in chosen:
        if index != worst and (own := evidence(finding, index)):
            axes.plot(*_curve(own), color=MUTED, alpha=0.45, linewidth=0.7, zorder=2)
    if own := evidence(finding, worst):
        _draw_deciding(axes, own)
    axes.set_xlim(0.0, 1.0)
    axes.set_xlabel(
        "probability under the claimed law"
        if finding["kind"] == "law"
        else "probability under the second law"
    )
    axes.set_ylabel("empirical − claimed" if finding["kind"] == "law" else "first − second law")
    number_ticks(axes.xaxis, 6)
    number_ticks(axes.yaxis, 6)
    return Drawing(figure, _caption(finding, chosen))


def _draw_deciding(axes: Axes, own: Mapping[str, Any]) -> None:
    x, y = _curve(own)
    band = number(own["band"])
    axes.fill_between(
        x, [v - band for v in y], [v + band for v in y], color=BLUE, alpha=0.18, linewidth=0, zorder=2
    )
    axes.plot(x, y, color=BLUE, linewidth=1.4, zorder=3)


def _curve(own: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    step = max(1, -(-len(own["probability"]) // POINTS))
    x = [number(value) for value in own["probability"]]
    y = [number(value) for value in own["deviation"]]
    return [*x[:-1:step], x[-1]], [*y[:-1:step], y[-1]]


def _caption(finding: Finding, chosen: list[int]) -> str:
    cells = finding["cells"]
    parts = [
        "Blue: the deviation, with the band that holds the true one at the confidence level. Green: the margin."
    ]
    if len(cells) > 1:
        names = varying([cell["scenario"] for cell in cells])
        parts.append(f"Blue is the deciding cell ({label(cells[deciding(finding)]['scenario'], names)});")
        others = len(chosen) - 1
        parts.append(
            f"grey are {'the' if others == len(cells) - 1 else f'{others} of the'} {len(cells) - 1} others."
        )
    return " ".join(parts)
