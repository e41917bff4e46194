"""The exit code of a run, from its study and its ledger."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import mcstudy as mc
from mcstudy.engine.outcome import code_of, is_lost
from mcstudy.ledger import FailureRecord

SCENARIO = mc.Scenario(n=1)


def one_fails(rng: Any, size: int, **_: Any) -> dict[str, Any]:
    return {"x": rng.normal(size=size), "failure": ["late"] + [""] * (size - 1)}


def one_is_missing(rng: Any, size: int, **_: Any) -> dict[str, Any]:
    x = rng.normal(size=size)
    x[0] = math.nan
    return {"x": x}


def measure(allowed: float | None) -> mc.Measure:
    return mc.Measure(f"m{allowed}", of=mc.mean("x"), allowed_missing=allowed)


def claim(allowed: int = 0, equals: float = 0.0) -> list[mc.Value]:
    return [mc.Value("mean", "s", of=mc.mean("x"), equals=equals, margin=1.5, allowed_failures=allowed)]


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"claims": claim()}, 0),
        ({"claims": claim(equals=9.0)}, 1),
        ({"claims": claim(), "simulate": one_fails}, 3),
        ({"claims": claim(allowed=99), "simulate": one_fails}, 0),
        ({"claims": [], "measures": [mc.Measure("m", of=mc.mean("x"))], "simulate": one_fails}, 3),
        # One of sixteen: allowed, not quite, and counted.
        ({"claims": [], "measures": [measure(1 / 16)], "simulate": one_fails}, 0),
        ({"claims": [], "measures": [measure(0.0624)], "simulate": one_fails}, 3),
        ({"claims": [], "measures": [measure(0.5), measure(None)], "simulate": one_fails}, 3),
        ({"claims": [], "measures": [mc.Measure("m", of=mc.share_missing("x"))], "simulate": one_fails}, 0),
        (
            {
                "claims": [],
                "measures": [mc.Measure("m", of=mc.mean("x"))],
                "simulate": one_is_missing,
                "missing": ("x",),
            },
            0,
        ),
        ({"claims": [], "measures": [measure(0.0624)], "simulate": one_is_missing, "missing": ("x",)}, 3),
    ],
)
def test_code(make_study: Callable[..., mc.Study], unproved: None, parts: Any, code: int) -> None:
    study = make_study(scenarios=mc.grid(n=(1,)), **parts)
    ledger = mc.run(study, executor="serial", out=None)
    assert (code_of(study, ledger), is_lost(study, ledger)) == (code, code == 3)


def test_a_block_in_quarantine_is_lost_whatever_is_allowed(
    make_study: Callable[..., mc.Study], unproved: None
) -> None:
    study = make_study(claims=claim(allowed=99))
    ledger = mc.run(study, executor="serial", out=None)
    killed = FailureRecord("", SCENARIO, 0, None, "token", "quarantined: the worker died", "")
    assert code_of(study, replace(ledger, failures=(killed,))) == 3
