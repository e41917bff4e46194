"""Blocks as they are kept: samples, failures, warnings, digests, times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from mcstudy import Scenario
from mcstudy.draws import Block, Failure
from mcstudy.engine.blocks import ENVIRONMENT, block_digest, digest_of_keys
from mcstudy.engine.drawkey import Part
from mcstudy.engine.journal import Journal
from mcstudy.engine.worker import BlockResult

ONE, TWO = Scenario(n=1), Scenario(n=2)
SIZE = 4
Counts = Mapping[tuple[str, Scenario], int]


def block(scenario: Scenario = ONE, number: int = 0, experiment: str = "", **more: Any) -> BlockResult:
    data = np.zeros(SIZE, dtype=[("x", "<f8"), ("y", "<f8")])
    data["x"] = np.random.default_rng(number).normal(size=SIZE)
    data["y"] = np.nan
    return BlockResult(Block(scenario, number, experiment), **({"data": data} | more))


def failure(index: int | None, reason: str = "E: no", number: int = 0, traceback: str = "") -> Failure:
    return Failure(Block(ONE, number), index, reason, traceback)


def lost(number: int = 0, reason: str = "E: no", traceback: str = "Traceback ...") -> BlockResult:
    return BlockResult(Block(ONE, number), failures=(failure(None, reason, number, traceback),))


@pytest.fixture
def memory() -> Iterator[Journal]:
    with Journal(None, SIZE) as journal:
        yield journal


def test_blocks_come_back_bit_for_bit(memory: Journal) -> None:
    given = block()
    memory.append(given)
    kept = memory.block(given.block)
    assert given.data is not None
    assert kept is not None
    assert kept.tobytes() == given.data.tobytes()
    assert kept.dtype == given.data.dtype
    assert memory.block(Block(ONE, 1)) is None
    assert memory.done() == {("", ONE.key, 0)}
    assert memory.columns() == {"": ("x", "y")}


def test_columns_may_have_any_name(memory: Journal) -> None:
    data = np.zeros(SIZE, dtype=[("β", "<f8"), ("a b", "<f8")])
    memory.append(BlockResult(Block(ONE, 0), data))
    assert memory.columns() == {"": ("β", "a b")}


def test_failures_are_told_with_their_places(memory: Journal) -> None:
    memory.append(lost(number=1))
    memory.append(block(number=0, failures=(failure(2, "diverged"),)))
    memory.append(block(number=2))
    assert list(memory.failures_of("", ONE, 12)) == [(0, 2), (1, None)]
    counts = {("", ONE): 12}
    assert [(f.block.number, f.index, f.reason) for f in memory.failures(counts)] == [
        (0, 2, "diverged"),
        (1, None, "E: no"),
    ]
    assert [f.index for f in memory.failures({("", ONE): SIZE})] == [2]
    assert memory.failures({("", TWO): 12}) == []
    assert memory.failed() == 1 + SIZE
    assert memory.done() - memory.done(sound=True) == {("", ONE.key, 1)}


def test_a_journal_of_failures_alone_has_no_columns(memory: Journal) -> None:
    memory.append(lost())
    assert memory.columns() == {}
    assert memory.names("", ONE, SIZE) == ()


def test_arrays_are_read_one_after_the_other(memory: Journal) -> None:
    for result in (block(number=0), lost(number=1), block(number=2)):
        memory.append(result)
    arrays = memory.arrays("", ONE, 2)
    assert [(number, data is None) for number, data in arrays] == [(0, False), (1, True)]


def test_experiments_are_kept_apart(memory: Journal) -> None:
    memory.append(block(experiment="a"))
    memory.append(block(experiment="b", data=np.zeros(SIZE, dtype=[("z", "<f8")])))
    assert memory.columns() == {"a": ("x", "y"), "b": ("z",)}
    assert memory.block(Block(ONE, 0)) is None


def test_warnings_are_counted(memory: Journal) -> None:
    for number, texts in enumerate([("a", "b"), ("a",), ()]):
        caught = tuple(("RuntimeWarning", text, text) for text in texts)
        memory.append(block(number=number, warnings=caught))
    found = memory.warnings({("", ONE): 12})
    assert [(record.message, record.blocks) for record in found] == [("a", 2), ("b", 1)]
    assert found[0].share == 2 / 3


def test_seconds_are_summed_by_scenario(memory: Journal) -> None:
    for number in range(3):
        memory.append(block(number=number, seconds=1.5))
    memory.append(block(TWO, seconds=0.25))
    timings = memory.timings({("", ONE): 2 * SIZE, ("", TWO): SIZE})
    assert [(t.scenario, t.seconds, t.blocks) for t in timings] == [(ONE, 3.0, 2), (TWO, 0.25, 1)]


def digest_of(results: list[BlockResult], counts: Counts) -> str:
    with Journal(None, SIZE) as journal:
        for result in results:
            journal.append(result)
        return journal.digests(counts)[0]


def test_digest_depends_on_the_draws_and_on_nothing_else() -> None:
    blocks = [block(scenario, number) for scenario in (ONE, TWO) for number in (0, 1)]
    counts = {("", ONE): 8, ("", TWO): 8}
    digest = digest_of(blocks, counts)
    assert digest_of(blocks[::-1], {("", TWO): 8, ("", ONE): 8}) == digest
    assert digest_of([*blocks, block(ONE, 2)], counts) == digest  # drawn further than judged
    noisy = block(ONE, 0, warnings=(("W", "w", "w"),), seconds=9.0)
    assert digest_of([noisy, *blocks[1:]], counts) == digest
    assert digest_of(blocks, {("", ONE): 8, ("", TWO): 4}) != digest
    assert digest_of(blocks, {("", ONE): 8}) != digest
    assert digest_of([block(ONE, 0, failures=(failure(1),)), *blocks[1:]], counts) != digest
    flipped = block(ONE, 0)
    assert flipped.data is not None
    flipped.data["x"][0] = np.nextafter(flipped.data["x"][0], 9)
    assert digest_of([flipped, *blocks[1:]], counts) != digest
    named = [block(result.block.scenario, result.block.number, "named") for result in blocks]
    assert digest_of(named, {("named", ONE): 8, ("named", TWO): 8}) != digest


def test_digest_ignores_what_another_process_would_write_otherwise() -> None:
    """Folders in tracebacks, addresses of objects in reasons; not the rest of a reason."""
    counts = {("", ONE): SIZE}
    one = digest_of([lost(reason="E: <Law at 0x7f0011223344>", traceback="/home/a")], counts)
    assert digest_of([lost(reason="E: <Law at 0x7f00aabbccdd>", traceback="/home/b")], counts) == one
    assert digest_of([lost(reason="E: <Low at 0x7f0011223344>")], counts) != one
    assert digest_of([lost(reason="E: 0x12")], counts) != digest_of([lost(reason="E: 0x13")], counts)


def test_each_block_has_the_digest_that_it_has_where_it_is_drawn() -> None:
    results = [block(ONE, 0), lost(1), block(ONE, 2, failures=(failure(1, number=2),)), block(TWO, 0)]
    with Journal(None, SIZE) as journal:
        for result in results:
            journal.append(result)
        _, (first, second) = journal.digests({("", TWO): SIZE, ("", ONE): 3 * SIZE})
    assert (first.scenario, second.scenario) == (ONE, TWO)
    drawn = [block_digest(result.block, result.failures, result.data) for result in results]
    assert [*first, *second] == drawn
    assert len(set(drawn)) == 4


def test_a_blocks_digest_sees_its_place_its_numbers_and_its_failures() -> None:
    whole = block()
    assert whole.data is not None
    moved = whole.data.copy()
    moved["x"][0] = np.nextafter(moved["x"][0], 9.0)
    variants = [
        block_digest(whole.block, (), whole.data),
        block_digest(whole.block, (), moved),
        block_digest(Block(TWO, 0), (), whole.data),
        block_digest(Block(ONE, 1), (), whole.data),
        block_digest(Block(ONE, 0, "a"), (), whole.data),
        block_digest(whole.block, (failure(1),), whole.data),
        block_digest(whole.block, (failure(2),), whole.data),
        block_digest(whole.block, (failure(1, "E: yes"),), whole.data),
    ]
    assert len(set(variants)) == len(variants)
    addresses = [block_digest(whole.block, (failure(1, f"E: at 0x7f{n}23456"),), whole.data) for n in (1, 2)]
    assert addresses[0] == addresses[1]


def test_a_recipe_leaves_the_environment_out() -> None:
    def keys(**texts: str) -> dict[str, dict[str, Part]]:
        kinds = {"simulate": "code", "numpy": "version", "kernel": "machine", "seed": "setting"}
        return {"": {name: Part(kind, texts.get(name, "1"), "") for name, kind in kinds.items()}}

    for name, same in (("simulate", False), ("numpy", True), ("kernel", True), ("seed", False)):
        changed = keys(**{name: "2"})
        assert digest_of_keys(changed) != digest_of_keys(keys())
        recipes = [digest_of_keys(found, without=ENVIRONMENT) for found in (changed, keys())]
        assert (recipes[0] == recipes[1]) is same
