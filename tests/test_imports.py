"""What is imported where: workers and help stay light, and every import of the package points down."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import mcstudy

PACKAGE = Path(mcstudy.__file__).parent
HEAVY = ("statsmodels", "pandas", "matplotlib")
# What a worker has no use for: it draws, and judges nothing.
IDLE = (
    *HEAVY,
    "scipy",
    "jinja2",
    "rich",
    "sqlite3",
    "mcstudy.claims",
    "mcstudy.statistics",
    "mcstudy.report",
)


def loaded_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after running some code."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


RUN = """
import sys
from pathlib import Path
from mcstudy import run
from mcstudy.engine.loading import load_study
ledger = run(load_study(Path("studies/toy.py")), jobs={jobs}, out=None)
print({{f.id: f.estimate for f in ledger.findings}}, "statsmodels" in sys.modules)
"""
SEEN = f"""import os, sys
import numpy as np
known = {{name.replace(".", "_"): np.full(size, name in sys.modules) for name in {(*IDLE, "numpy")}}}
return {{"x": 1 + 0.1 * rng.normal(size=size), **known}}"""
NAMES = [name.replace(".", "_") for name in (*IDLE, "numpy")]
CLAIMS = (
    "[Rate('rate', 's', of=mean('x'), against='scale', exponent=0.0, margin=1.0),"
    f" *(Value(name, 's', of=mean(name), equals=0.0, margin=0.3) for name in {NAMES})]"
)


def estimates(jobs: int) -> tuple[dict[str, float], bool]:
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(jobs=jobs)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found, _, main = done.stdout.strip().rpartition(" ")
    return ast.literal_eval(found), main == "True"


def test_workers_import_nothing_that_they_do_not_need(write_study: Callable[..., Path]) -> None:
    write_study(body=SEEN, claims=CLAIMS, scenarios="grid(scale=(1.0, 2.0, 4.0))")
    found, main = estimates(jobs=2)
    assert main, "the control: the main process fits a rate with statsmodels"
    assert found.pop("numpy") == 1.0
    found.pop("rate")
    assert found == dict.fromkeys(found, 0.0)
    assert set(HEAVY) < set(found)


def test_an_import_in_a_worker_would_be_seen(write_study: Callable[..., Path]) -> None:
    """The control: a study whose `simulate` imports pandas."""
    write_study(body="import pandas\n" + SEEN, claims=CLAIMS, scenarios="grid(scale=(1.0, 2.0, 4.0))")
    assert estimates(jobs=1)[0]["pandas"] == 1.0


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"], ["run", "--jobs", "x"]])
def test_help_needs_no_numpy(arguments: list[str]) -> None:
    code = f"from mcstudy.cli import main\ntry:\n    main({arguments})\nexcept SystemExit:\n    pass"
    loaded = loaded_after(code)
    assert "mcstudy.cli" in loaded
    assert loaded.isdisjoint({"numpy", "scipy", "joblib", "rich", "sqlite3", "jinja2", *HEAVY})


def test_importing_the_package_imports_nothing_else() -> None:
    assert loaded_after("import mcstudy").isdisjoint({"numpy", "mcstudy.cli", "mcstudy.study"})


def test_describing_a_study_needs_no_heavy_library(write_study: Callable[..., Path]) -> None:
    """So that `mcstudy list`, and the start of every run, are quick."""
    write_study(
        claims="[Rate('rate', 's', of=mean('x'), against='scale', exponent=0.0, margin=1.0)]",
        scenarios="grid(scale=(1.0, 2.0, 4.0))",
    )
    loaded = loaded_after("from mcstudy.cli import main\nassert main(['list']) == 0")
    assert loaded.isdisjoint({"scipy.stats", *HEAVY})


def test_every_public_name_is_there() -> None:
    for name in mcstudy.__all__:
        assert getattr(mcstudy, name) is not None
    assert set(mcstudy.__all__) == set(dir(mcstudy))
    with pytest.raises(AttributeError, match="module 'mcstudy' has no attribute 'nothing'"):
        mcstudy.nothing  # noqa: B018


def test_every_module_exports_what_it_says() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name != "__main__.py":
            module = importlib.import_module(module_of(path))
            for name in getattr(module, "__all__", ()):
                assert hasattr(module, name), f"{module.__name__}.{name}"


FLOORS = {
    "_version": 0, "defaults": 0, "exceptions": 0, "sources": 0,
    "draws": 1, "statistics": 1, "models": 1,
    "claims": 2,
    "study": 3, "report": 3,
    "engine": 4,
    "cli": 5, "__main__": 5,
}  # fmt: skip


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[str]:
    """The modules of the package that a file imports, anywhere in its text."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("mcstudy"))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("mcstudy"):
            if node.module == "mcstudy":
                yield from (f"mcstudy.{alias.name}" for alias in node.names)
            else:
                yield node.module


def floor(module: str) -> int:
    return FLOORS[module.split(".")[1]]


def test_every_import_points_down() -> None:
    """Models and statistics know no claims, claims no engine, the report no engine, the engine no command line."""
    upwards = [
        f"{module_of(path)} imports {imported}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path != PACKAGE / "__init__.py"
        for imported in imports_of(path)
        if floor(imported) > floor(module_of(path))
    ]
    assert upwards == []


def test_models_and_statistics_know_each_other_only() -> None:
    """Each can be used alone."""
    for name in ("models", "statistics"):
        for path in (PACKAGE / name).glob("*.py"):
            foreign = {
                module for module in imports_of(path) if module.split(".")[1] not in (name, "exceptions")
            }
            assert not foreign, f"{path.name} imports {foreign}"


def test_the_report_reads_ledgers_only() -> None:
    for path in (PACKAGE / "report").rglob("*.py"):
        assert not {m for m in imports_of(path) if m.split(".")[1] in ("study", "claims", "engine")}, (
            path.name
        )
