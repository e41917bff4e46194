"""Studies to start from: each kind runs at once, is as expected, and is code that linters and type checkers accept."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

import mcstudy as mc
from mcstudy.engine.loading import load_study
from mcstudy.exceptions import InputError
from mcstudy.new import KINDS, write_new

REPOSITORY = Path(__file__).parents[1]
Command = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_study_runs_and_is_as_expected(project: Path, command: Command, kind: str) -> None:
    code, shown, _ = command("new", "my_study", "--kind", kind)
    assert code == 0
    assert shown.splitlines() == ["studies/my_study.py", "run it with: mcstudy run my_study"]
    code, shown, errors = command("run", "my_study", "--executor", "serial")
    assert code == 0, shown + errors
    assert "as expected" in shown
    assert (project / "reports" / "my_study.html").is_file()


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_study_shows_what_a_study_has(tmp_path: Path, kind: str) -> None:
    study = load_study(write_new("my_study", kind, tmp_path))
    (experiment,) = study.experiments
    verdicts = [claim.expectation.verdict for claim in experiment.claims]
    assert study.name == "my_study"
    assert {mc.Verdict.CONFIRMED, mc.Verdict.REFUTED} == set(verdicts)
    assert experiment.measures
    assert "@" not in (tmp_path / "my_study.py").read_text()


@pytest.mark.parametrize("tool", [("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)], ids=" ".join)
def test_new_studies_please_linter_and_type_checker(tmp_path: Path, tool: tuple[str, ...]) -> None:
    """By the settings of this repository, where these are installed; mypy looks for the package where it stands."""
    if find_spec(tool[0]) is None:
        pytest.skip(f"{tool[0]} is not installed")
    paths = [str(write_new(f"my_{kind}", kind, tmp_path)) for kind in KINDS]
    option = "--config-file" if tool[0] == "mypy" else "--config"
    settings = [option, str(REPOSITORY / "pyproject.toml")]
    arguments = [sys.executable, "-m", *tool, *settings, *paths]
    place = REPOSITORY if tool[0] == "mypy" else tmp_path
    done = subprocess.run(arguments, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_a_folder_for_studies_it_is_written_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    code, shown, _ = command("new", "my_study")
    assert code == 0
    assert shown.splitlines() == ["my_study.py", "run it with: mcstudy run my_study.py"]
    assert '"rate"' in Path("my_study.py").read_text()


def test_nothing_is_overwritten(project: Path, command: Command) -> None:
    path = project / "studies" / "mine.py"
    path.write_text("# mine\n")
    code, _, errors = command("new", "mine")
    assert code == 2
    assert "must be that of a new study, got 'mine': studies/mine.py exists; choose another name" in errors
    assert path.read_text() == "# mine\n"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("My-Study", "; my_study would do"),
        ("mine.py", "; mine would do"),
        ("2fast", "; fast would do"),
        ("../x", "; x would do"),
        ("", ""),
        ("_", ""),
    ],
)
def test_a_bad_name_is_refused_with_the_rule(tmp_path: Path, name: str, hint: str) -> None:
    with pytest.raises(InputError, match="must be lower-case letters, digits and underscores") as refused:
        write_new(name, "rate", tmp_path)
    assert str(refused.value).endswith(f"got {name!r}{hint}")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_kind_is_refused(command: Command) -> None:
    code, _, errors = command("new", "mine", "--kind", "rat")
    assert code == 2
    assert "did you mean rate?" in errors


def test_templates_are_in_the_package() -> None:
    listed = "import importlib.resources as r; print(*sorted(p.name for p in r.files('mcstudy').joinpath('templates').iterdir()))"
    done = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)
    assert done.stdout.split() == sorted(f"{kind}.txt" for kind in KINDS)
    settings = (REPOSITORY / "pyproject.toml").read_text()
    assert 'mcstudy = ["py.typed", "*.pyi", "templates/*"]' in settings


@pytest.mark.parametrize("name", ["numpy", "class", "json", "mcstudy"])
def test_a_name_that_python_knows_is_refused(name: str, tmp_path: Path) -> None:
    """Beside a file of that name nothing would import the module any more."""
    with pytest.raises(InputError, match="`NAME` must not be one that Python knows already"):
        write_new(name, "rate", tmp_path)
    assert list(tmp_path.iterdir()) == []
