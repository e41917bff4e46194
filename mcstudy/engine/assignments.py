"""What a part was to draw: kept in its journal, for whoever joins it with others."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from mcstudy.checks import is_count
from mcstudy.defaults import PROFILES

__all__ = ["Assignment", "folders", "read_assignment"]


@dataclass(frozen=True)
class Assignment:
    """What a part was to draw.

    Attributes
    ----------
    number, of : int
        Which part of how many.
    study : str
        The study with its options, as the command line wrote them.
    profile : str
    replicates : int or None
        Of every scenario, where a number was asked for in place of the profile's.
    out : str
        The folder that was named.
    """

    number: int
    of: int
    study: str
    profile: str
    replicates: int | None
    out: str

    @property
    def design(self) -> tuple[str, int | None]:
        """How much of the study parts of one kind are to draw together."""
        return self.profile, self.replicates

    @property
    def words(self) -> str:
        """The options that say so."""
        exact = "" if self.replicates is None else f" --replicates {self.replicates}"
        return f"--profile {self.profile}{exact}"

    @property
    def handle(self) -> str:
        """The study's name or file."""
        return shlex.split(self.study)[0]

    @property
    def options(self) -> list[tuple[str, str]]:
        """The study's own options with their values."""
        names_and_values = shlex.split(self.study)[1:]
        return [
            (name.removeprefix("--"), value)
            for name, value in zip(names_and_values[::2], names_and_values[1::2], strict=True)
        ]

    def to_json(self) -> str:
        """As it is kept."""
        return json.dumps(asdict(self), sort_keys=True)


def read_assignment(text: str) -> Assignment | None:
    """An assignment as it is kept; None for what is none: it only costs words."""
    try:
        found = Assignment(**json.loads(text))
        return found if _is_whole(found) else None
    except (TypeError, ValueError, IndexError):
        return None


def _is_whole(found: Assignment) -> bool:
    """Whether an assignment says all that it should; a study whose words can't be told apart raises."""
    counts = (found.number, found.of, 1 if found.replicates is None else found.replicates)
    return (
        isinstance(found.study, str)
        and isinstance(found.out, str)
        and found.profile in PROFILES
        and all(map(is_count, counts))
        and bool(found.handle)
        and isinstance(found.options, list)
    )


def folders(assignments: Sequence[Assignment], of: int) -> str:
    """Where parts of so many go, as a word of a shell with the part's number as ``$I``, as far as it can be told.

    Examples
    --------
    >>> parts = [Assignment(n, 8, "toy", "full", None, f"parts/{n}") for n in (1, 7)]
    >>> folders(parts, 8)
    'parts/$I'
    >>> folders([Assignment(1, 8, "toy", "full", None, "all parts/part-1-of-8")], 8)
    "'all parts/part-'$I-of-8"
    >>> folders([], 8)
    'parts-of-8/$I'
    """
    patterns = Counter(filter(None, (_pattern(one) for one in assignments if one.of == of)))
    # Where `part-10-of-10` has its number can't be told; all others say it.
    return patterns.most_common(1)[0][0] if patterns else f"parts-of-{of}/$I"


def _pattern(part: Assignment) -> str:
    """The folder of a part with ``$I`` for the last number that is the part's; empty where there is none."""
    found = re.fullmatch(rf"(.*)(?<!\d){part.number}(?!\d)(.*)", part.out, re.DOTALL)
    return "$I".join(map(_quoted, found.groups())) if found else ""


def _quoted(text: str) -> str:
    return shlex.quote(text) if text else ""
