"""Kept findings: what has changed is judged again, what has not stands as it was, and both are what a new run finds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm, rv_discrete, rv_histogram, t

import mcstudy as mc
from mcstudy.claims import Claim, assess
from mcstudy.engine import kept
from mcstudy.engine.journal import Journal
from mcstudy.engine.kept import KeptFindings, _packed, _unpacked
from mcstudy.engine.loading import load_study
from mcstudy.engine.notes import opened, sealed
from mcstudy.engine.reading import reading
from mcstudy.engine.rows import checksum
from mcstudy.exceptions import ClaimError, StudyError
from mcstudy.models.sensing.loss import loss_law
from mcstudy.models.sensing.marchenko_pastur import GapLaw

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
OWN = ["own", "subclass"]  # of code that sees the draws: judged each time
EACH = [name for name in ALL if name not in OWN]
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


def go(study: mc.Study, out: str | Path | None = "reports", **settings: Any) -> mc.Ledger:
    return mc.run(study, executor="serial", out=out, **settings)


def of_theory(judged: list[str]) -> list[str]:
    """What was judged, but claims that are each time; each once, for a run may look twice."""
    return [name for name in dict.fromkeys(judged) if name not in OWN]


def test_nothing_is_judged_again_where_nothing_has_changed(
    study_with: Callable[..., mc.Study], judged: list[str]
) -> None:
    before = go(study_with())
    assert list(dict.fromkeys(judged)) == ALL
    judged.clear()
    after = go(study_with())
    assert judged == OWN
    assert repr(after.findings) == repr(before.findings)
    assert after.findings_digest == before.findings_digest


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ('mean("x"), equals=0.0, margin=2.0),\n    Value("reaching"', 'mean("x"), equals=0.0, margin=1.9),\n    Value("reaching"', ["mean"]),
        ("LIMIT = 0.0", "LIMIT = 0.1", ["reaching"]),
        ("return LIMIT", "return LIMIT + 0.1", ["reaching"]),
        ('estimate(self, values):\n        return mc.mean("x").estimate(values)', 'estimate(self, values):\n        return mc.mean("x").estimate(2 * values)', []),
        ('s["scale"] > 0', 's["scale"] > 1', []),
        ("exponent=1.0", "exponent=1.1", ["rate"]),
        ("at_most=100.0", "at_most=101.0", ["bound"]),
        ("it is far", "it is very far", ["bound"]),  # a word: it stands in the finding
        ('"bound", "s"', '"bound", "t"', ["bound"]),
        ("Replicates(first=64, quick=128", "Replicates(first=80, quick=128", EACH),  # limits are tuned to them
        ("full=256)", "full=512)", []),
        ('question="Is the mean zero?"', 'question="Is it?"', []),
        ('"""Normal draws."""', '"""Draws that are normal."""', []),
        ('source="nowhere",', 'source="nowhere", alpha=0.02,', EACH),
        ('Value("mean", "s", of', 'Value("mean", "s", weight=0.5, of', EACH),  # and so all other shares
        ('because="it is far"', 'because="it is far", where={"scale": 1.0}', ["bound"]),
    ],
)  # fmt: skip
def test_what_has_changed_is_judged_again(
    study_with: Callable[..., mc.Study], judged: list[str], old: str, new: str, again: list[str]
) -> None:
    go(study_with())
    judged.clear()
    ledger = go(study_with(old, new))
    assert of_theory(judged) == again
    # The oracle: a run that has never kept anything.
    assert ledger.findings_digest == go(study_with(old, new), out=None).findings_digest


def test_a_module_beside_the_study_is_part_of_a_claim(
    study_with: Callable[..., mc.Study], judged: list[str]
) -> None:
    go(study_with())
    judged.clear()
    ledger = go(study_with(helper=HELPER.replace("0.0", "0.5")))
    assert of_theory(judged) == ["beside"]
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
    assert of_theory(judged) == ["mean", "reaching", "beside", "rate"]


def test_another_version_of_the_package_judges_again(
    study_with: Callable[..., mc.Study], judged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its code may change without its version, and numbers with that of a library."""
    go(study_with())
    judged.clear()
    monkeypatch.setattr("mcstudy.engine.kept.package_digest", lambda: "another")
    go(study_with())
    assert of_theory(judged) == EACH


def test_the_package_is_known_by_its_code_and_its_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = kept.package_digest.__wrapped__
    before = digest()
    assert before == digest()
    monkeypatch.setattr(kept, "version", lambda name: "0")
    assert digest() != before


@pytest.mark.parametrize("seal", [str, sealed])  # damaged on the disk, and of a version that writes otherwise
@pytest.mark.parametrize(
    "content",
    ["", "{", "AAAA", "äöü", *(_packed([text]) for text in ("", "{", "[]", "{}", '{"kind": "value"}'))],
)
def test_a_finding_that_is_damaged_is_judged_again(
    study_with: Callable[..., mc.Study],
    judged: list[str],
    project: Path,
    content: str,
    seal: Callable[[str], str],
) -> None:
    before = go(study_with())
    with closing(sqlite3.connect(project / "reports" / "toy" / "draws.sqlite")) as connection:
        connection.execute("UPDATE findings SET content = ? WHERE claim = 'rate'", (seal(content),))
        connection.commit()
    judged.clear()
    assert go(study_with()).findings_digest == before.findings_digest
    assert of_theory(judged) == ["rate"]
    judged.clear()
    go(study_with())
    assert of_theory(judged) == []  # what was judged again is kept


def test_findings_of_draws_that_were_drawn_again_are_judged_again(
    study_with: Callable[..., mc.Study], judged: list[str], project: Path
) -> None:
    """A block that was damaged comes back as it was; one that failed may come back otherwise."""
    before = go(study_with())
    path = project / "reports" / "toy" / "draws.sqlite"
    with Journal(path, 16) as journal:
        row = next(row for row in journal.rows() if row.number == 1)
    failed = row._replace(failures=json.dumps([[0, "lost", ""]]))
    with closing(sqlite3.connect(path)) as connection:
        place = "experiment = ? AND scenario = ? AND number = ?"
        content = (failed.failures, checksum(failed[:-1]), *row.key)
        connection.execute(f"UPDATE blocks SET failures = ?, checksum = ? WHERE {place}", content)
        connection.commit()
    judged.clear()
    ledger = go(study_with())
    assert of_theory(judged) != []
    assert ledger.run.failures == 1
    assert ledger.findings_digest != before.findings_digest


# What a theory function reads, before and after: nothing of it stands in its code.
READS = {
    "a file": ("float(pathlib.Path('truth.txt').read_text())", "pathlib.Path('truth.txt').write_text('{}')"),
    "the environment": ("float(os.environ['TRUTH'])", "os.environ['TRUTH'] = '{}'"),
    "a name by its text": ("globals()['TH' + 'IS']", "THIS = {}"),
    "an attribute of itself": ("getattr(truth, 'k')", "truth.k = {}"),
    "an attribute of a package": ("getattr(pathlib, 'k')", "pathlib.k = {}"),
}
PLACES = {
    "equals": 'Value("v", "s", of=mean("x"), equals=truth, margin=2.0)',
    "truth": 'Value("v", "s", of=mc.bias("x", truth), equals=0.0, margin=2.0)',
    "at_most": 'mc.AtMost("v", "s", of=mean("x"), at_most=lambda: 9 + truth())',
    "exponent": 'Rate("v", "s", of=rms("x"), against="scale", exponent=lambda: 1 + truth(), margin=0.9)',
    "against": 'Rate("v", "s", of=rms("x"), against=lambda scale: scale ** (1 + truth()), exponent=1, margin=0.9)',
    "distribution": 'Law("v", "s", column="x", distribution=lambda scale: norm(truth(), scale), margin=0.9)',
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", READS)
def test_theory_is_known_by_its_values_whatever_it_reads(
    write_study: WriteStudy, judged: list[str], monkeypatch: pytest.MonkeyPatch, name: str, place: str
) -> None:
    monkeypatch.setenv("TRUTH", "0.0")  # and taken back
    read, statement = READS[name]

    def study(value: float) -> mc.Study:
        function = f"def truth():\n    return {read}\n\n{statement.format(value)}"
        top = f"import os\nimport pathlib\nimport mcstudy as mc\nfrom scipy.stats import norm\n\n{function}"
        return load_study(
            write_study(top=top, claims=f"[{PLACES[place]}]", scenarios="grid(scale=(1.0, 2.0, 4.0))")
        )

    go(study(0.0))
    judged.clear()
    go(study(0.0))
    assert judged == []
    ledger = go(study(0.5))
    assert set(judged) == {"v"}
    assert ledger.findings_digest == go(study(0.5), out=None).findings_digest


class OwnLaw:
    """A distribution of the study's own."""

    def cdf(self, x: Any) -> Any:
        """Uniform."""
        return np.clip(x, 0, 1)


def rule_of(claim: Claim) -> str:
    with Journal(None, 16) as journal:
        return KeptFindings(journal, {})._rule(claim, mc.grid(n=(1, 2)))


def rule(**parts: Any) -> str:
    plan: dict[str, Any] = {"column": "x", "margin": 0.1, "distribution": norm(0, 1)}
    claim = mc.Law("l", "s", **(plan | parts))
    return rule_of(claim)


def test_laws_are_known_by_name_and_parameters() -> None:
    laws: list[Any] = [norm(0, 1), norm(0, 2), norm(), t(3), t(df=3), t(df=4), GapLaw(1.0), GapLaw(2.0)]
    laws += [lambda n: norm(0, n), lambda n: norm(0, n + 1), lambda n: GapLaw(n)]
    rules = [rule(distribution=law) for law in laws]
    assert "" not in rules
    assert len(set(rules)) == len(rules)
    assert rule(distribution=norm(0, 1)) == rules[0]
    assert rule(distribution=lambda n: norm(0, 3 * n - 2 * n)) == rules[8]  # by its values
    assert rule(distribution=loss_law) == rule(distribution=loss_law)


@pytest.mark.parametrize(
    "law",
    [OwnLaw(), lambda n: OwnLaw(), rv_discrete(values=([0, 1], [0.5, 0.5])), rv_histogram(np.histogram([1.0, 2.0]))],
    ids=["own", "a function of it", "listed values", "a histogram"],
)  # fmt: skip
def test_laws_with_more_to_them_are_judged_each_time(law: Any) -> None:
    assert rule(distribution=law) == ""


@pytest.mark.parametrize(
    "of",
    [mc.custom("x", lambda x: np.mean(x)), mc.smooth(lambda a: a * 2, mc.mean("x"))],
    ids=["custom", "smooth"],
)
def test_statistics_of_the_studys_own_are_judged_each_time(of: mc.Statistic) -> None:
    """But not those that only mcstudy's functions make."""
    assert rule_of(mc.Value("a", "s", of=of, equals=0.0, margin=1.0)) == ""
    known = [mc.mean("x") - mc.mean("y"), mc.rmse("x", lambda n: n), mc.conditional(mc.mean("x"), given="y")]
    rules = [rule_of(mc.Value(str(n), "s", of=one, equals=0.0, margin=1.0)) for n, one in enumerate(known)]
    assert "" not in rules


def test_a_digest_of_a_claim_sees_all_of_its_fields() -> None:
    """Two claims are one only if they are equal in all: also in what the analysis leaves out as words."""
    plan: dict[str, Any] = {"of": mc.quantile("x", 0.5), "equals": 1.0, "margin": 0.1}
    others: list[dict[str, Any]] = [
        {},
        {"of": mc.quantile("x", 0.6)},
        {"of": mc.quantile("y", 0.5)},
        {"equals": lambda n: 1.0 * n},
        {"margin": mc.relative(0.1)},
        {"expected": mc.control("no")},
        {"expected": mc.misprint("no")},
        {"expected": mc.misprint("never")},
        {"source": "a book"},
        {"where": {"n": 1}},
        {"allowed_failures": 1},
    ]
    claims: list[Claim] = [mc.Value("a", "s", **(plan | other)) for other in others]
    claims += [
        mc.Value("b", "s", **plan),
        mc.Value("a", "t", **plan),
        mc.AtMost("a", "s", of=plan["of"], at_most=1.0),
    ]
    rules = [rule_of(claim) for claim in claims]
    assert "" not in rules
    assert len(set(rules)) == len(rules)


def test_scenarios_of_the_full_profile_share_alpha(
    make_study: Callable[..., mc.Study], judged: list[str], tmp_path: Path
) -> None:
    go(make_study(), out=tmp_path)
    judged.clear()
    wider = make_study(full=mc.grid(n=(8, 16)))
    ledger = go(wider, out=tmp_path)
    assert set(judged) == {"mean"}
    assert ledger.findings_digest == go(wider, out=None).findings_digest


def test_a_level_that_was_never_rehearsed_is_rehearsed(write_study: WriteStudy) -> None:
    """Before a block of it is drawn."""
    top = (
        "from scipy.stats import norm\n\n\ndef law(scale):\n    return norm(0, scale) if scale < 3 else 1 / 0"
    )
    claims = '[Law("l", "s", column="x", distribution=law, margin=0.9)]'
    go(load_study(write_study(top=top, claims=claims)))
    study = load_study(write_study(top=top, claims=claims, scenarios="grid(scale=(1.0, 2.0, 3.0))"))
    for _ in range(2):
        with pytest.raises(
            ClaimError, match=r"claim l: `distribution` must be .* in scale=3.0 it raised ZeroDivisionError"
        ):
            go(study)
        with reading(Path("reports/toy/draws.sqlite")) as blocks:
            assert len(blocks.done()) == 2 * 64 // 16  # decided at the first look
    assert go(load_study(write_study(top=top, claims=claims))).changes == ()


def test_values_that_may_no_longer_be_missing_are_refused(
    make_study: Callable[..., mc.Study], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by findings that were kept."""

    def half(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        x = rng.normal(size=size)
        return {"x": np.where(x > 1.0, np.nan, x)}

    # The block that is drawn again as a proof would tell as well, if it is one of those.
    monkeypatch.setattr("mcstudy.engine.run.check_stored", lambda *_: None)
    study = make_study(simulate=half, missing=("x",))
    go(study, out=tmp_path)
    with pytest.raises(StudyError, match=r"column `x` must be finite"):
        go(make_study(simulate=half), out=tmp_path)
    assert go(study, out=tmp_path).changes == ()


def test_claims_that_are_gone_are_not_kept(study_with: Callable[..., mc.Study], project: Path) -> None:
    go(study_with())
    go(study_with('Value("mean", "s"', 'Value("average", "s"'))
    with closing(sqlite3.connect(project / "reports" / "toy" / "draws.sqlite")) as connection:
        rows = dict(connection.execute("SELECT claim, content FROM findings").fetchall())
    assert set(rows) == {"average", *EACH[1:]}
    assert json.loads(_unpacked(opened(rows["average"]) or ""))["id"] == "average"
