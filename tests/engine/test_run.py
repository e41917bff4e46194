"""Runs: what never changes a result, and what does."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcstudy import (
    Bound,
    Identity,
    Ledger,
    Rate,
    Replicates,
    SameLaw,
    Scenario,
    Section,
    Study,
    Value,
    Verdict,
    grid,
    mean,
    rms,
    run,
)
from mcstudy.engine.executors import Joblib
from mcstudy.engine.reading import reading
from mcstudy.engine.replay import replay
from mcstudy.engine.source import Origin
from mcstudy.exceptions import InputError, StudyError

pytestmark = pytest.mark.usefixtures("unproved")
MakeStudy = Callable[..., Study]


def everything(rng: np.random.Generator, size: int, n: int, kind: str) -> dict[str, Any]:
    x = rng.normal(size=size) / n
    return {"x": x, "size": np.abs(x), "one": 1 + 1e-16 * x, "square": x**2}


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    """Every cheap kind of claim; decided, open and refuted ones, at many looks."""
    return make_study(
        replicates=Replicates(first=64, quick=256),
        simulate=everything,
        scenarios=grid(n=(1, 2, 4), kind=("a", "b")),
        claims=[
            Value("mean", "s", of=mean("x"), equals=0.0, margin=2.0),
            Value("open", "s", of=mean("x"), equals=0.0, margin=0.2),
            Rate("rate", "s", of=rms("x"), against="n", exponent=-1.0, margin=0.8),
            SameLaw("same", "s", column="x", across="kind", margin=0.9),
            Bound("bound", "s", column="x", at_most=1.5, where={"n": 1}),
            Identity("identity", "s", column="one", tolerance=2.0, law="continuous"),
        ],
    )


def digests(ledger: Ledger) -> tuple[str, str]:
    return ledger.digests["draws"], ledger.findings_digest


def quiet(study: Study, **settings: Any) -> Ledger:
    plan: dict[str, Any] = {"executor": "serial", "out": None}
    return run(study, **(plan | settings))


@pytest.fixture
def reference(study: Study) -> Ledger:
    return quiet(study)


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_invariant_to_jobs(study: Study, reference: Ledger, jobs: int) -> None:
    ledger = quiet(study, executor="joblib", jobs=jobs)
    assert digests(ledger) == digests(reference)
    assert ledger.document["findings"] == reference.document["findings"]
    assert (ledger.run.executor, ledger.run.jobs) == ("joblib", jobs)


@pytest.mark.parametrize("shuffle", [None, 1, 2])
def test_invariant_to_order(study: Study, reference: Ledger, counting: Any, shuffle: int | None) -> None:
    assert digests(quiet(study, executor=counting(shuffle=shuffle))) == digests(reference)


def test_a_second_run_gives_the_same(study: Study, reference: Ledger) -> None:
    assert digests(quiet(study)) == digests(reference)
    assert reference.digests["source"] == Origin(study).digest


@pytest.mark.parametrize("seed", [0, 1, 2**70])
def test_another_seed_gives_others(study: Study, reference: Ledger, seed: int) -> None:
    ledger = quiet(study, seed=seed)
    assert digests(ledger)[0] != digests(reference)[0]
    assert digests(ledger)[1] != digests(reference)[1]
    assert ledger.run.seed == seed


@pytest.mark.usefixtures("no_report")
@pytest.mark.parametrize("after", [0, 1, 13, 24, 30, 50])
def test_invariant_to_interruption(
    study: Study, reference: Ledger, tmp_path: Path, counting: Any, after: int
) -> None:
    """Interrupted after so many blocks, before whatever look, and resumed in another order: the looks are the same."""
    with pytest.raises(KeyboardInterrupt):
        run(study, executor=counting(shuffle=3, most=after), out=tmp_path)
    path = tmp_path / "toy" / "draws.sqlite"
    assert path.exists() == (after > 0)
    if after:
        with reading(path) as blocks:
            assert len(blocks.done()) == after
    rest = counting(shuffle=4)
    assert digests(run(study, executor=rest, out=tmp_path)) == digests(reference)
    assert len(rest.blocks) == reference.run.replicates // 16 - after  # what was there is not drawn again


Drawn = dict[tuple[str, str, int], bytes]


@pytest.fixture
def drawn(counting: Any) -> Callable[[Study], Drawn]:
    """A function that draws a study and returns the bytes of its blocks."""

    def draw(study: Study) -> Drawn:
        executor = counting()
        quiet(study, executor=executor, profile="full")
        blocks: Drawn = executor.blocks
        return blocks

    return draw


def test_adding_a_level_changes_no_block(make_study: MakeStudy, drawn: Callable[[Study], Drawn]) -> None:
    small, large = (drawn(make_study(scenarios=grid(n=levels))) for levels in ((1, 4), (0, 1, 2, 4, 8)))
    assert len(large) > len(small)
    assert {key: large[key] for key in small} == small


def test_reordering_the_grid_changes_no_block(make_study: MakeStudy, drawn: Callable[[Study], Drawn]) -> None:
    one = drawn(make_study(scenarios=grid(n=(1, 2), kind=("a", "b"))))
    other = drawn(make_study(scenarios=grid(kind=("b", "a"), n=(2, 1))))
    assert one == other


def test_doubling_the_replicates_keeps_the_first_half(
    make_study: MakeStudy, drawn: Callable[[Study], Drawn]
) -> None:
    half, double = (
        drawn(make_study(replicates=Replicates(first=64, quick=64, full=full))) for full in (128, 256)
    )
    assert len(double) == 2 * len(half)
    assert {key: double[key] for key in half} == half
    assert len(set(double.values())) == len(double)


def test_adding_a_factor_is_another_study(make_study: MakeStudy, drawn: Callable[[Study], Drawn]) -> None:
    """The control: what is in the key does change the draws."""
    one = drawn(make_study(scenarios=grid(n=(1,))))
    other = drawn(make_study(scenarios=grid(n=(1,), m=(1,))))
    assert not set(one.values()) & set(other.values())


def paired(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
    x = 2 + rng.normal(size=size)
    return {"x": n**-0.5 * x * (1 + 1e-3 * np.sin(n * x))}  # a ratio of two levels varies a little


def test_common_factors_pair_the_draws(make_study: MakeStudy) -> None:
    """With the same noise at every level the slope is known a hundred times better than with other noise."""
    claims = [Rate("rate", "s", of=mean("x"), against="n", exponent=-0.5, margin=0.05)]
    parts: dict[str, Any] = {"simulate": paired, "scenarios": grid(n=(1, 2, 4, 8)), "claims": claims}
    together = quiet(make_study(common=("n",), **parts))["rate"]
    apart = quiet(make_study(**parts))["rate"]
    assert together.verdict is Verdict.CONFIRMED
    assert together.estimate == pytest.approx(-0.5, abs=1e-3)
    assert apart.verdict is Verdict.UNDECIDED
    assert apart.mcse > 100 * together.mcse


def test_a_witness_replays_to_its_numbers(study: Study) -> None:
    ledger = quiet(study)
    witness = ledger["bound"].evidence.witness  # type: ignore[attr-defined]
    again = replay(Origin(study), witness.token, ledger.run.seed)
    assert abs(again.columns["x"]) == witness.value
    assert again.result.block.scenario == witness.scenario


FAILING = "the solver did not converge"


def sometimes_raises(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
    x = rng.normal(size=size)
    if n == 2 and x[0] < 0:
        raise RuntimeError(FAILING)
    return {"x": x, "y": x}


def test_a_block_that_raises_leaves_its_claims_open_and_the_run_goes_on(make_study: MakeStudy) -> None:
    claims = [
        Value("other", "s", of=mean("x"), equals=0.0, margin=1.5, where={"n": (1, 4)}),
        Value("concerned", "s", of=mean("y"), equals=0.0, margin=1.5),
    ]
    study = make_study(simulate=sometimes_raises, claims=claims)
    ledger = quiet(study, executor=Joblib(2))
    assert ledger["other"].verdict is Verdict.CONFIRMED
    assert ledger["concerned"].verdict is Verdict.UNDECIDED
    assert [cell.verdict for cell in ledger["concerned"].cells] == ["CONFIRMED", "UNDECIDED", "CONFIRMED"]
    assert 0 < len(ledger.failures) < 4
    assert ledger.run.failures == 16 * len(ledger.failures) == ledger["concerned"].cells[1].failures
    for failure in ledger.failures:
        assert (failure.scenario, failure.index) == (Scenario(n=2), None)
        assert failure.reason == f"RuntimeError: {FAILING}"
        assert "in sometimes_raises" in failure.traceback
    assert ledger["concerned"].cells[1].replicates == 64  # more draws could not help
    assert digests(quiet(study)) == digests(ledger)


def test_failures_replay(make_study: MakeStudy) -> None:
    study = make_study(simulate=sometimes_raises)
    ledger = quiet(study)
    assert ledger.failures
    for failure in ledger.failures:
        again = replay(Origin(study), failure.token, ledger.run.seed)
        assert FAILING in again.failures[0]
        assert again.columns == {}


def declares(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
    x = rng.normal(size=size)
    return {"x": np.where(x > 1.5, np.nan, x), "failure": ["too large" if value > 1.5 else "" for value in x]}


def test_declared_failures_are_counted_and_tolerated_only_where_allowed(make_study: MakeStudy) -> None:
    claims = [
        Value("strict", "s", of=mean("x"), equals=0.0, margin=1.5),
        Value("lenient", "s", of=mean("x"), equals=0.0, margin=1.5, allowed_failures=20),
    ]
    ledger = quiet(make_study(simulate=declares, claims=claims))
    assert ledger["strict"].verdict is Verdict.UNDECIDED
    assert ledger["lenient"].verdict is Verdict.CONFIRMED
    failures = ledger.failures
    assert {failure.reason for failure in failures} == {"too large"}
    assert ledger.run.failures == len(failures) == sum(cell.failures for cell in ledger["lenient"].cells) > 3
    assert all(failure.token.endswith(f":{failure.index}") for failure in failures)


def test_a_study_whose_every_block_fails_still_gives_a_ledger(make_study: MakeStudy) -> None:
    def broken(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        raise RuntimeError(FAILING)

    claims = [
        Value("mean", "s", of=mean("x"), equals=0.0, margin=1.5),
        Rate("rate", "s", of=rms("x"), against="n", exponent=0.0, margin=1.0),
        Bound("bound", "s", column="x", at_most=1.0),
    ]
    ledger = quiet(make_study(simulate=broken, claims=claims))
    assert ledger.count(Verdict.UNDECIDED) == 3
    assert ledger.to_json()
    assert ledger.design.experiments[0].columns == ()


def test_warnings_reach_the_ledger(make_study: MakeStudy) -> None:
    def simulate(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        return {"x": rng.normal(size=size) + 0 * np.log(np.zeros(size) + (n != 2)).clip(-1)}

    with warnings.catch_warnings():
        warnings.resetwarnings()  # pytest makes errors of them
        (warning,) = quiet(make_study(simulate=simulate)).warnings
    assert (warning.category, warning.message) == ("RuntimeWarning", "divide by zero encountered in log")
    assert (warning.scenario, warning.blocks, warning.share) == (Scenario(n=2), 4, 1.0)


def test_seconds_reach_the_ledger(make_study: MakeStudy) -> None:
    ledger = quiet(make_study())
    assert [(timing.scenario["n"], timing.blocks) for timing in ledger.timings] == [(1, 4), (2, 4), (4, 4)]
    assert 0 < sum(timing.seconds for timing in ledger.timings) < ledger.run.seconds


def test_a_conclusion_is_drawn_from_the_ledger(make_study: MakeStudy) -> None:
    def conclude(ledger: Ledger) -> Section:
        return Section("What it means", (f"The mean is {ledger['mean'].estimate:.3f}.",))

    ledger = quiet(make_study(conclusion=conclude))
    assert ledger.sections == (Section("What it means", (f"The mean is {ledger['mean'].estimate:.3f}.",)),)


CONCLUSIONS: list[tuple[Any, str]] = [
    (lambda ledger: ledger["missing"], "but it raised InputError: `claim_id` must be one of mean"),
    (lambda ledger: 1 / 0, "but it raised ZeroDivisionError"),
    (lambda ledger: None, "got NoneType"),
    (lambda ledger: "All is well.", "got str"),
]


@pytest.mark.usefixtures("no_report")
@pytest.mark.parametrize(("conclusion", "match"), CONCLUSIONS, ids=range(len(CONCLUSIONS)))
def test_a_wrong_conclusion_is_named_and_keeps_the_draws(
    make_study: MakeStudy, tmp_path: Path, counting: Any, conclusion: Any, match: str
) -> None:
    rule = "study toy: `conclusion` must turn any ledger of the study into a Section, "
    with pytest.raises(StudyError, match=rule + match) as raised:
        run(make_study(conclusion=conclusion), executor="serial", out=tmp_path)
    assert "mend it and run again: the draws are kept" in str(raised.value)
    executor = counting()
    run(make_study(), executor=executor, out=tmp_path)
    assert executor.blocks == {}


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"profile": "slow"}, "`profile` must be one of quick, full, got 'slow'"),
        ({"seed": -1}, "`seed` must be a non-negative whole number, got -1"),
        ({"seed": 1.5}, "`seed` must be a non-negative whole number, got 1.5"),
        ({"seed": True}, "`seed` must be a non-negative whole number, got True"),
        ({"executor": "threads"}, "`executor` must be joblib, serial, dask"),
        ({"jobs": 0}, "`jobs` must be at least 1, got 0"),
    ],
)
def test_run_refuses(make_study: MakeStudy, tmp_path: Path, settings: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        run(make_study(), **({"out": tmp_path / "reports"} | settings))
    assert not (tmp_path / "reports").exists()


def test_a_killed_worker_loses_nothing_else(make_study: MakeStudy) -> None:
    study = make_study(simulate=kills_once)
    ledger = quiet(study, executor="joblib", jobs=2)
    (failure,) = ledger.failures
    assert failure.reason.startswith("quarantined: the worker process died twice")
    assert ledger.run.failures == 16
    assert ledger["mean"].verdict is Verdict.UNDECIDED
    assert [cell.verdict for cell in ledger["mean"].cells] == ["CONFIRMED", "UNDECIDED", "CONFIRMED"]
    assert [cell.failures for cell in ledger["mean"].cells] == [0, 16, 0]


def kills_once(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
    """Kills its process in the one block of n = 2 whose stream begins below 0.25."""
    import os
    import signal

    if n == 2 and rng.random() < 0.25:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"x": rng.normal(size=size)}
