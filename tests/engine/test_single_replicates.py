"""Replicates that are drawn one at a time, in runs: failures of their own, keys, executors, replays."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import numpy as np
import pytest

import mcstudy as mc
from mcstudy.draws import Block
from mcstudy.engine.drawkey import describe
from mcstudy.engine.loading import load_study
from mcstudy.engine.payload import pack
from mcstudy.engine.streams import generator
from mcstudy.engine.worker import BlockResult, Task, run_block
from mcstudy.exceptions import JournalError, StudyError

MakeStudy = Callable[..., mc.Study]
Command = Callable[..., tuple[int, str, str]]
Single = dict[str, float]

SIZE = 16
BLOCK = Block(mc.Scenario(n=2), 0)


def draw(function: Callable[..., Any]) -> BlockResult:
    return run_block(Task(BLOCK, SIZE, "toy", 1, (), pack(mc.each(function), None, [])))


def halting(rng: np.random.Generator, *, n: int) -> Single:
    x = rng.normal()
    if x > 1:
        message = f"no solution for x = {x:.3f}"
        raise ArithmeticError(message)
    return {"x": n * x}


def test_a_failed_replicate_is_kept_with_index_reason_and_the_studys_own_frames() -> None:
    result = draw(halting)
    streams = generator(1, "toy", BLOCK).spawn(SIZE)
    x = np.array([rng.normal() for rng in streams])
    assert result.data is not None
    np.testing.assert_array_equal(result.data["x"], np.where(x > 1, np.nan, 2 * x))
    assert [failure.index for failure in result.failures] == np.flatnonzero(x > 1).tolist()
    first = result.failures[0]
    assert first.reason == f"ArithmeticError: no solution for x = {x[first.index]:.3f}"
    assert type(first.reason) is str
    assert first.token == f"{BLOCK.token}:{first.index}"
    assert "in halting" in first.traceback
    assert "one_by_one" not in first.traceback
    assert first.traceback.endswith(f"{first.reason}\n")


def test_a_block_whose_replicates_all_fail_has_no_columns() -> None:
    result = draw(lambda rng, n: {"x": 1 / 0})
    assert (result.data, result.misuse) == (None, "")
    assert [failure.index for failure in result.failures] == list(range(SIZE))


def test_what_no_replicate_may_return_is_misuse() -> None:
    result = draw(lambda rng, n: {"x": "much"})
    assert result.failures == ()
    assert result.misuse.startswith(
        "`function` of each must return numbers that doubles can hold, got 'much'"
    )


def test_a_missing_value_is_one_where_it_is_declared() -> None:
    def gaps(rng: np.random.Generator, *, n: int) -> Single:
        return {"x": np.nan if rng.normal() > 0 else 1.0}

    assert "column `x` must be finite, got nan" in draw(gaps).misuse
    task = Task(BLOCK, SIZE, "toy", 1, (), pack(mc.each(gaps), None, []), ("x",))
    assert run_block(task).misuse == ""


FILE = '''"""Fits that fail."""

import numpy as np

import mcstudy as mc

LIMIT = 1.0


def limited(x):
    if x > LIMIT:
        raise ValueError(f"beyond the limit: {x:.3f}")
    return x


@mc.each
def fit(rng, *, n):
    x = limited(rng.normal())
    return {"x": x, "slope": np.nan if x < -1 else n * x}


study = mc.Study(
    name="toy",
    title="Fits that fail",
    question="Is the mean zero?",
    source="nowhere",
    simulate=fit,
    scenarios=mc.grid(n=(1, 2)),
    block=16,
    replicates=mc.Replicates(first=128, quick=256, full=256),
    missing=("slope",),
    claims=[mc.Value("mean", "x", of=mc.mean("x"), equals=0.0, margin=9.0, allowed_missing=0.5)],
    measures=[mc.Measure("lost", of=mc.share_missing("slope"))],
)

if __name__ == "__main__":
    mc.main(study)
'''


@pytest.fixture
def toy(project: Path) -> Path:
    path = project / "studies" / "toy.py"
    path.write_text(FILE, encoding="utf-8")
    return path


def digest(path: Path, executor: str = "serial") -> str:
    return mc.run(load_study(path), executor=executor, jobs=2, out=None).digests["draws"]


def test_serial_and_workers_draw_the_same(toy: Path) -> None:
    assert digest(toy) == digest(toy, "joblib")


def test_a_failure_is_counted_and_replayed_by_its_token(toy: Path, command: Command) -> None:
    code, shown, _ = command("run", "toy", "--executor", "serial", "--quiet")
    assert code == 0, shown
    ledger = mc.load("reports/toy")
    assert ledger.run.failures == len(ledger.failures) > 0
    (finding,) = ledger.findings
    assert sum(cell.failures for cell in finding.cells) == ledger.run.failures
    failure = ledger.failures[-1]
    assert failure.index is not None
    code, shown, _ = command("replay", "toy", failure.token)
    assert code == 3
    assert failure.traceback.strip() in shown
    assert 'File "toy.py", line' in failure.traceback
    place = failure.token.rpartition(":")[0]
    failed = {one.token for one in ledger.failures}
    sound = next(token for token in (f"{place}:{index}" for index in range(16)) if token not in failed)
    assert command("replay", "toy", sound)[0] == 0


EDITS = {
    "a global of a helper": ("LIMIT = 1.0", "LIMIT = 1.1", "global `LIMIT`: 1.0 -> 1.1"),
    "the function": ("n * x}", "n * x * 2}", "n * x * 2}"),
    "a helper": ("if x > LIMIT", "if x >= LIMIT", "if x >= LIMIT"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_the_draw_key_sees_through_to_the_function(toy: Path, edit: str, unproved: None) -> None:
    old, new, says = EDITS[edit]
    mc.run(load_study(toy), executor="serial", out="reports")
    toy.write_text(FILE.replace('"""Fits that fail."""', '"""Fits that do not converge."""'))
    mc.run(load_study(toy), executor="serial", out="reports")  # words change nothing
    assert FILE.count(old) == 1
    toy.write_text(FILE.replace(old, new))
    with pytest.raises(JournalError, match="depend on something else") as caught:
        mc.run(load_study(toy), executor="serial", out="reports")
    assert says in str(caught.value)


def shifted(by: float) -> Callable[..., Any]:
    def single(rng: np.random.Generator, *, n: int, scale: float = 1.0) -> Single:
        return {"x": scale * rng.normal() + by}

    return single


def key(simulate: Any) -> dict[str, str]:
    return {name: part.digest for name, part in describe(simulate).parts.items()}


def test_closures_and_partials_are_in_the_key() -> None:
    assert key(mc.each(shifted(1.0))) == key(mc.each(shifted(1.0)))
    assert key(mc.each(shifted(1.0))) != key(mc.each(shifted(2.0)))
    half, third = (mc.each(partial(shifted(1.0), scale=scale)) for scale in (1 / 2, 1 / 3))
    assert key(half) != key(third)
    assert key(partial(mc.each(shifted(1.0)), scale=0.5)) != key(partial(mc.each(shifted(1.0)), scale=0.3))


def test_the_wrapper_holds_no_sets() -> None:
    """Sets make a run draw its first blocks under many orders of hashes."""
    from mcstudy.engine.keys import reaches_sets

    assert not reaches_sets(describe(mc.each(halting)).parts)


@pytest.mark.parametrize("form", ["closure", "partial inside", "partial outside", "lambda"])
def test_forms_of_functions_reach_workers(form: str, make_study: MakeStudy, unproved: None) -> None:
    simulate: Any = {
        "closure": mc.each(shifted(1.0)),
        "partial inside": mc.each(partial(shifted(1.0), scale=2.0)),
        "partial outside": partial(mc.each(shifted(1.0)), scale=2.0),
        "lambda": mc.each(lambda rng, n: {"x": n * rng.normal()}),
    }[form]
    study = make_study(simulate=simulate)
    serial, workers = (mc.run(study, executor=name, jobs=2, out=None) for name in ("serial", "joblib"))
    assert serial.digests["draws"] == workers.digests["draws"]


def test_misuse_stops_the_run_with_the_command_that_shows_it(make_study: MakeStudy) -> None:
    study = make_study(simulate=mc.each(lambda rng, n: {"x": [1.0, 2.0]}))
    with pytest.raises(
        StudyError, match=r"study toy \(n=1\), block 0: `function` of each must return one number"
    ) as e:
        mc.run(study, executor="serial", out=None)
    assert "see it again with: mcstudy replay" in str(e.value)


def test_levels_of_a_common_factor_are_paired_replicate_by_replicate(make_study: MakeStudy) -> None:
    """One level draws more numbers than the other, and fails where it does not: the others stay paired."""

    def method(rng: np.random.Generator, *, n: int) -> Single:
        x = rng.normal()
        if n == 2:
            rng.normal(size=100)
        if n == 2 and x > 1:
            raise ArithmeticError
        return {"x": x}

    claim = mc.Contrast(
        "same", "s", of=mc.mean("x"), across="n", levels=(1, 2), equals=0.0, margin=1.0, allowed_failures=99
    )
    study = make_study(simulate=mc.each(method), scenarios=mc.grid(n=(1, 2)), common=("n",), claims=[claim])
    (cell,) = mc.run(study, executor="serial", out=None)["same"].cells
    assert cell.failures > 0
    assert (cell.estimate, cell.mcse) == (0.0, 0.0)


def test_a_notebook(toy: Path) -> None:
    expected = digest(toy)
    definition = FILE.partition("study = ")
    cells = [
        definition[0],
        (definition[1] + definition[2]).partition("if __name__")[0],
        "print(*{mc.run(study, executor=e, jobs=2, out=None).digests['draws'] for e in ('serial', 'joblib')})",
    ]
    v4: Any = nbformat.v4
    notebook = v4.new_notebook(cells=[v4.new_code_cell(text) for text in cells])
    nbclient.NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    assert [output.text.split() for output in notebook.cells[-1].outputs] == [[expected]]
