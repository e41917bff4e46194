"""What has been published stands as it was published: a page that would say it otherwise needs another version."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import distributions
from pathlib import Path

import pytest

from mcstudy._version import __version__
from mcstudy.engine.verify import Target
from mcstudy.engine.verify.intact import SUMS, intact
from mcstudy.engine.verify.levels import Outcome
from mcstudy.report import read_ledger

PUBLISHED = Path(__file__).parents[2] / "reports" / "published"
INSTALLERS = {"pip", "setuptools"}
VERSIONS = sorted(path.parent for path in PUBLISHED.glob(f"*/{SUMS}"))
LEDGERS = sorted(PUBLISHED.glob("*/*/ledger.json"))


def name(path: Path) -> str:
    return path.relative_to(PUBLISHED).as_posix().removesuffix("/ledger.json")


@pytest.mark.parametrize("folder", VERSIONS, ids=name)
def test_all_files_are_what_their_digests_say(folder: Path) -> None:
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert sums == {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in there.items() if name != SUMS
    }
    assert len(sums) > 800


@pytest.mark.parametrize("file", LEDGERS, ids=name)
def test_ledgers_are_read_and_as_expected(file: Path) -> None:
    ledger = read_ledger(file)
    assert ledger.as_expected
    assert (ledger.run.profile, ledger.run.failures) == ("full", 0)


@pytest.mark.parametrize("file", LEDGERS, ids=name)
def test_pages_are_written_as_they_were(file: Path) -> None:
    """By the packages that wrote them: formulas and figures of others are other ones."""
    environment = (file.parents[1] / "environment.txt").read_text(encoding="utf-8").splitlines()
    python, *lines = environment
    wrote = dict(line.split("==") for line in lines)
    here = {item.name.lower(): item.version for item in distributions()} | {"mcstudy": __version__}
    others = [
        package for package in (wrote.keys() & here.keys()) - INSTALLERS if wrote[package] != here[package]
    ]
    if others or not python.startswith(f"# Python {platform.python_version()},"):
        pytest.skip(f"{name(file)} was written by another environment: {', '.join(others) or python}")
    level = intact(Target(file)).level
    assert level.outcome is Outcome.VERIFIED, "\n".join(level.details)
