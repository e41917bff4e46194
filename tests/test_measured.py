"""What a run knows of a measure, and the part that each factor gets."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

import mcstudy as mc
from mcstudy.codec import from_plain, plain
from mcstudy.exceptions import InputError
from mcstudy.measured import Intervals, Layout, MeasureCell, Measured, known

METHODS = ("Wald", "Wilson")


def measured(*, over: str = "", lines: str = "", target: Any = None, **levels: Any) -> Measured:
    """A measure that is 1, 2, ... in the scenarios of a grid."""
    cells = [
        MeasureCell(scenario, float(k), 0.1, 64, 0, None, target(**scenario) if target else None)
        for k, scenario in enumerate(mc.grid(**levels), start=1)
    ]
    return Measured("m", "", "mean of x", over, tuple(cells), lines)


@pytest.mark.parametrize(
    ("parts", "layout"),
    [
        ({"n": (1, 2, 4)}, Layout("n", "", ())),
        ({"n": (1,)}, Layout("", "", ())),
        ({"p": (0.1, 0.2), "n": (1, 2, 4), "method": METHODS}, Layout("n", "method", ("p",))),
        ({"p": (0.1, 0.2), "n": (1, 2, 4), "method": METHODS, "over": "p"}, Layout("p", "method", ("n",))),
        ({"p": (0.1, 0.2), "n": (1, 2, 4), "method": METHODS, "lines": "p"}, Layout("n", "p", ("method",))),
        ({"p": (0.1, 0.2), "n": (1, 2, 4), "lines": "n"}, Layout("p", "n", ())),
        # A factor that has one level in this profile has no part.
        ({"p": (0.1, 0.2), "n": (1,), "method": METHODS, "over": "n"}, Layout("p", "method", ())),
        ({"p": (0.1, 0.2), "method": METHODS, "law": ("t",), "lines": "law"}, Layout("p", "method", ())),
        # Words make rows where there are no numbers; yes and no are words.
        ({"law": ("normal", "t", "gamma"), "method": METHODS}, Layout("law", "method", ())),
        ({"robust": (True, False), "n": (1, 2)}, Layout("n", "robust", ())),
        # Nine lines can't be told apart.
        ({"n": tuple(range(10)), "d": tuple(range(9))}, Layout("n", "", ("d",))),
    ],
)
def test_every_factor_with_several_levels_gets_a_part(parts: dict[str, Any], layout: Layout) -> None:
    assert measured(**parts).layout == layout


def test_numbers_ascend_and_words_keep_their_order() -> None:
    one = measured(n=(30, 10), method=("Wilson", "Wald"))
    order = [(cell.scenario["method"], cell.scenario["n"]) for cell in one.ordered(("method", "n"))]
    assert order == [("Wilson", 10), ("Wilson", 30), ("Wald", 10), ("Wald", 30)]
    assert one.ascending("n") == [10, 30]


def test_cells_are_divided_into_panels_and_lines() -> None:
    division = measured(p=(0.2, 0.1), n=(1, 2), method=METHODS).divided(("method",), ("p",))
    assert division.lines == [{"method": "Wald"}, {"method": "Wilson"}]
    assert [panel.levels for panel in division.panels] == [{"p": 0.1}, {"p": 0.2}]
    found = [[cell.estimate for cell in series.cells] for series in division.panels[1].series]
    assert found == [[1.0, 3.0], [2.0, 4.0]]


def test_a_line_has_its_position_in_every_panel() -> None:
    whole = measured(p=(0.1, 0.2), n=(1, 2), method=METHODS)
    lacking = [c for c in whole.cells if c.scenario["p"] == 0.1 or c.scenario["method"] == "Wilson"]
    division = Measured("m", "", "mean of x", "n", tuple(lacking)).divided(("method",), ("p",))
    assert [[series.position for series in panel.series] for panel in division.panels] == [[0, 1], [1]]


def test_targets_are_shared_where_they_hang_on_these_factors_only() -> None:
    levels: dict[str, Any] = {"n": (1, 2), "method": METHODS}
    (panel,) = measured(**levels, target=lambda n, **_: n).divided(("method",), ()).panels
    assert panel.shares_targets(["n"])
    (panel,) = measured(**levels, target=lambda method, **_: len(method)).divided(("method",), ()).panels
    assert not panel.shares_targets(["n"])


def test_extremes_are_of_estimates_and_targets() -> None:
    assert measured(n=(1, 2), target=lambda n: 0.5).extremes == (0.5, 2.0)
    assert not measured(n=(1, 2)).is_wide
    assert measured(n=(1, 2), target=lambda n: 0.01).is_wide
    assert not measured(n=(1, 2), target=lambda n: -0.01).is_wide
    nothing = Measured("m", "", "mean of x", "", (MeasureCell(mc.Scenario(n=1), math.nan, math.nan, 1, 0),))
    assert all(math.isnan(end) for end in nothing.extremes)
    assert known(nothing.cells) == []
    assert math.isnan(nothing.cells[0].aim)


def test_what_older_versions_wrote_is_read() -> None:
    one = measured(n=(1, 2), over="n", lines="method", target=lambda n: n / 2)
    written = plain(one)
    assert from_plain(Measured, written) == one
    del written["lines"]
    for cell in written["cells"]:
        del cell["target"], cell["intervals"]
    old = from_plain(Measured, written)
    assert (old.lines, [cell.target for cell in old.cells]) == ("", [None, None])
    assert not old.is_zipped


def test_control_what_was_always_there_must_be_there() -> None:
    written = plain(measured(n=(1, 2)))
    del written["over"]
    with pytest.raises(InputError, match="must have an entry `over`"):
        from_plain(Measured, written)


@pytest.mark.parametrize(
    ("levels", "suits"),
    [
        ({"method": METHODS}, True),
        ({"n": (1,)}, True),
        ({"n": (1, 2), "method": METHODS}, True),
        ({"n": (1, 2), "method": ("a", "b", "c")}, True),
        ({"method": ("a", "b", "c", "d", "e", "f", "g")}, False),  # more than a handful
        ({"n": (1, 2, 3)}, False),  # a curve
        ({"n": (1, 2, 3), "method": METHODS, "over": "method"}, True),  # its author wants no curve
    ],
)
def test_a_handful_of_scenarios_suits_zips(levels: dict[str, Any], suits: bool) -> None:
    assert measured(**levels).suits_zips is suits


def test_intervals_are_read_as_they_were_written() -> None:
    one = measured(n=(1, 2))
    intervals = Intervals((-math.inf, 0.1 + 0.2), (1e-300, math.inf), (0.5,))
    zipped = replace(one, cells=(replace(one.cells[0], intervals=intervals), one.cells[1]))
    assert (zipped.is_zipped, one.is_zipped) == (True, False)
    written = plain(zipped)
    assert written["cells"][0]["intervals"] == {
        "low": ["-inf", 0.30000000000000004],
        "high": [1e-300, "inf"],
        "truth": [0.5],
    }
    assert from_plain(Measured, written) == zipped


@pytest.mark.parametrize(
    ("low", "high", "truth"), [((), (), (0.0,)), ((0.0,), (), (0.0,)), ((0.0,) * 3, (1.0,) * 3, (0.0,) * 2)]
)
def test_intervals_have_two_limits_each(low: Any, high: Any, truth: Any) -> None:
    with pytest.raises(InputError, match="`intervals` must have as many lower limits as upper ones"):
        Intervals(low, high, truth)
