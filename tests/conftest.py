"""What the tests of claims, engine and command line share: small studies, files of them, draws by hand."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import mcstudy as mc
from mcstudy.cli import command as run_command
from mcstudy.draws import Draws, Sample

FILE = '''"""A study of nothing much."""

from mcstudy import Bound, Identity, Law, Option, Rate, Replicates, SameLaw, Study, Value, grid, main, mean, rms
{top}


def simulate(rng, size, *, scale):
    """Normal draws."""
{body}


study = Study(
    name="{name}",
    title="A study of nothing much",
    question="Is the mean zero?",
    source="nowhere",
    simulate=simulate,
    scenarios={scenarios},
    block=16,
    replicates=Replicates(first=64, quick=128, full=256),
    claims={claims},
    {more}
)

if __name__ == "__main__":
    main(study)
'''
BODY = 'return {"x": scale * rng.normal(size=size)}'
CLAIMS = '[Value("mean", r"\\mathbb{E} X = 0", of=mean("x"), equals=0.0, margin=2.0)]'


def normal(rng: np.random.Generator, size: int, **_: Any) -> dict[str, npt.NDArray[Any]]:
    """Standard normal draws, whatever the factors."""
    return {"x": rng.normal(size=size)}


@pytest.fixture
def make_study() -> Callable[..., mc.Study]:
    """A function that makes a small study; keywords replace its parts."""

    def make(**parts: Any) -> mc.Study:
        plan: dict[str, Any] = {
            "name": "toy",
            "title": "A toy",
            "question": "Is the mean zero?",
            "source": "nowhere",
            "simulate": normal,
            "scenarios": mc.grid(n=(1, 2, 4)),
            "block": 16,
            "replicates": mc.Replicates(first=64, quick=128, full=256),
            "claims": [mc.Value("mean", r"\mathbb{E} X = 0", of=mc.mean("x"), equals=0.0, margin=1.5)],
        }
        return mc.Study(**(plan | parts))

    return make


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with a folder ``studies``, as the current directory."""
    (tmp_path / "studies").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))  # loading a study appends its folder
    monkeypatch.setenv("COLUMNS", "300")
    return tmp_path


@pytest.fixture
def write_study(project: Path) -> Callable[..., Path]:
    """A function that writes a study file into the project; keywords replace its parts."""

    def write(
        name: str = "toy",
        body: str = BODY,
        claims: str = CLAIMS,
        scenarios: str = "grid(scale=(1.0, 2.0))",
        top: str = "",
        more: str = "",
        folder: str = "studies",
    ) -> Path:
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        path = project / folder / f"{name}.py"
        text = FILE.format(name=name, body=lines, claims=claims, scenarios=scenarios, top=top, more=more)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """A function that runs the command line in this process: exit code, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = run_command(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


@pytest.fixture
def draws_of() -> Callable[..., Draws]:
    """A function that makes Draws from columns by scenario.

    NaN marks a failed replicate in the first column, and in a column of `missing` one without a value.
    """

    def make(
        columns: Mapping[mc.Scenario, Mapping[str, npt.ArrayLike]],
        tuned: float = 256,
        block_size: int = 16,
        common: tuple[str, ...] = (),
        missing: tuple[str, ...] = (),
        experiment: str = "",
    ) -> Draws:
        samples = {}
        for scenario, named in columns.items():
            arrays = {name: np.asarray(values, dtype=np.float64) for name, values in named.items()}
            first_name = next(iter(arrays))
            failed = np.isnan(arrays[first_name]) & (first_name not in missing)
            samples[scenario] = Sample(scenario, arrays, ~failed, block_size, experiment, missing)
        return Draws(samples, tuned, common)

    return make
