"""Experiments: their profiles, their sources, their columns, values that may be missing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.exceptions import ClaimError, StudyError

MakeStudy = Callable[..., mc.Study]


def normal(rng: np.random.Generator, size: int, **_: Any) -> dict[str, Any]:
    return {"x": rng.normal(size=size)}


def value(name: str = "v", **parts: Any) -> mc.Value:
    plan: dict[str, Any] = {"of": mc.mean("x"), "equals": 0.0, "margin": 1.5}
    return mc.Value(name, "s", **(plan | parts))


def experiment(**parts: Any) -> mc.Experiment:
    plan: dict[str, Any] = {"simulate": normal, "scenarios": mc.grid(n=(1, 2, 4)), "claims": [value()]}
    return mc.Experiment(parts.pop("name", "e"), **(plan | parts))


@pytest.mark.parametrize("name", ["Worst", "a b", "1st", "a/b", "é", 3, None])
def test_names_are_parts_of_addresses(name: Any) -> None:
    with pytest.raises(StudyError, match=r"`name` of an experiment must be lower-case letters, .* got"):
        experiment(name=name)


def test_the_full_profile_draws_more_scenarios() -> None:
    larger = experiment(full=mc.grid(n=(8, 16)))
    assert [s["n"] for s in larger.of_profile("quick")] == [1, 2, 4]
    assert [s["n"] for s in larger.of_profile("full")] == [1, 2, 4, 8, 16]
    assert experiment().of_profile("full") == experiment().of_profile("quick")


def test_a_claim_may_be_about_the_full_profile_only(make_study: MakeStudy) -> None:
    """The quick profile leaves it out, the full one judges it."""
    study = make_study(full=mc.grid(n=(8,)), claims=[value("all"), value("large", where={"n": 8})])
    quick = mc.run(study, out=None, executor="serial")
    assert list(quick) == ["all"]
    assert [cell.scenario["n"] for cell in quick["all"].cells] == [1, 2, 4]
    full = mc.run(study, profile="full", out=None, executor="serial")
    assert list(full) == ["all", "large"]
    assert [cell.scenario["n"] for cell in full["all"].cells] == [1, 2, 4, 8]


def test_claims_get_a_source_unless_they_have_one() -> None:
    claims = [value("a", source="Theorem 3"), value("b")]
    sources = [claim.source for claim in experiment(claims=claims).sourced("The book").claims]
    assert sources == ["Theorem 3", "The book"]
    sources = [
        claim.source for claim in experiment(claims=claims, source="Section 2").sourced("The book").claims
    ]
    assert sources == ["Theorem 3", "Section 2"]


def test_a_claim_on_an_unknown_column_is_refused_with_the_known_ones() -> None:
    asking = experiment(claims=[value(of=mc.mean("loss"))])
    with pytest.raises(ClaimError) as caught:
        asking.check_columns(("x", "y"), {})
    assert (
        str(caught.value)
        == "claim v: `column` must be one that its `simulate` returns, got 'loss'; columns: x, y"
    )
    asking.check_columns(("loss",), {})


def test_a_column_of_another_experiment_is_named_with_its_owner() -> None:
    asking = experiment(claims=[value(of=mc.mean("loss"))])
    with pytest.raises(ClaimError, match=r"got 'loss'; columns: x; 'loss' is a column of experiment other$"):
        asking.check_columns(("x",), {"first": ("y",), "other": ("loss",)})


@pytest.mark.parametrize(
    "claim",
    [
        value(equals="theory"),
        mc.Bound("v", "s", column="x", at_most="theory"),
        mc.Bound("v", "s", column="x", at_most=1.0, rounding="theory"),
        mc.Identity("v", "s", column="theory", tolerance=1.0),
    ],
    ids=["equals", "at_most", "rounding", "column"],
)
def test_every_column_that_a_claim_reads_is_checked(claim: Any) -> None:
    with pytest.raises(ClaimError, match=r"claim v: `column` must be one .* got 'theory'; columns: x"):
        experiment(claims=[claim]).check_columns(("x",), {})


def test_missing_must_name_columns() -> None:
    with pytest.raises(
        ClaimError,
        match=r"`missing` must be one that its `simulate` returns, got 'slop'; did you mean slope\? columns: x, slope",
    ):
        experiment(missing=("slop",)).check_columns(("x", "slope"), {})


class Simulator:
    """A callable object, as `partial` and bound methods are."""

    def __call__(self, rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        return normal(rng, size)


@pytest.mark.parametrize(
    "simulate", [normal, partial(normal, extra=1), Simulator()], ids=["function", "partial", "object"]
)
def test_whatever_can_be_called_simulates(simulate: Any) -> None:
    experiment(simulate=simulate).check_simulate(16)


@pytest.mark.parametrize(
    ("simulate", "match"),
    [
        ("normal", r"`simulate` must be a function \(rng, size, \*\*factors\) -> columns, got 'normal'"),
        (
            lambda rng, size: {},
            "and the factors n as keywords, but it has got an unexpected keyword argument 'n'",
        ),
        (lambda rng, size, n, m: {}, "but it has missing a required .*argument.* 'm'"),
        (lambda n: {}, "but it has"),
    ],
    ids=["text", "without n", "with m", "without rng"],
)
def test_simulate_that_does_not_take_the_factors_is_refused(simulate: Any, match: str) -> None:
    with pytest.raises(StudyError, match=match):
        experiment(simulate=simulate).check_simulate(16)


def gappy(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
    """Every fourth slope could not be measured."""
    slope = rng.normal(size=size)
    return {"x": rng.normal(size=size), "slope": np.where(np.arange(size) % 4 == 0, np.nan, slope)}


def test_missing_values_are_counted_and_the_others_are_judged(make_study: MakeStudy) -> None:
    claims = [value("all"), value("present", of=mc.mean("slope"))]
    study = make_study(
        simulate=gappy, missing=("slope",), claims=claims, measures=[mc.Measure("m", of=mc.sd("slope"))]
    )
    ledger = mc.run(study, out=None, executor="serial")
    assert ledger.as_expected
    assert not ledger.failures
    for cell in ledger["present"].cells:
        assert (cell.failures, cell.missing, cell.drawn) == (
            0,
            cell.replicates // 4,
            cell.replicates * 3 // 4,
        )
    assert all(cell.missing == 0 for cell in ledger["all"].cells)
    assert [cell.missing for cell in ledger.measures[0].cells] == [
        cell.missing for cell in ledger["present"].cells
    ]
    assert ledger.design.experiments[0].missing == ("slope",)


def test_a_value_that_may_not_be_missing_is_misuse(make_study: MakeStudy) -> None:
    """The control: NaN where nothing was said of it."""
    study = make_study(simulate=gappy, claims=[value("present", of=mc.mean("slope"))])
    with pytest.raises(StudyError, match="slope"):
        mc.run(study, out=None, executor="serial")


def test_claims_get_the_group_of_their_experiment_unless_they_have_one() -> None:
    claims = [value("a", group="Line (b)"), value("b")]
    assert [c.group for c in experiment(claims=claims, group="Line (a)").sourced("").claims] == [
        "Line (b)",
        "Line (a)",
    ]


@pytest.mark.parametrize("columns", ["x", ["x"], {"x": 3}, {"x": " "}, {3: "x"}])
def test_columns_are_described_in_words(columns: Any) -> None:
    with pytest.raises(
        StudyError, match=r"`columns` must say in words what each column is, got .*; write \{'error'"
    ):
        experiment(columns=columns)


def test_only_columns_and_factors_can_be_described() -> None:
    described = experiment(columns={"x": "what is drawn", "n": "how many"})
    described.check_columns(["x"], {})
    with pytest.raises(
        ClaimError, match=r"`columns` must describe columns and factors, got 'y'; there are: x, n"
    ):
        experiment(columns={"y": "unknown"}).check_columns(["x"], {})
    with pytest.raises(ClaimError, match=r"got 'errors'; did you mean error\? there are: error, x, n"):
        experiment(columns={"errors": "unknown"}).check_columns(["error", "x"], {})


@pytest.mark.parametrize("argument", ["title", "group"])
def test_titles_and_groups_are_texts(argument: str) -> None:
    given: dict[str, Any] = {argument: 3}
    with pytest.raises(ClaimError, match=rf"claim v: `{argument}` must be a text, got 3"):
        value(**given)
