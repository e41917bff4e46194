"""Where a study comes from: its file, its neighbours, its name on a command line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcstudy import Study, run
from mcstudy.engine.loading import load_study
from mcstudy.engine.source import Origin

MakeStudy = Callable[..., Study]
WriteStudy = Callable[..., Path]


def scaled(rng: np.random.Generator, size: int, *, matrix: Any, n: int) -> dict[str, Any]:
    return {"x": n * matrix[0] * rng.normal(size=size)}


def loaded(path: Path) -> Origin:
    return Origin(load_study(path))


def test_source_is_that_of_the_file_of_simulate(make_study: MakeStudy) -> None:
    origin = Origin(make_study(simulate=partial(scaled, matrix=np.ones(1))))
    assert origin.path == Path(__file__).resolve()
    assert origin.text == Path(__file__).read_text(encoding="utf-8")


def test_a_study_without_a_file_has_its_name_only(make_study: MakeStudy) -> None:
    names: dict[str, Any] = {}
    exec("def simulate(rng, size, n): return {'x': rng.normal(size=size)}", names)
    origin = Origin(make_study(simulate=names["simulate"]))
    assert (origin.path, origin.folder, origin.handle, origin.texts) == (None, "", "toy", {})


def test_source_covers_the_study_file_when_simulate_lives_elsewhere(
    write_study: WriteStudy, project: Path
) -> None:
    """Two studies with one `simulate` in a neighbour are two studies."""
    neighbour = project / "studies" / "shared_draws.py"
    neighbour.write_text("def draw(rng, size, *, scale):\n    return {'x': scale * rng.normal(size=size)}\n")
    path = write_study("shared", top="from shared_draws import draw")
    path.write_text(path.read_text().replace("simulate=simulate,", "simulate=draw,"))
    origin = loaded(path)
    before = origin.digest
    assert (origin.path, origin.handle) == (path, "shared")
    path.write_text(path.read_text().replace("margin=2.0", "margin=3.0"))
    assert loaded(path).digest != before


def test_source_covers_neighbours_that_the_study_imports(write_study: WriteStudy, project: Path) -> None:
    neighbour = project / "studies" / "scale.py"
    neighbour.write_text("FACTOR = 1.0\n")
    path = write_study(top="from scale import FACTOR", body='return {"x": FACTOR * rng.normal(size=size)}')
    origin = loaded(path)
    before = origin.digest
    assert set(map(Path, origin.texts)) == {path, neighbour}
    assert {file.name: file.text for file in origin.files} == {
        one.name: one.read_text(encoding="utf-8") for one in (path, neighbour)
    }
    neighbour.write_text("FACTOR = 20.0\n")
    assert loaded(path).digest != before


def test_a_file_that_is_not_imported_is_no_source(write_study: WriteStudy, project: Path) -> None:
    """The control: another file beside the study changes nothing."""
    path = write_study()
    before = loaded(path).digest
    (project / "studies" / "other.py").write_text("FACTOR = 20.0\n")
    assert loaded(path).digest == before


def test_handle_is_the_name_in_studies_else_a_path_that_works_from_here(
    write_study: WriteStudy, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert loaded(write_study("inside")).handle == "inside"
    assert loaded(write_study("outside", folder=".")).handle == "outside.py"
    (project / "two words").mkdir()
    assert loaded(write_study("quoted", folder="two words")).handle == "'two words/quoted.py'"
    (project / "below").mkdir()
    monkeypatch.chdir(project / "below")
    assert loaded(project / "outside.py").handle == "../outside.py"


def test_the_command_repeats_the_options_that_were_given(make_study: MakeStudy) -> None:
    names: dict[str, Any] = {}
    exec("def simulate(rng, size, n): return {'x': rng.normal(size=size)}", names)
    origin = Origin(make_study(simulate=names["simulate"]), ("--law", "two words"))
    assert origin.command == "toy --law 'two words'"


def test_code_of_a_page_that_is_not_python_is_run(project: Path) -> None:
    """As of a manual whose examples are tested: the page has no neighbours, and what it holds is drawn."""
    page = project / "page.md"
    page.write_text("# A page\n\n3x it's not Python\n", encoding="utf-8")
    code = (
        "import mcstudy as mc\n\n"
        "def simulate(rng, size, *, n):\n    return {'x': rng.normal(size=size)}\n\n"
        "study = mc.Study(name='page', title='t', question='q', source='s', simulate=simulate, block=16,\n"
        "    scenarios=mc.grid(n=(1,)), replicates=mc.Replicates(64),\n"
        "    claims=[mc.Value('v', 's', of=mc.mean('x'), equals=0.0, margin=2.0)])\n"
    )
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(code, str(page), "exec"), names)
    assert run(names["study"], executor="serial", out=None)["v"].verdict == "CONFIRMED"
