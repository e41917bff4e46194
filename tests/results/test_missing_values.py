"""Missing values from a run to what it writes: exit codes, ledger, frame, tables, page."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.exceptions import StudyError
from mcstudy.ledger import Ledger

Command = Callable[..., tuple[int, str, str]]
MakeStudy = Callable[..., mc.Study]

FILE = '''"""Fits that may not converge."""

import numpy as np

import mcstudy as mc


@mc.each
def fit(rng, *, n):
    x = rng.normal()
    if x > 2:
        raise ArithmeticError("did not converge")
    return {{"slope": np.nan if {missing} else x, "covered": np.nan if {missing} else float(abs(x) < 1)}}


study = mc.Study(
    name="toy",
    title="Fits that may not converge",
    question="Is the mean zero?",
    source="nowhere",
    simulate=fit,
    scenarios=mc.grid(n=(1, 2)),
    block=32,
    replicates=mc.Replicates(first=512, quick=512, full=512),
    missing=("slope", "covered"),
    claims=[
        mc.Value("mean", "x", of=mc.mean("slope"), equals={equals}, margin=0.5, {allowed}),
        mc.Value("share", "x", of=mc.proportion("covered"), equals=0.68, margin=0.2, {allowed}),
    ],
    measures=[mc.Measure("covered", of=mc.proportion("covered")), mc.Measure("lost", of=mc.share_missing("slope"))],
)
'''
NOBODY, SOME = "x > 9", "n == 2 and x < -1.5"


@pytest.mark.parametrize(
    ("missing", "allowed", "equals", "code"),
    [
        (NOBODY, "allowed_missing=0.05", 0.0, 0),
        (NOBODY, "allowed_failures=100", 0.0, 0),
        (SOME, "allowed_missing=0.15", 0.0, 0),
        (SOME, "allowed_failures=100", 0.0, 0),
        (NOBODY, "allowed_missing=0.05", 5.0, 1),  # all allowed, and another verdict than expected
        (NOBODY, "allowed_missing=0.001", 0.0, 3),
        (NOBODY, "allowed_failures=1", 0.0, 3),
        (SOME, "allowed_missing=0.05", 0.0, 3),
    ],
)
def test_exit_codes(
    project: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    missing: str,
    allowed: str,
    equals: float,
    code: int,
) -> None:
    # Pages and the proof cost more than the draws, and have no say.
    for name in ("write", "check_first"):
        monkeypatch.setattr(f"mcstudy.engine.run.{name}", lambda *_, **__: None)
    text = FILE.format(missing=missing, allowed=allowed, equals=equals)
    (project / "studies" / "toy.py").write_text(text, encoding="utf-8")
    found, shown, _ = command("run", "toy", "--executor", "serial", "--quiet")
    assert found == code, shown
    if code == 3 and "missing" in allowed:
        assert "of the replicates failed or have no value, and the claim allows" in " ".join(shown.split())


@pytest.fixture
def written(project: Path, command: Command) -> Path:
    text = FILE.format(missing=SOME, allowed="allowed_missing=0.2", equals=0.0)
    (project / "studies" / "toy.py").write_text(text, encoding="utf-8")
    command("run", "toy", "--executor", "serial", "--quiet")
    return project / "reports" / "toy"


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_bounds_in_all_that_is_written(written: Path) -> None:
    results = mc.load(written)
    cells = results["share"].cells
    assert all(cell.lost > 0 for cell in cells)
    expected = [
        (cell.estimate * cell.drawn / 512, (cell.estimate * cell.drawn + 512 - cell.drawn) / 512)
        for cell in cells
    ]
    assert [cell.worst_case for cell in cells] == [pytest.approx(ends) for ends in expected]

    frame = results.frame()
    bounds = frame[frame["claim"] == "share"][["worst_low", "worst_high"]].to_numpy()
    assert [tuple(ends) for ends in bounds.tolist()] == [cell.worst_case for cell in cells]
    assert frame[frame["claim"] == "mean"]["worst_high"].isna().all()

    rows = table(written / "tables" / "claim-share.csv")
    assert [(float(row["worst_low"]), float(row["worst_high"])) for row in rows] == [
        c.worst_case for c in cells
    ]
    assert float(rows[1]["lost"]) == cells[1].lost
    assert "worst_low" not in (written / "tables" / "claim-mean.csv").read_text(encoding="utf-8")
    measured = table(written / "tables" / "measure-covered.csv")
    assert [float(row["worst_high"]) for row in measured] == [pytest.approx(high) for _, high in expected]

    page = (written.parent / "toy.html").read_text(encoding="utf-8")
    assert page.count("whatever the missing were") == 1  # of two claims one has bounds


def test_nothing_of_it_where_nothing_is_lost(make_study: MakeStudy) -> None:
    results = mc.run(make_study(), executor="serial", out="reports")
    assert "worst_low" not in results.frame().columns
    assert "worst" not in Path("reports/toy/tables/claim-mean.csv").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def elsewhere(project: Path) -> Path:
    return project


def test_ledgers_without_the_new_fields_are_read(written: Path) -> None:
    """As an earlier version wrote them, with its digest."""
    from mcstudy.seal import SEAL, digests_of_findings

    document = json.loads((written / "ledger.json").read_text(encoding="utf-8"))
    for finding in document["findings"]:
        for cell in finding["cells"]:
            del cell["lost"], cell["worst_case"]
    for measure in document["measures"]:
        for cell in measure["cells"]:
            del cell["worst_case"]
    document["digests"]["findings"] = digests_of_findings(document["findings"], document["measures"])[0]
    for name in (SEAL, "blocks"):
        document.pop(name, None)
    ledger = Ledger.from_document(document)
    cell = ledger["share"].cells[0]
    assert (math.isnan(cell.lost), cell.worst_case) == (True, None)


def infinite(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
    x = rng.normal(size=size)
    return {"x": np.where(x > 2, np.inf, x), "low": np.full(size, -np.inf), "high": x + 2}


def median(**parts: Any) -> mc.Value:
    return mc.Value("median", "x", of=mc.quantile("x", 0.5), equals=0.0, margin=0.9, **parts)


def test_infinite_values_from_the_draws_to_the_page(make_study: MakeStudy) -> None:
    claims = [
        median(),
        mc.AtLeast("covered", "x", of=mc.coverage("low", "high", 0.0), at_least=0.5),
        mc.AtMost(
            "outer", "x", of=mc.quantile("x", 0.999), at_most=9.0, expected=mc.control("2 % are infinite")
        ),
    ]
    measures = [mc.Measure("outer", of=mc.quantile("x", 0.999))]
    replicates = mc.Replicates(first=512, quick=512, full=512)
    study = make_study(simulate=infinite, claims=claims, measures=measures, replicates=replicates)
    results = mc.run(study, executor="serial", out="reports")
    assert [finding.verdict for finding in results.findings] == ["CONFIRMED", "CONFIRMED", "REFUTED"]
    assert results["outer"].estimate == math.inf
    assert np.isposinf(results.draws("x")["x"]).sum() > 0
    assert mc.load("reports/toy")["outer"].estimate == math.inf


def test_infinite_values_are_refused_where_a_claim_or_a_measure_takes_a_mean(make_study: MakeStudy) -> None:
    match = r"column `x` must be finite, got inf at index \d+ .*; of claims and measures only those on quantiles, coverage and laws"
    average = mc.Value("mean", "x", of=mc.mean("x"), equals=0.0, margin=9.0)
    for parts in (
        {"claims": [median(), average]},
        {"claims": [median()], "measures": [mc.Measure("m", of=mc.sd("x"))]},
    ):
        with pytest.raises(StudyError, match=match):
            mc.run(make_study(simulate=infinite, **parts), executor="serial", out=None)
    # In columns that nobody reads, and beside a mean of another, they do no harm.
    fine = mc.Value("mean", "x", of=mc.mean("high"), equals=2.0, margin=9.0)
    mc.run(make_study(simulate=infinite, claims=[fine]), executor="serial", out=None)


def test_infinite_values_are_refused_only_where_the_claim_is(make_study: MakeStudy) -> None:
    def at_two(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        x = rng.normal(size=size)
        return {"x": np.where((x > 1) & (n == 2), np.inf, x)}

    def average(n: int) -> mc.Value:
        return mc.Value("mean", "x", of=mc.mean("x"), equals=0.0, margin=9.0, where={"n": n})

    run: dict[str, Any] = {"executor": "serial", "out": None}
    assert mc.run(make_study(simulate=at_two, claims=[median(), average(1)]), **run).run.failures == 0
    with pytest.raises(StudyError, match=r"\(n=2\), block 0: column `x` must be finite"):
        mc.run(make_study(simulate=at_two, claims=[median(), average(2)]), **run)


def test_kept_draws_with_infinite_values_are_judged_anew(make_study: MakeStudy) -> None:
    """The draws stay; a claim on their mean is undecided with the reason, and no check takes them for changed."""
    before = mc.run(make_study(simulate=infinite, claims=[median()]), executor="serial", out="reports")
    average = mc.Value("mean", "x", of=mc.mean("x"), equals=0.0, margin=9.0)
    after = mc.run(make_study(simulate=infinite, claims=[average]), executor="serial", out="reports")
    assert after.digests["draws"] == before.digests["draws"]
    assert "x is infinite in" in after["mean"].note
    assert after["mean"].verdict is mc.Verdict.UNDECIDED


def test_infinite_values_leave_as_texts_in_json(make_study: MakeStudy, command: Command) -> None:
    mc.run(make_study(simulate=infinite, claims=[median()]), executor="serial", out="reports")
    assert command("export", "toy", "--format", "json")[0] == 0

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    text = Path("reports/toy/draws.json").read_text(encoding="utf-8")
    records = json.loads(text, parse_constant=refuse)
    assert {record["low"] for record in records} == {"-inf"}
