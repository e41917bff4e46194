"""Parts that are joined: the result of one machine, whatever the parts, and however often and far they are joined."""

from __future__ import annotations

import random
import sqlite3
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import mcstudy as mc
from mcstudy.draws import Block
from mcstudy.engine.joined import Joined
from mcstudy.engine.loading import apply_options, load_study
from mcstudy.engine.merge import Merged
from mcstudy.engine.progress import Progress
from mcstudy.engine.reading import reading
from mcstudy.engine.shards import Shard, shard
from mcstudy.engine.sources import sources_by_study
from mcstudy.exceptions import InputError, JournalError

pytestmark = pytest.mark.usefixtures("unproved", "no_report")
WriteStudy = Callable[..., Path]
Merge = Callable[..., Merged]
Draw = Callable[..., list[str]]
Whole = Callable[..., mc.Ledger]
FAILING = """import warnings
if scale == 2.0 and rng.random() < 0.3:
    raise RuntimeError("no luck")
warnings.warn("slow")
x = rng.normal(size=size)
return {"x": x, "failure": ["too large" if value > 2.0 else "" for value in x]}"""
OPEN = '[Value("open", "s", of=mean("x"), equals=0.0, margin=0.3)]'


def journal(folder: str) -> Path:
    return Path(folder, "toy", "draws.sqlite")


def rows(folder: str, table: str = "blocks") -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(journal(folder))) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()


@pytest.mark.parametrize(
    "parts",
    [
        ["1/1"],
        ["1/2", "2/2"],
        ["1/2", "2/4", "4/4"],
        ["1/2", "1/3", "2/3", "3/3"],
        [f"{n}/7" for n in range(1, 8)],
    ],
    ids="-".join,
)
def test_parts_give_what_one_machine_gives(
    write_study: WriteStudy, joined: Merge, said: list[str], parts: list[str], whole: Whole, draw: Draw
) -> None:
    study = write_study()
    folders = draw(study, *parts)
    random.Random(1).shuffle(folders)
    merged = joined(*folders)
    assert merged.missing is None
    assert merged.ledger is not None
    alone = whole(study)
    assert merged.ledger.digests == alone.digests
    assert merged.ledger.findings == alone.findings
    assert merged.ledger.changes == ()
    assert merged.ledger.run.command == alone.run.command
    different = [text for text in said if text.startswith("toy: there are parts of ")]
    assert len(different) == (len({part[-1] for part in parts}) > 1)
    assert merged.ledger.digests != whole(study, seed=1).digests


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_looks_are_those_of_a_run(
    write_study: WriteStudy, joined: Merge, profile: str, whole: Whole, draw: Draw
) -> None:
    """The quick profile goes from look to look, and may end before it has used all that was drawn."""
    study = write_study(claims=OPEN)
    merged = joined(*draw(study, "1/2", "2/2", profile=profile))
    alone = whole(study, profile=profile)
    assert merged.ledger is not None
    assert merged.ledger.digests == alone.digests
    assert merged.ledger.run.replicates == alone.run.replicates


def test_failures_and_warnings_are_kept(
    write_study: WriteStudy, joined: Merge, whole: Whole, draw: Draw
) -> None:
    study = write_study(body=FAILING)
    merged = joined(*draw(study, "1/3", "2/3", "3/3"))
    alone = whole(study)
    assert merged.ledger is not None
    assert merged.ledger.failures == alone.failures != ()
    assert merged.ledger.warnings == alone.warnings != ()
    assert {failure.index is None for failure in alone.failures} == {True, False}


def test_a_run_is_a_part_too(write_study: WriteStudy, joined: Merge, whole: Whole, draw: Draw) -> None:
    study = write_study()
    whole(study, out="run", profile="quick")
    before = rows("run")
    merged = joined("run", *draw(study, "1/2", "2/2"))
    assert merged.ledger is not None
    assert merged.ledger.digests == whole(study).digests
    assert rows("run") == before
    alone = joined("run", out="other")
    assert alone.ledger is not None
    assert alone.ledger.run.profile == "quick"


def test_a_merge_is_merged_with_others(
    write_study: WriteStudy, joined: Merge, whole: Whole, draw: Draw
) -> None:
    study = write_study()
    one, two, three = draw(study, "1/3", "2/3", "3/3")
    assert joined(one, two, out="some").missing is not None
    merged = joined("some", three)
    assert merged.ledger is not None
    assert merged.ledger.digests == whole(study).digests


def test_the_options_of_a_study_are_those_of_the_parts(write_study: WriteStudy, joined: Merge) -> None:
    top = "from dataclasses import replace\n\ndef times(study, value):\n    return replace(study, scenarios=grid(scale=(float(value), 2.0)))\n"
    path = write_study(
        top=top, more='options=(Option("scale", metavar="X", help="the first", apply=times),),'
    )

    (origin,) = apply_options([load_study(path)], [("scale", "3")])
    shard(origin, Shard(1, 1), out="part", profile="full", executor="serial")
    merged = joined("part")
    assert merged.ledger is not None
    assert merged.ledger.design.experiments[0].factors == {"scale": (3.0, 2.0)}
    assert merged.ledger.run.command == "mcstudy run toy --scale 3 --profile full"


def test_a_part_merged_twice_changes_nothing(write_study: WriteStudy, joined: Merge, draw: Draw) -> None:
    folders = draw(write_study(), "1/2", "2/2")
    first = joined(*folders, folders[0])
    tables = ("blocks", "keys", "analyses")
    before = [rows("joined", table) for table in tables]
    second = joined(*folders)
    assert (first.new, first.known, second.new, second.known) == (32, 16, 0, 32)
    assert [rows("joined", table) for table in tables] == before
    assert first.ledger is not None
    assert second.ledger is not None
    assert second.ledger.digests == first.ledger.digests
    joined(folders[0], out="other")
    assert rows("other") != before[0]


def test_what_is_missing_is_said_drawn_and_joined(
    write_study: WriteStudy, joined: Merge, whole: Whole, draw: Draw
) -> None:
    study = write_study()
    merged = joined(*draw(study, "1/4", "3/4"))
    assert merged.ledger is None
    assert merged.missing is not None
    missing = {block.key for block in merged.missing.blocks}
    assert missing == {block for n in (2, 4) for block in planned(f"{n}/4")}
    merged = joined(*draw(study, "2/4", "4/4"))
    assert merged.ledger is not None
    assert merged.ledger.digests == whole(study).digests


def planned(part: str) -> set[tuple[str, str, int]]:
    """The blocks of a part of 16 blocks of each of two scenarios."""
    shares = Shard.parse(part)
    blocks = [Block(scenario, n) for scenario in mc.grid(scale=(1.0, 2.0)) for n in range(16)]
    return {block.key for block in blocks if shares.has(block)}


def test_an_interruption_costs_the_part_that_was_under_way(
    write_study: WriteStudy, joined: Merge, monkeypatch: pytest.MonkeyPatch, whole: Whole, draw: Draw
) -> None:
    study = write_study()
    folders = draw(study, "1/2", "2/2")

    def interrupted(loop: Any, row: Any) -> None:
        if row.key in planned("2/2") and row.number >= 8:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("mcstudy.engine.judging.Judging.check", interrupted)
        with pytest.raises(KeyboardInterrupt):
            joined(*folders)
    with reading(journal("joined")) as blocks:
        assert blocks.done() == planned("1/2")
    merged = joined(*folders)
    assert (merged.new, merged.known) == (16, 16)
    assert merged.ledger is not None
    assert merged.ledger.digests == whole(study).digests


def test_a_run_goes_on_from_the_first_stage(
    write_study: WriteStudy, joined: Merge, counting: Any, whole: Whole, draw: Draw
) -> None:
    study = write_study(claims=OPEN)
    folders = draw(study, "1/2", "2/2", replicates=64, profile="quick")
    merged = joined(*folders)
    assert merged.ledger is not None
    assert merged.ledger.digests == whole(study, profile="quick", replicates=64).digests
    assert merged.ledger.run.command == "mcstudy run toy --profile quick --replicates 64"
    executor = counting()
    alone = whole(study, profile="quick")
    assert whole(study, profile="quick", out="joined", executor=executor).digests == alone.digests
    assert len(executor.blocks) == alone.run.replicates / 16 - 8 > 0


def test_what_is_there_is_judged_and_what_a_later_look_wants_is_said(
    write_study: WriteStudy, joined: Merge, whole: Whole, draw: Draw
) -> None:
    study = write_study(claims=OPEN)
    merged = joined(*draw(study, "1/2", "2/2", replicates=64), profile="quick")
    assert merged.ledger is not None
    assert merged.ledger.digests["draws"] == whole(study, replicates=64).digests["draws"]
    assert merged.missing is not None
    assert len(merged.missing.blocks) == 8
    done = joined(*draw(study, "1/2", "2/2", profile="quick"), profile="quick")
    assert done.missing is None


def test_parts_of_different_amounts_are_joined_once_it_is_said_what_to_judge(
    write_study: WriteStudy, joined: Merge, whole: Whole, draw: Draw
) -> None:
    study = write_study()
    folders = [*draw(study, "1/2", profile="quick"), *draw(study, "2/2")]
    with pytest.raises(
        InputError,
        match="parts of toy must be of one kind, got --profile quick and --profile full; say what to judge with --profile, or",
    ):
        joined(*folders)
    assert not Path("joined").exists()
    with pytest.raises(InputError, match=r"say what to judge with --profile$"):
        joined(*folders, replicates=64)
    for options, counts in (({"profile": "quick"}, 128), ({"profile": "quick", "replicates": 64}, 64)):
        merged = joined(*folders, **options)
        assert merged.ledger is not None
        assert merged.missing is None
        assert merged.ledger.digests == whole(study, **options).digests
        assert merged.ledger.run.replicates <= 2 * counts
    assert joined(*folders, profile="full").missing is not None


def test_what_full_leaves_open_goes_on_in_the_merged_folder(
    write_study: WriteStudy, joined: Merge, draw: Draw, whole: Whole
) -> None:
    """Parts draw what `full` plans; a run goes on, and joining parts again takes nothing of it back."""
    study = write_study(claims=OPEN)
    text = study.read_text(encoding="utf-8").replace("full=256", "full=256, at_most=4096")
    study.write_text(text, encoding="utf-8")
    folders = draw(study, "1/2", "2/2")
    merged = joined(*folders)
    assert merged.ledger is not None
    assert merged.missing is not None
    assert merged.ledger["open"].verdict is mc.Verdict.UNDECIDED
    assert list(merged.missing.lines()) == [
        "toy: all 32 blocks that parts draw are there, and leave claims open",
        "go on with them on this machine: mcstudy run toy --profile full --out joined",
    ]
    alone = whole(study)
    assert alone.run.replicates > 512
    gone_on = whole(study, out="joined")
    assert gone_on.digests == alone.digests
    again = joined(*folders)
    assert again.missing is None
    assert again.ledger is not None
    assert again.ledger.digests == alone.digests
    assert again.ledger.findings == alone.findings


def test_memory_does_not_grow_with_a_part(write_study: WriteStudy, joined: Merge, draw: Draw) -> None:

    study = write_study(
        body='return {f"x{n}": rng.normal(size=size) for n in range(1000)}',
        claims='[Value("mean", "s", of=mean("x1"), equals=0.0, margin=2.0)]',
    )
    (part,) = draw(study, "1/1")
    (sources,) = sources_by_study((part,), "joined", Progress())
    size = sum(len(row.data or b"") for row in sources[0].rows())
    peaks = []
    for read in (lambda rows: [len(row.data or b"") for row in rows], list):
        tracemalloc.start()
        read(sources[0].rows())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    with Joined(None, 16) as target:
        tracemalloc.start()
        target.take(sources[0], lambda row: None, lambda row: JournalError())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(target.done()) == 32
    assert size > 4_000_000
    assert peaks[0] < size / 4
    assert peaks[2] < size / 4
    assert peaks[1] > size
