"""Measures: statistics that are reported without a claim."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.draws import Draws
from mcstudy.exceptions import ClaimError, InputError, StudyError
from mcstudy.measured import Intervals, MeasureCell

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


def normal_limits(size: int, seed: int = 1, *, shift: float = 0.0) -> dict[str, np.ndarray]:
    """Intervals about normal estimates of 0, of half-widths between 1 and 2; the truth is in a column as well."""
    rng = np.random.default_rng(seed)
    estimate, half = rng.normal(shift, 1.0, size), rng.uniform(1.0, 2.0, size)
    return {"low": estimate - half, "high": estimate + half, "truth": np.zeros(size)}


def kept(cell: MeasureCell) -> Intervals:
    """The intervals of a cell that has some."""
    assert cell.intervals is not None
    return cell.intervals


COVERED = mc.coverage("low", "high", 0.0)


def test_few_intervals_are_all_kept_in_their_order(draws_of: DrawsOf) -> None:
    columns = normal_limits(64)
    (cell,) = mc.Measure("m", of=COVERED).take(draws_of({ONE: columns})).cells
    distances = np.abs(columns["low"] + columns["high"]) / (columns["high"] - columns["low"])
    order = sorted(range(64), key=lambda k: float(distances[k]))
    assert kept(cell).low == tuple(columns["low"][order].tolist())
    assert kept(cell).high == tuple(columns["high"][order].tolist())
    assert kept(cell).truth == (0.0,)


@pytest.mark.parametrize("shift", [0.0, 1.0, 9.0])
def test_a_hundred_of_many_intervals_show_the_coverage_to_half_a_percent(
    draws_of: DrawsOf, shift: float
) -> None:
    columns = normal_limits(2048, shift=shift)
    (cell,) = mc.Measure("m", of=COVERED).take(draws_of({ONE: columns})).cells
    low, high = np.array(kept(cell).low), np.array(kept(cell).high)
    assert len(low) == len(high) == 100
    covers = (low <= 0.0) & (high >= 0.0)
    assert abs(np.mean(covers) - cell.estimate) <= 0.005
    assert np.all(np.diff(covers.astype(int)) <= 0)  # those that miss are the last
    pairs = set(zip(columns["low"].tolist(), columns["high"].tolist(), strict=True))
    assert pairs.issuperset(zip(low.tolist(), high.tolist(), strict=True))


def test_the_truth_of_intervals_may_be_a_column_or_hang_on_the_scenario(draws_of: DrawsOf) -> None:
    columns = normal_limits(64)
    draws = draws_of(dict.fromkeys((ONE, TWO), columns))
    cells = mc.Measure("m", of=mc.coverage("low", "high", lambda n: n / 2)).take(draws).cells
    assert [kept(cell).truth for cell in cells] == [(0.5,), (1.0,)]
    (cell, _) = mc.Measure("m", of=mc.coverage("low", "high", "truth")).take(draws).cells
    assert kept(cell).truth == (0.0,)
    own = draws_of({ONE: columns | {"truth": columns["low"] + 0.5}})
    (cell,) = mc.Measure("m", of=mc.coverage("low", "high", "truth")).take(own).cells
    assert kept(cell).truth == tuple(low + 0.5 for low in kept(cell).low)
    two = draws_of({ONE: columns | {"truth": np.arange(64) % 2}})
    (cell,) = mc.Measure("m", of=mc.coverage("low", "high", "truth")).take(two).cells
    assert sorted(kept(cell).truth) == [0.0] * 32 + [1.0] * 32


def test_failed_and_missing_intervals_are_not_kept(draws_of: DrawsOf) -> None:
    columns, numbers = normal_limits(64), np.arange(64)
    failed = {"first": np.where(numbers < 3, np.nan, 0.0)}
    lacking = columns | {"high": np.where(numbers < 10, np.nan, columns["high"])}
    draws = draws_of({ONE: failed | lacking}, missing=("high",))
    (cell,) = mc.Measure("m", of=COVERED).take(draws).cells
    assert (cell.replicates, cell.missing) == (54, 7)
    assert set(kept(cell).low) == set(columns["low"][10:].tolist())


def test_limits_may_be_infinite(draws_of: DrawsOf) -> None:
    columns = normal_limits(512)
    (cell,) = (
        mc.Measure("m", of=COVERED).take(draws_of({ONE: columns | {"low": np.full(512, -np.inf)}})).cells
    )
    assert set(kept(cell).low) == {-math.inf}
    assert list(kept(cell).high) == sorted(kept(cell).high, reverse=True)


def test_without_an_estimate_there_are_no_intervals(draws_of: DrawsOf) -> None:
    lacking = normal_limits(64) | {"high": np.where(np.arange(64) < 1, 3.0, np.nan)}
    draws = draws_of({ONE: normal_limits(64), TWO: lacking}, missing=("high",))
    first, second = mc.Measure("m", of=COVERED).take(draws).cells
    assert (first.intervals is None, second.intervals is None) == (False, True)


@pytest.mark.parametrize(
    ("numbers", "chosen", "zipped"),
    [(2, None, True), (3, None, False), (2, False, False), (3, True, True), (9, True, True)],
)
def test_zip_plots_by_the_shape_of_the_design_or_by_choice(
    draws_of: DrawsOf, numbers: int, chosen: bool | None, zipped: bool
) -> None:
    draws = draws_of({scenario: normal_limits(64) for scenario in mc.grid(n=tuple(range(numbers)))})
    measure = mc.Measure("m", of=COVERED, zip=chosen)
    assert [cell.intervals is not None for cell in measure.take(draws).cells] == [zipped] * numbers
    assert all(cell.intervals is None for cell in measure.cells(draws))


def test_other_statistics_keep_no_intervals(draws_of: DrawsOf) -> None:
    draws = draws_of({ONE: normal_limits(64)})
    for of in (mc.width("low", "high"), mc.mean("low"), mc.bias_eliminated_coverage("low", "high", "truth")):
        assert not mc.Measure("m", of=of).take(draws).is_zipped


@pytest.mark.parametrize(
    ("chosen", "of", "match"),
    [
        (True, mc.width("low", "high"), "got True of the width of low, high; leave it out"),
        ("yes", COVERED, "got 'yes' of the coverage of low, high"),
        (1, COVERED, "got 1 of the coverage of low, high"),
    ],
)
def test_zip_is_asked_of_a_coverage(chosen: Any, of: Any, match: str) -> None:
    with pytest.raises(
        StudyError, match=f"measure m: `zip` must be True of a coverage, False or None, {match}"
    ):
        mc.Measure("m", of=of, zip=chosen)


def test_more_zip_plots_than_a_picture_holds_are_refused(make_study: Callable[..., mc.Study]) -> None:
    plan: dict[str, Any] = {
        "simulate": lambda rng, size, *, n: {"low": rng.normal(size=size), "high": np.full(size, 9.0)},
        "claims": [],
        "measures": [mc.Measure("m", of=COVERED, zip=True)],
    }
    make_study(**plan, scenarios=mc.grid(n=tuple(range(9))))
    with pytest.raises(StudyError, match="`zip` must be asked of at most 9 scenarios, got 10; leave it out"):
        make_study(**plan, scenarios=mc.grid(n=tuple(range(10))))


def test_a_ledger_keeps_intervals_and_sees_an_edited_one(make_study: Callable[..., mc.Study]) -> None:
    def simulate(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        x = rng.normal(size=size)
        return {"low": np.where(x < 0, -np.inf, x - 1.0), "high": x + n}

    plan: dict[str, Any] = {"simulate": simulate, "claims": [], "scenarios": mc.grid(n=(1, 2))}
    study = make_study(**plan, measures=[mc.Measure("m", of=COVERED)])
    results = mc.run(study, executor="serial", out=None)
    again = mc.run(study, executor="serial", out=None)
    assert again.document["digests"]["findings"] == results.document["digests"]["findings"]
    document = results.document
    read = mc.Ledger.from_document(document)
    assert read.measures == results.measures
    assert read.measures[0].is_zipped
    document["measures"][0]["cells"][1]["intervals"]["high"][7] += 1e-9
    with pytest.raises(InputError, match="must have the findings that its digest says"):
        mc.Ledger.from_document(document)


def test_what_a_statistic_can_not_take_is_told_with_the_measure(draws_of: DrawsOf) -> None:
    draws = draws_of({scenario: {"x": np.arange(64.0)} for scenario in (ONE, TWO)})
    measure = mc.Measure("m", of=mc.custom("x", lambda values: math.nan))
    with pytest.raises(InputError, match="measure m, in n=1: `function` must return a finite number for 64"):
        measure.take(draws)
