"""From names and files to studies, and their options."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mcstudy import Study
from mcstudy.engine.loading import (
    apply_options,
    check_names,
    find_studies,
    load_study,
    named_by_values,
    of_script,
)
from mcstudy.exceptions import InputError, McstudyError, StudyError

WriteStudy = Callable[..., Path]
OPTION = """
from dataclasses import replace


def times(study, value):
    return replace(study, scenarios=grid(scale=(float(value), 2.0)))
"""
MORE = 'options=(Option("scale", metavar="X", help="the first scale", apply=times),),'


def test_names_paths_and_all(write_study: WriteStudy) -> None:
    for name in ("second", "first", "_helper"):
        write_study(name)
    elsewhere = write_study("elsewhere", folder=".")
    assert find_studies([]) == [Path("studies/first.py"), Path("studies/second.py")]
    assert find_studies(["second", "./studies/first.py"]) == [
        Path("studies/second.py"),
        Path("studies/first.py"),
    ]
    assert find_studies(["elsewhere.py"]) == [Path("elsewhere.py")]
    assert find_studies([str(elsewhere)]) == [elsewhere]


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("sensing_lose", "got 'sensing_lose'; did you mean sensing_loss?"),
        ("Sensing-Loss", "did you mean sensing_loss?"),
        ("qqq", "got 'qqq'; known: gradient_flow, sensing_loss"),
        ("missing.py", "must be a study's name or file, got 'missing.py': no such file"),
        ("studies/missing.py", "no such file"),
        ("studies/sensing_loss", "no such file"),
        ("", "known: gradient_flow, sensing_loss"),
    ],
)
def test_an_unknown_study_suggests_the_nearest(write_study: WriteStudy, name: str, match: str) -> None:
    write_study("sensing_loss")
    write_study("gradient_flow")
    with pytest.raises(InputError, match=match):
        find_studies([name])


def test_no_study_at_all(project: Path) -> None:
    with pytest.raises(InputError, match=r"no study in \./studies: name a study file, or change to a folder"):
        find_studies([])
    with pytest.raises(InputError, match="known: none"):
        find_studies(["toy"])


def test_a_study_is_loaded_with_its_file(write_study: WriteStudy) -> None:
    path = write_study()
    study = load_study(Path("studies/toy.py"))
    assert (study.name, study.file) == ("toy", path)


BAD: list[tuple[str, type[McstudyError], str]] = [
    ("x = 1\n", StudyError, r"broken.py is not a study: it must define `study = Study\(\.\.\.\)`, got NoneType"),
    ("study = 3\n", StudyError, "broken.py is not a study: .* got int"),
    ("def f(:\n", StudyError, "broken.py can't be imported: SyntaxError: "),
    ("import no_such_module_at_all\n", StudyError, "can't be imported: ModuleNotFoundError: No module named"),
    ("x = 1\n1 / 0\n", StudyError, r"can't be imported: ZeroDivisionError: division by zero \(broken.py, line 2: 1 / 0\)"),
    ("import helper\nhelper.go({})\n", StudyError, r"KeyError: 'a' \(helper.py, line 2: return table\['a'\]\)"),
    ("import sys\nsys.exit(0)\n", StudyError, "can't be imported: SystemExit: 0"),
    ("\x00", StudyError, "can't be imported: "),
    ("", StudyError, "is not a study"),
    ("from mcstudy import grid\ngrid(n=())\n", McstudyError, r"`n`: a factor must have at least one level, got an empty grid \(broken.py, line 2: grid\(n=\(\)\)\)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "error", "match"), BAD, ids=range(len(BAD)))
def test_files_that_are_no_studies(project: Path, text: str, error: type[McstudyError], match: str) -> None:
    Path("helper.py").write_text("def go(table):\n    return table['a']\n")
    Path("broken.py").write_text(text)
    with pytest.raises(error, match=match):
        load_study(Path("broken.py"))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"{}", "results.json is not a study"),
        (b"SQLite format 3\x00\xff", "results.json can't be imported: SyntaxError"),
    ],
)
def test_a_file_that_is_not_python(project: Path, content: bytes, match: str) -> None:
    Path("results.json").write_bytes(content)
    with pytest.raises(StudyError, match=match):
        load_study(Path("results.json"))


def test_a_study_is_loaded_as_it_is_now(write_study: WriteStudy) -> None:
    """Rewritten within a second and to the same length, where bytecode would pass for up to date."""
    for seed in range(3):
        study = load_study(write_study(body=f'return {{"x": {seed} + rng.normal(size=size)}}'))
        assert float(
            np.mean(study[""].simulate(np.random.default_rng(1), 1000, scale=1.0)["x"])
        ) == pytest.approx(seed, abs=0.2)
    assert not list(Path("studies").rglob("*.pyc"))


def test_a_study_may_import_its_neighbours(write_study: WriteStudy, project: Path) -> None:
    (project / "studies" / "_mcstudy_neighbour.py").write_text("FACTOR = 3.0\n")
    study = load_study(
        write_study(
            top="from _mcstudy_neighbour import FACTOR", body='return {"x": FACTOR * rng.normal(size=size)}'
        )
    )
    assert study.name == "toy"
    assert "_mcstudy_neighbour" not in sys.modules


def test_a_theory_may_import_a_neighbour_when_it_is_called(write_study: WriteStudy, project: Path) -> None:
    (project / "studies" / "beside.py").write_text("NOUGHT = 0.0\n")
    theory = "def theory():\n    from beside import NOUGHT\n\n    return NOUGHT"
    path = write_study(top=theory, claims='[Value("mean", "s", of=mean("x"), equals=theory, margin=2.0)]')
    assert load_study(path).file == path.resolve()


def test_options_are_applied_and_remembered(write_study: WriteStudy) -> None:
    studies = [load_study(write_study(top=OPTION, more=MORE)), load_study(write_study("other"))]
    with_option, other = apply_options(studies, [("scale", "5")])
    assert [scenario["scale"] for scenario in with_option.study[""].scenarios] == [5.0, 2.0]
    assert with_option.arguments == ("--scale", "5")
    assert with_option.command == "toy --scale 5"
    assert (other.study, other.arguments) == (studies[1], ())
    (spaced,) = apply_options(studies[:1], [("scale", " 6 ")])
    assert spaced.command == "toy --scale ' 6 '"


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("planted", "x", "unknown option --planted; the studies chosen have --scale"),
        ("scales", "x", r"unknown option --scales; did you mean --scale\? the studies chosen have --scale"),
        ("jbos", "2", r"unknown option --jbos; did you mean --jobs\? the studies chosen have --scale"),
        ("scale", "", "--scale needs a value, got none; write --scale X"),
        (
            "scale",
            "big",
            "--scale big: ValueError: could not convert string to float: 'big'; the first scale",
        ),
    ],
)
def test_options_refuse(write_study: WriteStudy, name: str, value: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        apply_options([load_study(write_study(top=OPTION, more=MORE))], [(name, value)], ("--jobs", "--out"))


def test_studies_without_options_say_so(write_study: WriteStudy) -> None:
    with pytest.raises(InputError, match="unknown option --x; the studies chosen have none of their own"):
        apply_options([load_study(write_study())], [("x", "1")])


def test_an_option_must_make_a_study(write_study: WriteStudy) -> None:
    top = "def forgets(study, value):\n    study.title"
    study = load_study(write_study(top=top, more=MORE.replace("times", "forgets")))
    with pytest.raises(StudyError, match="`apply` of option --scale must return a Study, got NoneType"):
        apply_options([study], [("scale", "1")])


def test_studies_of_one_name_do_not_run_together(write_study: WriteStudy) -> None:
    path = write_study()
    (path.parent / "again.py").write_text(path.read_text())
    one, other = load_study(path), load_study(path.parent / "again.py")
    check_names([one, load_study(write_study("third"))])
    with pytest.raises(InputError, match=r"must have distinct names, got 'toy' from toy, studies/again\.py"):
        check_names([one, other])


@pytest.mark.parametrize(
    ("names", "value", "expected"),
    [
        ([], "2.5", []),
        ([], "", []),
        (["toy"], "other", ["studies/toy.py", "studies/other.py"]),
        ([], "other", ["studies/other.py", "studies/toy.py", "studies/other.py"]),
        (["toy"], "studies/other.py", ["studies/toy.py", "studies/other.py"]),
        (["toy"], "missing.py", []),
    ],
)
def test_a_study_behind_an_option_may_be_meant(
    write_study: WriteStudy, names: list[str], value: str, expected: list[str]
) -> None:
    write_study()
    write_study("other")
    assert [str(path) for path in named_by_values(names, [("planted", value)])] == expected


def test_a_file_that_calls_main_at_once_is_loaded_all_the_same(write_study: WriteStudy) -> None:
    path = write_study()
    path.write_text(path.read_text().partition("if __name__")[0] + "main(study)\n")
    assert load_study(path).name == "toy"


def test_a_script_is_loaded_as_the_command_loads_it(
    write_study: WriteStudy, make_study: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_study()
    script = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", script)
    study = make_study()
    assert of_script(study) is study  # a notebook has no file
    script.__file__ = str(path)
    assert of_script(study).file == path  # another study than the script's own: built by a function
    script.study = study  # type: ignore[attr-defined]
    again = of_script(study)
    assert (again.title, again.file) == ("A study of nothing much", path)
