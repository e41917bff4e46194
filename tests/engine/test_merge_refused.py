"""Parts that are not taken, or not in whole: contradictions, damage, draws of something else; each named, and left as it is."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import mcstudy as mc
from mcstudy.draws import QUARANTINED, Block
from mcstudy.engine.merge import Merged
from mcstudy.engine.reading import reading
from mcstudy.engine.rows import checksum
from mcstudy.engine.shards import Shard
from mcstudy.exceptions import InputError, JournalError, StudyError

pytestmark = pytest.mark.usefixtures("unproved", "no_report")
WriteStudy = Callable[..., Path]
Merge = Callable[..., Merged]
Draw = Callable[..., list[str]]
Whole = Callable[..., mc.Ledger]
AT = "WHERE number = 3 AND scenario = '{\"scale\":2.0}'"


def journal(folder: str) -> Path:
    return Path(folder, "toy", "draws.sqlite")


def rows(folder: str, table: str = "blocks") -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(journal(folder))) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()


def edit(folder: str, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(journal(folder))) as connection, connection:
        assert connection.execute(statement, values).rowcount == 1


def rewrite(folder: str, **changes: Any) -> None:
    """Change a block as whoever wrote it might have: with the checksum."""
    names = ("experiment", "scenario", "number", "data", "failures", "warnings", "seconds")
    with closing(sqlite3.connect(journal(folder))) as connection:
        row = connection.execute(f"SELECT * FROM blocks {AT}").fetchone()
    content = tuple(changes.get(name, value) for name, value in zip(names, row, strict=False))
    edit(
        folder,
        f"UPDATE blocks SET data = ?, failures = ?, checksum = ? {AT}",
        content[3],
        content[4],
        checksum(content),
    )


def other_numbers(folder: str) -> bytes:
    with closing(sqlite3.connect(journal(folder))) as connection:
        (data,) = connection.execute(f"SELECT data FROM blocks {AT}").fetchone()
    return bytes(data[:-1] + bytes([data[-1] ^ 1]))


def test_contradictory_blocks_are_refused_with_their_address(
    write_study: WriteStudy, joined: Merge, whole: Whole, draw: Draw
) -> None:
    study = write_study()
    one, two = draw(study, "1/2", "2/2")
    block = Block(mc.Scenario(scale=2.0), 3)
    holder = one if Shard(1, 2).has(block) else two
    shutil.copytree(holder, "copy")
    rewrite("copy", data=other_numbers("copy"))
    with pytest.raises(
        JournalError,
        match=rf"toy \(scale=2.0\), block 3 has other numbers or failures in part copy than in {holder}; see which are right with: mcstudy replay toy {block.token}, leave",
    ):
        joined(one, two, "copy")
    with reading(journal("joined")) as blocks:
        assert len(blocks.done()) == 32  # what had been joined before
    before = rows("joined")
    with pytest.raises(JournalError, match="in part copy than in joined;"):
        joined("copy")
    assert rows("joined") == before
    merged = joined(one, two)
    assert merged.ledger is not None
    assert merged.ledger.digests == whole(study).digests


def test_other_failures_contradict_too_but_addresses_of_objects_do_not(
    write_study: WriteStudy, joined: Merge, draw: Draw
) -> None:
    (part,) = draw(write_study(), "1/1")
    for copy, failures in (
        ("one", [[0, "at 0x7f0001234567", "a"]]),
        ("two", [[0, "at 0x7f0007654321", "b"]]),
        ("three", [[0, "too large", ""]]),
    ):
        shutil.copytree(part, copy)
        rewrite(copy, failures=json.dumps(failures))
    assert joined("one", "two").known == 32
    with pytest.raises(
        JournalError, match="block 3 has other numbers or failures in part three than in joined"
    ):
        joined("three")


@pytest.mark.parametrize("order", [("sound", "dead"), ("dead", "sound")], ids="-".join)
def test_a_block_whose_process_died_gives_way_to_one_that_was_drawn(
    write_study: WriteStudy, joined: Merge, said: list[str], order: tuple[str, str], whole: Whole, draw: Draw
) -> None:
    study = write_study()
    shutil.copytree(draw(study, "1/1")[0], "sound")
    shutil.copytree("sound", "dead")
    rewrite("dead", data=None, failures=json.dumps([[None, f"{QUARANTINED}: died", ""]]))
    alone = joined("dead", out="alone")
    assert alone.ledger is not None
    assert [failure.reason for failure in alone.ledger.failures] == [f"{QUARANTINED}: died"]
    assert joined("dead", out="alone").known == 32
    assert said == []
    shutil.copytree("alone", "copy")  # of as many draws other findings are kept in both
    mended = joined("sound", out="alone").ledger
    assert mended is not None
    assert mended.digests == whole(study).digests
    assert joined("sound", out="copy", replicates=512).ledger is None
    assert whole(study, out="copy").digests == whole(study).digests
    merged = joined(*order)
    assert merged.ledger is not None
    assert merged.ledger.failures == ()
    assert merged.ledger.digests == whole(study).digests


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE blocks SET failures = '[0]'",
        "UPDATE blocks SET data = x'93'",
        "UPDATE blocks SET seconds = 9.5",
        "UPDATE blocks SET checksum = 'x'",
    ],
)
def test_a_damaged_block_is_named_and_not_taken(
    write_study: WriteStudy, joined: Merge, said: list[str], statement: str, whole: Whole, draw: Draw
) -> None:
    study = write_study()
    (part,) = draw(study, "1/1")
    shutil.copytree(part, "sound")
    edit(part, f"{statement} {AT}")
    merged = joined(part)
    assert said == [f'toy: block {{"scale":2.0}}:3 was damaged in part {part}, and is not taken from there']
    assert merged.missing is not None
    assert [block.key for block in merged.missing.blocks] == [("", '{"scale":2.0}', 3)]
    merged = joined(part, "sound")
    assert merged.missing is None
    assert merged.ledger is not None
    assert merged.ledger.digests == whole(study).digests


def test_a_block_that_was_damaged_where_it_was_joined_is_taken_again(
    write_study: WriteStudy, joined: Merge, said: list[str], draw: Draw
) -> None:
    (part,) = draw(write_study(), "1/1")
    first = joined(part)
    edit("joined", f"UPDATE blocks SET seconds = 9.5 {AT}")
    merged = joined(part)
    assert (merged.new, merged.known) == (1, 31)
    assert "was damaged where it was kept" in said[0]
    assert first.ledger is not None
    assert merged.ledger is not None
    assert merged.ledger.digests == first.ledger.digests


def test_no_flipped_bit_of_a_part_changes_a_result(
    write_study: WriteStudy, joined: Merge, whole: Whole, draw: Draw
) -> None:
    study = write_study()
    (part,) = draw(study, "1/1")
    right, sound = whole(study).digests, journal(part).read_bytes()
    rng, outcomes = random.Random(1), {"right": 0, "named": 0}
    for number in range(60):
        content = bytearray(sound)
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path = Path(f"flipped/{number}/toy/draws.sqlite")
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        try:
            merged = joined(f"flipped/{number}", out=f"out/{number}")
            assert merged.ledger is None or merged.ledger.digests == right
            outcomes["named" if merged.ledger is None else "right"] += 1
        except (JournalError, InputError):
            outcomes["named"] += 1
    assert min(outcomes.values()) > 0, outcomes


def test_parts_of_another_seed_are_refused(write_study: WriteStudy, joined: Merge, draw: Draw) -> None:
    study = write_study()
    folders = [*draw(study, "1/2"), *draw(study, "2/2", seed=3)]
    with pytest.raises(
        JournalError,
        match=r"the draws in parts/2/2 depend on something else than those in parts/1/2:\n  seed of the run: 20261123 -> 3\nleave one of the two out",
    ):
        joined(*folders)
    assert not Path("joined").exists()
    assert joined(folders[1]).missing is not None
    with pytest.raises(
        JournalError, match=r"the draws in parts/1/2 depend on something else than those in joined:"
    ):
        joined(folders[0])
    assert joined(folders[0], fresh=True).new == 16


def test_parts_of_another_simulate_are_refused(write_study: WriteStudy, joined: Merge, draw: Draw) -> None:
    folders = draw(write_study(), "1/2")
    folders += draw(write_study(body='return {"x": 2 * scale * rng.normal(size=size)}'), "2/2")
    with pytest.raises(
        JournalError,
        match=r"depend on something else than those in parts/1/2:\n  simulate:\n(.*\n)*.*\+.*2 \* scale",
    ):
        joined(*folders)


def test_a_study_that_has_changed_since_is_refused(
    write_study: WriteStudy, joined: Merge, draw: Draw
) -> None:
    study = write_study()
    folders = draw(study, "1/2", "2/2")
    write_study(body='return {"x": 2 * scale * rng.normal(size=size)}')
    with pytest.raises(
        JournalError,
        match=r"the parts have draws that depend on something else than the study does now:\n  simulate:\n(.*\n)*go back to the study",
    ):
        joined(*folders)
    assert not Path("joined").exists()
    write_study()
    assert joined(*folders).missing is None


def test_a_claim_that_has_changed_since_is_judged_and_seen(
    write_study: WriteStudy, joined: Merge, draw: Draw
) -> None:
    folders = draw(write_study(), "1/2")
    moved = write_study(claims='[Value("mean", "s", of=mean("x"), equals=0.0, margin=1.75)]')
    merged = joined(*folders, *draw(moved, "2/2"))
    assert merged.ledger is not None
    (change,) = merged.ledger.changes
    assert (change.what, change.before, change.after, change.seen) == (
        "claim mean, margin",
        "2.0",
        "1.75",
        16 * 16,
    )


def test_changes_that_a_part_has_seen_stay_visible(
    write_study: WriteStudy, joined: Merge, whole: Whole
) -> None:
    whole(write_study(), out="run")
    moved = write_study(claims='[Value("mean", "s", of=mean("x"), equals=0.0, margin=1.75)]')
    alone = whole(moved, out="run")
    merged = joined("run", profile="full")
    assert merged.ledger is not None
    assert merged.ledger.changes == alone.changes != ()


OTHER = {"BLAS kernel": "openblas 0.3 Prescott", "processor instructions": "x86_64 SSE3"}


def test_parts_of_another_machine_are_judged_here(
    write_study: WriteStudy,
    joined: Merge,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
    whole: Whole,
    draw: Draw,
) -> None:
    study = write_study()
    with monkeypatch.context() as patched:
        module = sys.modules["mcstudy.engine.drawkey.describe"]  # whose name its function has too
        patched.setattr(module, "machine", lambda: OTHER)
        there = draw(study, "1/2", "2/2")
        alone = whole(study)
    chosen: list[Any] = []
    monkeypatch.setattr("mcstudy.engine.run.check_stored", lambda *arguments: chosen.append(arguments))
    merged = joined(*there)
    assert merged.ledger is not None
    assert merged.ledger.digests == alone.digests != whole(study).digests
    assert said[0].startswith(
        "toy: no block is drawn again here, for the parts were drawn elsewhere: BLAS kernel: openblas 0.3 Prescott -> "
    )
    assert chosen == []
    shutil.rmtree("parts/1/2")
    with pytest.raises(
        JournalError, match=r"depend on something else than those in parts/1/2:\n  BLAS kernel"
    ):
        joined(*draw(study, "1/2"), there[1], out="other")
    joined(*draw(study, "1/2"), out="here")
    joined(*draw(study, "2/2", fresh=True), out="here")
    assert len(chosen) == 2  # not of a merge that leaves draws missing, and of the shard itself


def test_equal_blocks_of_different_parts_are_refused(
    write_study: WriteStudy, joined: Merge, whole: Whole, draw: Draw
) -> None:
    """Each part has a single block of a scenario, in which nothing is to be seen."""
    study = write_study(
        body='import numpy\nreturn {"x": numpy.random.default_rng(1).normal(size=size)}',
        scenarios="grid(scale=(1.0,))",
    )
    folders = draw(study, *(f"{n}/16" for n in range(1, 17)))
    with pytest.raises(StudyError, match="`simulate` must draw from its `rng`"):
        joined(*folders)
    assert not Path("joined").exists()
    with pytest.raises(StudyError, match="`simulate` must draw from its `rng`"):
        whole(study)


def test_draws_that_a_study_does_not_make_again_are_refused(
    write_study: WriteStudy, joined: Merge, draw: Draw
) -> None:
    Path("data.txt").write_text("1.0")
    study = write_study(
        body='import pathlib\nreturn {"x": float(pathlib.Path("data.txt").read_text()) * rng.normal(size=size)}'
    )
    folders = draw(study, "1/1")
    Path("data.txt").write_text("2.0")
    with pytest.raises(StudyError, match="an earlier run kept other numbers"):
        joined(*folders)


def test_a_study_that_is_not_here_is_asked_for(write_study: WriteStudy, joined: Merge, draw: Draw) -> None:
    study = write_study()
    folders = draw(study, "1/1")
    study.rename("elsewhere.py")
    with pytest.raises(
        InputError,
        match=r"the study toy must be in \./studies, or its file be named \(it was drawn as toy\); add --study FILE",
    ):
        joined(*folders)
    with pytest.raises(InputError, match=r"`--study` must be a study file, got nowhere.py"):
        joined(*folders, files=["nowhere.py"])
    assert joined(*folders, files=["elsewhere.py"]).missing is None


def test_a_file_outside_of_the_folder_is_not_run_because_a_part_names_it(
    write_study: WriteStudy, joined: Merge, project: Path, monkeypatch: pytest.MonkeyPatch, draw: Draw
) -> None:
    (project / "below").mkdir()
    (project / "mine").mkdir()
    study = write_study(folder="mine")
    monkeypatch.chdir(project / "below")
    folders = draw(study, "1/1")
    with pytest.raises(InputError, match=r"it was drawn as \.\./mine/toy.py"):
        joined(*folders)
    monkeypatch.chdir(project)
    shutil.move("below/parts", "parts")
    assert joined(*draw(study, "1/1")).missing is None
