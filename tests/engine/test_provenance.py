"""Where a result comes from."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from mcstudy import Study, __version__
from mcstudy.engine.loading import load_study
from mcstudy.engine.provenance import provenance
from mcstudy.engine.source import Origin


def test_provenance_is_json_and_names_machine_and_software(make_study: Callable[..., Study]) -> None:
    found = provenance(Origin(make_study()), datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert json.loads(json.dumps(found)) == found
    assert found["started"] == "2026-11-23T12:00:00+00:00"
    assert found["libraries"]["numpy"] == np.__version__
    assert set(found["libraries"]) == {"numpy", "scipy", "joblib", "statsmodels", "pandas", "matplotlib"}
    assert found["cpu"]
    assert found["blas"]
    assert found["mcstudy"] == __version__


def test_times_are_those_of_greenwich(make_study: Callable[..., Study]) -> None:
    elsewhere = datetime(2026, 11, 23, 12, tzinfo=timezone(timedelta(hours=2)))
    assert provenance(Origin(make_study()), elsewhere)["started"] == "2026-11-23T10:00:00+00:00"


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_provenance_names_the_commit_and_its_changes(write_study: Callable[..., Path], project: Path) -> None:
    def commit(body: str) -> str:
        origin = Origin(load_study(write_study(body=body)))
        return str(provenance(origin, datetime.now(UTC))["git"])

    assert commit('return {"x": rng.normal(size=size)}') == ""
    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "-m", "a study")
    head = git(project, "rev-parse", "HEAD")
    assert commit('return {"x": rng.normal(size=size)}') == head
    assert commit('return {"x": 3 * rng.normal(size=size)}') == f"{head} with changes"


def test_provenance_says_what_filled_where_something_was_drawn(make_study: Callable[..., Study]) -> None:
    origin, now = Origin(make_study()), datetime.now(UTC)
    assert provenance(origin, now, {"compiled", "NumPy"})["fills"] == ["NumPy", "compiled"]
    assert "fills" not in provenance(origin, now)
