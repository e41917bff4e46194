"""What happened to users of other systems, as small studies: each is an example of a kind.

Cases about verdicts stand with the claims; those of edits and of files in two folders, with the changes and the payload.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcstudy import Replicates, Results, Study, Value, grid, mean, relative, run
from mcstudy.engine.loading import load_study
from mcstudy.exceptions import StudyError

WriteStudy = Callable[..., Path]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def both(project: Path) -> Callable[[Path], tuple[Results, Results]]:
    """A function that runs a study file in this process and in workers."""

    def go(path: Path) -> tuple[Results, Results]:
        one, other = (run(load_study(path), executor=name, jobs=2, out=None) for name in ("serial", "joblib"))
        assert one.digests == other.digests
        assert one.run.failures == other.run.failures
        return one, other

    return go


Both = Callable[[Path], tuple[Results, Results]]


def test_masked_entries_are_refused_by_name(write_study: WriteStudy, command: Command) -> None:
    body = 'x = rng.normal(size=size)\nx[::8] = 999.0\nreturn {"x": np.ma.masked_greater(x, 500.0)}'
    write_study(top="import numpy as np", body=body)
    code, _, said = command("run", "toy", "--executor", "serial")
    assert code == 2
    assert "column `x` must have a value in every replicate, got a masked array with 2 masked" in said


@pytest.mark.parametrize("kind", [np.int64, np.int8, np.uint32, np.float32, np.float64])
def test_numpy_scalars_go_where_numbers_go(kind: Any) -> None:
    def simulate(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        return {"x": rng.normal(size=size)}

    whole: Any = kind if issubclass(kind, np.integer) else np.int64
    claims = [
        Value("m", "s", of=mean("x"), equals=kind(0), margin=kind(9), allowed_failures=whole(2)),
        Value("r", "s", of=mean("x"), equals=kind(100), margin=relative(kind(9))),
    ]
    study = Study(
        name="toy", title="t", question="q?", source="s", simulate=simulate, scenarios=grid(n=np.array([1, 2], dtype=whole)),
        block=whole(16), replicates=Replicates(first=whole(16), quick=whole(16), full=whole(32)), claims=claims,
    )  # fmt: skip
    ledger = run(study, seed=whole(3), jobs=whole(1), executor="serial", out=None)
    assert ledger.run.seed == 3
    assert json.loads(ledger.to_json())["run"]["seed"] == 3


CACHED = """
import functools
import numpy as np

@functools.lru_cache
def weights(n):
    return np.full(4, 1.0 / n)

@functools.cache
def more():
    return 1.0

class Table:
    @functools.cached_property
    def rows(self):
        return np.ones(4)

    @staticmethod
    @functools.lru_cache(maxsize=None)
    def scale():
        return 2.0

TABLE = Table()
"""


def test_cached_helpers_work_in_workers(write_study: WriteStudy, both: Both) -> None:
    body = 'w = weights(scale) * more() * TABLE.rows * TABLE.scale()\nreturn {"x": rng.normal(size=(size, 4)) @ w}'
    assert both(write_study(top=CACHED, body=body))[1].run.failures == 0


def test_the_order_of_a_set_stops_every_run(write_study: WriteStudy, command: Command) -> None:
    body = 'out = {}\nfor name in {"x", "alpha", "beta", "gamma", "delta"}:\n    out[name] = rng.normal(size=size)\nreturn out'
    write_study(body=body)
    code, _, said = command("run", "toy", "--executor", "serial")
    assert code == 2
    assert "The likely cause: the order of a set or of hashes" in said


OVERFLOW = """out = np.empty(size)
for i, x in enumerate(400 * rng.normal(size=size)):
    try:
        np.exp(np.array([x]))
        out[i] = 0.0
    except FloatingPointError:
        out[i] = 1.0
return {"x": out}"""


@pytest.mark.parametrize("setting", ['np.seterr(over="raise")', 'np.seterr(all="raise", under="ignore")'])
def test_the_error_state_of_numpy_is_the_study_s_everywhere(
    write_study: WriteStudy, both: Both, setting: str
) -> None:
    share = []
    for top in (
        f"import numpy as np\n{setting}",
        "import numpy as np\nimport warnings\nwarnings.simplefilter('ignore')",
    ):
        ledger, _ = both(write_study(top=top, body=OVERFLOW))
        share.append(ledger["mean"].estimate)
    # P(400 z > log(largest double)) = P(z > 1.774) = 0.038 of 256 replicates; and the control without the setting.
    assert share[0] > 0 == share[1]


def test_levels_from_a_set_are_refused(write_study: WriteStudy, command: Command) -> None:
    write_study(scenarios='grid(scale={"ols", "wls", "gls", "ridge", "lasso"})')
    code, _, said = command("run", "toy")
    assert code == 2
    assert "`scale`: levels must be in an order, got a set" in said
    assert "studies/toy.py, line " in said


def test_methods_that_fail_leave_the_others_alone(write_study: WriteStudy, both: Both) -> None:
    """One method has no value in a fifth of the replicates: its share, its mean, and another method's mean."""
    body = 'z, bad = rng.normal(size=size), rng.random(size) < 0.2\nreturn {"a": np.where(bad, np.nan, z), "good": ~bad, "b": z}'
    claims = '[Value("rate", "s", of=proportion("good"), equals=0.8, margin=0.9), Value("a", "s", of=mean("a"), equals=0.0, margin=99.0), Value("b", "s", of=mean("b"), equals=0.0, margin=99.0)]'
    top = "import numpy as np\nfrom mcstudy import proportion"
    ledger, _ = both(
        write_study(top=top, body=body, claims=claims, scenarios="grid(scale=(1.0,))", more='missing=("a",),')
    )
    assert ledger.run.failures == 0
    rate, a, b = (ledger[name].cells[0] for name in ("rate", "a", "b"))
    assert (rate.missing, b.missing, rate.drawn, b.drawn) == (0, 0, rate.replicates, b.replicates)
    assert a.missing == round((1 - rate.estimate) * rate.replicates) > 0


def test_warnings_with_numbers_are_one_kind_with_its_scenario(write_study: WriteStudy, both: Both) -> None:
    top = "import warnings"
    body = 'x = rng.normal(size=size)\nfor v in x[x > 0] if scale == 2.0 else []:\n    warnings.warn(f"optimizer stopped at gradient {v:.12g}", RuntimeWarning)\nreturn {"x": x}'
    for ledger in both(write_study(top=top, body=body)):
        (record,) = ledger.warnings
        assert (record.category, record.message) == ("RuntimeWarning", "optimizer stopped at gradient #")
        assert (dict(record.scenario), record.share, len(record.examples)) == ({"scale": 2.0}, 1.0, 3)


POOLS = {
    "multiprocessing": ("from multiprocessing import Pool", "with Pool(2) as pool:\n    x = pool.map(one, seeds)"),
    "futures": ("from concurrent.futures import ProcessPoolExecutor", "with ProcessPoolExecutor(2) as pool:\n    x = list(pool.map(one, seeds))"),
    "joblib": ("from joblib import Parallel, delayed", "x = Parallel(2)(delayed(one)(seed) for seed in seeds)"),
}  # fmt: skip


@pytest.mark.parametrize("executor", ["serial", "joblib"])
@pytest.mark.parametrize("name", POOLS)
def test_pools_inside_of_simulate_work(write_study: WriteStudy, name: str, executor: str) -> None:
    """With functions of the study, also where its file calls main at once."""
    top, use = POOLS[name]
    top += "\nimport numpy as np\n\n\ndef one(seed):\n    return np.random.default_rng(seed).normal()"
    body = f'seeds = [int(seed) for seed in rng.integers(0, 2**62, size=size)]\n{use}\nreturn {{"x": x}}'
    path = write_study(top=top, body=body, scenarios="grid(scale=(1.0,))")
    text = path.read_text().replace("first=64, quick=128", "first=16, quick=16")
    path.write_text(text.replace('if __name__ == "__main__":\n    main', "main"))
    done = subprocess.run(
        [sys.executable, "-m", "mcstudy", "run", "toy", "--executor", executor, "--jobs", "2"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr  # 16 replicates leave the claim open
    assert done.stdout.count("report: reports/toy.html") == 1
    document = json.loads(Path("reports/toy/ledger.json").read_text())
    assert document["run"]["failures"] == 0
    assert "Exception" not in done.stderr


@pytest.mark.parametrize("executor", ["serial", "joblib"])
def test_failures_are_told_on_the_terminal_with_their_reason(
    write_study: WriteStudy, command: Command, executor: str
) -> None:
    write_study(body='raise ValueError("matrix is singular")')
    code, shown, _ = command("run", "toy", "--executor", executor, "--jobs", "2")
    assert code == 3
    assert "128 of 128 replicates failed" in shown
    assert "first failure: ValueError: matrix is singular; see it again with: mcstudy replay toy " in shown


@pytest.mark.parametrize(
    ("setting", "failures"),
    [
        ('warnings.filterwarnings("error", category=RuntimeWarning)', 128),
        ('warnings.simplefilter("error")', 128),
        ('warnings.filterwarnings("error", message="invalid value")', 128),
        ('warnings.filterwarnings("error", message="overflow")', 0),
        ('warnings.simplefilter("ignore")', 0),
    ],
)
def test_warnings_that_the_study_makes_errors_are_failures(
    write_study: WriteStudy, both: Both, setting: str, failures: int
) -> None:
    body = 'x = rng.normal(size=size)\nreturn {"x": np.where(x > 0, 0.0, np.isnan(np.log(x)))}'
    ledger, _ = both(write_study(top=f"import warnings\nimport numpy as np\n{setting}", body=body))
    assert ledger.run.failures == failures


def test_a_value_of_a_draw_that_can_not_be_hashed_is_named_with_its_way(write_study: WriteStudy) -> None:
    study = load_study(
        write_study(
            top="import numpy as np\nRNG = np.random.default_rng(1)",
            body='return {"x": RNG.normal(size=size)}',
        )
    )
    with pytest.raises(
        StudyError, match=r"global `RNG`.*a random generator.*draw from the `rng` that `simulate` is given"
    ):
        run(study, executor="serial", out=None)
