"""Functions of a scenario's factors: each receives the factors that it names, and no others."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

from mcstudy.exceptions import StudyError
from mcstudy.words import nearest

__all__ = ["call_with_factors", "unknown_factors"]


class _Reads(NamedTuple):
    """What a function asks for: names it may get, the first by position; those it needs; whether it takes all."""

    names: frozenset[str]
    positional: tuple[str, ...]
    required: tuple[str, ...]
    everything: bool


def call_with_factors(function: Callable[..., Any], factors: Mapping[str, Any]) -> Any:
    """Call a function with the factors that its signature names.

    Parameters
    ----------
    function : callable
        Its parameters are names of factors; ``**rest`` takes all of them.
    factors : mapping from str to level

    Raises
    ------
    StudyError
        If a parameter without default is no factor.

    Examples
    --------
    >>> call_with_factors(lambda n: n**-0.5, {"n": 4, "d": 3})
    0.5
    """
    reads = _reads(function)
    if unknown := [name for name in reads.required if name not in factors]:
        msg = unknown_factors(function, factors) or f"has no value for {', '.join(unknown)}"
        raise StudyError(msg)
    first = [factors[name] for name in reads.positional]
    wanted = factors.keys() - set(reads.positional) if reads.everything else reads.names
    return function(*first, **{name: level for name, level in factors.items() if name in wanted})


def unknown_factors(function: Callable[..., Any], factors: Collection[str]) -> str:
    """What a function's signature names that is no factor, as the end of a sentence; or nothing."""
    unknown = [name for name in _reads(function).required if name not in factors]
    if not unknown:
        return ""
    known = list(factors)
    example = known[0] if known else "n"
    hint = nearest(unknown[0], known)
    return (
        f"must name factors only, got the parameter{'s' if len(unknown) > 1 else ''} {', '.join(unknown)}; {hint}factors: "
        f"{', '.join(known) or 'none'}; write a function of the factors it reads, such as `lambda {example}: ...`"
    )


def _reads(function: Callable[..., Any]) -> _Reads:
    try:
        return _cached(function)
    except TypeError:  # a callable object without a hash
        return _inspected(function)


def _inspected(function: Callable[..., Any]) -> _Reads:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a builtin without a signature takes what it is given
        return _Reads(frozenset(), (), (), everything=True)
    bound = _bound(function)
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    required = tuple(p.name for p in named if p.default is p.empty)
    return _Reads(
        names=frozenset(p.name for p in named if p.kind is not p.POSITIONAL_ONLY and p.name not in bound),
        # Functions written in C, as `math.sqrt`, take their arguments by position only.
        positional=tuple(p.name for p in named if p.kind is p.POSITIONAL_ONLY and p.name in required),
        required=required,
        everything=any(p.kind is p.VAR_KEYWORD for p in parameters),
    )


# A study asks the same few functions about each of its scenarios, up to 100,000 of them.
_cached = lru_cache(maxsize=256)(_inspected)


def _bound(function: Callable[..., Any]) -> set[str]:
    """The keywords that ``functools.partial`` has settled: a factor of that name does not change them."""
    names: set[str] = set()
    while isinstance(function, partial):
        names |= set(function.keywords)
        function = function.func
    return names
