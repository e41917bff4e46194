"""What the templates show of a ledger: its claims with texts, figures and tables ready to print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mcstudy.report.cells import Finding, label
from mcstudy.report.display import cells_shown, points_shown
from mcstudy.report.figures import Figure
from mcstudy.report.names import file_name
from mcstudy.report.numbers import percent, shown
from mcstudy.report.prose import statement_html, text_html
from mcstudy.report.tables import Table
from mcstudy.report.wording import Summary, diagnosis, reading, summary, verdict

__all__ = ["Badge", "ClaimView", "Replicate", "badge", "claim_views", "flatten", "text"]

ROWS, FEWEST, MOST = 1200, 12, 60  # rows of all tables of a page together; of one table at least and at most


@dataclass(frozen=True)
class Badge:
    """A verdict as a mark and words; `tone` says whether it is good news."""

    mark: str
    tone: str
    name: str
    remark: str


@dataclass(frozen=True)
class Replicate:
    """One replicate that speaks for a claim: a violation, or the closest call."""

    title: str
    sentence: str
    replay: str


@dataclass(frozen=True)
class ClaimView:
    """A claim's section."""

    id: str
    anchor: str
    kind: str
    badge: Badge
    statement: Markup
    display: Markup
    summary: Summary
    confidence: str
    replicates: int
    source: str
    reading: str
    diagnosis: str
    because: Markup
    figure: Figure
    replicate: Replicate | None
    cells: Table
    cells_total: int
    points: Table | None
    points_total: int


def claim_views(ledger: Mapping[str, Any], figures: Mapping[str, Figure]) -> list[ClaimView]:
    """Prepare every claim of a ledger for the page; many claims get shorter tables."""
    findings = ledger["findings"]
    most = max(FEWEST, min(MOST, ROWS // max(1, len(findings))))
    return [_view(finding, figures[file_name("claim", finding["id"])], most) for finding in findings]


def _view(finding: Finding, figure: Figure, most: int) -> ClaimView:
    lines = finding["diagnostics"].get("lines")
    return ClaimView(
        id=finding["id"],
        anchor=figure.stem,
        kind=finding["kind"],
        badge=badge(finding),
        statement=Markup(statement_html(finding["statement"])),
        display=Markup(statement_html(finding["statement"], display=True)),
        summary=summary(finding),
        confidence=percent(finding["confidence"]),
        replicates=finding["replicates"],
        source=finding["source"],
        reading=reading(finding),
        diagnosis=diagnosis(finding),
        because=text(_sentence(finding["because"])),
        figure=figure,
        replicate=_replicate(finding),
        cells=cells_shown(finding, most),
        cells_total=len(finding["cells"]),
        points=points_shown(finding, most) if lines else None,
        points_total=sum(len(line.get("x", ())) for line in lines or ()),
    )


def badge(finding: Finding) -> Badge:
    """Choose the mark of a verdict, and its tone: good, neutral, open or bad."""
    name, remark = verdict(finding)
    mark = finding["verdict"].lower()
    if mark == "undecided":
        tone = "open"
    elif not finding["as_expected"]:
        tone = "bad"
    else:
        tone = "good" if mark == "confirmed" else "neutral"
    return Badge(mark, tone, name, remark)


def _sentence(content: str) -> str:
    """Begin with a capital and end with a full stop."""
    whole = content[:1].upper() + content[1:]
    return whole if not whole or whole.endswith((".", "!", "?")) else f"{whole}."


def text(content: str) -> Markup:
    """Text with mathematics between dollar signs, for the page."""
    return Markup(text_html(content))


def _replicate(finding: Finding) -> Replicate | None:
    """The witness of a refuted bound or identity, or the replicate that came closest."""
    diagnostics = finding["diagnostics"]
    refuted = finding["verdict"] == "REFUTED"
    witness = diagnostics.get("witness") or diagnostics.get("tightest")
    if not witness:
        return None
    where = f"Replicate {witness['index']} of block {witness['block']}"
    if witness["scenario"]:
        where += f" at {label(witness['scenario'])}"
    if "ratio" in witness:
        value, bound, ratio = (shown(witness[key]) for key in ("value", "bound", "ratio"))
        found = f"has the value {value} where the bound is {bound}, a ratio of {ratio}."
    else:
        found = f"has the residual {shown(witness['value'])}."
    return Replicate("Witness" if refuted else "Closest call", f"{where} {found}", witness["replay"])


def flatten(nested: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """List a nested mapping as names and texts, a nested name after its parent's."""
    rows: list[tuple[str, str]] = []
    for key, value in nested.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            rows += flatten(value, f"{name} ")
        elif isinstance(value, (list, tuple)):
            rows.append((name, ", ".join(map(str, value))))
        elif value not in (None, ""):
            rows.append((name, str(value)))
    return rows
