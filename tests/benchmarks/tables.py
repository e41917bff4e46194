"""Tables of what was measured: rows of names and numbers, as sections of a page of the manual."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

__all__ = ["Row", "Section", "markdown", "shown"]

Row: TypeAlias = Mapping[str, Any]  # words, whole numbers and others, by the names of columns


class Section(NamedTuple):
    """A table with its heading.

    Attributes
    ----------
    name : str
        By which the command line knows it.
    title, text : str
        What stands above the table.
    measure : callable
        Takes what the table shows.
    limits : mapping
        Columns, with the least and the most that is wanted of them, where a row has them.
    """

    name: str
    title: str
    text: str
    measure: Callable[[], Sequence[Row]]
    limits: Mapping[str, tuple[float, float]] = {}

    def missed(self, rows: Iterable[Row]) -> list[str]:
        """What is not as it is wanted."""
        return [
            f"{self.title}: {name} {shown(row[name])}, wanted {_wanted(*limits)}"
            for row in rows
            for name, limits in self.limits.items()
            if name in row and not limits[0] <= row[name] <= limits[1]
        ]

    def page(self, rows: Sequence[Row]) -> str:
        """The section in Markdown."""
        limits = "; ".join(f"*{name}* {_wanted(*limits)}" for name, limits in self.limits.items())
        wanted = f" Wanted: {limits}." if limits else ""
        return f"## {self.title}\n\n{self.text}{wanted}\n\n{markdown(rows)}\n"


def _wanted(least: float, most: float) -> str:
    """Limits in words, one of which is none."""
    return f"at least {shown(least)}" if most == math.inf else f"at most {shown(most)}"


def shown(value: Any) -> str:
    """Words as they are, whole numbers in full, others with three digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:#.3g}"


def _head(rows: Sequence[Row]) -> list[str]:
    """All columns, in the order in which rows bring them."""
    return list(dict.fromkeys(name for row in rows for name in row))


def markdown(rows: Sequence[Row]) -> str:
    """A table in Markdown; what a row lacks stays empty."""
    head = _head(rows)
    body = [[shown(row.get(name, "")).replace("|", "\\|") for name in head] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *body))
