"""Random streams by content: what they depend on, and what they must never come to depend on."""

from __future__ import annotations

import hashlib
import json
import struct

import numpy as np
import pytest

from mcstudy import Scenario, grid
from mcstudy.draws import Block
from mcstudy.engine.streams import generator, spawn_key

SCENARIO = Scenario(n=8, sampler="full")


def test_known_numbers() -> None:
    """Published results rest on these: another key or generator would draw other numbers for the same seed."""
    rng = generator(20261123, "sensing_loss", Block(SCENARIO, 3))
    assert rng.random(3).tolist() == [0.3677147096154635, 0.4906186628840772, 0.8285147991867213]


def test_known_key() -> None:
    words = (3962563027, 1138852485, 1120552750, 2244538583, 3514205557, 3886272825, 587422289, 4263899053)
    assert spawn_key("sensing_loss", Block(SCENARIO, 3)) == (*words, 3)


def test_key_against_its_definition() -> None:
    """Eight big-endian words of the sha256 of study and scenario as canonical JSON, and the block."""
    content = '["sensing_loss",{"n":8,"sampler":"full"}]'
    assert json.loads(content)[1] == dict(SCENARIO)
    words = struct.unpack(">8I", hashlib.sha256(content.encode()).digest())
    assert spawn_key("sensing_loss", Block(SCENARIO, 3)) == (*words, 3)
    sequence = np.random.SeedSequence(7, spawn_key=(*words, 3))
    expected = np.random.Generator(np.random.SFC64(sequence)).normal(size=8)
    np.testing.assert_array_equal(generator(7, "sensing_loss", Block(SCENARIO, 3)).normal(size=8), expected)


def test_named_experiments_have_streams_of_their_own() -> None:
    content = '["s","spread",{"n":8}]'
    words = struct.unpack(">8I", hashlib.sha256(content.encode()).digest())
    assert spawn_key("s", Block(Scenario(n=8), 3, "spread")) == (*words, 3)
    keys = {spawn_key("s", Block(Scenario(n=8), 0, name)) for name in ("", "spread", "mean")}
    assert len(keys) == 3


def test_order_of_factors_changes_nothing() -> None:
    assert spawn_key("s", Block(Scenario(a=1, b=2), 0)) == spawn_key("s", Block(Scenario(b=2, a=1), 0))


@pytest.mark.parametrize(
    ("seed", "study", "block"),
    [
        (2, "s", Block(Scenario(n=8), 0)),
        (1, "t", Block(Scenario(n=8), 0)),
        (1, "s", Block(Scenario(n=9), 0)),
        (1, "s", Block(Scenario(n=8.0), 0)),
        (1, "s", Block(Scenario(n="8"), 0)),
        (1, "s", Block(Scenario(n=True), 0)),
        (1, "s", Block(Scenario(m=8), 0)),
        (1, "s", Block(Scenario(n=8, m=1), 0)),
        (1, "s", Block(Scenario(n=8), 1)),
        (1, "s", Block(Scenario(n=8), 0, "other")),
    ],
)
def test_everything_in_the_key_changes_the_stream(seed: int, study: str, block: Block) -> None:
    reference = generator(1, "s", Block(Scenario(n=8), 0)).random(4)
    assert not np.any(generator(seed, study, block).random(4) == reference)


def test_common_factors_share_a_stream() -> None:
    one, other = (
        generator(1, "s", Block(Scenario(n=8, step=step), 0), ("step",)).random() for step in (0.1, 0.2)
    )
    assert one == other
    apart = (generator(1, "s", Block(Scenario(n=n, step=0.1), 0), ("step",)).random() for n in (8, 9))
    assert len(set(apart)) == 2


def test_several_common_factors_are_all_left_out() -> None:
    scenarios = grid(n=(8, 9), step=(0.1, 0.2), sampler=("full", "projected"))
    keys = {spawn_key("s", Block(scenario, 0), ("sampler", "step")) for scenario in scenarios}
    assert keys == {spawn_key("s", Block(Scenario(n=n), 0)) for n in (8, 9)}


def test_streams_are_independent_across_scenarios_and_blocks() -> None:
    """Correlations of 64 streams of 4096 normals: each of the 2016 has standard error 1/64."""
    streams = np.stack(
        [
            generator(1, "s", Block(scenario, number)).normal(size=4096)
            for scenario in grid(n=range(16), kind=("a", "b"))
            for number in (0, 1)
        ]
    )
    correlations = np.asarray(np.corrcoef(streams))[np.triu_indices(64, 1)]
    assert np.max(np.abs(correlations)) < 5.5 / 64  # P(any beyond 5.5 standard errors) = 8e-5
    assert np.sum((64 * correlations) ** 2) == pytest.approx(2016, abs=5 * np.sqrt(2 * 2016))  # chi-square
    assert np.unique(streams).size == streams.size


def test_large_seeds_are_seeds() -> None:
    block = Block(Scenario(n=1), 0)
    assert generator(2**200, "s", block).random() != generator(0, "s", block).random()
