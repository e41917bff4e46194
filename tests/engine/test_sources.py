"""Folders of parts: what is read of them, and what is refused with the remedy."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mcstudy.engine.drawkey import Part
from mcstudy.engine.journal import Journal, is_held
from mcstudy.engine.progress import Progress
from mcstudy.engine.sources import Source, check_alike, sources_by_study
from mcstudy.exceptions import InputError, JournalError

pytestmark = pytest.mark.usefixtures("unproved", "no_report")
WriteStudy = Callable[..., Path]
Draw = Callable[..., list[str]]
OLD = Path(__file__).parents[1] / "data" / "journal-0.1.sqlite"


@pytest.fixture
def part(write_study: WriteStudy, draw: Draw) -> str:
    """The folder of a part."""
    return draw(write_study(), "1/2")[0]


def find(*folders: str, out: str = "joined") -> list[list[Source]]:
    return sources_by_study(folders, out, Progress())


def damage(folder: str, statement: str) -> None:
    with closing(sqlite3.connect(Path(folder, "toy", "draws.sqlite"))) as connection, connection:
        connection.execute(statement)


def test_a_part_says_what_it_is(part: str) -> None:
    (((source,),)) = find(part)
    assert (source.study, source.seed, source.options) == ("toy", 20261123, [])
    assert [(one.number, one.of, one.study, one.words) for one in source.assignments] == [
        (1, 2, "toy", "--profile full")
    ]
    assert len(list(source.rows())) == 16
    assert [seen for seen, _ in source.analyses] == [0]


def test_the_folder_of_its_study_is_the_part_too(part: str) -> None:
    assert find(f"{part}/toy")[0][0].journal == find(part)[0][0].journal


def test_parts_of_several_studies_are_told_apart(write_study: WriteStudy, draw: Draw) -> None:
    draw(write_study(), "1/2", "2/2")
    draw(write_study("other"), "1/2")
    found = find("parts/1/2", "parts/2/2")
    assert [[source.folder for source in sources] for sources in found] == [
        ["parts/1/2"],
        ["parts/1/2", "parts/2/2"],
    ]
    assert [sources[0].study for sources in found] == ["other", "toy"]


def test_options_of_a_run_are_told_from_its_key() -> None:
    parts = {"options of the run": Part("setting", "d", "--scale 2 --n 3")}
    assert Source("run", Path(), {"": parts}, (), ()).options == [("scale", "2"), ("n", "3")]


@pytest.mark.parametrize(
    ("folder", "wrong"),
    [
        ("nowhere", "which is no folder"),
        ("empty", r"which has no STUDY/draws\.sqlite"),
        ("file", "which is no folder"),
        ("full", r"which has no STUDY/draws\.sqlite"),
    ],
)
def test_what_is_no_part_is_refused(part: str, folder: str, wrong: str) -> None:
    Path("empty").mkdir()
    Path("file").touch()
    Path("full", "toy").mkdir(parents=True)
    Path("full", "toy", "ledger.json").touch()
    with pytest.raises(
        InputError,
        match=f"`DIR` must be a folder that .* has written, got {folder}, {wrong}; leave it out, or draw the part",
    ):
        find(part, folder)


def test_a_part_is_not_joined_to_itself(part: str) -> None:
    with pytest.raises(
        InputError,
        match=f"`--out` must be another folder than those of the parts, got {part} for both; name a new one",
    ):
        find(part, out=part)
    Path("link").symlink_to(part)
    with pytest.raises(InputError, match="got link for both"):
        find("link", out=part)
    assert find(part, out="parts")


def test_a_part_that_is_drawn_at_the_moment_is_refused(part: str) -> None:
    path = Path(part, "toy", "draws.sqlite")
    assert not is_held(path)
    with Journal(path, 16):
        assert is_held(path)
        with pytest.raises(
            JournalError, match=f"part {part} is drawn at the moment; wait for it to end, or leave it out"
        ):
            find(part)
    assert find(part)


def test_the_lock_of_a_process_that_died_is_none(part: str) -> None:
    """The kernel lets go of it; the file stays."""
    code = "import os, sys; from pathlib import Path; from mcstudy.engine.journal import Journal; Journal(Path(sys.argv[1]), 16); os.kill(os.getpid(), 9)"
    path = Path(part, "toy", "draws.sqlite")
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert path.with_suffix(".lock").exists()
    assert not is_held(path)
    assert find(part)


@pytest.mark.parametrize("begun", ["lock", "file", "tables"])
def test_a_part_that_died_before_its_first_draw_is_passed_over(
    part: str, begun: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from mcstudy.engine.progress import Plain

    folder = Path("begun", "toy")
    folder.mkdir(parents=True)
    (folder / "draws.lock").touch()
    if begun == "file":
        (folder / "draws.sqlite").touch()
    if begun == "tables":
        shutil.copy(Path(part, "toy", "draws.sqlite"), folder)
        damage("begun", "DELETE FROM keys")
    found = sources_by_study([part, "begun"], "joined", Plain(sys.stderr))
    assert [source.folder for sources in found for source in sources] == [part]
    assert capsys.readouterr().err == "part begun has no draws: its process ended before the first\n"
    with pytest.raises(
        InputError, match="`DIR` must be folders of parts that have draws, got begun; draw them"
    ):
        find("begun")


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("PRAGMA user_version = 7", r"was written by another version of mcstudy \(form 7\)"),
        ("PRAGMA application_id = 7", "is another program's database"),
        ("UPDATE keys SET parts = 'x'", "the journal was damaged: what its draws depend on can't be read"),
        ("UPDATE analyses SET content = 'x'", "what was made of its draws can't be read"),
        ("ALTER TABLE analyses RENAME TO other", "can't be read .no such table: analyses"),
    ],
)
def test_a_journal_that_cant_be_read_is_refused(part: str, statement: str, wrong: str) -> None:
    damage(part, statement)
    with pytest.raises(
        JournalError,
        match=f"part {part} can't be joined: .*{wrong}.*; leave it out, or draw it again into another folder$",
    ):
        find(part)


def test_a_journal_of_version_0_1_and_noise_are_refused(part: str) -> None:
    path = Path(part, "toy", "draws.sqlite")
    shutil.copy(OLD, path)
    with pytest.raises(
        JournalError,
        match=r"can't be joined: the journal .* was written by version 0\.1 of mcstudy; leave it out",
    ):
        find(part)
    path.write_bytes(b"noise" * 1000)
    with pytest.raises(
        JournalError,
        match=r"can't be joined: the journal .* can't be read .file is not a database.; leave it out",
    ):
        find(part)


def test_whatever_a_part_holds_it_is_read_or_refused(part: str) -> None:
    path = Path(part, "toy", "draws.sqlite")
    sound, rng, outcomes = path.read_bytes(), random.Random(1), Counter[str]()
    for _ in range(200):
        content = bytearray(sound)
        for _ in range(rng.randrange(1, 30)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        path.write_bytes(content[: rng.randrange(len(content))] if rng.random() < 0.2 else content)
        try:
            for (source,) in find(part):
                damaged = [row.key for row in source.rows() if not row.is_sound]
                outcomes["damaged" if damaged else "sound"] += 1
        except (InputError, JournalError):
            outcomes["refused"] += 1
    assert min(outcomes["damaged"], outcomes["refused"]) > 0
    assert outcomes.total() == 200


def test_a_journal_without_assignments_is_one_of_a_run(part: str) -> None:
    damage(part, "DROP TABLE assignments")
    assert find(part)[0][0].assignments == ()


def test_a_damaged_assignment_is_left_aside(part: str) -> None:
    damage(part, "UPDATE assignments SET content = content || 'x'")
    assert find(part)[0][0].assignments == ()


def test_draws_are_alike_that_depend_on_the_same() -> None:
    one = {
        "": {"seed of the run": Part("setting", "1", "1")},
        "e": {"seed of the run": Part("setting", "1", "1")},
    }
    other = {"e": {"seed of the run": Part("setting", "2", "2")}}
    check_alike([("a", one), ("b", one), ("c", {})])
    with pytest.raises(
        JournalError,
        match=r"^the draws of experiment e in c depend on something else than those in a:\n  seed of the run: 1 -> 2\nleave one",
    ):
        check_alike([("a", one), ("b", one), ("c", other)])
