"""A run's settings, and the commands that repeat it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mcstudy.defaults import SEED
from mcstudy.engine.limit import Limit
from mcstudy.engine.loading import load_study
from mcstudy.engine.settings import Settings
from mcstudy.engine.source import Origin


@pytest.mark.parametrize(
    ("folder", "arguments", "seed", "run", "replay"),
    [
        ("studies", (), SEED, "mcstudy run toy --profile quick", "mcstudy replay toy"),
        ("studies", (), 7, "mcstudy run toy --profile quick --seed 7", "mcstudy replay toy --seed 7"),
        ("studies", ("--planted", "my file.csv"), SEED, "mcstudy run toy --planted 'my file.csv' --profile quick", "mcstudy replay toy --planted 'my file.csv'"),
        ("my studies", (), SEED, "mcstudy run 'my studies/toy.py' --profile quick", "mcstudy replay 'my studies/toy.py'"),
    ],
)  # fmt: skip
def test_commands(
    write_study: Callable[..., Path],
    project: Path,
    folder: str,
    arguments: tuple[str, ...],
    seed: int,
    run: str,
    replay: str,
) -> None:
    (project / folder).mkdir(exist_ok=True)
    study = load_study(write_study(folder=folder))
    limit = Limit.of(study, "quick")
    settings = Settings(Origin(study, arguments), "quick", seed, "serial", 1, limit)
    assert settings.study is study
    assert (limit.first, settings.most) == (64, 128)
    assert (settings.command, settings.replay) == (run, replay)


@pytest.mark.parametrize(("at_most", "profile"), [(None, "quick"), (60, "full")])
def test_the_command_of_a_run_without_an_end(
    write_study: Callable[..., Path], at_most: float | None, profile: str
) -> None:
    """It says so; a time is no part of what was found, and the draws that are kept are seen again."""
    study = load_study(write_study())
    limit = Limit.of(study, profile, until="decided", at_most=at_most)
    settings = Settings(Origin(study), profile, 7, "serial", 1, limit)
    assert settings.command == f"mcstudy run toy --profile {profile} --until decided --seed 7"
    assert limit.first == (64 if profile == "quick" else 256)


@pytest.mark.parametrize(("replicates", "exact"), [(None, ""), (32, " --replicates 32")])
def test_the_command_of_a_part(write_study: Callable[..., Path], replicates: int | None, exact: str) -> None:
    study = load_study(write_study())
    limit = Limit.of(study, "full", replicates=replicates)
    settings = Settings(Origin(study, ("--planted", "a b")), "full", 7, "serial", 1, limit)
    assert settings.shard("$I/9") == f"mcstudy shard $I/9 toy --planted 'a b' --profile full{exact} --seed 7"
