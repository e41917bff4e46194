"""What is made of draws, in words that can be compared: what was changed between one analysis and the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

__all__ = ["differences"]

CLAIM = "claim "  # what is noted of claims begins so: "claim 2c, margin"


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """What differs between two analyses, with both texts; a claim that is new or gone is one difference."""
    old, new = _claims(before), _claims(after)
    for claim in sorted(new.keys() - old.keys()):
        yield f"{claim}, added", "", new[claim]
    for claim in sorted(old.keys() - new.keys()):
        yield f"{claim}, removed", old[claim], ""
    for name in sorted(before.keys() | after.keys()):
        both = name.rpartition(", ")[0] in old.keys() & new.keys()
        if before.get(name) != after.get(name) and (both or not name.startswith(CLAIM)):
            missing = "the default" if both or not name.startswith(CLAIM) else ""
            yield name, before.get(name, missing), after.get(name, missing)


def _claims(analysis: Mapping[str, str]) -> dict[str, str]:
    """By claim, all that an analysis says of it."""
    found: dict[str, list[str]] = {}
    # What kind of claim it is comes first.
    for name in sorted(analysis, key=lambda name: (not name.endswith(", kind"), name)):
        claim, _, field = name.rpartition(", ")
        if name.startswith(CLAIM):
            found.setdefault(claim, []).append(f"{field} {analysis[name]}")
    return {claim: ", ".join(fields) for claim, fields in found.items()}
