from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from mcstudy.claims import Value
from mcstudy.findings import Verdict
from mcstudy.report.kinds import kind_of, leading
from mcstudy.scenarios import Scenario
from mcstudy.statistics import mean, variance

KIND = kind_of("value")


def texts(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_reading_names_the_deciding_cell_and_how_its_interval_lies(make: Any) -> None:
    (finding,) = make.judged(
        Value("1", "x", of=mean("x"), equals=0.0, margin=0.5), make.normals(0.0, 0.1, 0.2)
    )
    text = KIND.reading(finding).replace("\N{NO-BREAK SPACE}", " ")
    assert text.startswith(
        "In all 3 cells the claim is confirmed. At n = 3, the mean of x is 0.18 ± 0.03, its 98"
    )
    assert text.endswith(" lies inside 0 ± 0.5.")


@pytest.mark.parametrize(
    ("centers", "start", "end"),
    [
        ((0.0, 2.0), "In 1 of 2 cells the claim is refuted. At n", "lies outside 0 ± 0.5."),
        ((0.5, 0.5), "In both cells the claim stays open. At n", "neither lies inside nor avoids 0 ± 0.5."),
        ((0.0,), "The mean of x is ", "lies inside 0 ± 0.5."),
    ],
)
def test_reading_says_what_decided(make: Any, centers: tuple[float, ...], start: str, end: str) -> None:
    (finding,) = make.judged(Value("1", "x", of=mean("x"), equals=0.0, margin=0.5), make.normals(*centers))
    assert KIND.reading(finding).startswith(start)
    assert KIND.reading(finding).endswith(end)


def test_failures_are_told_with_what_they_do_to_the_verdict(make: Any) -> None:
    columns = make.normals(1.0)
    columns[Scenario(n=1)]["x"][:3] = np.nan
    claim: dict[str, Any] = {"of": mean("x"), "equals": 1.0, "margin": 0.5}
    (strict,) = make.judged(Value("1", "x", **claim), columns)
    assert strict.verdict is Verdict.UNDECIDED
    assert KIND.reading(strict).endswith(
        " 3 of 1024 replicates failed, which may be what leaves the claim undecided."
    )
    (lenient,) = make.judged(Value("1", "x", **claim, allowed_failures=3), columns)
    assert KIND.reading(lenient).endswith(" 3 of 1024 replicates failed.")
    assert KIND.columns["replicates"](lenient.cells[0], None) == "1024 (3 failed)"


def test_missing_values_are_told(make: Any) -> None:
    columns = {Scenario(n=1): {"x": np.where(np.arange(1024) < 5, np.nan, 1.0)}}
    (finding,) = make.judged(Value("1", "x", of=mean("x"), equals=1.0, margin=0.1), columns, missing=("x",))
    assert "5 of 1024 replicates without a value" in KIND.reading(finding)
    assert KIND.columns["replicates"](finding.cells[0], None) == "1024 (5 missing)"


def test_what_could_not_be_judged_can_be_read_and_drawn(make: Any) -> None:
    columns = {Scenario(n=n): {"x": np.full(1024, np.nan)} for n in (1, 2)}
    (finding,) = make.judged(Value("1", "x", of=mean("x"), equals=1.0, margin=0.1), columns)
    assert "the mean of x could not be estimated." in KIND.reading(finding)
    assert KIND.summary(finding).found == "–"
    axes = make.axes()
    KIND.draw(axes, finding)
    assert texts(axes).count("not estimated") == 2


def test_drawing_has_a_mark_for_every_cell_and_the_zone(make: Any) -> None:
    (finding,) = make.judged(
        Value("1", "x", of=mean("x"), equals=0.0, margin=0.5), make.normals(0.0, 0.1, 2.0)
    )
    axes = make.axes()
    caption = KIND.draw(axes, finding)
    heights = [y for line in axes.lines if line.get_marker() in {"o", "s"} for y in line.get_ydata()]
    assert heights == [0, -1, -2]
    edges = {line.get_xdata()[0] for line in axes.lines if line.get_color() == "#009e73"}
    assert edges == {-0.5, 0.5}
    assert caption == ""
    assert axes.get_xlabel() == "mean of x"
    assert {"1", "2", "3", "n"} <= set(texts(axes))


def test_cells_of_different_zones_are_standardised_on_a_wide_axis(make: Any) -> None:
    claim = Value("1", "x", of=mean("x"), equals=lambda n: float(n), margin=0.01)
    (finding,) = make.judged(claim, make.normals(1.0, 50.0))
    axes = make.axes()
    caption = KIND.draw(axes, finding)
    assert "standardised to 0 ± 1" in caption
    assert axes.get_xscale() == "symlog"
    assert axes.get_xlim()[1] > (50.0 - 2.0) / 0.01


def test_crowded_drawings_keep_the_deciding_cell_and_say_what_is_left_out(make: Any) -> None:
    columns = make.normals(*[0.0] * 29, 3.0, size=64)
    (finding,) = make.judged(Value("1", "x", of=mean("x"), equals=0.0, margin=2.0), columns)
    axes = make.axes()
    caption = KIND.draw(axes, finding, most=5)
    assert caption.startswith("5 of 30 cells.")
    assert "30" in texts(axes)


def test_where_not_all_cells_fit_each_level_is_kept(make: Any) -> None:
    columns = {
        Scenario(side=side, n=n): {"x": np.random.default_rng([n, side == "far"]).normal(shift, size=64)}
        for n in range(1, 11)
        for side, shift in (("near", 0.0), ("far", 0.5))
    }
    (finding,) = make.judged(Value("1", "x", of=mean("x"), equals=0.0, margin=3.0), columns)
    chosen = [finding.cells[index].scenario for index in leading(finding, 11)]
    assert {scenario["n"] for scenario in chosen} == set(range(1, 11))
    assert {scenario["side"] for scenario in chosen} == {"near", "far"}
    furthest = sorted(finding.cells, key=lambda cell: -cell.reach)[:11]
    assert {cell.scenario["side"] for cell in furthest} == {"far"} or len(
        {c.scenario["n"] for c in furthest}
    ) < 10


def test_levels_too_wide_for_columns_become_headings(make: Any) -> None:
    words = ("a level of more than one word", "another one as long as that")
    columns = {
        Scenario(n=n, start=start, another_factor=other): make.normals(0.0)[Scenario(n=1)]
        for n in (1, 2)
        for start in words
        for other in words
    }
    (finding,) = make.judged(Value("1", "x", of=mean("x"), equals=0.0, margin=0.5), columns)
    axes = make.axes()
    KIND.draw(axes, finding)
    headings = [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts(axes) if "start" in text]
    assert len(headings) == 4  # one for each group of rows that share these levels
    assert headings[0] == "start = a level of more than one word,"
    assert texts(axes).count("1") == texts(axes).count("2") == 4
    heights = [y for line in axes.lines if line.get_marker() == "o" for y in line.get_ydata()]
    assert heights == [-2, -3, -6, -7, -10, -11, -14, -15]
    assert KIND.heights(finding)[0] == pytest.approx(0.28 + 16 * 0.155 + 0.45)


def test_infinite_intervals_stay_on_the_axes(make: Any) -> None:
    columns = {Scenario(n=1): {"x": np.random.default_rng(5).normal(size=3)}}
    (finding,) = make.judged(Value("1", "x", of=variance("x"), equals=1.0, margin=0.5), columns)
    axes = make.axes()
    KIND.draw(axes, finding)
    assert all(map(math.isfinite, axes.get_xlim()))
