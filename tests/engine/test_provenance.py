"""Where a result comes from, and what its draws depend on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcstudy import Study, __version__
from mcstudy.engine.loading import load_study
from mcstudy.engine.provenance import fingerprint, provenance

MakeStudy = Callable[..., Study]


def changed(one: dict[str, str], other: dict[str, str]) -> set[str]:
    return {key for key in one if one[key] != other[key]}


def test_fingerprint_tells_what_changed(make_study: MakeStudy) -> None:
    study = make_study()
    reference = fingerprint(study, 1)
    assert fingerprint(make_study(), 1) == reference
    assert changed(reference, fingerprint(study, 2)) == {"seed"}
    assert changed(reference, fingerprint(make_study(block=32), 1)) == {"block"}
    assert changed(reference, fingerprint(make_study(name="other"), 1)) == {"study"}
    assert changed(reference, fingerprint(study.with_arguments("--planted", "x.csv"), 1)) == {"options"}
    assert reference["numpy"] == np.__version__
    assert reference["mcstudy"].startswith(f"{__version__}+")
    assert {"source", "scipy"} <= set(reference)


def test_fingerprint_sees_a_changed_file(write_study: Callable[..., Path]) -> None:
    before = fingerprint(load_study(write_study()), 1)
    after = fingerprint(load_study(write_study(body='return {"x": 2 * rng.normal(size=size)}')), 1)
    assert changed(before, after) == {"source"}


def test_fingerprint_sees_changed_models(
    make_study: MakeStudy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from mcstudy import models

    before = fingerprint(make_study(), 1)
    (tmp_path / "new_model.py").write_text("x = 1\n")
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    assert changed(before, fingerprint(make_study(), 1)) == {"mcstudy"}


def test_a_study_remembers_the_source_that_was_loaded(write_study: Callable[..., Path]) -> None:
    """Editing the file during a run must not change what the run says it ran."""
    study = load_study(write_study())
    before = fingerprint(study, 1)
    write_study(body='return {"x": 2 * rng.normal(size=size)}')
    assert fingerprint(study, 1) == before
    assert fingerprint(replace(study, title="the same draws"), 1)["study"] == "toy"


def test_provenance_is_json_and_names_machine_and_software(make_study: MakeStudy) -> None:
    found = provenance(make_study(), datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert json.loads(json.dumps(found)) == found
    assert found["started"] == "2026-11-23T12:00:00+00:00"
    assert found["libraries"]["numpy"] == np.__version__
    assert set(found["libraries"]) == {"numpy", "scipy", "joblib", "statsmodels", "pandas", "matplotlib"}
    assert found["cpu"]
    assert found["blas"]
    assert found["mcstudy"] == __version__


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_provenance_names_the_commit_and_its_changes(write_study: Callable[..., Path], project: Path) -> None:
    def commit() -> Any:
        return provenance(load_study(write_study(body=body)), datetime.now(UTC))["git"]

    body = 'return {"x": rng.normal(size=size)}'
    assert commit() == ""
    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "-m", "a study")
    head = git(project, "rev-parse", "HEAD")
    assert commit() == head
    body = 'return {"x": 3 * rng.normal(size=size)}'
    assert commit() == f"{head} with changes"
