"""What is imported when: workers, help and the package itself stay light, and public names are there."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import mcstudy

PACKAGE = Path(mcstudy.__file__).parent
HEAVY = ("statsmodels", "pandas", "matplotlib")
# What a worker has no use for: it draws, and judges nothing. It runs the study's file, which names claims.
IDLE = (
    *HEAVY,
    "scipy",
    "jinja2",
    "rich",
    "sqlite3",
    "mcstudy.report",
    "mcstudy.results",
)


def loaded_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after running some code."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


RUN = """
import os, sys
from pathlib import Path
from mcstudy import run
from mcstudy.engine.loading import load_study
run(load_study(Path("studies/toy.py")), jobs=2, out=None)
print(os.getpid(), "statsmodels" in sys.modules)
"""
# Every process that draws writes down what it has loaded.
SEEN = """import json, os, sys
with open("{folder}/" + str(os.getpid()) + ".json", "w") as file:
    json.dump(sorted(sys.modules), file)
return {{"x": 1 + 0.1 * rng.normal(size=size)}}"""
RATE = "[Rate('rate', 's', of=mean('x'), against='scale', exponent=0.0, margin=1.0)]"
LEVELS = "grid(scale=(1.0, 2.0, 4.0))"


def loaded_by_workers(write_study: Callable[..., Path], folder: Path, top: str = "") -> list[set[str]]:
    """The modules of each process that has drawn a block, but for the one that runs the study."""
    folder.mkdir()
    write_study(body=top + SEEN.format(folder=folder), claims=RATE, scenarios=LEVELS)
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    main, judged = done.stdout.split()
    assert judged == "True", "the control: the main process fits a rate with statsmodels"
    return [set(json.loads(path.read_text())) for path in folder.glob("*.json") if path.stem != main]


def foreign(loaded: set[str]) -> set[str]:
    """What a worker has loaded without a use for it."""
    return {name for name in IDLE if name in loaded}


def test_workers_import_nothing_that_they_do_not_need(
    write_study: Callable[..., Path], tmp_path: Path
) -> None:
    workers = loaded_by_workers(write_study, tmp_path / "seen")
    assert workers
    assert [foreign(loaded) for loaded in workers] == [set()] * len(workers)
    assert all("numpy" in loaded for loaded in workers)


def test_an_import_in_a_worker_would_be_seen(write_study: Callable[..., Path], tmp_path: Path) -> None:
    """The control: a study whose `simulate` imports pandas."""
    workers = loaded_by_workers(write_study, tmp_path / "seen", top="import pandas\n")
    assert all("pandas" in foreign(loaded) for loaded in workers)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["report", "--help"], ["--version"], ["run", "--jobs", "x"]]
)
def test_help_needs_no_numpy(arguments: list[str]) -> None:
    code = f"from mcstudy.cli import command\ntry:\n    command({arguments})\nexcept SystemExit:\n    pass"
    loaded = loaded_after(code)
    assert "mcstudy.cli" in loaded
    assert loaded.isdisjoint({"numpy", "scipy", "joblib", "rich", "sqlite3", "jinja2", *HEAVY})


def test_importing_the_package_imports_nothing_else() -> None:
    assert loaded_after("import mcstudy").isdisjoint({"numpy", "mcstudy.cli", "mcstudy.study"})


def test_describing_a_study_needs_no_heavy_library(write_study: Callable[..., Path]) -> None:
    """So that `mcstudy list`, and the start of every run, are quick."""
    write_study(claims=RATE, scenarios=LEVELS)
    loaded = loaded_after("from mcstudy.cli import command\nassert command(['list']) == 0")
    assert loaded.isdisjoint({"scipy.stats", *HEAVY})


STUB = PACKAGE / "__init__.pyi"


def test_every_public_name_is_there() -> None:
    """The stub is the only list: what it names is what the package gives."""
    named = [
        alias.asname or ""
        for node in ast.parse(STUB.read_text("utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert set(named) == set(dir(mcstudy))
    assert len(named) == len(set(named)) > 20
    for name in named:
        assert getattr(mcstudy, name) is not None
    with pytest.raises(AttributeError, match="No mcstudy attribute nothing"):
        getattr(mcstudy, "nothing")  # noqa: B009 - a type checker knows that it is not there


def test_a_public_name_is_imported_when_it_is_asked_for() -> None:
    loaded = loaded_after("import mcstudy as mc\nmc.grid")
    assert "mcstudy.scenarios" in loaded
    assert loaded.isdisjoint({"mcstudy.study", "mcstudy.claims", "mcstudy.engine", "mcstudy.report", *HEAVY})


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_every_module_exports_what_it_says() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name != "__main__.py":
            module = importlib.import_module(module_of(path))
            for name in getattr(module, "__all__", ()):
                assert hasattr(module, name), f"{module.__name__}.{name}"
