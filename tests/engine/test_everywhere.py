"""The same draws wherever they are drawn: executors, hash seeds, folders, scripts, commands, threads, notebooks, pytest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from mcstudy import run
from mcstudy.engine.loading import load_study

WriteStudy = Callable[..., Path]
Elsewhere = Callable[..., str]

TOP = """
import numpy as np
from functools import lru_cache

import helper

TABLE = {"b": 1.0, "a": 2.0}


class Law:
    def __init__(self, table):
        self.table = table


@lru_cache
def law():
    return Law(TABLE)
"""
BODY = """matrices = rng.normal(size=(size, 8, 8))
norms = np.linalg.norm(np.linalg.inv(matrices + 8 * np.eye(8)), axis=(1, 2))
return {"x": scale * rng.normal(size=size) + helper.shift(), "norm": norms * law().table["a"]}"""
MORE = 'common=("scale",),'
CLAIMS = '[Value("mean", "x", of=mean("x"), equals=1.0, margin=9.0)]'


@pytest.fixture
def study(write_study: WriteStudy, project: Path) -> Path:
    """A study with what may differ between processes: a neighbour, a cache, a class, a dictionary, linear algebra."""
    (project / "studies" / "helper.py").write_text("def shift():\n    return 1.0\n")
    return write_study(top=TOP, body=BODY, more=MORE, claims=CLAIMS)


@pytest.fixture
def expected(study: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The digest of the draws, drawn in this process."""
    with monkeypatch.context() as patched:
        patched.setattr("mcstudy.engine.run.check_first", lambda *_, **__: None)
        return run(load_study(study), executor="serial", out=None).digests["draws"]


def python(*arguments: str, folder: Path | None = None, **variables: str) -> str:
    """The digest that a process of Python writes to ``out``, or its last word."""
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, **variables},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def written(out: str = "out") -> str:
    digests = json.loads(Path(out, "toy", "ledger.json").read_text())["digests"]
    return str(digests["draws"])


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_workers(study: Path, expected: str, jobs: int) -> None:
    assert run(load_study(study), executor="joblib", jobs=jobs, out=None).digests["draws"] == expected


@pytest.mark.parametrize(("executor", "seed"), [("serial", "0"), ("joblib", "1"), ("serial", "2")])
def test_commands_and_hash_seeds(study: Path, expected: str, executor: str, seed: str) -> None:
    python(
        "-m",
        "mcstudy",
        "run",
        "toy",
        "--executor",
        executor,
        "--jobs",
        "2",
        "--out",
        "out",
        PYTHONHASHSEED=seed,
    )
    assert written() == expected


def test_scripts(study: Path, expected: str) -> None:
    python("studies/toy.py", "--jobs", "2", "--out", "out")
    assert written() == expected


def test_python_started_from_another_folder(
    study: Path, expected: str, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    far = tmp_path_factory.mktemp("far")
    python("-m", "mcstudy", "run", str(study), "--jobs", "2", "--out", str(project / "out"), folder=far)
    assert written() == expected
    assert list(far.iterdir()) == []


def test_a_script_anywhere(
    study: Path, expected: str, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    python(
        str(study),
        "--executor",
        "serial",
        "--out",
        str(project / "out"),
        folder=tmp_path_factory.mktemp("far"),
    )
    assert written() == expected


@pytest.mark.parametrize("executor", ["serial", "joblib"])
def test_a_thread(study: Path, expected: str, executor: str) -> None:
    found: list[str] = []

    def go() -> None:
        found.append(run(load_study(study), executor=executor, jobs=2, out=None).digests["draws"])

    thread = threading.Thread(target=go)
    thread.start()
    thread.join(timeout=120)
    assert found == [expected]


CELLS = [
    "import sys; sys.path.insert(0, 'studies')",
    TOP,
    "def simulate(rng, size, *, scale):\n" + "\n".join(f"    {line}" for line in BODY.splitlines()),
    f"""import mcstudy as mc
from mcstudy import Value, mean
study = mc.Study(name="toy", title="t", question="q?", source="s", simulate=simulate, scenarios=mc.grid(scale=(1.0, 2.0)),
                 block=16, replicates=mc.Replicates(first=64, quick=128, full=256), claims={CLAIMS}, {MORE})""",
    "results = [mc.run(study, executor='serial', out=None), mc.run(study, executor='joblib', jobs=2, out=None)]",
    "print(*{item.digests['draws'] for item in results})",
    "results[0]",
]


def test_a_notebook(study: Path, expected: str) -> None:
    v4: Any = nbformat.v4
    notebook = v4.new_notebook(cells=[v4.new_code_cell(text) for text in CELLS])
    nbclient.NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    *_, printed, shown = notebook.cells
    assert [output.text.split() for output in printed.outputs] == [[expected]]
    assert "<table>" in shown.outputs[0].data["text/html"]
    assert shown.outputs[0].data["text/plain"].startswith("<Results of toy: 1 claims, all as expected")


TEST = f"""
import mcstudy as mc
from mcstudy import Value, mean
{TOP}
def simulate(rng, size, *, scale):
{chr(10).join("    " + line for line in BODY.splitlines())}

def test_draws():
    study = mc.Study(name="toy", title="t", question="q?", source="s", simulate=simulate, scenarios=mc.grid(scale=(1.0, 2.0)),
                     block=16, replicates=mc.Replicates(first=64, quick=128, full=256), claims={CLAIMS}, {MORE})
    for executor in ("serial", "joblib"):
        assert mc.run(study, executor=executor, jobs=2, out=None).digests["draws"] == EXPECTED
"""


def test_pytest(study: Path, expected: str, project: Path) -> None:
    """A study in a test, with pytest's warnings as errors and its own way to import."""
    (project / "studies" / "test_draws.py").write_text(TEST.replace("EXPECTED", repr(expected)))
    python("-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "studies/test_draws.py")


def test_a_difference_would_be_seen(study: Path, expected: str) -> None:
    """The control: other draws have another digest."""
    (study.parent / "helper.py").write_text("def shift():\n    return 1.0000000000000002\n")
    assert run(load_study(study), executor="joblib", jobs=2, out=None).digests["draws"] != expected
