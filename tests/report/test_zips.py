"""Zip plots: that they show the intervals that a ledger keeps, whatever these are, and say how these were chosen."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mcstudy.drawing import lay_out
from mcstudy.measured import Intervals, MeasureCell, Measured
from mcstudy.report import write_report
from mcstudy.report.figures import write_figures
from mcstudy.report.measures import description_of, draw_measure, figure_of
from mcstudy.report.numbers import NO_BREAK
from mcstudy.report.style import BLUE, INK, VERMILLION, house_style
from mcstudy.scenarios import Scenario, grid

WIDTH = 4.4
INF = math.inf
Pairs = list[tuple[float, float]]

# From the one that covers 1 best to the one that misses it most.
PAIRS: Pairs = [(0.0, 2.5), (0.5, 3.0), (0.75, 4.0), (1.5, 2.0)]


def cell_of(
    pairs: Pairs,
    *,
    truth: Sequence[float] = (1.0,),
    replicates: int = 0,
    target: float | None = None,
    scenario: Scenario | None = None,
) -> MeasureCell:
    """A cell that keeps some intervals."""
    low, high = (tuple(float(pair[end]) for pair in pairs) for end in (0, 1))
    covered = np.mean((np.array(low) <= truth) & (np.array(high) >= truth))
    where, count = scenario or Scenario(n=1), replicates or len(pairs)
    return MeasureCell(
        where, float(covered), 0.05, count, 0, None, target, Intervals(low, high, tuple(truth))
    )


def measured_of(*cells: MeasureCell) -> Measured:
    """A measure of these cells."""
    return Measured("m", "", "coverage of low, high", "", cells)


def several(intervals: Mapping[str, Pairs]) -> Measured:
    """A measure with a cell for each method."""
    cells = (cell_of(pairs, scenario=Scenario(method=name)) for name, pairs in intervals.items())
    return measured_of(*cells)


def drawn(measured: Measured) -> tuple[Figure, list[Axes], str]:
    """The figure, its axes that have data, and its caption."""
    with house_style():
        figure, caption = figure_of(measured, WIDTH)
        lay_out(figure)
    return figure, [axes for axes in figure.axes if axes.axison], caption


def lines_of(axes: Axes, colour: str) -> npt.NDArray[np.float64]:
    """Lower limit, upper limit and centile of the lines of a colour, shape (k, 3)."""
    (line,) = (one for one in axes.lines if one.get_color() == colour)
    x, y = (np.asarray(data).reshape(-1, 3) for data in line.get_data())
    assert np.array_equal(y[:, 0], y[:, 1])
    return np.column_stack([x[:, :2], y[:, 0]])


def rules_of(axes: Axes) -> dict[str, list[float]]:
    """Where the upright, solid and dashed rules are."""
    rules = [one for one in axes.lines if one.get_color() == INK]
    upright = [one for one in rules if np.array_equal(one.get_ydata(), [0, 1])]
    across = [one for one in rules if one not in upright]
    return {
        "upright": [float(np.asarray(one.get_xdata())[0]) for one in upright],
        "solid": [float(np.asarray(one.get_ydata())[0]) for one in across if one.get_linestyle() == "-"],
        "dashed": [float(np.asarray(one.get_ydata())[0]) for one in across if one.get_linestyle() != "-"],
    }


def test_lines_stand_at_their_centiles_in_the_colour_of_what_they_do() -> None:
    _, (axes,), caption = drawn(measured_of(cell_of(PAIRS, target=0.9)))
    assert lines_of(axes, BLUE).tolist() == [[0.0, 2.5, 12.5], [0.5, 3.0, 37.5], [0.75, 4.0, 62.5]]
    assert lines_of(axes, VERMILLION).tolist() == [[1.5, 2.0, 87.5]]
    assert rules_of(axes) == {"upright": [1.0], "solid": [65.0, 85.0], "dashed": [90.0]}
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_ylim()) == ("limits", "centile", (0.0, 100.0))
    assert caption == (
        "Intervals, from the bottom up by how far the truth is from their middle in half-widths: all of them. "
        "Upright: the truth. Across: the coverage, two Monte Carlo standard errors to either side. "
        "Dashed: the target 0.9."
    )


def test_colours_have_a_legend() -> None:
    figure, _, _ = drawn(measured_of(cell_of(PAIRS)))
    (legend,) = filter(None, (axes.get_legend() for axes in figure.axes))
    found = {
        text.get_text(): line.get_color()
        for text, line in zip(legend.get_texts(), legend.get_lines(), strict=True)
    }
    assert found == {"covers the truth": BLUE, "misses it": VERMILLION}


def test_the_caption_tells_that_lines_were_chosen_and_where_there_is_no_target() -> None:
    _, (axes,), caption = drawn(measured_of(cell_of(PAIRS * 25, replicates=4096)))
    assert ": 100 at equally spaced centiles. " in caption
    assert "Dashed" not in caption
    assert rules_of(axes)["dashed"] == []


@pytest.mark.parametrize(
    ("pairs", "covered", "solid"),
    [([(0.0, 2.0)] * 3, 3, [90.0, 100.0]), ([(3.0, 4.0)] * 3, 0, [0.0, 10.0])],
)
def test_all_may_cover_or_none(pairs: Pairs, covered: int, solid: list[float]) -> None:
    _, (axes,), _ = drawn(measured_of(cell_of(pairs)))
    assert [len(lines_of(axes, colour)) for colour in (BLUE, VERMILLION)] == [covered, 3 - covered]
    assert sorted(rules_of(axes)["solid"]) == pytest.approx(solid)
    low, high = axes.get_xlim()
    assert low < 1.0 < high  # the truth is seen, wherever intervals are


def test_every_scenario_has_an_axis_of_its_own() -> None:
    scales = {"tiny": 1e-9, "one": 1.0, "huge": 1e9}
    pairs = {name: [(scale * low, scale * high) for low, high in PAIRS] for name, scale in scales.items()}
    measured = measured_of(
        *(
            cell_of(pairs[name], truth=(scale,), scenario=Scenario(method=name))
            for name, scale in scales.items()
        )
    )
    _, panels, _ = drawn(measured)
    titles = [axes.get_title(loc="left").replace(NO_BREAK, " ") for axes in panels]
    assert titles == ["method = tiny", "method = one", "method = huge"]
    for axes, scale in zip(panels, scales.values(), strict=True):
        low, high = axes.get_xlim()
        assert (low / scale, high / scale) == pytest.approx((-0.16, 4.16))
    assert [axes.xaxis.label.get_visible() for axes in panels] == [False, True, True]
    assert [axes.yaxis.label.get_visible() for axes in panels] == [True, False, True]


def test_limits_that_are_infinite_or_very_far_reach_the_edge() -> None:
    one_sided = [(-INF, 3.0 - k / 2) for k in range(4)]
    _, (axes,), caption = drawn(measured_of(cell_of([*one_sided, (-INF, 0.0)])))
    low, high = axes.get_xlim()
    assert set(lines_of(axes, BLUE)[:, 0]) == {low}
    assert lines_of(axes, VERMILLION)[:, :2].tolist() == [[low, 0.0]]
    assert (low < 0.0, high > 3.0) == (True, True)
    assert caption.endswith("Lines that reach an edge go on.")
    _, (axes,), _ = drawn(measured_of(cell_of([(-INF, INF), (-1e300, 1e300)])))
    assert lines_of(axes, BLUE)[:, :2].tolist() == [list(axes.get_xlim())] * 2


def test_a_heavy_tail_leaves_room_for_the_others() -> None:
    pairs = [*[(0.0, 2.0)] * 97, (-1e6, 1e6), (0.9, 1e7), (5.0, 9.0)]
    _, (axes,), caption = drawn(measured_of(cell_of(pairs)))
    low, high = axes.get_xlim()
    assert -20.0 < low < high < 20.0
    assert lines_of(axes, BLUE)[-1, 1] == high
    assert "Lines that reach an edge go on." in caption
    normal = np.random.default_rng(1).normal(size=100)
    _, (axes,), caption = drawn(measured_of(cell_of([(x - 2.0, x + 2.0) for x in normal])))
    assert "edge" not in caption


def test_limits_that_are_all_equal_or_nearly_all_have_an_axis() -> None:
    for pairs, truth in (([(1.0, 1.0)] * 3, 1.0), ([(0.0, 0.0)] * 3, 0.0), ([(2.0, 2.0)] * 3, 1.0)):
        _, (axes,), _ = drawn(measured_of(cell_of(pairs, truth=(truth,))))
        low, high = axes.get_xlim()
        assert low < truth < high
        assert low < pairs[0][0] < high
    _, (axes,), caption = drawn(measured_of(cell_of([*[(1.0, 1.0)] * 97, *[(0.0, 2.0)] * 3])))
    assert axes.get_xlim() == pytest.approx((-0.08, 2.08))
    assert "edge" not in caption


def test_truths_of_their_own_are_taken_off_the_limits() -> None:
    measured = measured_of(cell_of([(0.0, 2.0), (10.0, 13.0), (4.0, 6.0)], truth=(1.0, 11.0, 7.0)))
    _, (axes,), _ = drawn(measured)
    assert axes.get_xlabel() == "limits − truth"
    assert lines_of(axes, BLUE)[:, :2].tolist() == [[-1.0, 1.0], [-1.0, 2.0]]
    assert lines_of(axes, VERMILLION)[:, :2].tolist() == [[-3.0, -1.0]]
    assert rules_of(axes)["upright"] == [0.0]


def test_an_infinite_truth_is_not_drawn() -> None:
    _, (axes,), _ = drawn(measured_of(cell_of([(0.0, INF), (0.0, 1.0)], truth=(INF,))))
    assert rules_of(axes)["upright"] == []
    assert len(lines_of(axes, VERMILLION)) == 1
    _, (axes,), _ = drawn(measured_of(cell_of([(0.0, INF), (0.0, 1.0)], truth=(INF, 0.5))))
    assert rules_of(axes)["upright"] == [0.0]


def test_a_scenario_without_intervals_has_no_panel() -> None:
    lost = MeasureCell(Scenario(method="lost"), math.nan, math.nan, 1, 63)
    measured = several({"a": PAIRS, "b": PAIRS})
    _, panels, _ = drawn(measured_of(*measured.cells, lost))
    assert len(panels) == 2


def test_without_intervals_the_picture_is_another() -> None:
    bare = [MeasureCell(scenario, 0.9, 0.01, 64, 0) for scenario in grid(method=("a", "b"))]
    _, (axes,), caption = drawn(measured_of(*bare))
    assert caption.startswith("Bars")
    assert axes.get_xlabel() == "coverage of low, high"


def test_who_does_not_see_the_lines_is_told_on_which_side_they_miss() -> None:
    below: Pairs = [(0.0, 2.0), (0.0, 0.5), (-1.0, 0.25)]
    text = description_of(several({"a": PAIRS, "b": below})).replace(NO_BREAK, " ")
    assert text.endswith(
        "Intervals drawn that miss the truth: method = a: 0 below, 1 above; method = b: 2 below, 0 above."
    )
    assert description_of(measured_of(cell_of(PAIRS))).endswith("miss the truth: 0 below, 1 above.")


def test_given_axes_get_the_zip_plot_of_one_scenario_and_points_of_several() -> None:
    axes = Figure().add_subplot()
    assert draw_measure(axes, measured_of(cell_of(PAIRS))).startswith("Intervals")
    assert axes.get_ylabel() == "centile"
    axes = Figure().add_subplot()
    assert draw_measure(axes, several({"a": PAIRS, "b": PAIRS})).startswith("Bars")
    assert axes.get_xlabel() == "coverage of low, high"


def test_nothing_leaves_the_sheet_and_no_title_its_panel() -> None:
    names = [f"{letter} very long and winding name of a method" for letter in "abcdefghi"]
    figure, panels, _ = drawn(several({name: [(1e6 * a, 1e6 * b) for a, b in PAIRS] for name in names}))
    assert len(panels) == 9
    for axes in panels:
        (title,) = (
            text for text in axes.get_children() if getattr(text, "get_text", str)().startswith("method")
        )
        box = title.get_window_extent()
        right = figure.bbox.x1 if panels.index(axes) % 2 else figure.bbox.x1 / 2 + axes.bbox.x0
        assert axes.bbox.x0 - 1 <= box.x0 < box.x1 <= right
    boxes = [label.get_window_extent() for axes in panels for label in axes.texts]
    assert len(boxes) >= 18
    assert all(box.x0 >= 0.0 and box.x1 <= figure.bbox.x1 for box in boxes)


def test_the_page_and_the_files_show_one_scenario_too(make: Any, tmp_path: Path) -> None:
    """A single number needs no picture; its intervals do."""
    ledger = make.ledger_of((), measures=(measured_of(cell_of(PAIRS * 25, target=0.95)),))
    page = write_report(ledger, tmp_path).read_text(encoding="utf-8")
    assert page.count("<figure>") == 1
    assert "0 below, 25 above" in re.findall(r"<desc[^>]*>(.*?)</desc>", page)[0]
    folder = tmp_path / ledger.study.name / "figures"
    assert {path.name for path in folder.iterdir()} == {"measure-m.pdf", "measure-m.svg"}
    first = (folder / "measure-m.svg").read_bytes()
    for path in folder.iterdir():
        path.unlink()
    svg = write_figures(ledger, folder)["measure-m"].svg
    assert (folder / "measure-m.svg").read_bytes() == first
    assert {colour for colour in ("--blue", "--vermillion", "--ink") if f"var({colour})" in svg} == {
        "--blue",
        "--vermillion",
        "--ink",
    }
    assert not re.search("#[0-9a-f]{6}", svg)  # what has a colour of its own does not follow the dark mode
    root = ElementTree.fromstring(svg)
    width = float(root.attrib["viewBox"].split()[2])
    sizes = [float(text.attrib["font-size"]) for text in root.iter("text")]
    assert min(sizes) * 328 / width >= 9.0  # on a phone of 360 px
