"""Words for people who mistype a name."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["nearest"]


def nearest(word: object, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """What may have been meant, as a question with a space behind it; or nothing.

    Parameters
    ----------
    word : object
        What was typed.
    known : iterable of str
        What there is.
    cutoff : float
        How alike the two must be, from 0 to 1; see `difflib.get_close_matches`.

    Examples
    --------
    >>> nearest("--prof", ["--profile", "--jobs"])
    'did you mean --profile? '
    """
    import difflib

    found = difflib.get_close_matches(str(word), list(known), n=1, cutoff=cutoff)
    return f"did you mean {found[0]}? " if found else ""
