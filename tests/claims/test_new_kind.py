"""A seventh kind of claim is two files, one of claims and one of the report, and is shown everywhere."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
import mcstudy.claims
import mcstudy.report.kinds
from mcstudy.exceptions import InputError
from mcstudy.findings import Guarantee
from mcstudy.ledger import Ledger
from mcstudy.report import read_ledger, write_report
from mcstudy.report.terminal import print_ledger

CLAIM = '''"""Most draws are positive."""

from dataclasses import astuple, dataclass

from mcstudy.claims.claim import Assessment, Claim
from mcstudy.claims.deciding import decide
from mcstudy.findings import Zone
from mcstudy.statistics import proportion

HALF_TO_ALL = Zone(0.75, 0.25)


@dataclass(frozen=True, kw_only=True)
class Mostly(Claim):
    """More than half of the replicates of a column are positive."""

    column: str
    kind = "mostly"

    @property
    def estimand(self):
        return f"share of positive {self.column}"

    def columns(self):
        return (self.column,)

    def assess(self, samples, shares, draws):
        (sample,) = samples
        (values,) = sample.values(self.column)
        positive, share = values > 0, proportion(self.column)
        decision = decide(HALF_TO_ALL, lambda error: share.limits(positive, error, shares.tuned), shares)
        value, error, count = astuple(share.estimate(positive))
        return Assessment(decision.cell(sample.scenario, HALF_TO_ALL, value, error, count, shares))
'''

ROOM = '''"""Claims that most draws are positive: a share against a half."""

from mcstudy.report.kinds import Kind, Summary


class MostlyKind(Kind):
    """A share in per cent."""

    headings = ("Positive", "Surely", "Wanted")
    decided = ("Majorities", "The share of positive draws, against a half.")
    columns = {"positive draws": lambda cell, _: f"{100 * cell.estimate:.1f} per cent"}

    def summary(self, finding):
        low, high = finding.interval
        return Summary(f"{100 * finding.estimate:.1f} per cent", f"{low:.2f} to {high:.2f}", "a majority")

    def tell(self, finding):
        return f"Of all draws {100 * finding.estimate:.1f} per cent are positive."

    def heights(self, finding, *, most=40):
        return (1.0,)

    def draw(self, axes, finding, *, most=40):
        axes.bar(range(len(finding.cells)), [cell.estimate for cell in finding.cells])
        return "Bars: shares of positive draws."


KIND = MostlyKind()
'''


def shifted(rng: np.random.Generator, size: int, *, shift: float) -> dict[str, Any]:
    return {"x": shift + rng.normal(size=size)}


def add(package: Any, text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a file ``mostly.py`` into a package, as far as Python can tell."""
    folder.mkdir()
    (folder / "mostly.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])


@pytest.fixture
def mostly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """The new kind of claim; its room in the report is not there yet."""
    add(mcstudy.claims, CLAIM, tmp_path / "claims", monkeypatch)
    yield import_module("mcstudy.claims.mostly").Mostly
    for package in ("mcstudy.claims", "mcstudy.report.kinds"):
        sys.modules.pop(f"{package}.mostly", None)


@pytest.fixture
def ledger(mostly: Callable[..., Any], make_study: Callable[..., mc.Study]) -> Ledger:
    study = make_study(
        simulate=shifted,
        scenarios=mc.grid(shift=(-2.0, 2.0)),
        claims=[
            mostly("up", "x > 0", column="x", where={"shift": 2.0}),
            mostly(
                "down",
                "-x > 0",
                column="x",
                where={"shift": -2.0},
                expected=mc.control("hardly any is"),
            ),
        ],
        replicates=mc.Replicates(256),
    )
    return mc.run(study, out=None, executor="serial")


@pytest.fixture
def written(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the report, with the second file in place."""
    add(mcstudy.report.kinds, ROOM, tmp_path / "kinds", monkeypatch)
    out = tmp_path / "out"
    out.mkdir()
    write_report(ledger, out)
    return out


def test_a_new_kind_is_judged_like_any_other(ledger: Ledger) -> None:
    assert (ledger["up"].verdict, ledger["up"].kind) == (mc.Verdict.CONFIRMED, "mostly")
    assert ledger["down"].verdict is mc.Verdict.REFUTED
    assert ledger["up"].confidence == 1 - 2 * 0.01 / 2
    assert ledger["down"].confidence == 1 - 0.01 / 2
    assert ledger["up"].guarantee is Guarantee.EXACT
    assert ledger["up"].drawn == 256


def test_it_is_read_again(ledger: Ledger) -> None:
    assert Ledger.from_json(ledger.to_json()).to_json() == ledger.to_json()


def test_it_is_shown_on_the_page(ledger: Ledger, written: Path) -> None:
    page = (written / "toy.html").read_text(encoding="utf-8")
    share = f"{100 * ledger['up'].estimate:.1f} per cent"
    for expected in (
        f"Of all draws {share} are positive.",
        "Bars: shares of positive draws.",
        "<dt>Positive</dt>",
        "<dt>Majorities</dt>",
        "positive draws",
    ):
        assert expected in page


def test_it_is_shown_in_the_terminal(ledger: Ledger, written: Path) -> None:
    stream = io.StringIO()
    print_ledger(ledger, stream=stream)
    shown = " ".join(stream.getvalue().split())
    assert f"{100 * ledger['up'].estimate:.1f} per cent" in shown
    assert "a majority" in shown


def test_it_is_written_as_csv_and_tex(ledger: Ledger, written: Path) -> None:
    tables = written / "toy" / "tables"
    with (tables / "findings.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert (rows["up"]["kind"], rows["up"]["verdict"]) == ("mostly", "CONFIRMED")
    assert float(rows["up"]["estimate"]) == ledger["up"].estimate
    assert "per cent" in (tables / "findings.tex").read_text(encoding="utf-8")


def test_its_ledger_is_read_where_nobody_knows_the_claim(ledger: Ledger, written: Path) -> None:
    """What ``mcstudy report`` does: the study is not loaded."""
    del sys.modules["mcstudy.claims.mostly"]
    file = written / "ledger.json"
    file.write_text(ledger.to_json(), encoding="utf-8")
    assert read_ledger(file)["up"].verdict is mc.Verdict.CONFIRMED


def test_without_its_room_the_report_says_which_file_to_add(ledger: Ledger, tmp_path: Path) -> None:
    """The control: the second file is not there."""
    with pytest.raises(InputError, match=r"got 'mostly'; add mcstudy/report/kinds/mostly.py"):
        write_report(ledger, tmp_path)
