import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from mcstudy import Identity, Scenario, Study, Verdict
from mcstudy.engine.loading import load_study
from mcstudy.models.deep_linear import Array

FILE = Path(__file__).parents[2] / "studies" / "discretization.py"
REGISTER = {"1.descent", "1.descent.constant", "1.orders", "1b.conserved.loose", "1.escape"}
SIZE = 3


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(FILE)


@pytest.fixture
def module(study: Study) -> ModuleType:
    return sys.modules[study.simulate.__module__]


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def steps(method: str, step: float | None, depth: int = 3) -> dict[str, Any]:
    return {
        "quantity": "steps",
        "depth": depth,
        "dimension": 4,
        "start": "balanced",
        "method": method,
        "step": step,
        "start_scale": None,
    }


@pytest.fixture(scope="module")
def drawn(study: Study) -> dict[Scenario, dict[str, Array]]:
    return {one: dict(study.simulate(stream(), SIZE, **one)) for one in study.scenarios}


def test_register_is_claimed(study: Study) -> None:
    assert {claim.id for claim in study.claims} >= REGISTER


def test_columns_are_the_same_and_finite_in_every_scenario(
    module: ModuleType, drawn: dict[Scenario, dict[str, Array]]
) -> None:
    for columns in drawn.values():
        assert list(columns.pop("failure")) == [""] * SIZE
        assert set(columns) == set(module.COLUMNS)
        assert all(np.isfinite(values).all() and values.shape == (SIZE,) for values in columns.values())


def test_every_cell_of_every_identity_is_as_expected(
    study: Study, drawn: dict[Scenario, dict[str, Array]]
) -> None:
    for claim in study.claims:
        if isinstance(claim, Identity):
            for one in claim.select(study.scenarios):
                largest = float(np.max(drawn[one][claim.column]))
                assert (largest <= claim.tolerance) == (claim.expected is Verdict.CONFIRMED), (claim.id, one)


def test_drift_is_linear_in_the_step(study: Study) -> None:
    """Drift over step has a limit; at steps of 2^-9 and 2^-10 it is within 1e-3 of each other."""
    drift = [study.simulate(stream(), SIZE, **steps("descent", 2.0**-k))["drift"] for k in (9, 10)]
    np.testing.assert_allclose(drift[0], 2 * drift[1], rtol=2e-3)


def test_wrong_kick_is_caught(study: Study, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half the kick: neither the step's identity nor the drift's constant survives."""
    right = module.balancedness_kick
    monkeypatch.setattr(module, "balancedness_kick", lambda factors, slope: 0.5 * right(factors, slope))
    columns = study.simulate(stream(), SIZE, **steps("descent", 2.0**-9))
    assert np.min(columns["kick"]) > 1e-3
    np.testing.assert_allclose(columns["drift_ratio"], 2.0, rtol=0.01)


def test_gradient_descent_in_the_place_of_the_midpoint_rule_is_caught(
    study: Study, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def descent(start: Array, slope: Any, step: float, count: int, *, stages: int) -> Array:
        result: Array = module.gradient_descent(start, slope, step, count)
        return result

    monkeypatch.setattr(module, "gauss_collocation", descent)
    assert np.min(study.simulate(stream(), SIZE, **steps("midpoint", 2.0**-6))["drift"]) > 1e-5


@pytest.mark.parametrize("depth", [3, 4])
def test_wrong_escape_exponent_is_caught(study: Study, module: ModuleType, depth: int) -> None:
    """The margin of the claim tells -(1 - 2/L) from -(1 - 1/L)."""
    (claim,) = (claim for claim in study.claims if claim.id == "1.escape")
    scales = (1e-8, 1e-6)
    times = [
        np.mean(
            study.simulate(
                stream(),
                SIZE,
                quantity="escape",
                depth=depth,
                dimension=3,
                start="aligned",
                method=None,
                step=None,
                start_scale=scale,
            )["escape_time"]
        )
        for scale in scales
    ]
    slope = np.log(times[0] / times[1]) / np.log(scales[0] / scales[1])
    margin = claim.margin  # type: ignore[attr-defined]
    assert abs(slope + (1 - 2 / depth)) < margin < abs(slope + (1 - 1 / depth))
