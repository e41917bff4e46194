from __future__ import annotations

from typing import Any

import numpy as np

from mcstudy.claims import Identity
from mcstudy.findings import Finding
from mcstudy.report.kinds import kind_of
from mcstudy.scenarios import Scenario

KIND = kind_of("identity")


def identity(make: Any, columns: Any, tolerance: float = 1e-10) -> Finding:
    claim = Identity("1a", "W", column="residual", tolerance=tolerance, law="continuous")
    (finding,) = make.judged(claim, columns)
    assert isinstance(finding, Finding)
    return finding


def test_residuals_within_the_tolerance(make: Any) -> None:
    finding = identity(make, make.residuals(1e-13, 1e-12))
    text = KIND.reading(finding).replace("\N{NO-BREAK SPACE}", " ")
    assert text == "The largest of 2048 residuals is 10⁻¹² (at depth = 2): not above the tolerance 10⁻¹⁰."
    assert KIND.summary(finding) == (
        "10⁻¹²",
        f"median {KIND.columns['median residual'](finding.cells[1], finding.evidence.cells[1])}",
        "≤ 10⁻¹⁰",
    )
    replicate = KIND.replicate(finding)
    assert replicate is not None
    assert replicate.title == "Largest residual"


def test_residuals_beyond_the_tolerance(make: Any) -> None:
    columns = {Scenario(depth=1): {"residual": np.append(np.zeros(1023), 0.5)}}
    finding = identity(make, columns)
    assert KIND.reading(finding) == "1 of 1024 residuals exceeds the tolerance 10⁻¹⁰; the largest is 0.5."
    replicate = KIND.replicate(finding)
    assert replicate is not None
    assert replicate.title == "Witness"
    assert replicate.sentence == "Replicate 63 of block 15 has the residual 0.5."
    assert replicate.token == f"{Scenario(depth=1).digest}:15:63"


def test_identity_without_a_residual(make: Any) -> None:
    finding = identity(make, {Scenario(depth=1): {"residual": np.full(64, np.nan)}})
    assert KIND.reading(finding).startswith("No residual could be computed.")
    assert KIND.replicate(finding) is None
    assert KIND.columns["largest residual"](finding.cells[0], None) == "–"
    KIND.draw(make.axes(), finding)


def test_zero_has_a_place_on_the_logarithmic_axis(make: Any) -> None:
    columns = {
        Scenario(depth=d): {"residual": np.full(64, value)}
        for d, value in ((1, 0.0), (2, 5e-324), (3, 1e-300))
    }
    axes = make.axes()
    KIND.draw(axes, identity(make, columns))
    assert [text.get_text() for text in axes.texts].count("0") == 1
    low, high = axes.get_xlim()
    marks = [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "o"]
    assert all(low <= x <= high for x in marks)
