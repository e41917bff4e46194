"""Which blocks are drawn again, against what a sample without replacement must do."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import hypergeom

from mcstudy import load
from mcstudy.engine.verify.sample import BLOCKS, FORGED, chance_of_detection, sample


@pytest.fixture
def ledger(run_once: Any) -> Any:
    return load(run_once / "reports" / "toy")


def test_a_sample_is_a_function_of_the_digest_and_the_number(ledger: Any) -> None:
    one, again = sample(ledger, 10), sample(ledger, 10)
    assert (list(one), len(one)) == (list(again), 10)
    other = replace(ledger, digests={**ledger.digests, "draws": "00" * 32})
    assert list(sample(other, 10)) != list(one)
    assert not set(one) <= set(sample(ledger, 11))  # who doubts a sample takes another


def test_all_blocks_are_a_sample_too(ledger: Any) -> None:
    assert sample(ledger, None) == sample(ledger, 40) == sample(ledger, 10**9)
    digests = [digest for drawn in ledger.blocks for digest in drawn]
    assert list(sample(ledger, None).values()) == digests
    assert len(set(digests)) == 40


def test_every_block_is_chosen_equally_often(ledger: Any) -> None:
    """Of 400 digests, each chooses 10 of 40: counts are binomial, the tolerance is 4.5 standard errors."""
    counts = dict.fromkeys(sample(ledger, None), 0)
    for number in range(400):
        for block in sample(replace(ledger, digests={"draws": f"{number:064x}"}), 10):
            counts[block] += 1
    assert np.abs(np.array(list(counts.values())) - 100.0).max() < 4.5 * math.sqrt(400 * 0.25 * 0.75)


@pytest.mark.parametrize(
    ("blocks", "drawn"), [(40, 10), (1000, 300), (7872, 300), (100, 99), (64, 64), (5, 1)]
)
def test_chance_of_detection_against_the_hypergeometric_law(blocks: int, drawn: int) -> None:
    forged = math.ceil(FORGED * blocks)
    expected = hypergeom(blocks, forged, drawn).sf(0)
    assert chance_of_detection(blocks, drawn) == pytest.approx(expected, rel=1e-12)


def test_three_hundred_blocks_expose_a_forgery_of_one_percent() -> None:
    for blocks in (300, 3000, 30_000, 10**7):
        assert chance_of_detection(blocks, BLOCKS) >= 0.95
    assert chance_of_detection(10**7, BLOCKS - 10) < 0.95  # as many are needed
    assert chance_of_detection(0, 0) == 0.0
