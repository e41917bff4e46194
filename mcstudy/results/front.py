"""The front page of a published version: what is true where a source is misprinted, and all studies in a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mcstudy.findings import Finding, Role
from mcstudy.ledger import Ledger
from mcstudy.report import answer
from mcstudy.report.kinds import kind_of

__all__ = ["front"]

HOW = """## Verify

`environment.txt` has the versions of all packages, `SHA256SUMS` the digest of every file. With them, `mcstudy verify .` in
this folder checks every file, and runs the studies in `*/source` to draw a sample of their blocks again, bit for bit; with
`--all` every block, and judges them again.
"""

# Within a table of Markdown a bar ends a cell, also in mathematics.
_BARS = ((r"\|", r"\Vert "), ("|", r"\vert "))
_FORMULA = re.compile(r"\$[^$]*\$")


def front(ledgers: Sequence[Ledger], version: str) -> str:
    """The text of ``README.md``.

    Parameters
    ----------
    ledgers : sequence of Ledger
    version : str
    """
    misprints = [
        (ledger, finding)
        for ledger in ledgers
        for finding in ledger.findings
        if finding.role is Role.MISPRINT
    ]
    return "\n".join([f"# Results, version {version}", "", *_misprints(misprints), *_studies(ledgers), HOW])


def _misprints(found: Sequence[tuple[Ledger, Finding]]) -> Iterator[str]:
    if not found:
        return
    yield "## What the sources say, and what is true"
    yield ""
    yield from _head("source", "as printed", "what is true", "witness")
    for ledger, finding in found:
        link = f"[{finding.id}]({ledger.study.name}.html#claim-{finding.id})"
        statement = f"${finding.statement}$" if "$" not in finding.statement else finding.statement
        yield _row(
            finding.source, statement, finding.because, f"{link}: {kind_of(finding.kind).reading(finding)}"
        )
    yield ""


def _studies(ledgers: Sequence[Ledger]) -> Iterator[str]:
    yield "## Studies"
    yield ""
    yield from _head("study", "question", "answer", "draws")
    for ledger in ledgers:
        about = ledger.study
        link = f"[{about.title}]({about.name}.html)"
        yield _row(link, about.question, about.answer or answer(ledger), f"`{ledger.digests['draws'][:12]}`")
    yield ""


def _head(*names: str) -> Iterator[str]:
    yield f"| {' | '.join(names)} |"
    yield f"|{' --- |' * len(names)}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    line = " ".join(text.split())
    return _FORMULA.sub(lambda found: _without_bars(found[0]), line).replace("|", "&#124;")


def _without_bars(formula: str) -> str:
    for bar, name in _BARS:
        formula = formula.replace(bar, name)
    return formula
