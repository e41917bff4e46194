"""The ledger: its JSON and back, its digests, its look-ups, and what it refuses to read."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.claims import judge
from mcstudy.draws import Draws
from mcstudy.evidence import Evidence
from mcstudy.exceptions import InputError
from mcstudy.findings import Role
from mcstudy.ledger import (
    SCHEMA,
    About,
    Change,
    Design,
    ExperimentDesign,
    FailureRecord,
    Ledger,
    Run,
    SourceFile,
    Timing,
    WarningRecord,
)
from mcstudy.seal import SEAL, BlockDigests

DrawsOf = Callable[..., Draws]
GRID = mc.grid(n=(1, 2, 4), kind=("a", "b"))


def claims() -> list[Any]:
    from scipy.stats import norm

    return [
        mc.Value("value", "s", of=mc.mean("x"), equals=1, margin=1),  # whole numbers in the place of floats
        mc.Rate("rate", "s", of=mc.mean("x"), against="n", exponent=0.0, margin=0.3),
        mc.Law("law", "s", column="x", distribution=norm(1, 0.1), margin=0.5),
        mc.SameLaw("same", "s", column="x", across="kind", margin=0.9),
        mc.Bound("bound", "s", column="x", at_most=0.5, expected=mc.control("half of it")),
        mc.Identity("identity", "s", column="r", tolerance=1e-14, law="constant"),
        mc.Bound("unlimited", "s", column="r", at_most=0.0, expected=mc.misprint("it is not 0")),
        mc.Identity("lost", "s", column="lost", tolerance=1.0),
    ]


@pytest.fixture
def draws(draws_of: DrawsOf) -> Draws:
    rng = np.random.default_rng(1)
    columns = {
        scenario: {"x": rng.normal(1, 0.1, size=64), "r": np.full(64, 1e-15), "lost": np.full(64, np.nan)}
        for scenario in GRID
    }
    return draws_of(columns, missing=("lost",))


@pytest.fixture
def ledger(draws: Draws) -> Ledger:
    """Every kind of claim, every part."""
    scenario = GRID[0]
    return Ledger(
        study=About("toy", "A toy", "Is it?", "nowhere"),
        design=Design(16, (64,), (ExperimentDesign("", "nowhere", {"n": (1, 2, 4)}, 6, (), ("x", "r", "lost"), ("lost",)),)),
        run=Run(1, "quick", "serial", 1, 384, 1, 0.01, "mcstudy run toy", "mcstudy replay toy", 0.5),
        digests={"draws": "00"},
        findings=judge(claims(), draws),
        measures=(mc.Measure("spread", of=mc.sd("x"), over="n").take(draws),),
        sections=(mc.Section("What was learnt", ("Nothing.",)),),
        overlays=(mc.Overlay("o", "t", "c", ("rate",), {"kind": ("a",)}),),
        failures=(FailureRecord("", scenario, 0, None, "token", "reason", "traceback"),),
        warnings=(WarningRecord("RuntimeWarning", "overflow", ("overflow",), "", scenario, 1, 0.25),),
        timings=(Timing("", scenario, 0.5, 4),),
        changes=(Change("margin of value", "1", "2", 384),),
        provenance={"git": "none"},
    )  # fmt: skip


def again(ledger: Ledger) -> Ledger:
    return Ledger.from_json(ledger.to_json())


def test_a_ledger_is_read_as_it_was_written(ledger: Ledger) -> None:
    assert again(ledger).to_json() == ledger.to_json()
    assert again(ledger).findings_digest == ledger.findings_digest


def test_evidence_is_of_the_same_type_on_both_sides(ledger: Ledger) -> None:
    for written, found in zip(ledger.findings, again(ledger).findings, strict=True):
        assert type(found.evidence) is type(written.evidence)
        for one, other in zip(written.evidence.cells, found.evidence.cells, strict=True):
            assert type(one) is type(other)
        assert [cell.scenario for cell in found.cells] == [cell.scenario for cell in written.cells]
        assert (found.verdict, found.role, found.guarantee) == (
            written.verdict,
            written.role,
            written.guarantee,
        )


def test_the_fixture_has_every_verdict_and_role(ledger: Ledger) -> None:
    assert {finding.verdict for finding in ledger.findings} == set(mc.Verdict)
    assert {finding.role for finding in ledger.findings} == {Role.THEORY, Role.CONTROL, Role.MISPRINT}
    assert {finding.kind for finding in ledger.findings} == {*Evidence.of_kind, "value"}


FINDING = {
    "id", "experiment", "statement", "kind", "source", "expected", "role", "because", "verdict", "guarantee",
    "as_expected", "theory", "margin", "estimate", "mcse", "interval", "confidence", "replicates", "cells", "evidence",
}  # fmt: skip
CELL = {"scenario", "theory", "estimate", "mcse", "interval", "verdict", "replicates", "missing"}


def test_document_has_the_keys_of_the_contract(ledger: Ledger) -> None:
    document = json.loads(ledger.to_json())
    assert list(document)[:6] == ["schema", "study", "design", "run", "digests", "findings"]
    assert document["schema"] == SCHEMA == 2
    assert set(document) >= {"measures", "provenance", "failures", "warnings"}
    assert set(document["study"]) == {"name", "title", "question", "source", "answer", "authors", "url"}
    assert set(document["run"]) >= {
        "seed", "profile", "executor", "jobs", "replicates", "failures", "seconds", "alpha",
    }  # fmt: skip
    for finding in document["findings"]:
        assert set(finding) >= FINDING
        assert all(set(cell) >= CELL for cell in finding["cells"])
        assert len(finding["interval"]) == 2


def test_top_level_numbers_are_those_of_the_deciding_cell(ledger: Ledger) -> None:
    for finding in json.loads(ledger.to_json())["findings"]:
        cell = finding["cells"][finding["deciding"]]
        for key in ("theory", "margin", "estimate", "mcse", "interval", "replicates", "verdict"):
            assert finding[key] == cell[key]


def test_a_findings_json_holds_nothing_but_json(ledger: Ledger) -> None:
    def check(value: Any) -> None:
        assert type(value) in (dict, list, str, int, float, bool, type(None))
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(item)

    check(ledger.document)


def test_numbers_that_json_lacks_are_strings(ledger: Ledger) -> None:
    document = json.loads(ledger.to_json(), parse_constant=pytest.fail)
    by_id = {finding["id"]: finding for finding in document["findings"]}
    assert by_id["lost"]["estimate"] == "nan"
    assert by_id["lost"]["interval"] == ["nan", "nan"]
    assert by_id["unlimited"]["evidence"]["cells"][0]["largest_ratio"] == "inf"
    assert again(ledger)["unlimited"].largest_ratio == math.inf


def test_findings_digest_is_that_of_the_findings_alone(ledger: Ledger) -> None:
    digest = ledger.findings_digest
    assert len(digest) == 64
    assert json.loads(ledger.to_json())["digests"] == {"draws": "00", "findings": digest}
    moved = replace(
        ledger, run=replace(ledger.run, seconds=1.0, replay="elsewhere"), provenance={"host": "x"}
    )
    assert moved.findings_digest == digest


def nudged(ledger: Ledger) -> Ledger:
    first = replace(ledger.findings[0], estimate=math.nextafter(ledger.findings[0].estimate, 2))
    return replace(ledger, findings=(first, *ledger.findings[1:]))


def written_digest(document: Mapping[str, Any]) -> str:
    """The findings' digest by another way: of the text, read again by nothing of ours."""
    rows = json.loads(json.dumps(document["findings"]))
    for row in rows:
        del row["diagnostics"]
    text = json.dumps([rows, document["measures"]], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def test_findings_digest_sees_the_last_bit(ledger: Ledger) -> None:
    assert nudged(ledger).findings_digest != ledger.findings_digest
    assert again(nudged(ledger)).findings_digest == nudged(ledger).findings_digest


def test_ledger_looks_findings_up(ledger: Ledger) -> None:
    assert ledger["law"].kind == "law"
    assert list(ledger) == [claim.id for claim in claims()]
    assert len(ledger) == 8
    assert "bound" in ledger
    assert "bond" not in ledger
    with pytest.raises(InputError, match=r"`claim_id` must be one of value, rate, law, .*, got 'bond'"):
        ledger["bond"]


def test_further_replicates_and_their_time_are_forecast(ledger: Ledger) -> None:
    """Over all scenarios of the undecided cells, in seconds of one processor: 64 replicates took half a second."""
    finding = ledger["same"]
    needed = [replace(cell, needed=64 + 100 * index) for index, cell in enumerate(finding.cells)]
    open_ = replace(finding, cells=tuple(needed))
    timings = tuple(Timing("", scenario, 0.5, 4) for scenario in GRID)
    further = replace(ledger, timings=timings).further(open_)
    assert further.replicates == 2 * (100 + 200)  # of two scenarios each; the first cell needs no more
    assert further.seconds == pytest.approx(600 * 0.5 / 64)
    assert replace(ledger, timings=timings).further(finding) == (0, 0.0)
    other = tuple(replace(timing, experiment="another") for timing in timings)
    assert replace(ledger, timings=other).further(open_) == (0, 0.0)


def test_time_is_forecast_by_scenarios_that_have_a_cells_factors(ledger: Ledger) -> None:
    """A cell of a line lacks the factor that the line runs over; a scenario without the cell's factors is no part of it."""
    finding = ledger["same"]
    (cell,) = [cell for cell in finding.cells if cell.scenario == finding.cells[-1].scenario]
    open_ = replace(finding, cells=(replace(cell, needed=cell.replicates + 50),))
    within = Timing("", mc.Scenario(**cell.scenario, further=1), 2.0, 1)
    apart = (Timing("", mc.Scenario(further=1), 9.0, 1), Timing("", mc.Scenario(), 9.0, 1))
    replicates, seconds = replace(ledger, timings=(within, *apart)).further(open_)
    assert replicates == 50
    assert seconds == pytest.approx(50 * 2.0 / ledger.design.block_size)


def test_other_contents_leave_the_digest_of_findings(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = ledger.findings_digest
    monkeypatch.setattr("mcstudy.ledger.digests_of_findings", None)  # it is not asked again
    other = ledger.of_these_findings(run=replace(ledger.run, seconds=1.5))
    assert (other.run.seconds, other.findings_digest) == (1.5, digest)
    with pytest.raises(InputError, match="`changes` must leave findings and measures, got findings; use"):
        ledger.of_these_findings(findings=ledger.findings[:-1])


def test_a_ledger_has_a_line_for_every_cell(ledger: Ledger) -> None:
    text = ledger.to_json()
    lines = {line.strip().rstrip(",") for line in text.splitlines()}
    cells = [cell for finding in json.loads(text)["findings"] for cell in finding["cells"]]
    assert len(cells) > 8
    assert all(json.dumps(cell, ensure_ascii=False) in lines for cell in cells)


def test_ledger_counts_and_sums_up(ledger: Ledger) -> None:
    assert ledger.count(mc.Verdict.REFUTED) == 2
    assert not ledger.as_expected  # "lost" is open
    settled = replace(ledger, findings=ledger.findings[:-1])
    assert settled.as_expected
    unexpected = replace(settled.findings[0], as_expected=False)
    assert not replace(settled, findings=(unexpected, *settled.findings[1:])).as_expected


def test_design_counts_scenarios_of_all_experiments(ledger: Ledger) -> None:
    (only,) = ledger.design.experiments
    assert replace(ledger.design, experiments=(only, only)).scenarios == 12


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to everything in a document; of a list the first item stands for all but in `findings`."""
    yield path
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = list(enumerate(value)) if path == ("findings",) else list(enumerate(value))[:1]
    for key, item in items:
        yield from places(item, (*path, key))


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The document with another value at a path; the original stays as it is."""
    if not path:
        return value
    holder = copy.copy(document)
    holder[path[0]] = changed(holder[path[0]], path[1:], value)
    return holder


# Where a document may hold anything, and what no document holds.
FREE = {"provenance", "where", "diagnostics", SEAL}
WRONG = object()


def spelled(path: tuple[Any, ...]) -> str:
    return "ledger" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)


def test_every_fields_wrong_type_is_named_with_its_place(ledger: Ledger) -> None:
    """Every entry of the document in turn becomes what JSON never holds there."""
    document = ledger.document
    tried = 0
    for path in places(document):
        # The parts themselves, and the evidence of a kind that has none, are other tests' matter.
        if len(path) < 2 or FREE.intersection(path) or path == ("findings", 0, "evidence", "cells"):
            continue
        tried += 1
        with pytest.raises(InputError) as caught:
            Ledger.from_document(changed(document, path, [[WRONG]]))
        message = str(caught.value)
        assert f"`{spelled(path)}" in message or f"`{spelled(path[:-1])}`" in message, (path, message)
    assert tried > 200


@pytest.mark.parametrize(
    "path",
    [
        ("study",),
        ("study", "title"),
        ("design", "stages"),
        ("design", "experiments", 0, "columns"),
        ("run", "seed"),
        ("digests",),
        ("findings", 0, "verdict"),
        ("findings", 0, "cells", 0, "estimate"),
        ("findings", 1, "evidence", "cells", 0, "fit", "upper_half", "levels"),
        ("findings", 2, "evidence", "cells", 0, "band"),
        ("findings", 4, "evidence", "cells", 0, "violations"),
        ("findings", 4, "evidence", "witness", "token"),
        ("measures", 0, "cells", 0, "mcse"),
        ("failures", 0, "reason"),
        ("sections", 0, "paragraphs"),
    ],
    ids=lambda path: ".".join(map(str, path)),
)
def test_a_missing_entry_is_named_with_its_place(ledger: Ledger, path: tuple[Any, ...]) -> None:
    document = copy.deepcopy(ledger.document)
    holder: Any = document
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]
    with pytest.raises(
        InputError, match=re.escape(f"`{spelled(path[:-1])}` must have an entry `{path[-1]}`, got")
    ):
        Ledger.from_document(document)


@pytest.mark.parametrize("keep", [0, 1, 100, 5000])
def test_a_truncated_ledger_is_refused(ledger: Ledger, keep: int) -> None:
    with pytest.raises(
        InputError, match=r"`ledger` must be JSON, got .* it is truncated or no ledger: run the study again"
    ):
        Ledger.from_json(ledger.to_json()[:keep])


@pytest.mark.parametrize(
    ("document", "found"),
    [("[]", "'list'"), ("3", "'int'"), ("{}", "None"), ('{"schema": 3}', "3"), ('{"schema": "2"}', "'2'")],
)
def test_other_schemas_are_refused(document: str, found: str) -> None:
    with pytest.raises(
        InputError, match=f"`ledger` must have schema 2 or 1, got {found}; read it with the version"
    ):
        Ledger.from_json(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("findings", 4, "verdict"), "CONFIRMED"),
        (("findings", 0, "estimate"), 1.0),
        (("findings", 0, "margin"), 2.0),
        (("findings", 0, "as_expected"), False),
        (("findings", 5, "cells", 0, "interval"), [0.0, 0.0]),
        (("findings", 4, "evidence", "cells", 0, "violations"), 0),
        (("findings", 4, "evidence", "witness", "value"), 0.1),
        (("measures", 0, "cells", 0, "estimate"), 0.0),
        (("digests", "findings"), "0" * 64),
    ],
)
def test_an_edited_ledger_is_refused(ledger: Ledger, path: tuple[Any, ...], value: Any) -> None:
    with pytest.raises(
        InputError, match=r"`ledger` must have the findings that its digest says, .* it was edited"
    ):
        Ledger.from_document(changed(ledger.document, path, value))


def test_a_finding_that_is_left_out_is_missed(ledger: Ledger) -> None:
    document = copy.deepcopy(ledger.document)
    del document["findings"][4]
    with pytest.raises(InputError, match="it was edited"):
        Ledger.from_document(document)


def test_a_ledger_without_its_digest_is_refused(ledger: Ledger) -> None:
    document = copy.deepcopy(ledger.document)
    del document["digests"]["findings"]
    with pytest.raises(InputError, match="where None is written"):
        Ledger.from_document(document)


def test_a_ledger_of_before_a_field_was_added_is_no_edited_one(ledger: Ledger) -> None:
    """The digest is that of the document as it is written, not of what this version would write of it."""
    document = copy.deepcopy(ledger.document)
    for finding in document["findings"]:
        for cell in finding["cells"]:
            del cell["needed"]
    document["digests"]["findings"] = written_digest(document)
    del document[SEAL]
    findings = Ledger.from_document(document).findings
    assert {cell.needed for finding in findings for cell in finding.cells} == {0}
    document["findings"][0]["because"] += "."  # the control
    with pytest.raises(InputError, match="it was edited"):
        Ledger.from_document(document)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("run", "seconds"), 99, "`run` was edited"),
        (("run", "seed"), 2, "`run` was edited"),
        (("study", "title"), "Another", "`study` was edited"),
        (("design", "experiments", 0, "factors", "n"), [1, 2], "`design` was edited"),
        (("digests", "draws"), "01", "`digests` was edited"),
        (("blocks", 0, "digests"), "ab" * 32, "`blocks` was edited"),
        (("provenance", "git"), "some", "`provenance` was edited"),
        (("findings", 0, "diagnostics", "note"), "x", "`claim value` was edited"),
        (("seal", "run"), "00", "`run` was edited"),
        (("seal",), {}, "`run` was added"),
        (("seal",), None, "the seal was edited"),
    ],
)
def test_what_the_findings_digest_leaves_out_is_sealed(
    sealed: Ledger, path: tuple[Any, ...], value: Any, says: str
) -> None:
    with pytest.raises(InputError, match=f"`ledger` must be as it was sealed, but .*{says}.*; run the study"):
        Ledger.from_document(changed(sealed.document, path, value))


@pytest.fixture
def sealed(ledger: Ledger) -> Ledger:
    """A ledger with digests of its blocks."""
    return replace(ledger, blocks=(BlockDigests("", GRID[0], "0f" * 32),))


def test_digests_of_blocks_are_read_one_by_one(sealed: Ledger) -> None:
    (blocks,) = again(sealed).blocks
    assert (len(blocks), list(blocks)) == (4, ["0f" * 8] * 4)


def test_a_part_that_is_left_out_is_missed(sealed: Ledger) -> None:
    document = dict(sealed.document)
    del document["changes"]
    with pytest.raises(InputError, match="but `changes` is missing; run"):
        Ledger.from_document(document)
    with pytest.raises(InputError, match="but `more` was added; run"):
        Ledger.from_document({**sealed.document, "more": 0})


def test_sources_are_what_their_digest_says(ledger: Ledger) -> None:
    sources = (SourceFile("a.py", "x = 1\n"), SourceFile("b.py", "y = 2\n"))
    digest = hashlib.sha256(b"x = 1\n\ny = 2\n").hexdigest()
    assert (
        again(replace(ledger, sources=sources, digests={**ledger.digests, "source": digest})).sources
        == sources
    )
    edited = replace(ledger, sources=sources[::-1], digests={**ledger.digests, "source": digest})
    with pytest.raises(
        InputError, match=r"its sources must be what their digest says, got .* is written; run"
    ):
        Ledger.from_document(edited.document)


def test_a_seal_is_not_taken_away(ledger: Ledger, sealed: Ledger) -> None:
    """Where there are none of its blocks' digests either, the ledger is of an earlier day."""
    unsealed = [{k: v for k, v in one.document.items() if k != SEAL} for one in (ledger, sealed)]
    assert Ledger.from_document(unsealed[0]).findings_digest == ledger.findings_digest
    with pytest.raises(InputError, match="but the seal was taken away; run"):
        Ledger.from_document(unsealed[1])


@pytest.mark.parametrize(
    ("path", "value", "match"),
    [
        (("findings",), {}, "`ledger` must have a list of findings, got none"),
        (("findings", 0), 3, r"`ledger.findings\[0\]` must be a finding of some kind, got 3"),
        (("findings", 0, "kind"), None, r"`ledger.findings\[0\]` must be a finding of some kind"),
        (("findings", 0, "deciding"), 6, "the deciding cell of claim value must be one of 6, got 6"),
        (("findings", 0, "deciding"), -1, "the deciding cell of claim value must be one of 6, got -1"),
        (("findings", 0, "cells"), [], "the deciding cell of claim value must be one of 0, got"),
        (("findings", 4, "evidence", "cells"), [None], r"evidence of claim bound must have one item a cell \(6\), got 1"),
        (("study", "name"), "../up", "the study's name must be letters, digits, '.', '-', '_', got '../up'"),
        (("study", "name"), ".hidden", "the study's name must be"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(ledger: Ledger, path: Any, value: Any, match: str) -> None:
    with pytest.raises(InputError, match=match):
        Ledger.from_document(changed(ledger.document, path, value))


def test_evidence_of_an_unknown_kind_is_refused_not_dropped(ledger: Ledger) -> None:
    """Bound's evidence under another name: there is no type for it, and half of it would be lost."""
    with pytest.raises(
        InputError,
        match=r"`ledger.findings\[4\].evidence` must be of a kind that is known, got 'toy'; import the module",
    ):
        Ledger.from_document(changed(ledger.document, ("findings", 4, "kind"), "toy"))


def test_a_kind_that_registers_its_evidence_is_read(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Evidence, "of_kind", dict(Evidence.of_kind))

    @dataclass(frozen=True)
    class ToyEvidence(Evidence, kinds=("toy",)):
        colour: str = ""

    toy = replace(ledger.findings[0], kind="toy", evidence=ToyEvidence(colour="red"))
    found = again(replace(ledger, findings=(toy,)))
    assert found.findings[0].evidence == ToyEvidence(colour="red")


@pytest.mark.parametrize(
    "digests", [{}, {"draws": "ab}\\\\input{x}"}, {"draws": "ab\n"}, {"draws": "ab", "key": "<b>"}], ids=str
)
def test_digests_are_hexadecimal(ledger: Ledger, digests: dict[str, str]) -> None:
    """They stand in pages and in TeX."""
    with pytest.raises(
        InputError, match="its digests must be hexadecimal, that of the draws among them, got"
    ):
        Ledger.from_document(replace(ledger, digests=digests).document)
