"""Measures: statistics that are reported without a claim."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.draws import Draws
from mcstudy.exceptions import ClaimError, StudyError

DrawsOf = Callable[..., Draws]
ONE, TWO = mc.grid(n=(1, 2))


def test_a_measure_is_its_statistic_in_every_scenario(draws_of: DrawsOf) -> None:
    rng = np.random.default_rng(1)
    columns = {scenario: rng.normal(size=64) for scenario in (ONE, TWO)}
    draws = draws_of({scenario: {"x": values} for scenario, values in columns.items()})
    measured = mc.Measure("spread", of=mc.sd("x"), over="n").take(draws, "first")
    assert (measured.id, measured.experiment, measured.label, measured.over) == (
        "spread",
        "first",
        "sd of x",
        "n",
    )
    assert [cell.scenario for cell in measured.cells] == [ONE, TWO]
    for cell in measured.cells:
        expected = mc.sd("x").estimate(columns[cell.scenario])
        assert (cell.estimate, cell.mcse, cell.replicates) == (expected.value, expected.mcse, 64)
        assert cell.missing == 0


def test_failed_and_missing_replicates_are_left_out(draws_of: DrawsOf) -> None:
    failed = np.where(np.arange(64) < 3, np.nan, 1.0)
    lacking = np.where(np.arange(64) < 10, np.nan, np.arange(64.0))
    draws = draws_of({ONE: {"y": failed, "x": lacking}}, missing=("x",))
    (cell,) = mc.Measure("m", of=mc.mean("x")).take(draws).cells
    assert (cell.estimate, cell.replicates, cell.missing) == (36.5, 54, 7)


@pytest.mark.parametrize("left", [0, 1])
def test_too_few_replicates_give_no_number(draws_of: DrawsOf, left: int) -> None:
    draws = draws_of({ONE: {"x": np.where(np.arange(64) < left, 1.0, np.nan)}})
    (cell,) = mc.Measure("m", of=mc.mean("x")).take(draws).cells
    assert math.isnan(cell.estimate)
    assert math.isnan(cell.mcse)
    assert cell.replicates == left


@pytest.mark.parametrize(
    ("name", "of", "match"),
    [
        ("a b", mc.mean("x"), "`id` must be letters, digits, .* got 'a b'"),
        (3, mc.mean("x"), "`id` must be letters, digits, .* got 3"),
        ("m", "x", r"measure m: `of` must be a statistic, got 'x'; write mean\('x'\)"),
    ],
)
def test_measure_refuses(name: Any, of: Any, match: str) -> None:
    with pytest.raises(StudyError, match=match):
        mc.Measure(name, of=of)


def test_over_must_be_a_factor(make_study: Callable[..., mc.Study]) -> None:
    with pytest.raises(
        StudyError, match="measure m: `over` must name a factor of the study, got 'm'; factors: n"
    ):
        make_study(measures=[mc.Measure("m", of=mc.mean("x"), over="m")])


def test_lines_must_be_another_factor(make_study: Callable[..., mc.Study]) -> None:
    with pytest.raises(StudyError, match="measure m: `lines` must name a factor of the study, got 'm'"):
        make_study(measures=[mc.Measure("m", of=mc.mean("x"), lines="m")])
    with pytest.raises(StudyError, match="`lines` must be another factor than `over`, got 'n' for both"):
        mc.Measure("m", of=mc.mean("x"), over="n", lines="n")


@pytest.mark.parametrize(
    ("target", "expected"),
    [(None, [None, None]), (1, [1.0, 1.0]), (lambda n: n**-0.5, [1.0, 2**-0.5])],
)
def test_targets_are_kept_beside_estimates(draws_of: DrawsOf, target: Any, expected: list[Any]) -> None:
    draws = draws_of({scenario: {"x": np.arange(64.0)} for scenario in (ONE, TWO)})
    measured = mc.Measure("m", of=mc.mean("x"), lines="n", target=target).take(draws)
    assert [cell.target for cell in measured.cells] == expected
    assert measured.lines == "n"


@pytest.mark.parametrize("target", ["x", math.nan, math.inf, True])
def test_a_target_is_a_number_or_a_function(target: Any) -> None:
    with pytest.raises(StudyError, match="measure m: `target` must be a finite number or a function of"):
        mc.Measure("m", of=mc.mean("x"), target=target)


@pytest.mark.parametrize(
    ("target", "match"),
    [
        (lambda d: d, "measure m: `target` must name factors only, got the parameter d"),
        (lambda n: math.nan, r"measure m: `target` must give a finite number in .*, got nan"),
        (lambda n: "a", r"measure m: `target` must give a finite number in .*, but raised ValueError"),
        (lambda n: 1 // (n - 1), "but raised ZeroDivisionError"),
    ],
)
def test_a_target_that_cannot_be_is_refused_before_drawing(
    make_study: Callable[..., mc.Study], target: Any, match: str
) -> None:
    with pytest.raises(StudyError, match=match):
        make_study(measures=[mc.Measure("m", of=mc.mean("x"), target=target)])


def test_a_measure_reads_columns_of_its_experiment(make_study: Callable[..., mc.Study]) -> None:
    study = make_study(measures=[mc.Measure("m", of=mc.mean("loss"))])
    with pytest.raises(
        ClaimError,
        match="measure m: `column` must be one that its `simulate` returns, got 'loss'; columns: x",
    ):
        study[""].check_columns(("x",), {})


def test_a_study_may_have_measures_only(make_study: Callable[..., mc.Study]) -> None:
    study = make_study(claims=[], measures=[mc.Measure("m", of=mc.mean("x"))])
    assert len(study[""].measures) == 1
