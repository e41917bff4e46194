from __future__ import annotations

import math
import re

import pytest

from mcstudy.report.numbers import (
    NO_BREAK,
    THIN,
    count,
    interval,
    label,
    level,
    percent,
    plural,
    probability,
    shown,
    uncertain,
    zone,
)

SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")


def value_of(text: str) -> float:
    """Read a number as a person does."""
    mantissa, _, power = text.partition("×10")
    if not power and (match := re.fullmatch("10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", text)):
        mantissa, power = "1", match[1]
    return float(f"{mantissa.translate(SUPERSCRIPTS)}e{power.translate(SUPERSCRIPTS) or 0}")


@pytest.mark.parametrize(
    "x", [1.0, -0.5, 123456.0, 1e6, 9.9996, 0.00099999, 3.2e-14, -1.5e300, 5e-324, 0.1 + 0.2]
)
@pytest.mark.parametrize("digits", [2, 4, 6])
def test_shown_number_within_half_a_digit_of_the_true_one(x: float, digits: int) -> None:
    if x == 5e-324:
        assert shown(x, digits).endswith(
            "×10⁻³²⁴"
        )  # below the normal numbers: floats can't hold the text's value
        return
    half_digit = 0.5 * 10.0 ** (math.floor(math.log10(abs(x))) - digits + 1)
    assert value_of(shown(x, digits)) == pytest.approx(x, abs=half_digit * (1 + 1e-9))


@pytest.mark.parametrize(
    ("x", "text"), [(math.nan, "–"), (math.inf, "∞"), (-math.inf, "−∞"), (0.0, "0"), (1e6, "10⁶")]
)
def test_special_numbers(x: float, text: str) -> None:
    assert shown(x) == text


@pytest.mark.parametrize(
    ("estimate", "mcse", "text"),
    [
        (-0.499312, 0.000412, "−0.4993 ± 0.0004"),
        (0.9999, 0.00096, "0.9999 ± 0.0010"),  # the error's rounding carries into a digit of its own
        (1.2345e-8, 3e-10, "(1.23 ± 0.03)×10⁻⁸"),
        (12345678.0, 120.0, "(1.234568 ± 0.000012)×10⁷"),
        (-1e-17, 1e-3, "0.0000 ± 0.0010"),  # no negative zero
        (0.3, 0.0, "0.3"),
        (-0.500000000000001, 3e-15, "−0.5 ± 3×10⁻¹⁵"),  # rounding, not Monte Carlo: no digits of its own
        (math.nan, math.nan, "–"),
        (2.0, math.inf, "2"),
    ],
)
def test_estimate_has_the_digits_of_its_error(estimate: float, mcse: float, text: str) -> None:
    assert uncertain(estimate, mcse) == text


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((-0.50123, -0.49741), "[−0.5012, −0.4974]"),
        ((0.0, 3e-6), "[0, 3.0]×10⁻⁶"),
        ((0.25, 0.25), "[0.25, 0.25]"),
        ((-0.500000000000013, -0.499999999999989), "−0.5 ± 10⁻¹⁴"),
        ((0.0, math.inf), "[0, ∞]"),
        ((math.nan, math.nan), "–"),
    ],
)
def test_interval_has_two_digits_of_its_width(ends: tuple[float, float], text: str) -> None:
    assert interval(*ends) == text


@pytest.mark.parametrize(
    ("theory", "margin", "text"),
    [
        (-0.5, 0.01, "−0.5 ± 0.01"),
        (1 / 3, 0.02 / 3, "0.3333 ± 0.0067"),
        (0.0, 1e-10, "0 ± 10⁻¹⁰"),
        (math.nan, math.nan, "– ± –"),
    ],
)
def test_zone(theory: float, margin: float, text: str) -> None:
    assert zone(theory, margin) == text


@pytest.mark.parametrize("nines", range(2, 12))
def test_confidence_never_overstated(nines: int) -> None:
    confidence = 1.0 - 0.7 * 10.0**-nines
    text = percent(confidence).removesuffix(f"{THIN}%")
    assert float(text) <= math.nextafter(100 * confidence, math.inf)
    # One unit in the last digit is less than the whole risk: the text never says 100 %.
    assert 100.0 - float(text) <= 2.0 * 100 * (1 - confidence)


def test_counts_and_levels() -> None:
    assert [count(1024), count(16384)] == ["1024", f"16{THIN}384"]
    assert [level(2**20), level(0.1 + 0.2), level("a b"), level(None), level(False)] == [
        f"1{THIN}048{THIN}576",
        "0.3",
        "a b",
        "none",
        "false",
    ]


def test_counts_agree_with_their_words() -> None:
    assert [plural(n, "scenario") for n in (0, 1, 16384)] == [
        "0 scenarios",
        "1 scenario",
        f"16{THIN}384 scenarios",
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "< 10⁻³⁰⁰"), (1e-301, "< 10⁻³⁰⁰"), (1e-299, "= 10⁻²⁹⁹"), (0.5, "= 0.5")]
)
def test_no_probability_is_called_zero(value: float, text: str) -> None:
    assert probability(value) == text


def test_labels_leave_out_what_is_not_asked_for() -> None:
    scenario = {"d": 3, "start": "worst", "gone": None}
    assert label(scenario).replace(NO_BREAK, " ") == "d = 3, start = worst"
    assert label(scenario, ["start", "other"]).replace(NO_BREAK, " ") == "start = worst"
