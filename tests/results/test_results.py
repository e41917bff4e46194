"""A ledger in the hands of its owner: loaded, as a table, as draws, as figures, in a notebook."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mcstudy import Replicates, Results, Study, Verdict, grid, load, run
from mcstudy.exceptions import InputError
from mcstudy.measured import MeasureCell, Measured


def test_what_is_loaded_is_what_was_run(folder: Path, results: Results) -> None:
    for place in (folder / "toy", folder / "toy" / "ledger.json", str(folder / "toy")):
        again = load(place)
        assert again.to_json() == results.to_json()
        assert again.folder == folder / "toy"
    assert list(results) == ["mean", "at-1", "y"]
    assert results["at-1"].cells[0].scenario["n"] == 1


def test_a_run_returns_what_is_loaded(make_two: Callable[..., Study], project: Path, folder: Path) -> None:
    ran = run(make_two(), executor="serial", out="reports")
    assert isinstance(ran, Results)
    assert ran.folder == project / "reports" / "toy"
    assert load("reports/toy").to_json() == ran.to_json()
    assert ran.digests["draws"] == load(folder / "toy").digests["draws"]


@pytest.mark.parametrize(
    ("place", "match"),
    [
        ("reports/tyo", r"`folder` must have a ledger\.json, got .*tyo; did you mean toy\?"),
        ("reports", r"must have a ledger\.json, got .*; there are toy in it"),
        ("reports/toy/tables", "must have a ledger.json, got .*tables; run the study first"),
        ("nowhere/at/all", "run the study first"),
        ("reports/toy/other.json", "must have a ledger.json, got .*other.json"),
    ],
)
def test_a_folder_without_a_ledger(folder: Path, place: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        load(folder.parent / place)


def test_a_ledger_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ledger.json").write_text("{}")
    with pytest.raises(InputError, match="`ledger` must have schema 2 or 1, got None"):
        load(tmp_path)


def test_only_a_study_is_run() -> None:
    with pytest.raises(
        InputError, match=r"`study` must be a Study, got 'e.py'; a file is run by `mcstudy run FILE`"
    ):
        run("e.py")  # type: ignore[arg-type]


def test_the_frame_has_a_row_a_cell(results: Results) -> None:
    frame = results.frame()
    numbers = ["estimate", "mcse", "low", "high", "theory", "verdict", "replicates"]
    numbers += ["worst_low", "worst_high"]  # some have no value in this study
    assert list(frame.columns) == ["claim", "n", "kind", "d", *numbers]
    assert frame["claim"].tolist() == ["mean"] * 4 + ["at-1"] * 2 + ["y"]
    assert frame["n"].dropna().tolist() == [1, 1, 2, 2, 1, 1]
    cell = results["mean"].cells[2]
    row = frame.iloc[2]
    assert (row["estimate"], row["low"], row["high"], row["mcse"]) == (
        cell.estimate,
        *cell.interval,
        cell.mcse,
    )
    assert (row["verdict"], row["replicates"], row["theory"]) == ("CONFIRMED", 64, 0.0)


def test_the_frame_of_a_study_without_claims_has_its_measures(make_two: Callable[..., Study]) -> None:
    from dataclasses import replace

    from mcstudy import Measure, mean

    study = make_two()
    experiments = [
        replace(
            e, claims=(), measures=[Measure(e.name, of=mean("x" if e.name == "first" else "y"), target=0.5)]
        )
        for e in study.experiments
    ]
    ledger = run(replace(study, experiments=experiments), executor="serial", out=None)
    frame = ledger.frame()
    assert list(frame.columns) == [
        "claim",
        "n",
        "kind",
        "d",
        "estimate",
        "mcse",
        "low",
        "high",
        "theory",
        "verdict",
        "replicates",
    ]
    assert frame["claim"].tolist() == ["first"] * 4 + ["second"]
    cell = ledger.measures[0].cells[2]
    row = frame.iloc[2]
    assert (row["n"], row["kind"]) == (cell.scenario["n"], cell.scenario["kind"])
    assert (row["estimate"], row["mcse"], row["replicates"]) == (cell.estimate, cell.mcse, cell.replicates)
    assert (row["theory"], row["verdict"]) == (0.5, "")
    assert frame[["low", "high"]].isna().all(axis=None)


def test_draws_are_those_of_the_findings(results: Results) -> None:
    draws = results.draws("x", experiment="first")
    assert list(draws.columns) == ["n", "kind", "block", "replicate", "x"]
    assert len(draws) == 4 * 64
    means = dict(draws.groupby(["n", "kind"])["x"].mean())
    for cell in results["mean"].cells:
        # Sums in another order: equal to rounding of 64 numbers of size 1.
        assert means[cell.scenario["n"], cell.scenario["kind"]] == pytest.approx(cell.estimate, abs=1e-14)
    assert draws["block"].unique().tolist() == [0, 1, 2, 3]
    assert draws["replicate"].unique().tolist() == list(range(16))


def test_draws_keep_what_is_missing_and_what_failed(results: Results) -> None:
    sparse = results.draws("x", "sparse", experiment="first")
    assert (sparse["sparse"].isna() == (sparse["x"] <= 0)).all()
    y = results.draws(experiment="second")
    assert y["y"].isna().tolist() == ([False, True] + [False] * 14) * 4


def test_columns_named_like_a_factor_are_told_apart(results: Results) -> None:
    draws = results.draws("x", "n", experiment="first")
    assert list(draws.columns) == ["n", "kind", "block", "replicate", "x", "n (column)"]
    np.testing.assert_array_equal(draws["n (column)"], 2.0 * draws["x"])
    assert set(draws["n"]) == {1, 2}


def test_draws_of_some_scenarios(results: Results) -> None:
    some = results.draws("x", experiment="first", where={"n": 2, "kind": "a"})
    assert set(some["n"]) == {2}
    assert len(some) == 64
    assert results.draws("x", experiment="first", where=lambda n: n > 1)["kind"].unique().tolist() == [
        "a",
        "b",
    ]


@pytest.mark.parametrize(
    ("columns", "more", "match"),
    [
        (("z",), {"experiment": "first"}, "`columns` must be columns of the experiment, got 'z'; columns: x, n, sparse"),
        (("sprase",), {"experiment": "first"}, r"got 'sprase'; did you mean sparse\? columns: x"),
        (("x",), {}, "`experiment` must be one of 'first', 'second', got None"),
        (("x",), {"experiment": "third"}, "`experiment` must be one of 'first', 'second', got 'third'"),
        ((), {"experiment": "first", "where": {"m": 1}}, "`where` must name a factor of the study, got 'm'; factors: n, kind"),
        ((), {"experiment": "first", "where": {"kinds": "a"}}, r"got 'kinds'; did you mean kind\? factors: n, kind"),
        ((), {"experiment": "first", "where": {"n": 3}}, "`where` must name levels of n, got 3; levels: 1, 2"),
        ((), {"experiment": "first", "where": lambda n: n > 9}, "`where` must leave a scenario, got .* which leaves none"),
        ((), {"experiment": "first", "where": lambda m: m > 9}, "`where` must name factors only, got the parameter m"),
    ],
)  # fmt: skip
def test_draws_refuse(
    results: Results, columns: tuple[str, ...], more: dict[str, object], match: str
) -> None:
    with pytest.raises(InputError, match=match):
        results.draws(*columns, **more)  # type: ignore[arg-type]


def test_draws_of_a_run_in_memory(make_two: Callable[..., Study]) -> None:
    ledger = run(make_two(), executor="serial", out=None)
    with pytest.raises(
        InputError, match="`draws` must have a journal to read, got a run that kept everything in memory"
    ):
        ledger.draws("x", experiment="first")


@pytest.mark.usefixtures("project")
def test_draws_of_a_journal_that_went_on(make_two: Callable[..., Study]) -> None:
    """More draws change nothing of what the findings rest on; other draws are no longer theirs."""
    before = run(make_two(), executor="serial", out="reports")
    draws = before.draws("x", experiment="first")
    run(make_two(replicates=Replicates(first=128, quick=128, full=128)), executor="serial", out="reports")
    assert before.draws("x", experiment="first").equals(draws)
    run(make_two(), executor="serial", out="reports", seed=2, fresh=True)
    with pytest.raises(
        InputError, match=r"got a journal in .* that another run has changed since; run the study again"
    ):
        before.draws("x", experiment="first")


def test_a_figure_of_every_claim(results: Results) -> None:
    from matplotlib.figure import Figure

    for claim in results:
        axes = results.plot(claim)
        assert axes.get_children()
        assert axes.get_xlabel()
    given = Figure().add_subplot()
    assert results.plot("mean", axes=given) is given
    with pytest.raises(InputError, match="`claim_id` must be one of mean, at-1, y, got 'men'"):
        results.plot("men")


def test_a_figure_of_every_measure(results: Results) -> None:
    from matplotlib.figure import Figure

    cells = tuple(MeasureCell(scenario, 0.5, 0.1, 64, 0) for scenario in grid(n=(1, 2, 4), kind=("a", "b")))
    measures = tuple(Measured(name, "first", "sd of x", "n", cells) for name in ("spread", "mean"))
    both = replace(results, measures=measures)
    axes = both.plot("spread", width="3.3in")
    assert isinstance(axes.figure, Figure)
    assert (axes.get_ylabel(), axes.figure.get_figwidth()) == ("sd of x", 3.3)
    given = Figure().add_subplot()
    assert both.plot("spread", axes=given) is given
    assert given.lines
    assert both.plot("mean").get_ylabel() != "sd of x"  # a claim's name is the claim's
    with pytest.raises(InputError, match="one of mean, at-1, y, spread, got 'spred'; did you mean spread"):
        both.plot("spred")


def test_a_short_repr(results: Results) -> None:
    assert repr(results) == "<Results of toy: 3 claims, all as expected>"


def test_a_repr_names_what_is_not_as_expected(results: Results) -> None:
    wrong = replace(results["at-1"], verdict=Verdict.UNDECIDED, as_expected=False)
    found = replace(results, findings=(results["mean"], wrong, results["y"]))
    assert repr(found) == "<Results of toy: 3 claims, 1 not as expected (at-1 UNDECIDED)>"


def test_a_table_in_a_notebook(results: Results) -> None:
    shown = results._repr_html_()
    assert shown.startswith("<table><caption>A toy &amp; more</caption>")
    assert shown.count("<tr>") == 1 + 3
    assert "<math>" in shown
    assert "CONFIRMED" in shown


def test_results_are_a_ledger(folder: Path, results: Results) -> None:
    assert json.loads(results.to_json()) == json.loads((folder / "toy" / "ledger.json").read_text())
