"""What the tests of verification share: a study that was run, in a folder that each test may spoil."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcstudy.cli import command as run_command
from mcstudy.engine.executors import Serial
from mcstudy.engine.verify import Target, Verification, verify
from mcstudy.ledger import text_of
from mcstudy.seal import seal

STUDY = '''"""A study of normal draws."""

import numpy as np

import mcstudy as mc


def simulate(rng, size, *, n):
    """Means of n draws; one replicate fails."""
    x = rng.normal(size=(size, n)).mean(axis=1)
    return {"x": x, "failure": ["" if value > -2.0 else "too small" for value in x]}


study = mc.Study(
    name="toy",
    title="A toy",
    question="Is the mean zero?",
    source="nowhere",
    authors=("Ada Lovelace",),
    simulate=simulate,
    scenarios=mc.grid(n=(1, 4)),
    block=8,
    replicates=mc.Replicates(first=160, quick=160, full=320),
    claims=[
        mc.Value("mean", r"\\mathbb{E} X = 0", of=mc.mean("x"), equals=0.0, margin=0.9, allowed_failures=99),
        mc.Bound("b", "x", column="x", at_most=0.5, expected=mc.control("too small"), allowed_failures=99),
        mc.Law("law", "x", column="x", distribution=lambda n: __import__("scipy.stats").stats.norm(0, n**-0.5), margin=0.9, allowed_failures=99),
    ],
    measures=[mc.Measure("spread", of=mc.sd("x"), over="n")],
)
'''


@pytest.fixture(scope="session")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the study was run: to be copied."""
    root = tmp_path_factory.mktemp("verify")
    (root / "studies").mkdir()
    (root / "studies" / "toy.py").write_text(STUDY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        assert run_command(["run", "toy", "--executor", "serial", "--quiet"]) == 0
    return root


@pytest.fixture
def place(run_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder, as the current directory."""
    copy = tmp_path / "copy"
    shutil.copytree(run_once, copy)
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture
def target(place: Path) -> Target:
    """The ledger with all that lies beside it."""
    return Target(Path("reports/toy/ledger.json"))


@pytest.fixture
def verified() -> Callable[..., Verification]:
    """A function that verifies in this process."""

    def go(target: Target, **options: Any) -> Verification:
        return verify(Target(target.file), executor=Serial(), **options)

    return go


@pytest.fixture
def document(target: Target) -> dict[str, Any]:
    """The content of the ledger."""
    found: dict[str, Any] = json.loads(target.file.read_text(encoding="utf-8"))
    return found


@pytest.fixture
def forge(target: Target) -> Callable[[dict[str, Any]], None]:
    """A function that writes an edited ledger with digests that fit: what a forger who knows them does."""

    def go(document: dict[str, Any]) -> None:
        from mcstudy.seal import digests_of_findings

        document["digests"]["findings"] = digests_of_findings(document["findings"], document["measures"])[0]
        document["seal"] = seal(document)
        target.file.write_text(text_of(document), encoding="utf-8")

    return go
