"""Scenarios, grids and samples."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy import Scenario, grid, powers_of_two
from mcstudy.draws import Draws, Sample
from mcstudy.exceptions import StudyError


def test_scenario_is_equal_in_any_order_of_its_factors() -> None:
    one, other = Scenario(n=8, kind="worst"), Scenario(kind="worst", n=8)
    assert one == other
    assert hash(one) == hash(other)
    assert one.digest == other.digest
    assert one != Scenario(n=9, kind="worst")
    assert one != {"n": 8, "kind": "worst"}


@pytest.mark.parametrize(("one", "other"), [(64, 64.0), (1, True), (0, False), ("64", 64), (None, "None")])
def test_levels_of_another_type_are_other_levels(one: object, other: object) -> None:
    assert Scenario(n=one) != Scenario(n=other)  # type: ignore[arg-type]


def test_scenario_key_is_canonical_json() -> None:
    levels: dict[str, Any] = {"width": np.int64(64), "rate": np.float64(0.1), "flag": np.bool_(True)}
    scenario = Scenario(**levels, name="a,b")
    assert json.loads(scenario.key) == {"flag": True, "name": "a,b", "rate": 0.1, "width": 64}
    assert scenario.key == '{"flag":true,"name":"a,b","rate":0.1,"width":64}'
    assert type(scenario["width"]) is int


def test_scenario_survives_pickling() -> None:
    scenario = Scenario(n=8, kind="worst")
    copy = pickle.loads(pickle.dumps(scenario))
    assert copy == scenario
    assert dict(copy) == {"n": 8, "kind": "worst"}
    assert list(copy) == list(scenario)


def test_scenario_without_factors() -> None:
    assert Scenario(n=8, kind="worst").without("n") == Scenario(kind="worst")
    assert Scenario(n=8).without("n", "m") == Scenario()


def test_scenario_as_text() -> None:
    assert str(Scenario(n=8, kind="a")) == "n=8, kind=a"
    assert repr(Scenario(n=8, kind="a")) == "Scenario(n=8, kind='a')"
    assert str(Scenario()) == "the only scenario"


@pytest.mark.parametrize(
    ("level", "match"),
    [
        (float("nan"), "`n`: a level must be finite, got nan"),
        (float("inf"), "`n`: a level must be finite, got inf"),
        (np.float64("-inf"), "`n`: a level must be finite, got -inf"),
        ([1], "`n`: a level must be a number, a string, a boolean or None, got list"),
        (1j, "got complex"),
        (np.zeros(2), "got ndarray"),
    ],
)
def test_scenario_refuses_levels_that_are_no_json(level: object, match: str) -> None:
    with pytest.raises(StudyError, match=match):
        Scenario(n=level)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (None, True),
        ({}, True),
        ({"n": 8}, True),
        ({"n": 9}, False),
        ({"n": (4, 8), "kind": "a"}, True),
        ({"n": [4], "kind": "a"}, False),
        ({"n": {8, 16}}, True),
        ({"n": range(8)}, False),
        (lambda scenario: scenario["n"] > 4, True),
        (lambda scenario: scenario["kind"] == "b", False),
    ],
)
def test_scenario_matches_levels_and_predicates(where: object, expected: bool) -> None:
    assert Scenario(n=8, kind="a").matches(where) is expected  # type: ignore[arg-type]


def test_grid_is_the_full_product_with_the_last_factor_fastest() -> None:
    scenarios = grid(n=(1, 2), kind=("a", "b"))
    assert [tuple(s.values()) for s in scenarios] == [(1, "a"), (1, "b"), (2, "a"), (2, "b")]
    assert grid(n=np.array([1, 2]), kind=["a", "b"]) == scenarios
    assert grid(n=range(1, 3)) + grid(n=(4,)) == (Scenario(n=1), Scenario(n=2), Scenario(n=4))


@pytest.mark.parametrize(
    ("levels", "match"),
    [
        ({}, "`grid` needs at least one factor"),
        ({"n": ()}, "`n`: a factor must have at least one level, got an empty grid"),
        ({"n": 3}, r"`n`: levels must be a sequence, got 3; write `n=\(3,\)`"),
        ({"kind": "worst"}, "`kind`: levels must be a sequence, got 'worst'"),
        ({"n": (1, 2, 1)}, "`n`: levels must be distinct"),
        ({"n": (1, np.int64(1))}, "`n`: levels must be distinct"),
    ],
)
def test_grid_refuses(levels: dict[str, object], match: str) -> None:
    with pytest.raises(StudyError, match=match):
        grid(**levels)


def test_powers_of_two() -> None:
    assert powers_of_two(0, 3) == (1, 2, 4, 8)
    assert powers_of_two(5, 5) == (32,)
    for low, high in ((3, 2), (-1, 2)):
        with pytest.raises(StudyError, match="0 <= low <= high"):
            powers_of_two(low, high)


def sample(values: list[float]) -> Sample:
    array = np.array(values)
    return Sample(Scenario(n=1), {"x": array}, ~np.isnan(array), block=2)


def test_sample_leaves_out_failed_replicates_and_finds_the_others() -> None:
    drawn = sample([0.0, np.nan, 2.0, np.nan, 4.0, 5.0])
    assert drawn.replicates == 6
    assert drawn.failures == 2
    np.testing.assert_array_equal(drawn.values("x"), [0.0, 2.0, 4.0, 5.0])
    assert [drawn.locate(position) for position in range(4)] == [(0, 0), (1, 0), (2, 0), (2, 1)]


def test_sample_without_failures_and_without_columns() -> None:
    np.testing.assert_array_equal(sample([1.0, 2.0]).values("x"), [1.0, 2.0])
    lost = Sample(Scenario(n=1), {}, np.zeros(2, dtype=np.bool_), block=2)
    assert lost.values("x").size == 0
    assert lost.failures == 2


@pytest.mark.parametrize(("replicates", "look"), [(64, 1), (128, 2), (256, 3), (1024, 5), (0, 1)])
def test_look_counts_the_doublings(draws_of: Callable[..., Draws], replicates: int, look: int) -> None:
    assert draws_of({}, first=64).look(replicates) == look


def test_replay_command_names_scenario_block_and_index(draws_of: Callable[..., Draws]) -> None:
    scenario = Scenario(n=1)
    draws = draws_of({scenario: {"x": [1.0, 2.0]}})
    assert draws.replay_command(scenario, 3) == f"mcstudy replay toy {scenario.digest}:3"
    assert draws.replay_command(scenario, 3, 0) == f"mcstudy replay toy {scenario.digest}:3:0"
    assert draws.scenarios == (scenario,)
