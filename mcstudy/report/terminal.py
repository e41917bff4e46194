"""What the terminal shows of a ledger: a table of verdicts, and where to read more."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["print_ledger", "print_table"]

MARKS = {"CONFIRMED": "green", "REFUTED": "magenta", "UNDECIDED": "yellow"}


def print_ledger(ledger: Mapping[str, Any], *, stream: TextIO | None = None) -> None:
    """Print the findings of a ledger, unexpected ones marked.

    Parameters
    ----------
    ledger : mapping
        The content of ``ledger.json``.
    stream : file, optional
        Default: standard output.
    """
    from mcstudy.report.page import answer

    rows = [_row(finding) for finding in ledger["findings"]]
    title = f"{ledger['study']['title']} ({ledger['study']['name']})"
    header = ("claim", "verdict", "", "what", "estimate", "theory", "replicates")
    print_table(title, header, rows, caption=answer(ledger), stream=stream)


def _row(finding: Mapping[str, Any]) -> tuple[str | Text, ...]:
    from rich.text import Text

    verdict = finding["verdict"]
    note = "" if finding["as_expected"] else "UNEXPECTED"
    if finding["as_expected"] and verdict == "REFUTED":
        note = "as expected"
    low, high = (_number(end) for end in finding["interval"])
    return (
        finding["id"],
        Text(verdict, style=MARKS[verdict]),
        Text(note, style="" if finding["as_expected"] else "bold red"),
        finding["what"],
        f"{_number(finding['estimate'])} in [{low}, {high}]",
        f"{_number(finding['theory'])} ± {_number(finding['margin'])}",
        f"{finding['replicates']:,}",
    )


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.5g}"


def print_table(
    title: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str | Text]],
    *,
    caption: str = "",
    stream: TextIO | None = None,
) -> None:
    """Print a table that fits the terminal; a pipe gets a fixed width. Words are shown as they are."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    stream = stream or sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else 150
    words = Text(caption) if caption else None
    table = Table(title=Text(title), title_justify="left", caption=words, caption_justify="left")
    for name in header:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    Console(file=stream, width=width, highlight=False).print(table)


def print_replay(
    columns: Mapping[str, Any], failures: Sequence[str], *, stream: TextIO | None = None
) -> None:
    """Print the columns of a replayed block, one row a replicate, and its failures.

    Parameters
    ----------
    columns : mapping from str to array of shape (k,) or number
    failures : sequence of str
        What failed, with tracebacks.
    stream : file, optional
        Default: standard output.
    """
    import numpy as np

    stream = stream or sys.stdout
    table = [np.atleast_1d(values) for values in columns.values()]
    if table:
        print("  ".join(f"{name:>24}" for name in columns), file=stream)
    for row in zip(*table, strict=True):
        print("  ".join(f"{value!r:>24}" for value in map(float, row)), file=stream)
    for failure in failures:
        print(failure.rstrip(), file=stream)
