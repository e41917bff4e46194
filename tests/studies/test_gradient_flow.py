import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from mcstudy import Identity, Scenario, Study, Verdict
from mcstudy.engine.loading import load_study
from mcstudy.models import identities, modes, problems
from mcstudy.models.deep_linear import Array, factor_gradients, sensing_gradient, transpose

FILE = Path(__file__).parents[2] / "studies" / "gradient_flow.py"
REGISTER = {
    "1a",
    "1b.1",
    "1b.conserved",
    "1b.2",
    "1b.2-printed",
    "1c",
    "1c-distinct",
    "1d",
    "1d-printed",
    "1e",
    "1f",
    "1.modes",
    "1.riccati",
}
SIZE = 4


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(FILE)


@pytest.fixture
def module(study: Study) -> ModuleType:
    return sys.modules[study.simulate.__module__]


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def scenario(start: str = "balanced", depth: int = 3, imbalance: float = 0.0) -> dict[str, Any]:
    return {"depth": depth, "dimension": 4, "start": start, "imbalance": imbalance, "loss": "population"}


@pytest.fixture(scope="module")
def drawn(study: Study) -> dict[Scenario, dict[str, Array]]:
    """A few replicates of every scenario."""
    return {one: dict(study.simulate(stream(), SIZE, **one)) for one in study.scenarios}


def test_register_is_claimed_with_its_misprints(study: Study) -> None:
    expected = {claim.id: claim.expected for claim in study.claims}
    assert set(expected) >= REGISTER
    refuted = {name for name, verdict in expected.items() if verdict is Verdict.REFUTED}
    assert refuted >= {"1b.2-printed", "1c-distinct", "1d-printed", "1b.2-unbalanced", "1f-unbalanced"}


def test_full_profile_draws_ten_thousand_starts(study: Study) -> None:
    assert len(study.scenarios) * study.replicates.full >= 10_000


def test_columns_are_the_same_and_finite_in_every_scenario(drawn: dict[Scenario, dict[str, Array]]) -> None:
    names = {tuple(columns) for columns in drawn.values()}
    assert len(names) == 1
    for columns in drawn.values():
        assert list(columns.pop("failure")) == [""] * SIZE
        assert all(np.isfinite(values).all() and values.shape == (SIZE,) for values in columns.values())


def test_every_cell_of_every_identity_is_as_expected(
    study: Study, drawn: dict[Scenario, dict[str, Array]]
) -> None:
    """A claim that is to be refuted is refuted in each of its scenarios, with a witness of order 1."""
    for claim in study.claims:
        if not isinstance(claim, Identity):
            continue
        largest = {one: float(np.max(drawn[one][claim.column])) for one in claim.select(study.scenarios)}
        for one, residual in largest.items():
            assert (residual <= claim.tolerance) == (claim.expected is Verdict.CONFIRMED), (claim.id, one)
        if claim.expected is Verdict.REFUTED:
            assert max(largest.values()) > 0.5, claim.id


def transposed(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    return lambda factors, slope: transpose(function(factors, slope))


def swapped(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    return lambda factors, slope: function(factors[..., ::-1, :, :], slope)[..., ::-1, :, :]


@pytest.mark.parametrize("mutate", [transposed, swapped])
def test_wrong_gradient_is_caught(
    study: Study, monkeypatch: pytest.MonkeyPatch, mutate: Callable[[Any], Any]
) -> None:
    monkeypatch.setattr(identities, "factor_gradients", mutate(factor_gradients))
    assert np.min(study.simulate(stream(), SIZE, **scenario())["gradient"]) > 1e-3


def test_missing_depth_is_caught(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without 1/L in the gradient both (a) and the closed form fail."""

    def without_depth(matrix: Array, target: Array, depth: int, moment: Array | None = None) -> Array:
        return sensing_gradient(matrix, target, 1, moment)

    monkeypatch.setattr(problems, "sensing_gradient", without_depth)
    columns = study.simulate(stream(), SIZE, **scenario(depth=2))
    assert np.min(columns["gradient"]) > 1e-3
    assert np.min(columns["closed_form"]) > 1e-3


def test_wrong_mode_exponent_is_caught(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 2 - 1/L in place of 2 - 2/L the modes are elsewhere."""
    monkeypatch.setattr(modes, "mode_exponent", lambda depth: 2 - 1 / depth)
    assert np.min(study.simulate(stream(), SIZE, **scenario("crossing"))["closed_form"]) > 1e-3


def test_wrong_end_to_end_equation_is_caught(
    study: Study, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = module.end_to_end_velocity
    monkeypatch.setattr(
        module, "end_to_end_velocity", lambda matrix, slope, depth: right(matrix, slope, depth + 1)
    )
    assert np.min(study.simulate(stream(), SIZE, **scenario())["with_product"]) > 1e-2


def test_failed_integration_is_declared(
    study: Study, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replicate whose flow fails has its reason, and NaN in every column; the others are untouched."""
    right = module.gradient_flow

    def failing(*arguments: Any, **options: Any) -> Any:
        flow = right(*arguments, **options)
        flow.states[:, 1] = np.nan
        return type(flow)(flow.times, flow.states, ("", "the integrator failed", "", ""))

    whole = study.simulate(stream(), SIZE, **scenario())
    monkeypatch.setattr(module, "gradient_flow", failing)
    columns = dict(study.simulate(stream(), SIZE, **scenario()))
    assert list(columns.pop("failure")) == ["", "the integrator failed", "", ""]
    for name, values in columns.items():
        assert np.isnan(values[1])
        np.testing.assert_array_equal(np.delete(values, 1), np.delete(whole[name], 1))
