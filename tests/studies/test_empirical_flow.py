import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from mcstudy import Replicates, Study, Verdict, run
from mcstudy.engine.loading import load_study
from mcstudy.models.deep_linear import Array

FILE = Path(__file__).parents[2] / "studies" / "empirical_flow.py"
SIZE = 4


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(FILE)


@pytest.fixture
def module(study: Study) -> ModuleType:
    return sys.modules[study.simulate.__module__]


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def completion(depth: int, start_scale: float = 1e-3) -> dict[str, Any]:
    """Smaller than the study's: a 12 x 12 matrix of rank 1 from 60 entries."""
    return {
        "regime": "scarce",
        "measuring": "completion",
        "dimension": 12,
        "rank": 1,
        "measurements": 60,
        "depth": depth,
        "start_scale": start_scale,
    }


def ample(measurements: int, regime: str = "ample") -> dict[str, Any]:
    return {
        "regime": regime,
        "measuring": "sensing",
        "dimension": 4,
        "rank": 4,
        "measurements": measurements,
        "depth": 2,
        "start_scale": None,
    }


def departure(study: Study, scenario: dict[str, Any], size: int = SIZE) -> Array:
    return np.asarray(study.simulate(stream(), size, **scenario)["departure"])


def test_register_is_claimed_with_its_controls(study: Study) -> None:
    expected = {claim.id: claim.expected for claim in study.claims}
    assert set(expected) >= {"1.sampling", "1.depth", "1.depth.published-error", "1.depth.published-rank"}
    assert expected["1.sampling.mismatched"] is Verdict.REFUTED
    assert expected["1.depth.large-start"] is Verdict.REFUTED


def test_published_setting_is_drawn_in_the_full_profile_only(study: Study) -> None:
    def published(profile: str) -> list[tuple[object, ...]]:
        factors = ("dimension", "rank", "measurements", "depth")
        scenarios = study.of_profile(profile)
        return [tuple(one[f] for f in factors) for one in scenarios if one["regime"] == "published"]

    assert published("quick") == []
    assert published("full") == [(100, 5, 2000, 2), (100, 5, 2000, 3)]


@pytest.mark.parametrize("measurements", [2**10, 2**15])
def test_departure_halves_with_four_times_the_measurements(study: Study, measurements: int) -> None:
    """Paired draws: the ratio is 2 up to corrections of relative order d/sqrt(n)."""
    ratio = departure(study, ample(measurements)) / departure(study, ample(4 * measurements))
    np.testing.assert_allclose(ratio, 2.0, rtol=8 / np.sqrt(measurements))


def test_departure_at_mismatched_times_does_not_fall(study: Study) -> None:
    late = [departure(study, ample(n, "late")) for n in (2**13, 2**15)]
    np.testing.assert_allclose(late[0], late[1], rtol=0.3)


def test_one_factor_keeps_what_is_not_seen(study: Study) -> None:
    """E ||error||^2 = (1 - n/d^2)||W*||^2 exactly; 5 standard errors of 40 replicates."""
    squares = departure(study, completion(1), 40) ** 2
    assert abs(squares.mean() - (1 - 60 / 144)) < 5 * squares.std() / np.sqrt(40)


def test_three_factors_recover_what_two_do_not(study: Study) -> None:
    assert np.median(departure(study, completion(3), 16)) < 0.05
    assert np.median(departure(study, completion(2), 16)) > 0.05
    assert np.median(departure(study, completion(3, start_scale=1.0), 16)) > 0.3


def test_unfitted_problem_is_a_declared_failure(
    study: Study, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = module.descend
    monkeypatch.setattr(
        module, "descend", lambda start, problem, fit: right(start, problem, fit=fit, steps=25)
    )
    columns = study.simulate(stream(), SIZE, **completion(2))
    assert all("not fitted" in reason for reason in columns["failure"])


def test_conclusion_is_written_from_the_ledger(study: Study) -> None:
    small = replace(
        study,
        scenarios=[
            one for one in study.scenarios if one["measuring"] == "completion" and one["dimension"] == 30
        ],
        claims=[claim for claim in study.claims if claim.id in {"1.depth", "1.depth.two"}],
        block=4,
        replicates=Replicates(first=4, quick=4, full=4),
        full_only=lambda _: False,
    )
    ledger = run(small, profile="quick", jobs=1, executor="serial", out=None)
    assert study.conclusion is not None
    section = study.conclusion(ledger)
    assert f"{ledger['1.depth'].estimate:.3f}" in section.paragraphs[0]
