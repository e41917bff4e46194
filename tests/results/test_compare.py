"""Two ledgers of a study, verdict by verdict."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mcstudy import Results, Scenario, Study, Verdict, run
from mcstudy.exceptions import InputError
from mcstudy.measured import MeasureCell, Measured
from mcstudy.results.compare import HEADER, compare, compare_places


@pytest.fixture
def reseeded(make_two: Callable[..., Study]) -> Results:
    """The same study with another seed."""
    return run(make_two(), executor="serial", out=None, seed=2)


def changed(results: Results, claim: str, **parts: object) -> Results:
    """The results with a finding that is another one."""
    findings = tuple(replace(item, **parts) if item.id == claim else item for item in results.findings)  # type: ignore[arg-type]
    return replace(results, findings=findings)


def test_a_ledger_and_itself(results: Results) -> None:
    for difference in compare(results, results):
        assert difference.same_verdict
        assert difference.same_draws
        assert (difference.change, difference.errors, difference.remark) == (0.0, 0.0, "")
    assert len(HEADER) == len(compare(results, results)[0].row())


def test_a_ledger_and_another_seed(results: Results, reseeded: Results) -> None:
    for difference in compare(results, reseeded):
        assert difference.same_verdict
        assert not difference.same_draws
        one, other = results[difference.claim], reseeded[difference.claim]
        assert difference.change == other.estimate - one.estimate
        assert difference.errors == difference.change / math.hypot(one.mcse, other.mcse)
        assert abs(difference.errors) < 5  # P = 6e-7 a claim


def test_another_verdict(results: Results) -> None:
    refuted = changed(results, "mean", verdict=Verdict.REFUTED)
    mean, *others = compare(results, refuted)
    assert not mean.same_verdict
    assert mean.remark == "another verdict"
    assert mean.row()[:3] == ("mean", "confirmed", "refuted")
    assert all(difference.same_verdict for difference in others)


def test_more_than_chance(results: Results, reseeded: Results) -> None:
    far = changed(reseeded, "y", estimate=results["y"].estimate + 9 * results["y"].mcse)
    *_, y = compare(results, far)
    assert y.errors == pytest.approx(9 / math.sqrt(2), rel=0.5)  # the errors of two runs differ somewhat
    assert y.remark == "more than chance"
    assert (
        compare(results, changed(results, "y", estimate=99.0))[-1].remark == ""
    )  # of the same draws: another statistic


def test_claims_that_only_one_has(results: Results) -> None:
    less = replace(results, findings=results.findings[1:])
    first = compare(results, less)[0]
    assert (first.remark, first.same_verdict) == ("only in the one", False)
    assert first.row() == ("mean", "confirmed", "–", "–", "–", "only in the one")
    assert [difference.claim for difference in compare(less, results)] == ["at-1", "y", "mean"]
    assert compare(less, results)[-1].remark == "only in the other"


def test_another_cell(results: Results) -> None:
    deciding = (results["mean"].deciding + 1) % 4
    assert compare(results, changed(results, "mean", deciding=deciding))[0].remark == "another cell decides"


def test_estimates_without_an_error(results: Results) -> None:
    exact = changed(results, "mean", mcse=0.0)
    same = compare(exact, exact)[0]
    assert same.errors == 0.0
    assert math.isnan(compare(exact, changed(exact, "mean", estimate=1.0))[0].errors)


def measured(results: Results, *numbers: tuple[float, float], name: str = "m") -> Results:
    """The results with a measure of these estimates and errors, one a scenario."""
    cells = tuple(
        MeasureCell(Scenario(n=n), estimate, mcse, 64, 0) for n, (estimate, mcse) in enumerate(numbers)
    )
    return replace(results, measures=(Measured(name, "first", "mean of x", "n", cells),))


def test_measures_are_compared_where_they_differ_most(results: Results, reseeded: Results) -> None:
    one = measured(results, (1.0, 0.3), (2.0, 0.1), (math.nan, math.nan))
    other = measured(reseeded, (2.0, 0.4), (2.9, 0.1), (7.0, 0.1))
    *claims, found = compare(one, other)
    assert [difference.claim for difference in claims] == list(results)
    assert found.same_verdict
    assert found.change == pytest.approx(0.9)  # 6 errors: the other one differs by 1, which are 2
    assert found.errors == pytest.approx(0.9 / math.hypot(0.1, 0.1))
    assert found.row()[:3] == ("m", "measured", "measured")
    assert found.remark == "more than chance"
    near = compare(one, measured(reseeded, (1.0, 0.3), (2.2, 0.1)))[-1]
    assert near.remark == ""  # the control


def test_measures_without_errors_or_scenarios_in_common(results: Results) -> None:
    one, other = measured(results, (1.0, 0.0), (2.0, 0.1)), measured(results, (1.5, 0.0), (2.5, 0.1))
    assert math.isnan(compare(one, other)[-1].errors)
    assert compare(one, other)[-1].change == 0.5
    assert compare(one, one)[-1].errors == 0.0
    assert compare(one, measured(results))[-1].remark == "no scenario that both have estimated"
    assert compare(one, results)[-1].remark == "only in the one"


def test_a_claim_that_became_a_measure_has_another_verdict(results: Results) -> None:
    less = replace(results, findings=results.findings[1:])
    found = compare(results, measured(less, (1.0, 0.1), name="mean"))[0]
    assert found.row() == ("mean", "confirmed", "measured", "–", "–", "another verdict")


def write(results: Results, *place: str | Path) -> Path:
    path = Path(*place, "ledger.json")
    path.parent.mkdir(parents=True)
    path.write_text(results.to_json(), encoding="utf-8")
    return path


def test_two_versions_are_compared_study_by_study(results: Results, tmp_path: Path) -> None:
    for version, names in (("1.0", ("gone", "toy")), ("2.0", ("new", "toy"))):
        for name in names:
            write(replace(results, study=replace(results.study, name=name)), tmp_path, version, name)
    found = compare_places(tmp_path / "1.0", tmp_path / "2.0")
    assert list(found) == ["gone", "toy", "new"]
    assert all(difference.same_verdict for difference in found["toy"])
    remarks = {name: {difference.remark for difference in found[name]} for name in found}
    assert remarks == {"gone": {"only in the one"}, "toy": {""}, "new": {"only in the other"}}
    assert len(found["new"]) == len(results)


def test_a_ledger_is_compared_with_a_study_s_folder(results: Results, tmp_path: Path) -> None:
    file = write(results, tmp_path, "1.0", "toy")
    assert list(compare_places(file, tmp_path / "1.0" / "toy")) == ["toy"]
    with pytest.raises(InputError, match=r"`folder` must have a ledger.json, got .*; there are toy in it"):
        compare_places(file, tmp_path / "1.0")
