"""Pictures of measures: which one a design gets, and that they show the numbers that they are drawn from."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mcstudy.measured import MeasureCell, Measured
from mcstudy.report import write_report
from mcstudy.report.measures import draw_measure, figure_of, reading_of
from mcstudy.report.numbers import NO_BREAK
from mcstudy.report.style import COLOURS, house_style
from mcstudy.scenarios import grid

WIDTH = 4.4
METHODS = ("Wald", "Wilson", "Jeffreys")


def made(
    estimate: Callable[..., float],
    *,
    target: Callable[..., float] | None = None,
    over: str = "",
    lines: str = "",
    **levels: Any,
) -> Measured:
    """A measure that is a function of the factors, with an error of 0.01."""
    cells = [
        MeasureCell(s, estimate(**s), 0.01, 64, 0, None, target(**s) if target else None)
        for s in grid(**levels)
    ]
    return Measured("m", "", "coverage of low, high", over, tuple(cells), lines)


def drawn(measured: Measured) -> tuple[list[Axes], str]:
    """The axes of its figure that have data, and its caption."""
    with house_style():
        figure, caption = figure_of(measured, WIDTH)
    return [axes for axes in figure.axes if axes.axison], caption


def points(axes: Axes, colour: str) -> Any:
    """What the marks of a line show, shape (k, 2)."""
    (line,) = (
        one for one in axes.lines if one.get_color() == colour and one.get_marker() not in ("None", "|")
    )
    return np.asarray(line.get_xydata())


def bars_of(axes: Axes, colour: str) -> Any:
    """Ends of the bars of a line on the vertical axis, shape (k, 2)."""
    line = next(one for one in axes.lines if one.get_color() == colour and one.get_marker() == "None")
    return np.asarray(line.get_ydata()).reshape(-1, 3)[:, :2]


def below(n: int, method: str = "Wald", **_: Any) -> float:
    return 0.95 - 0.3 * (method == "Wald") / n


def test_numbers_make_curves_with_bars_of_two_errors() -> None:
    (axes,), caption = drawn(made(below, n=(30, 10, 90), method=METHODS, target=lambda **_: 0.95))
    assert points(axes, COLOURS[0]).tolist() == [[n, below(n)] for n in (10, 30, 90)]
    assert np.allclose(bars_of(axes, COLOURS[0])[0], [below(10) - 0.02, below(10) + 0.02])
    assert axes.get_xscale() == "log"
    assert axes.get_yscale() == "linear"
    assert [axes.get_xlabel(), axes.get_ylabel()] == ["n", "coverage of low, high"]
    assert caption == "Bars: two Monte Carlo standard errors to either side. Dashed: the target 0.95."


def test_lines_differ_in_colour_mark_and_dash() -> None:
    (axes,), _ = drawn(made(below, n=(10, 30, 90), method=METHODS))
    marked = [line for line in axes.lines if line.get_marker() != "None"]
    for looks in (
        [line.get_color() for line in marked],
        [line.get_marker() for line in marked],
        [repr(line._dash_pattern) for line in marked],  # type: ignore[attr-defined]
    ):
        assert len(set(looks)) == len(METHODS)


@pytest.mark.parametrize(
    ("levels", "scale"),
    [((10, 30, 90), "log"), ((8, 16, 1024), "log"), ((10, 20, 30), "linear"), ((0, 1, 10), "linear")],
)
def test_the_axis_is_logarithmic_where_levels_are_geometric(levels: tuple[int, ...], scale: str) -> None:
    (axes,), _ = drawn(made(lambda n: 0.5, n=levels))
    assert axes.get_xscale() == scale


def test_values_of_many_magnitudes_have_a_logarithmic_axis() -> None:
    (axes,), _ = drawn(made(lambda n: 1 / n, n=(1, 10, 100)))
    assert axes.get_yscale() == "log"
    assert bars_of(axes, COLOURS[0]).min() > 0.0  # two errors would reach below 0


def test_a_shared_target_is_drawn_once_and_others_beside_each_line() -> None:
    def dashed(measured: Measured) -> int:
        (axes,), _ = drawn(measured)
        return sum(line.get_linewidth() == 1.0 and line.get_marker() == "None" for line in axes.lines) - 3

    levels: dict[str, Any] = {"n": (10, 30, 90), "method": METHODS}
    assert dashed(made(below, **levels)) == 0
    assert dashed(made(below, **levels, target=lambda n, **_: 1 / n)) == 1
    assert dashed(made(below, **levels, target=lambda method, **_: len(method) / 10)) == 3


def test_remaining_factors_make_panels_on_common_axes() -> None:
    axes, _ = drawn(made(below, n=(10, 30, 90), method=METHODS, p=(0.1, 0.5), law=("t", "normal")))
    titles = [one.get_title(loc="left").replace(NO_BREAK, " ") for one in axes]
    assert titles == [f"p = {p}, law = {law}" for p in (0.1, 0.5) for law in ("t", "normal")]
    assert len({one.get_ylim() for one in axes}) == 1
    assert [one.yaxis.label.get_visible() for one in axes] == [True, False, True, False]
    assert [one.xaxis.label.get_visible() for one in axes] == [False, False, True, True]


def test_words_make_rows_on_stems_from_the_target() -> None:
    levels: dict[str, Any] = {"method": METHODS, "law": ("t", "normal")}
    measured = made(lambda method, law: len(method) / 10, target=lambda **_: 0.5, **levels)
    (axes,), caption = drawn(measured)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(METHODS)
    assert points(axes, COLOURS[1])[:, 0].tolist() == [0.4, 0.6, 0.8]
    stems = next(line for line in axes.lines if line.get_color() == COLOURS[1])
    assert np.asarray(stems.get_xdata()).reshape(-1, 3)[:, :2].tolist() == [
        [0.5, 0.4],
        [0.5, 0.6],
        [0.5, 0.8],
    ]
    heights = [points(axes, colour)[:, 1] for colour in COLOURS[:2]]
    assert np.all(heights[0] > heights[1])  # in the order of the legend
    assert caption.endswith("Upright strokes: the target 0.5.")


def many(count: int) -> Measured:
    return made(below, n=(10, 30), method=METHODS, p=tuple(k / 20 for k in range(1, count + 1)), over="n")


def test_more_panels_than_fit_become_nested_loops() -> None:
    assert len(drawn(many(9))[0]) == 9
    (axes, loops), caption = drawn(many(10))
    shown = points(axes, COLOURS[0])
    assert shown[:, 0].tolist() == list(range(20))
    assert shown[:, 1].tolist() == [below(n) for _ in range(10) for n in (10, 30)]
    assert [label.get_text() for label in loops.get_yticklabels()] == ["p", "n"]
    for row, steps in ((0, 10), (1, 2)):
        assert len(np.unique(np.asarray(loops.lines[row].get_ydata()))) == steps
    assert "p: 0.05 … 0.5; n: 10, 30." in caption


def test_nested_loops_end_where_steps_are_too_narrow() -> None:
    measured = made(below, n=tuple(range(1, 42)), p=tuple(range(11)), over="n")
    (axes, _), caption = drawn(measured)
    assert len(points(axes, COLOURS[0])) == 400
    assert "The first 400 are shown, 51 more are in the table." in caption


def test_what_could_not_be_estimated_is_left_out_and_told() -> None:
    measured = made(lambda n: math.nan if n == 10 else n / 100, n=(10, 30, 90))
    (axes,), _ = drawn(measured)
    assert points(axes, COLOURS[0]).tolist() == [[30, 0.3], [90, 0.9]]
    text = reading_of(measured).replace(NO_BREAK, " ")
    assert text == (
        "The coverage of low, high goes from 0.300 ± 0.010 (at n = 30) to 0.900 ± 0.010 (at n = 90). "
        "Not estimated in 1 scenario."
    )
    nothing = made(lambda n: math.nan, n=(10, 30, 90))
    assert reading_of(nothing) == "The coverage of low, high could not be estimated."
    assert len(drawn(nothing)[0]) == 1


def test_reading_of_one_number_and_of_equal_ones() -> None:
    one = made(lambda n: 0.5, n=(1,), target=lambda n: 0.25)
    assert reading_of(one) == "The coverage of low, high is 0.500 ± 0.010; its target is 0.25."
    assert "is 0.500 ± 0.010 everywhere." in reading_of(made(lambda n: 0.5, n=(1, 2)))


def test_given_axes_get_all_lines() -> None:
    axes = Figure().add_subplot()
    draw_measure(axes, made(below, n=(10, 30, 90), method=METHODS, p=(0.1, 0.2, 0.3)))
    legend = axes.get_legend()
    assert legend is not None
    names = [text.get_text().replace(NO_BREAK, " ") for text in legend.get_texts()]
    assert names[0] == "method = Wald, p = 0.1"
    assert len(names) == 8  # the ninth is grey
    one = Figure().add_subplot()
    draw_measure(one, made(lambda n: 0.5, n=(1,)))
    assert one.get_legend() is None
    assert len(one.get_yticklabels()) == 1


def test_a_page_of_300_scenarios_is_small(make: Any, tmp_path: Path) -> None:
    levels: dict[str, Any] = {"n": (10, 20, 40, 80, 160), "method": METHODS, "p": (0.1, 0.2, 0.3, 0.4, 0.5)}
    measures = [
        made(below, **levels, law=("t", "normal", "gamma", "beta"), over=over) for over in ("n", "law")
    ]
    named = tuple(Measured(f"m{k}", "", m.label, m.over, m.cells, m.lines) for k, m in enumerate(measures))
    page = write_report(make.ledger_of((), measures=named), tmp_path)
    assert len(named[0].cells) == 300
    assert page.stat().st_size < 1_000_000
    text = page.read_text(encoding="utf-8")
    assert text.count("<figure>") == 2
    assert "combinations" in text
