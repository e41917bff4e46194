"""Numbers and levels as a reader wants them: the digits that the Monte Carlo error supports, and no others."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

__all__ = [
    "count",
    "interval",
    "label",
    "level",
    "percent",
    "plural",
    "probability",
    "shown",
    "span",
    "superscript",
]
__all__ += ["uncertain", "zone"]

MINUS = "\N{MINUS SIGN}"
THIN = "\N{NARROW NO-BREAK SPACE}"
NO_BREAK = "\N{NO-BREAK SPACE}"
ISOLATE, END = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
NEGLIGIBLE = 1e-7  # an error so much smaller than what it belongs to is rounding: it earns no more digits
SMALLEST, LARGEST = -4, 6  # decimal exponents outside of which a power of ten is written
UNDERFLOW = 1e-300  # a probability below is as likely rounding
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def superscript(power: int, base: int = 10) -> str:
    """Write a power, by default of ten, in Unicode superscripts, for text that knows no markup.

    Examples
    --------
    >>> superscript(-8)
    '10⁻⁸'
    """
    return str(base) + str(power).translate(_SUPERSCRIPT)


def count(value: int) -> str:
    """Write a whole number in groups of three from five digits on.

    Examples
    --------
    >>> count(1024), count(16384) == f"16{THIN}384"
    ('1024', True)
    """
    return str(value) if abs(value) < 10_000 else f"{value:,}".replace(",", THIN)


def plural(value: int, word: str) -> str:
    """Write a count and what is counted.

    Examples
    --------
    >>> plural(1, "scenario"), plural(2, "scenario"), plural(2, "study")
    ('1 scenario', '2 scenarios', '2 studies')
    """
    many = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{count(value)} {word if value == 1 else many}"


def shown(value: float, digits: int = 4) -> str:
    """Write a number to at most `digits` significant digits, without trailing zeros.

    Examples
    --------
    >>> shown(-0.5), shown(3.2e-14, 2), shown(math.nan)
    ('−0.5', '3.2×10⁻¹⁴', '–')
    """
    x = float(value)
    if special := _special(x):
        return special
    power = _power(x, digits)
    if SMALLEST < power < LARGEST:
        return _trim(f"{x:.{max(0, digits - 1 - power)}f}")
    mantissa = _trim(f"{x:.{digits - 1}e}".partition("e")[0])
    return superscript(power) if mantissa == "1" else f"{mantissa}×{superscript(power)}"


def level(value: Any) -> str:
    """Write a level of a factor: whole numbers with all their digits, text as it is.

    Examples
    --------
    >>> level(0.25), level("worst"), level(True)
    ('0.25', 'worst', 'true')
    """
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, int):
        return count(value)
    return shown(value, 6) if isinstance(value, float) else str(value)


def label(scenario: Mapping[str, Any], only: Iterable[str] | None = None) -> str:
    """Write a scenario: the levels of some of its factors, or of all that have one.

    Examples
    --------
    >>> label({"d": 3, "start": "balanced"}).replace(NO_BREAK, " ")
    'd = 3, start = balanced'
    """
    named = [name for name in scenario if scenario[name] is not None] if only is None else only
    return ", ".join(
        f"{name}{NO_BREAK}={NO_BREAK}{_isolated(level(scenario[name]))}" for name in named if name in scenario
    )


def uncertain(estimate: float, mcse: float) -> str:
    """Write an estimate and its MCSE, both to the digits that the MCSE supports.

    Examples
    --------
    >>> uncertain(-0.499312, 0.000412), uncertain(1.0, 0.0)
    ('−0.4993 ± 0.0004', '1')
    """
    if not (math.isfinite(estimate) and math.isfinite(mcse) and mcse > 0.0):
        return shown(estimate, 6)
    if mcse < NEGLIGIBLE * abs(estimate):
        return f"{shown(estimate, 8)} ± {shown(mcse, 1)}"
    return _plus_minus(estimate, mcse, _resolution(mcse))


def interval(low: float, high: float) -> str:
    """Write an interval, its ends to two significant digits of its width.

    Examples
    --------
    >>> interval(-0.50123, -0.49741), interval(0.0, math.inf), interval(0.1, 0.1 + 2e-14)
    ('[−0.5012, −0.4974]', '[0, ∞]', '0.1 ± 10⁻¹⁴')
    """
    if math.isnan(low) and math.isnan(high):
        return shown(math.nan)
    width = high - low
    if not (math.isfinite(width) and width > 0.0):
        return f"[{shown(low, 8)}, {shown(high, 8)}]"
    if width < NEGLIGIBLE * max(abs(low), abs(high)):  # its ends would be written alike
        return f"{shown(low + width / 2, 8)} ± {shown(width / 2, 1)}"
    (left, right), scale = _aligned((low, high), math.floor(math.log10(width)) - 1)
    return f"[{left}, {right}]{scale}"


def zone(theory: float, margin: float) -> str:
    """Write what counts as agreement: theory ± margin.

    Examples
    --------
    >>> zone(-0.5, 0.01), zone(1 / 3, 0.02 / 3)
    ('−0.5 ± 0.01', '0.3333 ± 0.0067')
    """
    whole = math.isnan(theory) or float(f"{theory:.4g}") == theory
    if whole or not (math.isfinite(theory) and math.isfinite(margin) and margin > 0.0):
        return f"{shown(theory, 4)} ± {shown(margin, 3)}"
    return _plus_minus(theory, margin, math.floor(math.log10(margin)) - 1)


def percent(confidence: float) -> str:
    """Write a confidence level, rounded down, with as many nines as it has.

    Examples
    --------
    >>> percent(0.999937).replace(THIN, " "), percent(0.95).replace(THIN, " ")
    ('99.993 %', '95 %')
    """
    rest = 100.0 * (1.0 - confidence)
    if not 0.0 < rest < 100.0:
        return f"{shown(100.0 * confidence)}{THIN}%"
    decimals = max(0, -math.floor(math.log10(rest) + 1e-6))
    # 1e-6 of the last digit: 0.9999 must not become 99.98 for being stored as 0.99989999...
    kept = math.floor(100.0 * confidence * 10**decimals + 1e-6) / 10**decimals
    return f"{kept:.{decimals}f}{THIN}%"


def span(seconds: float) -> str:
    """Write a time to two digits at most, in the unit that suits it.

    Examples
    --------
    >>> [span(seconds).replace(THIN, " ") for seconds in (0.02, 42.4, 340.0, 9000.0)]
    ['under 1 s', '42 s', '5.7 min', '2.5 h']
    """
    if seconds < 1.0:
        return f"under 1{THIN}s"
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{shown(seconds / size, 2)}{THIN}{unit}"
    return f"{shown(seconds, 2)}{THIN}s"


def probability(value: float) -> str:
    """Write a probability with its relation; one that underflows is not 0.

    Examples
    --------
    >>> probability(0.0123), probability(0.0)
    ('= 0.012', '< 10⁻³⁰⁰')
    """
    return f"< {shown(UNDERFLOW)}" if value < UNDERFLOW else f"= {shown(value, 2)}"


def _isolated(text: str) -> str:
    """Keep text that runs from right to left from turning what stands around it."""
    turns = any(unicodedata.bidirectional(char) in {"R", "AL", "AN"} for char in text)
    return f"{ISOLATE}{text}{END}" if turns else text


def _special(x: float) -> str:
    if math.isnan(x):
        return "–"
    if math.isinf(x):
        return "∞" if x > 0 else f"{MINUS}∞"
    return "" if x else "0"


def _power(x: float, digits: int) -> int:
    """Find the decimal exponent after rounding: 9.9996 to four digits has exponent 1."""
    return int(f"{abs(x):.{digits - 1}e}".partition("e")[2])


def _resolution(error: float) -> int:
    """Find the decimal place to which an error is written: one significant digit, two if the first is 1."""
    leading, _, power = f"{error:.0e}".partition("e")
    return int(power) - (leading == "1")


def _plus_minus(center: float, width: float, place: int) -> str:
    (middle, around), scale = _aligned((center, width), place)
    return f"({middle} ± {around}){scale}" if scale else f"{middle} ± {around}"


def _aligned(values: tuple[float, float], place: int) -> tuple[list[str], str]:
    """Write two numbers to one decimal place, and the power of ten taken out of both, if they need one."""
    power = math.floor(math.log10(max(abs(value) for value in values)))
    scale = "" if SMALLEST < power < LARGEST else f"×{superscript(power)}"
    if not scale:
        power = 0
    decimals = min(max(0, power - place), 15)
    return [_signed(f"{Decimal(value).scaleb(-power):.{decimals}f}", value) for value in values], scale


def _signed(text: str, value: float) -> str:
    """Give digits a true minus sign; an exact zero is written as such, a rounded one loses its sign."""
    if value == 0.0:
        return "0"
    return text.replace("-", "" if float(text) == 0.0 else MINUS)


def _trim(text: str) -> str:
    digits = text.rstrip("0").rstrip(".") if "." in text else text
    return digits.replace("-", MINUS)
