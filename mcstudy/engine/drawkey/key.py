"""The draw key: what draws depend on, part by part."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["DrawKey", "Part", "difference"]

LONGEST_DIFF = 40  # lines a part
FILLED = (
    "if drawing itself fills it, keep such results by functools.cache instead, whose content does not count"
)
WINDOW = 60  # characters shown of a long value, around the first that differs


@dataclass(frozen=True)
class Part:
    """One thing that draws depend on.

    Attributes
    ----------
    kind : str
        "code", "class", "module", "value", "version", "input" or "machine".
    digest : str
        Equal where the draws can't differ for it.
    text : str
        For people who compare: code without comments, a shortened value, a version.
    ours : bool
        Whether it is code of mcstudy itself; not kept with the draws.
    """

    kind: str
    digest: str
    text: str
    ours: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class DrawKey:
    """All that the draws of an experiment depend on through its `simulate`.

    Attributes
    ----------
    digest : str
        The sha256 over all parts.
    parts : mapping from str to Part
        Name -> part: "simulate", "helper", "global `SHIFT`", "version of numpy", "BLAS kernel".
    """

    digest: str
    parts: Mapping[str, Part]


def difference(old: Mapping[str, Part], new: Mapping[str, Part]) -> list[str]:
    """Say what differs between two keys.

    Parameters
    ----------
    old, new : mapping from str to Part

    Returns
    -------
    list of str
        Lines: a diff for code, old and new for values and versions, what is new and what is no longer used. Empty
        where the keys are equal.

    Examples
    --------
    >>> old, new = {"global `N`": Part("value", "a", "1")}, {"global `N`": Part("value", "b", "2")}
    >>> difference(old, new)
    ['global `N`: 1 -> 2']
    """
    lines = []
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            lines.append(f"{name} is no longer used")
        elif name not in old:
            lines.append(f"{name} is new: {_first_line(new[name].text)}")
        elif old[name].digest != new[name].digest:
            lines += _changed(name, old[name], new[name])
    return lines


def _changed(name: str, old: Part, new: Part) -> list[str]:
    if old.text == new.text:
        return [f"{name} differs in more than is shown of it: {_first_line(new.text)}"]
    if "\n" in old.text + new.text:
        return [f"{name}:", *_diff(old.text, new.text)]
    line = f"{name}: {' -> '.join(_windows(old.text, new.text))}"
    filled = new.kind == "value" and old.text[:1] + new.text[:1] in ("{{", "[[")
    return [line, "  " + FILLED] if filled else [line]


def _diff(old: str, new: str) -> list[str]:
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), "old", "new", lineterm="", n=1))[2:]
    more = [f"... {len(lines) - LONGEST_DIFF} more lines"] if len(lines) > LONGEST_DIFF else []
    return ["  " + line for line in lines[:LONGEST_DIFF] + more]


def _windows(*texts: str) -> list[str]:
    """Texts from shortly before the first character that differs."""
    shortest, longest = min(map(len, texts)), max(map(len, texts))
    same = next((at for at, pair in enumerate(zip(*texts, strict=False)) if len(set(pair)) > 1), shortest)
    start = max(0, same - WINDOW // 2) if longest > WINDOW else 0
    return [
        "..." * (start > 0) + text[start : start + WINDOW] + "..." * (start + WINDOW < len(text))
        for text in texts
    ]


def _first_line(text: str) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= 2 * WINDOW else line[: 2 * WINDOW] + "..."
