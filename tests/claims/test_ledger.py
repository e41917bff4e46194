"""The ledger: its JSON, its digest, its look-ups."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mcstudy import Bound, Identity, Law, Ledger, Rate, SameLaw, Scenario, Value, Verdict, grid, mean
from mcstudy.claims import claims_over, judge
from mcstudy.claims.ledger import plain
from mcstudy.draws import Draws
from mcstudy.exceptions import InputError

DrawsOf = Callable[..., Draws]

FINDING = {
    "id", "statement", "kind", "what", "source", "expected", "because", "verdict", "as_expected", "theory", "margin",
    "estimate", "mcse", "interval", "confidence", "replicates", "cells", "diagnostics",
}  # fmt: skip
CELL = {"scenario", "theory", "margin", "estimate", "mcse", "interval", "verdict", "replicates", "failures"}
DIAGNOSTICS: dict[str, set[str]] = {
    "value": {"deciding_cell"},
    "rate": {"deciding_cell", "against", "statistic", "exact", "note", "lines"},
    "law": {"deciding_cell", "cells"},
    "same_law": {"deciding_cell", "cells"},
    "bound": {"deciding_cell", "cells", "witness", "tightest"},
    "identity": {"deciding_cell", "tolerance", "cells", "witness"},
}
EVIDENCE = {
    "law": {"distance", "band", "probability", "deviation"},
    "same_law": {"distance", "band", "probability", "deviation"},
    "bound": {"largest_ratio", "violations", "upper_limit"},
    "identity": {"largest", "median", "violations", "upper_limit"},
}


@pytest.fixture
def draws(draws_of: DrawsOf) -> Draws:
    rng = np.random.default_rng(1)
    scenarios = grid(n=(1, 2, 4), kind=("a", "b"))
    return draws_of({s: {"x": rng.normal(1, 0.1, size=64), "r": np.full(64, 1e-15)} for s in scenarios})


@pytest.fixture
def ledger(draws: Draws) -> Ledger:
    from scipy.stats import norm

    claims = [
        Value("value", "s", of=mean("x"), equals=1.0, margin=0.2),
        Rate("rate", "s", of=mean("x"), against="n", exponent=0.0, margin=0.3),
        Law("law", "s", column="x", distribution=norm(1, 0.1), margin=0.5),
        SameLaw("same", "s", column="x", across="kind", margin=0.9),
        Bound("bound", "s", column="x", at_most=0.5, expected=Verdict.REFUTED, because="a control"),
        Identity("identity", "s", column="r", tolerance=1e-14),
    ]
    return Ledger(judge(claims, draws), study={"name": "toy"}, digests={"draws": "00"})


def test_document_has_the_keys_of_the_contract(ledger: Ledger) -> None:
    document = json.loads(ledger.to_json())
    assert list(document)[:6] == ["schema", "study", "design", "run", "digests", "findings"]
    assert set(document) >= {"sections", "overlays", "failures", "provenance"}
    assert document["schema"] == 1
    for finding in document["findings"]:
        assert set(finding) == FINDING
        assert all(set(cell) == CELL for cell in finding["cells"])
        assert len(finding["interval"]) == 2
        assert finding["diagnostics"].keys() >= DIAGNOSTICS[finding["kind"]]
        for cell in finding["diagnostics"].get("cells", ()):
            assert set(cell) == EVIDENCE[finding["kind"]]
    assert {finding["kind"] for finding in document["findings"]} == set(DIAGNOSTICS)


def test_top_level_numbers_are_those_of_the_deciding_cell(ledger: Ledger) -> None:
    for finding in json.loads(ledger.to_json())["findings"]:
        cell = finding["cells"][finding["diagnostics"]["deciding_cell"]]
        for key in ("theory", "margin", "estimate", "mcse", "interval", "replicates", "verdict"):
            assert finding[key] == cell[key]


def test_floats_survive_the_json_to_the_last_bit(ledger: Ledger) -> None:
    written = json.loads(ledger.to_json())["findings"]
    for finding, row in zip(ledger.findings, written, strict=True):
        assert row["estimate"] == finding.estimate
        assert tuple(row["interval"]) == finding.interval
        assert row["confidence"] == finding.confidence


def test_numbers_that_json_lacks_are_strings(draws_of: DrawsOf) -> None:
    draws = draws_of(
        {Scenario(n=1): {"x": np.full(64, np.nan)}, Scenario(n=2): {"x": np.ones(64), "zero": np.zeros(64)}}
    )
    claims = [
        Value("lost", "s", of=mean("x"), equals=1.0, margin=1.0, where={"n": 1}),
        Bound("infinite", "s", column="x", at_most="zero", where={"n": 2}),
    ]
    ledger = Ledger(judge(claims, draws))
    lost, infinite = json.loads(ledger.to_json(), parse_constant=pytest.fail)["findings"]
    assert lost["estimate"] == "nan"
    assert lost["interval"] == ["nan", "nan"]
    assert infinite["diagnostics"]["witness"]["ratio"] == "inf"


def test_plain_values() -> None:
    given = {
        "array": np.array([[1.0, np.nan], [np.inf, -np.inf]]),
        "integer": np.int64(3),
        "flag": np.bool_(True),
        "pair": (np.float64(0.1), None),
        "verdict": Verdict.REFUTED,
        7: "seven",
    }
    assert plain(given) == {
        "array": [[1.0, "nan"], ["inf", "-inf"]],
        "integer": 3,
        "flag": True,
        "pair": [0.1, None],
        "verdict": "REFUTED",
        "7": "seven",
    }
    assert type(plain(np.float64(0.5))) is float
    assert type(plain(Verdict.CONFIRMED)) is str


def test_findings_digest_is_that_of_the_findings_alone(ledger: Ledger) -> None:
    digest = ledger.findings_digest
    assert len(digest) == 64
    assert json.loads(ledger.to_json())["digests"] == {"draws": "00", "findings": digest}
    assert replace(ledger, run={"seconds": 1.0}, provenance={"host": "x"}).findings_digest == digest
    first = ledger.findings[0]
    nudged = replace(first, estimate=math.nextafter(first.estimate, 2))
    assert replace(ledger, findings=(nudged, *ledger.findings[1:])).findings_digest != digest


def test_digest_ignores_how_the_study_was_called(draws: Draws) -> None:
    claims = [Bound("bound", "s", column="x", at_most=0.5)]
    one, other = (
        Ledger(judge(claims, replace(draws, replay=f"mcstudy replay {name}")))
        for name in ("toy", "studies/toy.py")
    )
    assert one.findings != other.findings
    assert one.findings_digest == other.findings_digest


def test_ledger_looks_findings_up(ledger: Ledger) -> None:
    assert ledger["law"].kind == "law"
    assert list(ledger) == ["value", "rate", "law", "same", "bound", "identity"]
    assert len(ledger) == 6
    assert "bound" in ledger
    assert "bond" not in ledger
    with pytest.raises(InputError, match=r"`claim_id` must be one of value, rate, law.*; got 'bond'"):
        ledger["bond"]


def test_ledger_counts_and_sums_up(ledger: Ledger) -> None:
    assert ledger.count(Verdict.REFUTED) == 1
    assert ledger.as_expected
    unexpected = replace(ledger.findings[0], as_expected=False)
    assert not replace(ledger, findings=(unexpected, *ledger.findings[1:])).as_expected


def test_claims_without_a_cell_are_left_out() -> None:
    one, other = (Value(f"n{n}", "s", of=mean("x"), equals=0.0, margin=1.0, where={"n": n}) for n in (1, 2))
    assert claims_over([one, other], grid(n=(1, 3))) == [one]


def test_a_findings_json_holds_nothing_but_json(ledger: Ledger) -> None:
    def check(value: Any) -> None:
        assert type(value) in (dict, list, str, int, float, bool, type(None))
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(item)

    check(ledger.document)
