"""Warnings that `simulate` gives: counted by kind, so that none fills a journal or a ledger."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence

from mcstudy.ledger import WarningRecord
from mcstudy.scenarios import Scenario
from mcstudy.words import encodable, told

__all__ = ["Caught", "kinds_of", "tally"]

EXAMPLES = 3  # enough to see what the numbers in a text are
KINDS = 50  # a block that gives more different warnings than this says nothing by the others
LONGEST = 500  # characters of a text that are kept

# Category, text with its numbers replaced, one text as it was.
Caught = tuple[str, str, str]

_NUMBER = re.compile(r"0x[0-9a-fA-F]+|[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\b(?:nan|inf)\b")


def kinds_of(caught: Iterable[warnings.WarningMessage]) -> tuple[Caught, ...]:
    """The distinct kinds among warnings, each with its first text, in alphabetical order."""
    found: dict[tuple[str, str], str] = {}
    for item in caught:
        text = (told(item.message) if isinstance(item.message, Warning) else encodable(item.message))[
            :LONGEST
        ]
        found.setdefault((item.category.__name__, _NUMBER.sub("#", text)), text)
    return tuple(sorted((*kind, text) for kind, text in found.items()))[:KINDS]


def tally(experiment: str, scenario: Scenario, blocks: Sequence[Sequence[Caught]]) -> list[WarningRecord]:
    """The kinds of warnings of a scenario, with the share of its blocks that gave them.

    Parameters
    ----------
    experiment : str
    scenario : Scenario
    blocks : sequence of sequence of Caught
        What each block gave, in order.
    """
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], list[str]] = {}
    for block in blocks:
        for category, message, text in block:
            counts[category, message] += 1
            shown = examples.setdefault((category, message), [])
            if len(shown) < EXAMPLES and text not in shown:
                shown.append(text)
    return [
        WarningRecord(*kind, tuple(examples[kind]), experiment, scenario, count, count / len(blocks))
        for kind, count in sorted(counts.items())
    ]
