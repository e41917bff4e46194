"""Kept findings: what has changed is judged again, what has not stands as it was, and both are what a new run finds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import mcstudy as mc
from mcstudy.claims import assess
from mcstudy.engine import keys
from mcstudy.engine.keys import rule_of
from mcstudy.engine.loading import load_study

pytestmark = pytest.mark.usefixtures("unproved", "no_report")
WriteStudy = Callable[..., Path]

TOP = """
import functools
import mcstudy as mc
from helper import nought

LIMIT = 0.0


def limit():
    return LIMIT


class Own(mc.Statistic):
    name = "mean"

    def estimate(self, values):
        return mc.mean("x").estimate(values)

    def influence(self, values):
        return mc.mean("x").influence(values)

    def interval(self, values, confidence):
        return mc.mean("x").interval(values, confidence)


class OwnValue(Value):
    def select(self, scenarios):
        return [s for s in scenarios if s["scale"] > 0]
"""
CLAIMS = """[
    Value("mean", "s", of=mean("x"), equals=0.0, margin=2.0),
    Value("reaching", "s", of=mean("x"), equals=lambda: limit(), margin=2.0),
    Value("beside", "s", of=mean("x"), equals=nought, margin=2.0),
    Value("own", "s", of=Own("x"), equals=0.0, margin=2.0),
    OwnValue("subclass", "s", of=mean("x"), equals=0.0, margin=2.0),
    Rate("rate", "s", of=rms("x"), against="scale", exponent=1.0, margin=0.9),
    Bound("bound", "s", column="x", at_most=100.0, because="it is far"),
]"""
ALL = ["mean", "reaching", "beside", "own", "subclass", "rate", "bound"]
HELPER = "def nought():\n    return 0.0\n"


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The claims that are judged from now on."""
    ids: list[str] = []

    def noted(claim: Any, *arguments: Any) -> Any:
        ids.append(claim.id)
        return assess(claim, *arguments)

    monkeypatch.setattr("mcstudy.engine.run.assess", noted)
    return ids


@pytest.fixture
def study_with(write_study: WriteStudy, project: Path) -> Callable[..., mc.Study]:
    """A function that writes the study, a text in it replaced by another, and loads it."""

    def make(old: str = "", new: str = "", helper: str = HELPER) -> mc.Study:
        path = write_study(top=TOP, claims=CLAIMS, scenarios="grid(scale=(1.0, 2.0, 4.0))")
        text = path.read_text(encoding="utf-8")
        assert not old or text.count(old) == 1
        path.write_text(text.replace(old, new) if old else text, encoding="utf-8")
        (project / "studies" / "helper.py").write_text(helper, encoding="utf-8")
        return load_study(path)

    return make


def go(study: mc.Study, out: str | None = "reports", **settings: Any) -> mc.Ledger:
    return mc.run(study, executor="serial", out=out, **settings)


def test_nothing_is_judged_again_where_nothing_has_changed(
    study_with: Callable[..., mc.Study], judged: list[str]
) -> None:
    before = go(study_with())
    assert list(dict.fromkeys(judged)) == ALL
    judged.clear()
    after = go(study_with())
    assert judged == []
    assert repr(after.findings) == repr(before.findings)
    assert after.findings_digest == before.findings_digest


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ('mean("x"), equals=0.0, margin=2.0),\n    Value("reaching"', 'mean("x"), equals=0.0, margin=1.9),\n    Value("reaching"', ["mean"]),
        ("LIMIT = 0.0", "LIMIT = 0.1", ["reaching"]),
        ("return LIMIT", "return LIMIT + 0.1", ["reaching"]),
        ('estimate(self, values):\n        return mc.mean("x").estimate(values)', 'estimate(self, values):\n        return mc.mean("x").estimate(2 * values)', ["own"]),
        ('s["scale"] > 0', 's["scale"] > 1', ["subclass"]),
        ("exponent=1.0", "exponent=1.1", ["rate"]),
        ("at_most=100.0", "at_most=101.0", ["bound"]),
        ("it is far", "it is very far", ["bound"]),  # a word: it stands in the finding
        ('"bound", "s"', '"bound", "t"', ["bound"]),
        ("Replicates(first=64, quick=128", "Replicates(first=80, quick=128", ALL),  # limits are tuned to them
        ("full=256)", "full=512)", []),
        ('question="Is the mean zero?"', 'question="Is it?"', []),
        ('"""Normal draws."""', '"""Draws that are normal."""', []),
        ('source="nowhere",', 'source="nowhere", alpha=0.02,', ALL),
        ('Value("mean", "s", of', 'Value("mean", "s", weight=0.5, of', ALL),  # and so all other shares
        ('because="it is far"', 'because="it is far", where={"scale": 1.0}', ["bound"]),
    ],
)  # fmt: skip
def test_what_has_changed_is_judged_again(
    study_with: Callable[..., mc.Study], judged: list[str], old: str, new: str, again: list[str]
) -> None:
    go(study_with())
    judged.clear()
    ledger = go(study_with(old, new))
    assert judged == again
    # The oracle: a run that has never kept anything.
    assert ledger.findings_digest == go(study_with(old, new), out=None).findings_digest


def test_a_module_beside_the_study_is_part_of_a_claim(
    study_with: Callable[..., mc.Study], judged: list[str]
) -> None:
    go(study_with())
    judged.clear()
    ledger = go(study_with(helper=HELPER.replace("0.0", "0.5")))
    assert judged == ["beside"]
    assert ledger["beside"].theory == 0.5


def test_other_draws_are_judged_again(study_with: Callable[..., mc.Study], judged: list[str]) -> None:
    """Of another profile, or drawn anew."""
    go(study_with())
    for settings in ({"profile": "full"}, {"profile": "quick"}, {"fresh": True, "seed": 5}):
        judged.clear()
        ledger = go(study_with(), **settings)
        assert list(dict.fromkeys(judged)) == ALL  # once a look
        assert ledger.findings_digest == go(study_with(), None, **settings).findings_digest


def test_a_level_that_is_added_is_seen_by_claims_over_all(
    study_with: Callable[..., mc.Study], judged: list[str], project: Path
) -> None:
    old, new = 'because="it is far"', 'because="it is far", where={"scale": 1.0}'
    go(study_with(old, new))
    judged.clear()
    path = project / "studies" / "toy.py"
    path.write_text(path.read_text(encoding="utf-8").replace("2.0, 4.0)", "2.0, 4.0, 8.0)"), encoding="utf-8")
    go(load_study(path))
    assert list(dict.fromkeys(judged)) == [name for name in ALL if name != "bound"]


def test_another_version_of_the_package_judges_again(
    study_with: Callable[..., mc.Study], judged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its code may change without its version, and numbers with that of a library."""
    go(study_with())
    judged.clear()
    monkeypatch.setattr("mcstudy.engine.kept.package_digest", lambda: "another")
    go(study_with())
    assert judged == ALL


def test_the_package_is_known_by_its_code_and_its_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = keys.package_digest.__wrapped__
    before = digest()
    assert before == digest()
    monkeypatch.setattr(keys, "version", lambda name: "0")
    assert digest() != before


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"kind": "value"}'])
def test_a_finding_that_is_damaged_is_judged_again(
    study_with: Callable[..., mc.Study], judged: list[str], project: Path, content: str
) -> None:
    before = go(study_with())
    with closing(sqlite3.connect(project / "reports" / "toy" / "draws.sqlite")) as connection:
        connection.execute("UPDATE findings SET content = ? WHERE claim = 'rate'", (content,))
        connection.commit()
    judged.clear()
    assert go(study_with()).findings_digest == before.findings_digest
    assert judged == ["rate"]


def test_a_claim_that_can_not_be_known_again_is_judged_each_time(
    study_with: Callable[..., mc.Study], judged: list[str]
) -> None:
    """A generator has no digest: whatever it gives, it gives once."""
    old, new = "equals=nought", "equals=functools.partial(lambda rest: 0.0, iter([1.0]))"
    for _ in range(2):
        judged.clear()
        go(study_with(old, new))
    assert judged == ["beside"]


def test_claims_that_are_gone_are_not_kept(study_with: Callable[..., mc.Study], project: Path) -> None:
    go(study_with())
    go(study_with('Value("mean", "s"', 'Value("average", "s"'))
    with closing(sqlite3.connect(project / "reports" / "toy" / "draws.sqlite")) as connection:
        rows = dict(connection.execute("SELECT claim, content FROM findings").fetchall())
    assert set(rows) == {"average", *ALL[1:]}
    assert json.loads(rows["average"])["id"] == "average"


def test_a_digest_of_a_claim_sees_all_of_its_fields() -> None:
    """Two claims are one only if they are equal in all: also in what the analysis leaves out as words."""
    claim = mc.Value("a", "s", of=mc.quantile("x", 0.5), equals=1.0, margin=0.1)
    others = [
        mc.Value("b", "s", of=mc.quantile("x", 0.5), equals=1.0, margin=0.1),
        mc.Value("a", "t", of=mc.quantile("x", 0.5), equals=1.0, margin=0.1),
        mc.Value("a", "s", of=mc.quantile("x", 0.6), equals=1.0, margin=0.1),
        mc.Value("a", "s", of=mc.quantile("y", 0.5), equals=1.0, margin=0.1),
        mc.Value("a", "s", of=mc.quantile("x", 0.5), equals=lambda: 1.0, margin=0.1),
        mc.Value("a", "s", of=mc.quantile("x", 0.5), equals=1.0, margin=0.1, expected=mc.control("no")),
        mc.Value("a", "s", of=mc.quantile("x", 0.5), equals=1.0, margin=0.1, expected=mc.misprint("no")),
    ]  # fmt: skip
    digests = [rule_of(one) for one in [claim, *others]]
    assert len(set(digests)) == len(digests)
    assert rule_of(mc.Value("a", "s", of=mc.quantile("x", 0.5), equals=1.0, margin=0.1)) == digests[0]
