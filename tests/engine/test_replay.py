"""Replays: the same block again, named as reports name it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcstudy import Experiment, Replicates, Scenario, Study, Value, grid, mean
from mcstudy.draws import Block
from mcstudy.engine.replay import replay
from mcstudy.engine.source import Origin
from mcstudy.engine.streams import generator
from mcstudy.exceptions import InputError

MakeStudy = Callable[..., Study]
SCENARIO = Scenario(n=2)


def test_a_block_is_drawn_again(make_study: MakeStudy) -> None:
    again = replay(Origin(make_study()), f"{SCENARIO.digest}:3", 9)
    expected = generator(9, "toy", Block(SCENARIO, 3)).normal(size=16)
    np.testing.assert_array_equal(again.columns["x"], expected)
    assert again.heading == "toy (n=2), block 3"
    assert again.failures == []
    assert not np.array_equal(replay(Origin(make_study()), f"{SCENARIO.digest}:3", 10).columns["x"], expected)


def test_one_replicate_of_it(make_study: MakeStudy) -> None:
    again = replay(Origin(make_study()), f"{SCENARIO.digest}:3:7", 9)
    assert again.columns["x"] == generator(9, "toy", Block(SCENARIO, 3)).normal(size=16)[7]
    assert again.heading == "toy (n=2), block 3, replicate 7"


def test_a_scenario_by_the_beginning_of_its_digest(make_study: MakeStudy) -> None:
    assert replay(Origin(make_study()), f"{SCENARIO.digest[:6]}:0", 9).result.block == Block(SCENARIO, 0)


def test_failures_are_shown(make_study: MakeStudy) -> None:
    def fails(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        return {"x": np.zeros(size), "failure": ["", "one", "two"] + [""] * 13}

    study = make_study(simulate=fails)
    assert replay(Origin(study), f"{SCENARIO.digest}:0", 9).failures == [
        "replicate 1: one",
        "replicate 2: two",
    ]
    assert replay(Origin(study), f"{SCENARIO.digest}:0:2", 9).failures == ["replicate 2: two"]
    assert replay(Origin(study), f"{SCENARIO.digest}:0:0", 9).failures == []


def test_misuse_is_shown(make_study: MakeStudy) -> None:
    study = make_study(simulate=lambda rng, size, n: {"x": np.full(size, np.inf)})
    again = replay(Origin(study), f"{SCENARIO.digest}:0", 9)
    assert again.columns == {}
    assert "column `x` must be finite" in again.failures[0]


@pytest.mark.parametrize("token", ["", "abc", "abc:", ":3", "abc:x", "abc:-1", "abc:1:2:3", "abc:1.5"])
def test_names_of_no_block(make_study: MakeStudy, token: str) -> None:
    with pytest.raises(
        InputError, match="`BLOCK` must be scenario:block or scenario:block:index as a report names it"
    ):
        replay(Origin(make_study()), token, 9)


def test_names_of_no_scenario(make_study: MakeStudy) -> None:
    with pytest.raises(
        InputError, match=f"got 'zzz' which fits 0; scenarios: {Scenario(n=1).digest}"
    ) as raised:
        replay(Origin(make_study()), "zzz:0", 9)
    assert f"{SCENARIO.digest} (n=2)" in str(raised.value)


def test_names_of_no_replicate(make_study: MakeStudy) -> None:
    with pytest.raises(
        InputError, match="`BLOCK` names replicate 16, but blocks of toy have replicates 0 to 15"
    ):
        replay(Origin(make_study()), f"{SCENARIO.digest}:0:16", 9)


def test_experiments_with_names(make_study: MakeStudy) -> None:
    def simulate(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        return {"x": rng.normal(size=size)}

    claims = [Value("m", "s", of=mean("x"), equals=0.0, margin=9.0)]
    experiments = [
        Experiment(name, simulate=simulate, scenarios=grid(n=(1, 2)), claims=claims if name == "a" else ())
        for name in ("a", "b")
    ]
    study = Study(
        name="toy",
        title="t",
        question="q?",
        source="s",
        block=16,
        experiments=experiments,
        replicates=Replicates(first=16, quick=16, full=16),
    )
    block = Block(SCENARIO, 3, "b")
    again = replay(Origin(study), f"b/{SCENARIO.digest}:3", 9)
    assert again.heading == "toy (b, n=2), block 3"
    np.testing.assert_array_equal(again.columns["x"], generator(9, "toy", block).normal(size=16))
    with pytest.raises(InputError, match=f"got '{SCENARIO.digest}' which fits 0; scenarios: a/"):
        replay(Origin(study), f"{SCENARIO.digest}:3", 9)


def test_a_column_that_is_missing_is_no_misuse(make_study: MakeStudy) -> None:
    study = make_study(simulate=lambda rng, size, n: {"x": np.full(size, np.nan)}, missing=("x",))
    assert replay(Origin(study), f"{SCENARIO.digest}:0", 9).failures == []
