"""The figures of a report: one for every claim, by its kind, and the overlays; as files and for the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mcstudy.report.canvas import house_style, save
from mcstudy.report.cells import Finding
from mcstudy.report.drawing import Drawing
from mcstudy.report.extremes import draw_bound, draw_identity
from mcstudy.report.forest import draw_forest
from mcstudy.report.laws import draw_law
from mcstudy.report.names import file_name
from mcstudy.report.powerlaws import draw_overlay, draw_rate
from mcstudy.report.svg import inline
from mcstudy.report.wording import headline, reading

__all__ = ["Figure", "write_figures"]

ROWS, CROWDED_ROWS, CROWDED = 40, 20, 20  # rows of a figure; fewer in a report of more than so many claims

DRAWERS: dict[str, Callable[[Finding, int], Drawing]] = {
    "rate": draw_rate,
    "law": draw_law,
    "same_law": draw_law,
    "bound": draw_bound,
    "identity": draw_identity,
}


class Figure(NamedTuple):
    """A figure for the page: its SVG, its caption, and the stem of its files."""

    svg: str
    caption: str
    stem: str


def write_figures(ledger: Mapping[str, Any], folder: Path) -> dict[str, Figure]:
    """Draw every claim and every overlay, write them as SVG and PDF, and return them for the page.

    Parameters
    ----------
    ledger : mapping
    folder : Path
        Exists.

    Returns
    -------
    dict from str to Figure
        By stem: ``claim-ID`` and ``overlay-ID``.
    """
    findings = {finding["id"]: finding for finding in ledger["findings"]}
    most = ROWS if len(findings) <= CROWDED else CROWDED_ROWS
    figures: dict[str, Figure] = {}

    def add(drawing: Drawing, stem: str, title: str, description: str) -> None:
        svg = save(drawing.figure, folder / stem)
        short = f"figure{len(figures) + 1}"
        figures[stem] = Figure(
            inline(svg, name=short, title=title, description=description), drawing.caption, stem
        )

    with house_style():
        for finding in findings.values():
            drawing = DRAWERS.get(finding["kind"], draw_forest)(finding, most)
            add(drawing, file_name("claim", finding["id"]), headline(finding), reading(finding))
        for overlay in ledger["overlays"]:
            claims = [findings[name] for name in overlay["claims"] if name in findings]
            drawing = draw_overlay(overlay, claims, most)
            told = " ".join(reading(finding) for finding in claims)
            add(drawing, file_name("overlay", overlay["id"]), overlay["title"], told)
    return figures
