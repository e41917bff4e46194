"""The list of mutations is up to date, and its runner tells the killed from the living."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutants_script", HERE / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where annotations of named tuples are looked up
    spec.loader.exec_module(module)
    return module


script = _script()
MUTATIONS = script.mutations_of()


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_there_are_mutations_of_every_room() -> None:
    assert [name for name, count in Counter(m.id for m in MUTATIONS).items() if count > 1] == []
    rooms = Counter(Path(m.file).parts[1] for m in MUTATIONS)
    assert {"models", "statistics", "claims", "engine"} <= set(rooms)
    assert sum(rooms.values()) >= 120


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.id)
def test_a_mutation_is_one_of_a_line_that_is_there(mutation: Any) -> None:
    mutation.applied((ROOT / mutation.file).read_text(encoding="utf-8"))
    for test in mutation.tests:
        path, _, name = test.partition("::")
        assert (ROOT / path).is_file(), test
        assert not name or name.partition("[")[0] in functions_of(ROOT / path), test


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 3\n", "found once in mcstudy/a.py, got 0 times"),
        ("x = 1\ny = x = 1\n", "found once in mcstudy/a.py, got 2 times"),
        ("y = 0  # x = 1\n", "`becomes` must be another program than `was`"),
    ],
)
def test_a_stale_mutation_is_refused(text: str, message: str) -> None:
    mutation = script.Mutation("one", "mcstudy/a.py", "x = 1", "x = 2", "all", ())
    with pytest.raises(script.StaleError, match=message):
        mutation.applied(text)


PROJECT = {
    "mcstudy/__init__.py": "def doubled(x):\n    return 2 * x\n\n\ndef halved(x):\n    return x / 2\n",
    "tests/test_doubled.py": "from mcstudy import doubled\n\ndef test_three():\n    assert doubled(3) == 6\n",
    "tests/test_halved.py": "from mcstudy import halved\n\ndef test_zero():\n    assert halved(0) == 0\n",
    "tests/test_wrong.py": "def test_nothing():\n    assert False\n",
}
ENTRY = '[["__init__.py"]]\nid = "{id}"\nwas = "{was}"\nbecomes = "{becomes}"\nbreaks = "it"\ntests = ["tests/test_{test}.py"]\n'
KILLED = ENTRY.format(id="killed", was="2 * x", becomes="3 * x", test="doubled")
ALIVE = ENTRY.format(id="alive", was="x / 2", becomes="x / 3", test="halved")
UNTESTED = ENTRY.format(id="untested", was="2 * x", becomes="3 * x", test="wrong")
UNREADABLE = ENTRY.format(id="unreadable", was="def halved(x)", becomes="def halves(x)", test="halved")


@pytest.mark.parametrize(
    ("entries", "code", "says"),
    [
        ((KILLED,), 0, ("killed tests/test_doubled.py::test_three", "1 of 1 mutations killed")),
        ((KILLED, ALIVE), 1, ("alive SURVIVES", "1 of 2 mutations killed")),
        (
            (KILLED, UNTESTED),
            1,
            (
                "tests must pass without a mutation, got tests/test_wrong.py::test_nothing: exit code 1, 1 failed",
            ),
        ),
        ((UNREADABLE,), 1, ("unreadable EXIT CODE 2", "0 of 1 mutations killed")),
        ((KILLED.replace("2 * x", "2*x"),), 1, ("`was` must be found once",)),
    ],
    ids=["killed", "alive", "untested", "unreadable", "stale"],
)
def test_the_runner(
    entries: tuple[str, ...],
    code: int,
    says: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, text in PROJECT.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "list.toml").write_text("\n".join(entries), encoding="utf-8")
    assert script.main(["--jobs", "1"], root=tmp_path / "project", folder=tmp_path) == code
    said = " ".join(capsys.readouterr().out.split())
    for words in says:
        assert words in said
    # A table is written where all is well; and what was mutated was a copy.
    assert (tmp_path / "table.md").is_file() == (code == 0)
    assert (tmp_path / "project" / "mcstudy" / "__init__.py").read_text() == PROJECT["mcstudy/__init__.py"]
