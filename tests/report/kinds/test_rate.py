from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mcstudy.claims import Rate
from mcstudy.findings import Finding, Verdict
from mcstudy.report.kinds import kind_of
from mcstudy.scenarios import Scenario
from mcstudy.statistics import mean

KIND = kind_of("rate")


def rate(make: Any, columns: Any, **parts: Any) -> Finding:
    plain: dict[str, Any] = {"of": mean("error"), "against": "width", "exponent": -0.5, "margin": 0.1}
    (finding,) = make.judged(Rate("2d", "slope", **(plain | parts)), columns)
    assert isinstance(finding, Finding)
    return finding


def bent(make: Any, bend: float, spread: float = 0.001) -> Any:
    """A power law with a quadratic term: the slope over the upper half differs from the whole one."""
    columns = make.powers(spread=spread)
    for scenario, named in columns.items():
        named["error"] = named["error"] * np.exp(bend * np.log(float(scenario["width"]) / 64.0) ** 2)
    return columns


def test_confirmed_rate_tells_the_half_that_decides_and_all_levels(make: Any) -> None:
    finding = rate(make, make.powers())
    text = KIND.reading(finding)
    assert text.startswith(
        "The slope of log mean of error on log width over the upper half of the levels is −0."
    )
    assert text.count("lies inside −0.5 ± 0.1") == 1
    assert "Over all levels it is −0.5" in text
    assert KIND.columns["decided by"](finding.cells[0], finding.evidence.cells[0]) == "upper half"
    assert KIND.summary(finding).sure.startswith("upper half [")


def test_half_nearest_to_zero_is_named_so(make: Any) -> None:
    text = KIND.reading(rate(make, make.powers(), limit="zero"))
    assert "on log width over the half of the levels nearest to zero is −0." in text


def test_a_correction_has_no_half(make: Any) -> None:
    finding = rate(make, make.powers(), correction=-1, margin=0.3)
    text = KIND.reading(finding)
    assert text.startswith("The slope of log mean of error on log width is −0.")
    assert "half" not in text
    assert KIND.columns["decided by"](finding.cells[0], finding.evidence.cells[0]) == "all levels"
    assert KIND.diagnosis(finding).startswith("Model: a width^p (1 + c width^-1). Goodness of fit")


def test_an_older_ledger_has_the_slope_over_all_levels(make: Any) -> None:
    """It knows no numbers besides: what a cell shows is over all levels, and the half stands beside."""
    finding = rate(make, make.powers())
    line = finding.evidence.cells[0]
    old = replace(line.fit, coefficients=(), scan=())
    finding = replace(finding, evidence=replace(finding.evidence, cells=(replace(line, fit=old),)))
    text = KIND.reading(finding)
    assert text.startswith("The slope of log mean of error on log width is −0.")
    assert "Over the upper half of the levels it is −0." in text
    assert KIND.columns["decided by"](finding.cells[0], finding.evidence.cells[0]) == "interval"
    without = replace(old, upper_half=replace(old.upper_half, sampling_error=math.nan, robust_error=math.nan))
    own: Any = finding.evidence
    evidence = replace(own, cells=(replace(line, fit=without),), model="")
    assert KIND.diagnosis(replace(finding, evidence=evidence)).startswith("Goodness of fit")
    assert "Standard error" not in KIND.diagnosis(replace(finding, evidence=evidence))
    below = make.axes()
    KIND.draw_below(below, finding)


def test_rate_refuted_by_its_fit_says_so_everywhere(make: Any) -> None:
    finding = rate(make, bent(make, 0.01), exact=True)
    assert finding.verdict is Verdict.REFUTED
    assert finding.cells[0].zone.verdict(finding.interval) is Verdict.CONFIRMED
    text = KIND.reading(finding)
    assert "It is refuted by its fit: χ² = " in text
    assert "to within the margin" not in text
    assert KIND.summary(finding).sure.startswith("fit, p ")
    assert KIND.columns["decided by"](finding.cells[0], finding.evidence.cells[0]) == "fit"


def test_the_same_fit_is_a_remark_where_only_the_slope_is_claimed(make: Any) -> None:
    text = KIND.reading(rate(make, bent(make, 0.01)))
    assert "refuted" not in text
    assert text.endswith(" A power law to within the margin, not exactly.")


def test_a_bent_line_says_its_misfit_and_what_would_help(make: Any) -> None:
    finding = rate(make, bent(make, 0.05), exponent=-0.45, margin=0.03)
    assert finding.verdict is Verdict.UNDECIDED
    text = KIND.reading(finding)
    assert (
        "No verdict yet: misfit: over the upper half of the levels (width = 256 to 1024) the slope is −0.".replace(
            "−", "-"
        )
        in text
    )
    assert text.endswith("a correction term or levels nearer to the limit would tell.")


def test_a_prefactor_stands_beside_the_slope(make: Any) -> None:
    right = rate(make, make.powers(), constant=1.0, constant_margin=0.1)
    assert "The prefactor is 0.999 ± 0.002, its interval [0.99" in KIND.reading(right)
    wrong = rate(make, make.powers(), constant=2.0, constant_margin=0.1)
    text = KIND.reading(wrong)
    assert text.startswith("The prefactor is 0.999")
    assert "The slope is −0." in text
    assert "lies outside 2 ± 0.1" in text
    assert KIND.summary(wrong).sure.startswith("prefactor [")


def plane(make: Any) -> Any:
    columns: dict[Scenario, dict[str, Any]] = {}
    for seed, depth in enumerate((2, 4, 8)):
        for scenario, named in make.powers(depth=depth, seed=seed).items():
            columns[scenario] = {"error": named["error"] * depth}
    return columns


def test_several_exponents_are_told_drawn_and_tabulated(make: Any) -> None:
    finding = rate(make, plane(make), against={"width": -0.5, "depth": 1.0}, exponent=None)
    assert finding.verdict is Verdict.CONFIRMED
    text = KIND.reading(finding)
    assert "exponent of width is −0.5" in text
    assert "exponent of depth is 1" in text
    table = KIND.points(finding)
    assert table is not None
    axis = "theory's product of powers of width, depth"
    assert table.header[:4] == ("width", "depth", axis, "mean of error")
    assert len(table.rows) == 15
    assert len(KIND.heights(finding)) == 1  # there is no single axis to have local slopes along
    axes = make.axes()
    KIND.draw(axes, finding)
    assert axes.get_xlabel() == axis
    exponents, theory = (text.get_text() for text in axes.get_legend().get_texts())
    assert exponents.replace("\N{NO-BREAK SPACE}", " ").startswith("width −0.5")
    assert "depth" in exponents
    assert theory == "theory · slope 1"
    # Along the product that theory says a right fit has slope 1.
    (x, y) = next(np.array(line.get_data()) for line in axes.lines if len(line.get_xdata()) == 2)
    assert np.diff(np.log(y)) / np.diff(np.log(x)) == pytest.approx(1.0, abs=0.05)


def test_line_without_a_fit_says_why(make: Any) -> None:
    columns = make.powers()
    columns[Scenario(width=128)]["error"] = np.zeros(1024)
    finding = rate(make, columns)
    assert KIND.reading(finding).endswith(
        "could not be estimated. The mean of error is not positive at width = 128."
    )
    assert KIND.diagnosis(finding) == ""
    axes = make.axes()
    KIND.draw(axes, finding)
    assert "no fit" in axes.get_legend().get_texts()[0].get_text().replace("\N{NO-BREAK SPACE}", " ")
    triangles = [line for line in axes.lines if line.get_marker() == "v"]
    assert [list(line.get_xdata()) for line in triangles] == [[128.0]]


def test_a_flat_line_looks_flat_and_has_ticks(make: Any) -> None:
    """Stretched over the axis, a slope of 0 would look like a fall, between no ticks at all."""
    axes = make.axes()
    KIND.draw(axes, rate(make, make.powers(exponent=0.0, spread=0.01), exponent=0.0))
    low, high = axes.get_ylim()
    assert high / low == pytest.approx(10**0.5)
    assert len(axes.get_yticks()) >= 3
    assert all(low <= tick <= high for tick in axes.get_yticks())


def test_the_deciding_line_is_always_named(make: Any) -> None:
    columns: dict[Scenario, dict[str, Any]] = {}
    for k in range(12):
        columns |= make.powers(exponent=-0.5 if k < 11 else -0.7, kind=f"k{k}", seed=k)
    finding = rate(make, columns)
    assert finding.deciding == 11
    axes = make.axes()
    KIND.draw(axes, finding)
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert any("k11" in name for name in names)
    styles = {
        (line.get_color(), str(line.get_linestyle()), line.get_marker())
        for line in axes.get_legend().legend_handles
    }
    assert len(styles) == len(names)


def test_powers_of_two_are_written_as_such_where_they_are_fractions(make: Any) -> None:
    columns = {
        Scenario(step=float(scenario["width"]) ** -1): named for scenario, named in make.powers().items()
    }
    axes = make.axes()
    KIND.draw(axes, rate(make, columns, against="step", exponent=0.5, limit="zero"))
    assert {label.get_text() for label in axes.get_xticklabels()} <= {"2⁻⁶", "2⁻⁷", "2⁻⁸", "2⁻⁹", "2⁻¹⁰"}
    axes = make.axes()
    KIND.draw(axes, rate(make, make.powers()))
    assert "64" in {label.get_text() for label in axes.get_xticklabels()}


def test_diagnosis_gives_fit_curvature_and_both_errors(make: Any) -> None:
    text = KIND.diagnosis(rate(make, make.powers()))
    assert "on 3 degrees of freedom, p = " in text
    assert "from the draws" in text
    assert "p < 10⁻³⁰⁰" in KIND.diagnosis(rate(make, bent(make, 0.3)))


def test_points_hold_every_level_of_every_line(make: Any) -> None:
    finding = rate(make, make.powers(displacement="near") | make.powers(displacement="far"))
    table = KIND.points(finding)
    assert table is not None
    header = ("displacement", "width", "mean of error", "replicates", "local slope", "slope from here on")
    assert table.header == header
    assert len(table.rows) == 10
    for column in (-1, -2):
        assert [row[column] is None for row in table.rows] == [False] * 4 + [True] + [False] * 4 + [True]
    scan = finding.evidence.cells[0].fit.scan
    assert [row[-1].value for row in table.rows[:4]] == [half.exponent for half in scan]
    assert table.rows[0][2].value == finding.evidence.cells[0].y[0]


def test_the_scan_towards_zero_runs_the_other_way(make: Any) -> None:
    finding = rate(make, make.powers(), limit="zero")
    scan = finding.evidence.cells[0].fit.scan
    table = KIND.points(finding)
    assert table is not None
    assert [row[-1] is None for row in table.rows] == [True] + [False] * 4
    assert [row[-1].value for row in table.rows[:0:-1]] == [half.exponent for half in scan]
    below = make.axes()
    KIND.draw_below(below, finding)
    (dotted,) = [line for line in below.lines if len(line.get_xdata()) == 4 and line.get_color() == "#1b1b1b"]
    assert list(dotted.get_xdata()) == [1024.0, 512.0, 256.0, 128.0]


def test_panels_show_lines_theory_and_local_slopes_on_any_axes(make: Any) -> None:
    finding = rate(make, make.powers(displacement="near") | make.powers(displacement="far", seed=5))
    main, below = make.axes(2)
    KIND.draw(main, finding)
    KIND.draw_below(below, finding)
    names = [text.get_text() for text in main.get_legend().get_texts()]
    assert names[-1] == "theory · slope −0.5"
    assert "displacement\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}far" in names[1]
    assert main.get_xlabel() == below.get_xlabel() == "width"
    assert below.get_ylabel() == "local slope"
    assert len(KIND.heights(finding)) == 2
    zone = [line.get_ydata()[0] for line in below.lines if line.get_color() == "#009e73"]
    assert sorted(set(zone))[0] == pytest.approx(-0.6)
    (dotted,) = [line for line in below.lines if line.get_color() == "#1b1b1b"]
    deciding = finding.evidence.cells[finding.deciding]
    assert list(dotted.get_ydata()) == [half.exponent for half in deciding.fit.scan]


def test_lines_of_different_theory_are_drawn_relative_to_it(make: Any) -> None:
    finding = rate(
        make,
        make.powers(displacement="near") | make.powers(exponent=-1.0, displacement="far"),
        exponent=lambda displacement: -0.5 if displacement == "near" else -1.0,
    )
    main, below = make.axes(2)
    KIND.draw(main, finding)
    KIND.draw_below(below, finding)
    assert below.get_ylabel() == "slope − theory"
    assert sum(text.get_text().startswith("theory") for text in main.get_legend().get_texts()) == 2


def test_rate_of_draws_that_all_failed_can_be_read_drawn_and_tabulated(make: Any) -> None:
    columns = {scenario: {"error": np.full(1024, np.nan)} for scenario in make.powers()}
    finding = rate(make, columns)
    assert "could not be estimated." in KIND.reading(finding)
    assert KIND.summary(finding).found == "–"
    main, below = make.axes(2)
    KIND.draw(main, finding)
    KIND.draw_below(below, finding)
    points = KIND.points(finding)
    assert points is not None
    assert points.rows == []
    assert [write(finding.cells[0], None) for write in KIND.columns.values()].count("–") >= 4
