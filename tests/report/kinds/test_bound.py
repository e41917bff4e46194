from __future__ import annotations

import math
from typing import Any

import numpy as np

from mcstudy.claims import Bound
from mcstudy.findings import Finding, Verdict
from mcstudy.report.kinds import kind_of
from mcstudy.report.numbers import THIN
from mcstudy.scenarios import Scenario

KIND = kind_of("bound")


def bound(make: Any, columns: Any = None, **parts: Any) -> Finding:
    plain: dict[str, Any] = {"column": "error", "at_most": "bound", "probability": 0.05}
    (finding,) = make.judged(Bound("2c", "b", **(plain | parts)), columns or make.powers())
    assert isinstance(finding, Finding)
    return finding


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace(THIN, " ")


def test_bound_that_holds(make: Any) -> None:
    finding = bound(make)
    assert finding.verdict is Verdict.CONFIRMED
    text = plain(KIND.reading(finding))
    assert text.startswith("None of 5120 draws exceeds the bound; the largest ratio to it is ")
    assert "(at width = " in text
    assert text.endswith("within the 0.05 that the claim allows.")
    found, sure, allowed = KIND.summary(finding)
    assert sure.startswith("P(violation) ≤ 0.0")
    assert allowed == "≤ 1"
    assert found == ("1 − " + found[4:] if float(finding.largest_ratio) > 0.999 else found)


def test_bound_that_is_not_sure_yet(make: Any) -> None:
    finding = bound(make, probability=1e-4)
    assert finding.verdict is Verdict.UNDECIDED
    assert KIND.reading(finding).endswith("which is not yet within the 10⁻⁴ that the claim allows.")


def test_violation_is_counted_and_its_witness_named(make: Any) -> None:
    finding = bound(make, at_most=0.0)
    text = plain(KIND.reading(finding))
    assert text.startswith("5120 of 5120 draws exceed the bound; the worst is 0.1")
    assert "where the bound is 0 (at width = 64)." in text
    assert plain(KIND.summary(finding).sure) == "5120 violations"
    replicate = KIND.replicate(finding)
    assert replicate is not None
    assert replicate.title == "Witness"
    assert replicate.token.startswith(Scenario(width=64).digest)
    assert "a ratio of ∞." in replicate.sentence


def test_one_violation_is_singular(make: Any) -> None:
    columns = {Scenario(n=1): {"error": np.append(np.zeros(1023), 2.0)}}
    finding = bound(make, columns, at_most=1.0)
    assert KIND.reading(finding).startswith(
        "1 of 1024 draws exceeds the bound; the worst is 2 where the bound is 1."
    )
    assert KIND.summary(finding).sure == "1 violation"


def test_ratio_just_below_one_is_not_taken_for_one(make: Any) -> None:
    columns = {Scenario(n=1): {"error": np.full(1024, 1.0 - 3e-6)}}
    assert KIND.summary(bound(make, columns, at_most=1.0)).found == "1 − 3×10⁻⁶"


def test_bound_without_a_draw(make: Any) -> None:
    finding = bound(make, {Scenario(n=1): {"error": np.full(64, np.nan)}}, at_most=1.0)
    assert KIND.reading(finding).startswith("No draw could be compared with the bound.")
    assert KIND.replicate(finding) is None
    assert KIND.summary(finding).found == "–"
    assert KIND.columns["violations"](finding.cells[0], None) == "–"
    axes = make.axes()
    KIND.draw(axes, finding)
    assert "not judged" in [text.get_text() for text in axes.texts]


def test_drawing_has_the_bound_at_one_and_infinity_at_the_end(make: Any) -> None:
    axes = make.axes()
    KIND.draw(axes, bound(make, at_most=0.5))
    assert 1.0 in {line.get_xdata()[0] for line in axes.lines if line.get_color() == "#d55e00"}
    assert axes.get_xscale() == "linear"
    axes = make.axes()
    KIND.draw(axes, bound(make, at_most=0.0))
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.texts].count("∞") == 5
    assert all(math.isfinite(end) for end in axes.get_xlim())


def test_a_sharp_bound_is_drawn_by_what_the_ratio_lacks(make: Any) -> None:
    """Marks on the line ratio = 1 would show neither that none lies above nor how near they come."""
    finding = bound(make)
    axes = make.axes()
    caption = KIND.draw(axes, finding)
    assert "lacks to 1" in caption
    assert axes.get_xscale() == "log"
    left, right = axes.get_xlim()
    assert left > right  # nearer to the bound at the right
    gaps = [x for line in axes.lines if line.get_marker() == "o" for x in line.get_xdata()]
    assert gaps == [1.0 - cell.largest_ratio for cell in finding.evidence.cells if cell]
    loose = make.axes()
    assert KIND.draw(loose, bound(make, at_most=1.0)) == ""
    assert loose.get_xscale() == "linear"


def test_a_ratio_of_exactly_one_has_its_place(make: Any) -> None:
    axes = make.axes()
    KIND.draw(axes, bound(make, {Scenario(n=1): {"error": np.ones(1024)}}, at_most=1.0))
    assert all(0.0 < end < 1.0 for end in axes.get_xlim())
