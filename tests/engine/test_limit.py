"""How far a run goes: to the profile's replicates, until all is decided, for so long."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcstudy import Replicates, Results, Scenario, Study, Value, Verdict, grid, mean, run
from mcstudy.draws import Block
from mcstudy.engine.executors import Serial
from mcstudy.engine.journal import Journal
from mcstudy.engine.limit import UNTIL, Limit
from mcstudy.engine.worker import BlockResult, Task
from mcstudy.exceptions import InputError

MakeStudy = Callable[..., Study]
Quiet = Callable[..., Results]
ONE, TWO = grid(n=(1, 2))
SIZE = 16


class Clock:
    """Seconds that go by only when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that limits read."""
    clock = Clock()
    monkeypatch.setattr("mcstudy.engine.limit.time.monotonic", clock)
    return clock


def test_without_more_a_run_ends_at_the_profiles_replicates(make_study: MakeStudy) -> None:
    for profile, most in (("quick", 128), ("full", 256)):
        limit = Limit.of(make_study(), profile, jobs=3)
        assert (limit.replicates, limit.seconds, limit.jobs) == (most, math.inf, 3)


def test_the_full_profile_draws_all_it_plans_before_it_goes_on(make_study: MakeStudy) -> None:
    study = make_study(replicates=Replicates(64, quick=128, full=256, at_most=1024))
    quick, full = (Limit.of(study, profile) for profile in ("quick", "full"))
    assert (quick.first, quick.planned, quick.replicates) == (64, 128, 128)
    assert (full.first, full.planned, full.replicates) == (256, 256, 1024)
    exact = Limit.of(study, "full", replicates=512)
    assert (exact.first, exact.planned, exact.replicates) == (512, 512, 512)


def test_until_decided_there_is_no_end_but_that_of_time(make_study: MakeStudy) -> None:
    limit = Limit.of(make_study(), "quick", until=UNTIL)
    assert (limit.replicates, limit.seconds) == (math.inf, math.inf)
    limit = Limit.of(make_study(), "quick", until=UNTIL, at_most=60)
    assert (limit.replicates, limit.seconds) == (math.inf, 60.0)


@pytest.mark.parametrize(
    ("until", "at_most", "match"),
    [
        ("refuted", None, "`until` must be 'decided', got 'refuted'; leave it out to stop at the profile's"),
        ("", None, "`until` must be 'decided', got ''"),
        (UNTIL, 0, "`at_most` must be a positive number of seconds, got 0"),
        (UNTIL, -1.0, "`at_most` must be a positive number of seconds, got -1.0"),
        (UNTIL, math.nan, "`at_most` must be a positive number of seconds, got nan"),
        (UNTIL, "1h", "`at_most` must be a positive number of seconds, got '1h'"),
        (None, 60, r"`at_most` must go with `until`, got 60 alone; add until='decided' \(--until decided\)"),
    ],
)
def test_limits_that_are_none_are_refused(
    make_study: MakeStudy, until: str | None, at_most: Any, match: str
) -> None:
    with pytest.raises(InputError, match=match):
        Limit.of(make_study(), "quick", until=until, at_most=at_most)


@pytest.fixture
def journal() -> Any:
    """A journal with four blocks of each of two scenarios: one takes a second a block, the other three."""
    with Journal(None, SIZE) as journal:
        for scenario, seconds in ((ONE, 1.0), (TWO, 3.0)):
            for number in range(4):
                journal.append(result(scenario, number, seconds))
        yield journal


def result(scenario: Scenario, number: int, seconds: float) -> BlockResult:
    data = np.zeros(SIZE, dtype=[("x", "<f8")])
    return BlockResult(Block(scenario, number), data, seconds=seconds)


HAVE = {("", ONE): 64, ("", TWO): 64}
WANTED = {("", ONE): 128, ("", TWO): 128}  # four blocks more of each: 4 + 12 seconds


@pytest.mark.parametrize(
    ("left", "jobs", "drawn"),
    [
        (math.inf, 1, WANTED),
        (16.0, 1, WANTED),
        (8.0, 1, {("", ONE): 96, ("", TWO): 96}),
        (8.0, 2, WANTED),  # two at a time
        (15.9, 1, {("", ONE): 112, ("", TWO): 112}),
        (3.9, 1, {}),  # not a block of each
        (0.0, 1, {}),
        (-5.0, 1, {}),
    ],
)
def test_no_more_is_drawn_than_there_is_time_for(
    journal: Journal, clock: Clock, left: float, jobs: int, drawn: Any
) -> None:
    limit = Limit(64, 64, math.inf, seconds=10.0 + left, jobs=jobs, started=500.0)
    clock.now = 510.0
    assert limit.within(WANTED, HAVE, journal) == drawn


@pytest.mark.usefixtures("clock")
def test_nothing_wanted_is_nothing_drawn(journal: Journal) -> None:
    for seconds in (1.0, math.inf):
        assert Limit(64, 64, math.inf, seconds=seconds, started=0.0).within({}, HAVE, journal) == {}


@pytest.mark.usefixtures("clock")
def test_blocks_that_are_kept_cost_no_time(journal: Journal) -> None:
    """A run with less time than the one before sees all that it has drawn, and a part of what is new."""
    for number in (4, 5, 6):
        journal.append(result(TWO, number, 3.0))
    none, some = (
        Limit(64, 64, math.inf, seconds=seconds, started=0.0).within(WANTED, HAVE, journal)
        for seconds in (1e-9, 5.0)
    )
    assert none == {("", TWO): 112}
    assert some == {("", ONE): 64 + 32, ("", TWO): 112}  # 5 of 7 seconds for 4 blocks and 1


def test_blocks_too_quick_to_be_timed_are_drawn_while_there_is_time(clock: Clock) -> None:
    with Journal(None, SIZE) as journal:
        journal.append(result(ONE, 0, 0.0))
        wanted, have = {("", ONE): 64}, {("", ONE): 16}
        limit = Limit(64, 64, math.inf, seconds=1.0, started=0.0)
        assert limit.within(wanted, have, journal) == wanted
        clock.now = 1.5
        assert limit.within(wanted, have, journal) == {}


class Seconds:
    """Draws as the executor of this process does; a block takes a second of the clock."""

    name, jobs = "seconds", 1

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, tasks: Sequence[Task]) -> Iterator[BlockResult]:
        """Draw."""
        with closing(Serial().run(tasks)) as results:
            for result in results:
                self._clock.now += 1.0
                yield replace(result, seconds=1.0)


@pytest.fixture
def quiet(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Results]:
    """A function that runs a study; it begins, and its blocks take as long, as the clock says."""
    of = Limit.of
    monkeypatch.setattr(Limit, "of", lambda *given, **more: replace(of(*given, **more), started=clock()))

    def go(study: Study, **settings: Any) -> Results:
        return run(study, **({"executor": Seconds(clock), "out": None} | settings))

    return go


@pytest.fixture
def hard(make_study: MakeStudy) -> Study:
    """A study of which one cell is decided beyond its full profile."""
    claims = [
        Value("easy", "s", of=mean("x"), equals=0.0, margin=1.5),
        Value("hard", "s", of=mean("x"), equals=0.0, margin=0.15, where={"n": 2}),
    ]
    return make_study(claims=claims, scenarios=(ONE, TWO))


def counts(ledger: Any) -> list[int]:
    return [cell.replicates for cell in ledger["easy"].cells]


@pytest.mark.usefixtures("unproved")
def test_until_decided_a_run_goes_on_beyond_the_profile(quiet: Quiet, hard: Study) -> None:
    assert quiet(hard)["hard"].verdict is Verdict.UNDECIDED
    assert quiet(hard, profile="full")["hard"].verdict is Verdict.UNDECIDED
    ledger = quiet(hard, until="decided")
    assert ledger["hard"].verdict is Verdict.CONFIRMED
    assert counts(ledger)[0] == 64
    assert counts(ledger)[1] > 256
    assert ledger.design.stages == (64, counts(ledger)[1])
    assert ledger.run.command.endswith(" --profile quick --until decided")


@pytest.mark.usefixtures("unproved")
def test_what_the_full_profile_leaves_open_goes_on_alone(quiet: Quiet, hard: Study) -> None:
    further = replace(hard, replicates=replace(hard.replicates, at_most=16_384))
    ledger = quiet(further, profile="full")
    assert ledger["hard"].verdict is Verdict.CONFIRMED
    assert counts(ledger)[0] == 256
    assert 256 < counts(ledger)[1] < 16_384
    assert ledger.design.stages == (256, 16_384)
    assert ledger.run.command.endswith(" --profile full")
    short = replace(hard, replicates=replace(hard.replicates, at_most=512))
    ledger = quiet(short, profile="full")
    assert (ledger["hard"].verdict, counts(ledger)) == (Verdict.UNDECIDED, [256, 512])
    assert quiet(further)["hard"].replicates == 128  # the quick profile ends where it did


@pytest.mark.usefixtures("unproved", "no_report")
def test_a_run_ends_in_its_time_and_goes_on_where_it_ended(
    quiet: Quiet, hard: Study, clock: Clock, tmp_path: Path
) -> None:
    """What is kept is seen again at once, and the end is that of a run without a clock."""
    reference = quiet(hard, until="decided")
    clock.now = 0.0
    first = quiet(hard, until="decided", at_most=20, out=tmp_path)
    assert first["hard"].verdict is Verdict.UNDECIDED
    assert clock.now <= 20
    assert 128 < counts(first)[1] < counts(reference)[1]
    second = quiet(hard, until="decided", at_most=0.5, out=tmp_path)
    assert counts(second) == counts(first)
    last = quiet(hard, until="decided", at_most=10_000, out=tmp_path)
    assert last.digests["draws"] == reference.digests["draws"]
    assert last.findings_digest == reference.findings_digest


@pytest.mark.usefixtures("unproved")
def test_cells_that_draws_cannot_decide_stop_no_run(quiet: Quiet, make_study: MakeStudy) -> None:
    """A failure keeps a claim open for good: until all is decided that can be is not for ever."""

    def simulate(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        return {"x": rng.normal(size=size), "failure": ["late"] + [""] * (size - 1)}

    claims = [Value("mean", "s", of=mean("x"), equals=0.0, margin=1.5)]
    ledger = quiet(make_study(simulate=simulate, scenarios=(ONE,), claims=claims), until="decided")
    assert ledger["mean"].verdict is Verdict.UNDECIDED
    assert ledger["mean"].replicates == 64
