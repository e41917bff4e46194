"""Witnesses, and the evidence that kinds of claims register."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.draws import Block
from mcstudy.evidence import (
    BoundEvidence,
    Evidence,
    Fit,
    Half,
    IdentityEvidence,
    LawCell,
    LawEvidence,
    Line,
    RateEvidence,
    Witness,
)
from mcstudy.exceptions import InputError

SCENARIO = mc.Scenario(n=8)


def test_a_witness_stands_where_it_was_drawn() -> None:
    witness = Witness.at(Block(SCENARIO, 3, "worst"), 7, 2.0, 1.0)
    assert (witness.scenario, witness.block, witness.index) == (SCENARIO, 3, 7)
    assert witness.token == f"worst/{SCENARIO.digest}:3:7"
    assert Witness.at(Block(SCENARIO, 3), 7, 2.0).token == f"{SCENARIO.digest}:3:7"


@pytest.mark.parametrize(
    ("value", "bound", "ratio"),
    [
        (2.0, 4.0, 0.5),
        (0.0, 0.0, 0.0),
        (1.0, 0.0, math.inf),
        (0.0, -1.0, math.inf),
        (1e300, 1e-300, math.inf),
    ],
)
def test_the_ratio_of_a_witness(value: float, bound: float, ratio: float) -> None:
    assert Witness.at(Block(SCENARIO, 0), 0, value, bound).ratio == ratio


def test_a_residual_has_no_ratio() -> None:
    assert math.isnan(Witness.at(Block(SCENARIO, 0), 0, 1.0).ratio)


def test_each_kind_leads_to_its_evidence() -> None:
    known = {kind: Evidence.of_kind[kind] for kind in ("bound", "identity", "law", "same_law", "rate")}
    assert known == {
        "bound": BoundEvidence,
        "identity": IdentityEvidence,
        "law": LawEvidence,
        "same_law": LawEvidence,
        "rate": RateEvidence,
    }


FOUR = np.arange(4.0)


def line(**parts: Any) -> Line:
    plan: dict[str, Any] = {
        "scenario": SCENARIO,
        "x": FOUR,
        "y": FOUR,
        "mcse": FOUR,
        "replicates": (1, 2, 3, 4),
    }
    return Line(**(plan | {"fit": None} | parts))


@pytest.mark.parametrize("parts", [{}, {"fitted": FOUR}, {"points": (SCENARIO,) * 4}])
def test_what_belongs_to_a_level_is_there_for_each(parts: dict[str, Any]) -> None:
    assert len(line(**parts).x) == 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("y", FOUR[1:]),
        ("mcse", np.arange(5.0)),
        ("replicates", (1,)),
        ("fitted", FOUR[1:]),
        ("points", (SCENARIO,)),
    ],
)
def test_arrays_that_do_not_belong_to_each_other_are_refused(name: str, value: Any) -> None:
    """A ledger that was edited may have them."""
    with pytest.raises(InputError, match=f"`{name}` of a line must have as many items as there are .4., got"):
        line(**{name: value})
    with pytest.raises(InputError, match="`deviation` of a law must have as many items"):
        LawCell(0.1, 0.2, FOUR, FOUR[1:])


@pytest.mark.parametrize(
    ("name", "length", "rule"),
    [("local_slopes", 5, "at most"), ("local_mcse", 2, "as many"), ("scan", 5, "at most")],
)
def test_a_fit_fits_its_line(name: str, length: int, rule: str) -> None:
    half = Half(1.0, (0.0, 2.0), 2)
    numbers: dict[str, Any] = dict.fromkeys(
        ("constant", "exponent", "sampling_error", "robust_error", "chi_square", "p_value", "curvature"), 1.0
    )
    parts: dict[str, Any] = {"local_slopes": FOUR[1:], "local_mcse": FOUR[1:], "scan": (half,) * 3}
    more: dict[str, Any] = {"upper_half": None, "degrees": 2, "curvature_mcse": 1.0}
    line(fit=Fit(**numbers, **more, **parts))  # the control
    parts[name] = (half,) * length if name == "scan" else np.arange(float(length))
    if name == "local_slopes":
        parts["local_mcse"] = parts[name]
    with pytest.raises(InputError, match=f"`{name}` of a fit must have {rule}"):
        line(fit=Fit(**numbers, **more, **parts))
