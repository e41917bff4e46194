from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from mcstudy.claims import Law, SameLaw
from mcstudy.findings import Finding
from mcstudy.report.kinds import kind_of
from mcstudy.scenarios import Scenario

KIND = kind_of("law")


def law(make: Any, columns: Any, **parts: Any) -> Finding:
    plain: dict[str, Any] = {"column": "x", "distribution": stats.norm(), "margin": 0.1}
    (finding,) = make.judged(Law("1.law", "law", **(plain | parts)), columns)
    assert isinstance(finding, Finding)
    return finding


@pytest.mark.parametrize(
    ("center", "margin", "side"), [(0.0, 0.2, "below"), (1.0, 0.1, "above"), (0.0, 0.05, "on both sides of")]
)
def test_reading_says_on_which_side_of_the_margin(make: Any, center: float, margin: float, side: str) -> None:
    text = KIND.reading(law(make, make.normals(center), margin=margin))
    assert text.startswith("The Kolmogorov distance of x from its law is 0.")
    assert text.endswith(f" lies {side} the margin {margin}.")


def test_law_that_could_not_be_judged(make: Any) -> None:
    finding = law(make, {Scenario(n=n): {"x": np.full(64, np.nan)} for n in (1, 2)})
    assert "could not be estimated." in KIND.reading(finding)
    KIND.draw(make.axes(), finding)


@pytest.mark.parametrize(
    ("columns", "distribution"),
    [
        ({"x": np.zeros(1024)}, stats.norm()),  # an atom where the law has none
        ({"x": np.full(1024, 5.0)}, stats.uniform()),  # beyond all that the law allows
        ({"x": np.tile([0.0, 1.0], 512)}, stats.bernoulli(0.2)),  # both on a lattice
        ({"x": np.random.default_rng(1).normal(size=1024)}, stats.norm()),
    ],
)
def test_the_drawn_curve_reaches_the_distance(make: Any, columns: Any, distribution: Any) -> None:
    finding = law(make, {Scenario(n=1): columns}, distribution=distribution)
    axes = make.axes()
    KIND.draw(axes, finding)
    (curve,) = [line for line in axes.lines if line.get_color() == "#0072b2"]
    assert np.max(np.abs(curve.get_ydata())) == finding.estimate


def test_the_drawn_curve_of_disjoint_samples_reaches_one(make: Any) -> None:
    columns = {Scenario(n=n): {"x": np.full(1024, float(n))} for n in (1, 2)}
    (finding,) = make.judged(SameLaw("1.same", "law", column="x", across="n", margin=0.1), columns)
    axes = make.axes()
    kind_of("same_law").draw(axes, finding)
    (curve,) = [line for line in axes.lines if line.get_color() == "#0072b2"]
    assert np.max(np.abs(curve.get_ydata())) == 1.0
    assert axes.get_xlabel() == "probability under the second law"


def test_grey_curves_keep_their_largest_deviation(make: Any) -> None:
    finding = law(make, make.normals(0.0, 0.2, 0.1))
    axes = make.axes()
    caption = KIND.draw(axes, finding)
    drawn = sorted(
        float(np.max(np.abs(line.get_ydata()))) for line in axes.lines if len(line.get_xdata()) > 10
    )
    assert drawn == sorted(cell.estimate for cell in finding.cells)
    assert caption.endswith("(n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}2); grey are the 2 others.")


def test_values_that_only_rounding_tells_apart_are_told(make: Any) -> None:
    assert KIND.diagnosis(law(make, make.normals(0.0))) == ""
    columns = {"x": np.tile([0.3, 0.1 + 0.2, 0.5, 0.7], 256)}
    finding = law(make, {Scenario(n=1): columns}, distribution=stats.uniform())
    assert KIND.diagnosis(finding).startswith(f"{finding.evidence.cells[0].merged} value")
