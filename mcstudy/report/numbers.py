"""Numbers as a reader wants them: the digits that the Monte Carlo error supports, and no others."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

__all__ = [
    "count",
    "interval",
    "latex",
    "level",
    "number",
    "percent",
    "shown",
    "superscript",
    "uncertain",
    "zone",
]

MINUS = "\N{MINUS SIGN}"
THIN = "\N{NARROW NO-BREAK SPACE}"
NEGLIGIBLE = 1e-7  # an error so much smaller than what it belongs to is rounding: it earns no more digits
SMALLEST, LARGEST = -4, 6  # decimal exponents outside of which a power of ten is written
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PLAIN = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_RAISED = re.compile("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_WORDS = re.compile(r"[A-Za-z]{2,}(?: [a-z]+)* ?")
_MACROS = {
    "≤": r"\le ",
    MINUS: "-",
    "±": r"\pm",
    "∞": r"\infty",
    "%": r"\%",
    THIN: r"\,",
    "–": r"\text{--}",
    "×": r"\times ",
}


def number(value: Any) -> float:
    """Read a number of a ledger, where NaN and infinities are strings and a missing one is None.

    Examples
    --------
    >>> number("inf"), number(2)
    (inf, 2.0)
    """
    return math.nan if value is None else float(value)


def superscript(power: int) -> str:
    """Write a power of ten in Unicode superscripts, for text that knows no markup.

    Examples
    --------
    >>> superscript(-8)
    '10⁻⁸'
    """
    return "10" + str(power).translate(_SUPERSCRIPT)


def count(value: Any) -> str:
    """Write a whole number in groups of three from five digits on.

    Examples
    --------
    >>> count(1024), count(16384) == f"16{THIN}384"
    ('1024', True)
    """
    size = int(value)
    return str(size) if abs(size) < 10_000 else f"{size:,}".replace(",", THIN)


def shown(value: Any, digits: int = 4) -> str:
    """Write a number to at most `digits` significant digits, without trailing zeros.

    Examples
    --------
    >>> shown(-0.5), shown(3.2e-14, 2), shown("nan")
    ('−0.5', '3.2×10⁻¹⁴', '–')
    """
    x = number(value)
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


def uncertain(estimate: Any, mcse: Any) -> str:
    """Write an estimate and its MCSE, both to the digits that the MCSE supports.

    Examples
    --------
    >>> uncertain(-0.499312, 0.000412), uncertain(1.0, 0.0)
    ('−0.4993 ± 0.0004', '1')
    """
    x, error = number(estimate), number(mcse)
    if not (math.isfinite(x) and math.isfinite(error) and error > 0.0):
        return shown(x, 6)
    if error < NEGLIGIBLE * abs(x):
        return f"{shown(x, 8)} ± {shown(error, 1)}"
    (value, plus_minus), scale = _aligned((x, error), _resolution(error))
    return f"({value} ± {plus_minus}){scale}" if scale else f"{value} ± {plus_minus}"


def interval(low: Any, high: Any) -> str:
    """Write an interval, its ends to two significant digits of its width.

    Examples
    --------
    >>> interval(-0.50123, -0.49741), interval(0.0, "inf")
    ('[−0.5012, −0.4974]', '[0, ∞]')
    """
    ends = (number(low), number(high))
    if math.isnan(ends[0]) and math.isnan(ends[1]):
        return shown(math.nan)
    width = ends[1] - ends[0]
    if not (math.isfinite(width) and width > NEGLIGIBLE * max(abs(end) for end in ends)):
        return f"[{shown(ends[0], 8)}, {shown(ends[1], 8)}]"
    (left, right), scale = _aligned(ends, math.floor(math.log10(width)) - 1)
    return f"[{left}, {right}]{scale}"


def zone(theory: Any, margin: Any) -> str:
    """Write what counts as agreement: theory ± margin.

    Examples
    --------
    >>> zone(-0.5, 0.01), zone(1 / 3, 0.02 / 3)
    ('−0.5 ± 0.01', '0.3333 ± 0.0067')
    """
    center, width = number(theory), number(margin)
    whole = math.isnan(center) or float(f"{center:.4g}") == center
    if whole or not (math.isfinite(center) and math.isfinite(width) and width > 0.0):
        return f"{shown(center, 4)} ± {shown(width, 3)}"
    (middle, plus_minus), scale = _aligned((center, width), math.floor(math.log10(width)) - 1)
    return f"({middle} ± {plus_minus}){scale}" if scale else f"{middle} ± {plus_minus}"


def percent(confidence: Any) -> str:
    """Write a confidence level, rounded down, with as many nines as it has.

    Examples
    --------
    >>> percent(0.999937).replace(THIN, " "), percent(0.95).replace(THIN, " ")
    ('99.993 %', '95 %')
    """
    level = number(confidence)
    rest = 100.0 * (1.0 - level)
    if not 0.0 < rest < 100.0:
        return f"{shown(100.0 * level)}{THIN}%"
    decimals = max(0, -math.floor(math.log10(rest) + 1e-6))
    # 1e-6 of the last digit: 0.9999 must not become 99.98 for being stored as 0.99989999...
    kept = math.floor(100.0 * level * 10**decimals + 1e-6) / 10**decimals
    return f"{kept:.{decimals}f}{THIN}%"


def latex(text: str) -> str:
    r"""Rewrite this module's numbers for LaTeX's mathematics mode.

    Examples
    --------
    >>> print(latex("3.2×10⁻¹⁴"), latex("−0.5 ± 0.01"))
    3.2\times 10^{-14} -0.5 \pm 0.01
    """
    text = _WORDS.sub(lambda match: rf"\text{{{match[0]}}}", text)
    for symbol, macro in _MACROS.items():
        text = text.replace(symbol, macro)
    return _RAISED.sub(lambda match: "^{" + match[0].translate(_PLAIN) + "}", text)


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
