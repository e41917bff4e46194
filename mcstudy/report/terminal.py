"""What the terminal shows: the findings of a ledger in a line or two each, tables, and replayed blocks."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from mcstudy.findings import Finding
from mcstudy.ledger import Ledger
from mcstudy.report.kinds import kind_of, losses
from mcstudy.report.mathematics import plain_text
from mcstudy.report.verdicts import answer, badge, outlook

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_ledger", "print_replay", "print_table"]

GAP = "  "
REPLAYED = 24  # letters of a column of a replayed block: any double fits
_STYLES = {"good": "green", "neutral": "magenta", "open": "yellow", "bad": "bold red"}


def print_ledger(ledger: Ledger, *, page: Path | None = None, stream: TextIO | None = None) -> None:
    """Print the findings of a ledger, a line each or two where one is too narrow; then the answer and the page.

    A finding that is not as expected is told in full; claims that nothing tells apart are named.

    Parameters
    ----------
    ledger : Ledger
    page : Path, optional
        Where the report is, for the last line.
    stream : file, optional
        Default: standard output.
    """
    from rich.text import Text

    console = _console(stream)
    console.print(Text(f"{ledger.study.title} ({ledger.study.name})", style="bold"))
    words = [badge(finding) for finding in ledger.findings]
    verdict = max((len(word.text) for word in words), default=0)
    name = max((len(finding.id) for finding in ledger.findings), default=0)
    for finding, word in zip(ledger.findings, words, strict=True):
        start = Text(word.text.ljust(verdict), style=_STYLES[word.tone])
        start = Text.assemble(start, f"{GAP}{finding.id.ljust(name)}")
        unusual = word.tone in ("bad", "open")
        told = f"{kind_of(finding.kind).reading(finding)} {outlook(ledger, finding)}".rstrip()
        text = told if unusual else _numbers(finding)
        if unusual or len(start) + len(GAP) + len(text) > console.width:
            start.rstrip()
            console.print(start, soft_wrap=True)
            console.print(Text(_indented(text, console.width)), soft_wrap=True)
        else:
            console.print(Text.assemble(start, GAP, text))
    for text in filter(None, (plain_text(ledger.study.answer), answer(ledger), _unnamed(ledger))):
        console.print(Text(text))
    if page:
        console.print(Text(f"report: {page}"), soft_wrap=True)


def print_table(
    title: str, header: Sequence[str], rows: Sequence[Sequence[str]], *, stream: TextIO | None = None
) -> None:
    """Print a table; where it is wider than the terminal, each row as a list under its first entry.

    Parameters
    ----------
    title : str
    header : sequence of str
    rows : sequence of sequence of str
        Of the header's length.
    stream : file, optional
        Default: standard output.
    """
    from rich.text import Text

    console = _console(stream)
    console.print(Text(title, style="bold"), soft_wrap=True)
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    if sum(widths) + len(GAP) * (len(widths) - 1) <= console.width:
        lines = [_row(header, widths), *(_row(row, widths) for row in rows)]
    else:
        lines = [line for row in rows for line in _list(header, row, console.width)]
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def print_replay(
    columns: Mapping[str, Any], failures: Sequence[str], *, stream: TextIO | None = None
) -> None:
    """Print the columns of a replayed block, as many side by side as fit, and its failures.

    Parameters
    ----------
    columns : mapping from str to array of shape (k,) or number
    failures : sequence of str
        What failed, with tracebacks.
    stream : file, optional
        Default: standard output.
    """
    stream = stream or sys.stdout
    texts = {name: [repr(float(x)) for x in np.atleast_1d(values)] for name, values in columns.items()}
    if all(len(values) == 1 for values in texts.values()):
        name = max(map(len, texts), default=0)
        lines = [f"{column.ljust(name)}{GAP}{value}" for column, (value,) in texts.items()]
    else:
        lines = list(_side_by_side(texts, _console(stream).width))
    for line in [*lines, *(failure.rstrip() for failure in failures)]:
        print(line, file=stream)


def _unnamed(ledger: Ledger) -> str:
    """Ask for titles where statements are equal."""
    alike: dict[tuple[str, str], list[str]] = {}
    for finding in ledger.findings:
        alike.setdefault((finding.statement, finding.title), []).append(finding.id)
    pairs = [" and ".join(ids) for ids in alike.values() if len(ids) > 1]
    return (
        f"Nothing tells apart what is claimed by {'; by '.join(pairs)}: give them a title=" if pairs else ""
    )


def _console(stream: TextIO | None) -> Console:
    from rich.console import Console

    return Console(file=stream or sys.stdout, highlight=False)


def _numbers(finding: Finding) -> str:
    """A finding's numbers in one line."""
    kind = kind_of(finding.kind)
    summary = kind.summary(finding)
    found = f"{kind.headings[0].lower()} {summary.found}, {summary.sure}"
    parts = [found, f"{kind.headings[2].lower()} {summary.allowed}", losses(finding)]
    return "; ".join(filter(None, parts))


def _indented(text: str, width: int) -> str:
    return textwrap.fill(text, width, initial_indent=GAP, subsequent_indent=GAP)


def _row(values: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(value.ljust(width) for value, width in zip(values, widths, strict=True)).rstrip()


def _list(header: Sequence[str], row: Sequence[str], width: int) -> list[str]:
    named = zip(header[1:], row[1:], strict=True)
    return [
        row[0],
        *(_indented(f"{name}: {value}" if name else value, width) for name, value in named if value),
    ]


def _side_by_side(columns: Mapping[str, Sequence[str]], width: int) -> list[str]:
    """Columns in blocks of so many as fit a width."""
    together = max(1, width // (REPLAYED + len(GAP)))
    names = list(columns)
    lines: list[str] = []
    for first in range(0, len(names), together):
        chosen = names[first : first + together]
        lines += ["", *_block(chosen, [columns[name] for name in chosen])]
    return lines[1:]


def _block(names: Sequence[str], values: Sequence[Sequence[str]]) -> list[str]:
    rows = [names, *zip(*values, strict=True)]
    return [GAP.join(f"{value:>{REPLAYED}}" for value in row) for row in rows]
