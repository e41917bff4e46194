"""What is edited between two runs, and what becomes of the draws: kept, topped up or refused.

Each row of the tables is an edit. After it the study is run again into the same folder; then it is drawn anew, in memory:
draws that were kept must be what is drawn anew, and draws that were refused must be others.
"""

from __future__ import annotations

import linecache
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from mcstudy import Ledger, Replicates, Study, Value, grid, mean, run
from mcstudy.engine.loading import load_study
from mcstudy.exceptions import InputError, JournalError

pytestmark = pytest.mark.usefixtures("no_report", "unproved")

Executors = Callable[[], Any]
Check = Callable[..., None]
Again = Callable[..., tuple[str, str, Ledger | None]]
KEPT, TOPPED_UP, REFUSED = "kept", "topped up", "refused"


class Edit(NamedTuple):
    """An edit of a file: what is replaced by what, what must become of the draws, and what is said of it."""

    name: str
    file: str
    old: str
    new: str
    outcome: str
    says: str = ""


IN_FILES = [
    Edit("comment", "toy", "# Nothing to see.", "# Nothing at all.", KEPT),
    Edit("docstring", "toy", '"""Draw."""', '"""Draw with care."""', KEPT),
    Edit("format", "toy", "return twice(np.clip(x, -LIMIT, LIMIT))", "return twice(\n        np.clip(x, -LIMIT, LIMIT)\n    )", KEPT),
    Edit("type hint", "toy", "def twice(x):", "def twice(x: float):", KEPT),
    Edit("order of definitions", "toy", "UNUSED = 1\n", "UNUSED = 1\n\n\ndef first():\n    return 0\n", KEPT),
    Edit("unused import", "toy", "import numpy as np\n", "import math\nimport numpy as np\n", KEPT),
    Edit("unused global", "toy", "UNUSED = 1", "UNUSED = 2", KEPT),
    Edit("title", "toy", '"A study"', '"A fine study"', KEPT),
    Edit("question", "toy", "Is the mean zero?", "Is the mean 0?", KEPT),
    Edit("source", "toy", '"nowhere"', '"somewhere"', KEPT),
    Edit("margin", "toy", "margin=99.0", "margin=98.0", KEPT),
    Edit("theory", "toy", "equals=999.0", "equals=998.0", KEPT),
    Edit("statement", "toy", '"mean", "x"', '"mean", "y"', KEPT),
    Edit("claim added", "toy", "claims=[\n", 'claims=[\n        Value("new", "x", of=mean("x"), equals=1.0, margin=99.0),\n', KEPT),
    Edit("claim taken away", "toy", '        Value("wrong", "x", of=mean("x"), equals=999.0, margin=1.0, expected=control("far off")),\n', "", KEPT),
    Edit("measure added", "toy", "    claims=[", '    measures=[Measure("m", of=mean("x"))],\n    claims=[', KEPT),
    Edit("missing allowed", "toy", "    claims=[", '    missing=("x",),\n    claims=[', KEPT),
    Edit("grid reordered", "toy", "n=(1, 2)", "n=(2, 1)", KEPT),
    Edit("level taken away", "toy", "n=(1, 2)", "n=(2,)", KEPT),
    Edit("level of the full profile", "toy", "    claims=[", "    full=grid(n=(8,)),\n    claims=[", KEPT),
    Edit("fewer replicates", "toy", "first=32, quick=32", "first=16, quick=16", KEPT),
    Edit("level added", "toy", "n=(1, 2)", "n=(1, 2, 4)", TOPPED_UP),
    Edit("more replicates", "toy", "first=32, quick=32", "first=64, quick=64", TOPPED_UP),
    Edit("simulate", "toy", "rng.normal(size=size) **", "rng.standard_t(9, size=size) **", REFUSED, "simulate:"),
    Edit("default", "toy", "power=1", "power=3", REFUSED, "power"),
    Edit("decorator", "toy", "2 * values", "3 * values", REFUSED, "doubled"),
    Edit("helper", "toy", "twice(np.clip", "(np.clip", REFUSED, "folded:"),
    Edit("helper of a helper", "toy", "return x + x", "return x - x", REFUSED, "+    return x - x"),
    Edit("method", "toy", "return x + self.centre", "return x + self.centre + 1", REFUSED, "moved"),
    Edit("attribute of a class", "toy", "centre = 0.0", "centre = 5.0", REFUSED, "centre"),
    Edit("global number", "toy", "LIMIT = 9.0", "LIMIT = 0.1", REFUSED, "global `LIMIT`: 9.0 -> 0.1"),
    Edit("global dictionary", "toy", "[2.0, 0.0]", "[2.0, 5.0]", REFUSED, "global `WEIGHTS`"),
    Edit("global array", "toy", "linspace(0.0", "linspace(5.0", REFUSED, "global `TABLE`"),
    Edit("block size", "toy", "block=16", "block=32", REFUSED, "block size of the run: 16 -> 32"),
    Edit("common factors", "toy", "    claims=[", '    common=("n",),\n    claims=[', REFUSED, "common factors"),
    Edit("module: comment", "helper", '"""How far."""', '"""How far?"""  # indeed', KEPT),
    Edit("module: unused function", "helper", "return 1", "return 2", KEPT),
    Edit("module: function", "helper", "return deeper.BY", "return 1 + deeper.BY", REFUSED, "shift:"),
    Edit("module of a module: global", "deeper", "BY = 0.0", "BY = 5.0", REFUSED, "global `BY`: 0.0 -> 5.0"),
    Edit("module of a module: unused", "deeper", "OTHER = 0.0", "OTHER = 5.0", KEPT),
    Edit("package: comment", "package/__init__", "A package", "The package", KEPT),
    Edit("package: function", "package/core", "return constants.ONE", "return 2 * constants.ONE", REFUSED, "scale:"),
    Edit("package: constant", "package/constants", "ONE = 1.0", "ONE = 2.0", REFUSED, "global `ONE`"),
    Edit("package: other function", "package/__init__", "from .core import scale", "def scale():\n    return 4.0", REFUSED, "scale:"),
    Edit("package: unused module", "package/idle", "return 1", "return 2", KEPT),
]  # fmt: skip


def test_the_tables_are_long_enough() -> None:
    rows = [*IN_FILES, *IN_CELLS, *VALUES, *DATA]
    assert len({row[0] for row in rows}) == len(rows) >= 60


@pytest.mark.parametrize("edit", IN_FILES, ids=[edit.name for edit in IN_FILES])
def test_files(write_files: Callable[..., Study], check: Check, serial: Executors, edit: Edit) -> None:
    check(write_files(), lambda: write_files(*edit[1:4]), edit.outcome, edit.says, serial)


WORKERS = ("comment", "margin", "helper", "module: function", "package: constant")


@pytest.mark.parametrize("edit", [edit for edit in IN_FILES if edit.name in WORKERS], ids=WORKERS)
def test_files_and_workers(
    write_files: Callable[..., Study], check: Check, workers: Executors, edit: Edit
) -> None:
    check(write_files(), lambda: write_files(*edit[1:4]), edit.outcome, edit.says, workers)


def test_files_that_only_moved(
    again: Again, write_files: Callable[..., Study], serial: Executors, project: Path
) -> None:
    first = run(write_files(), executor="serial", out="reports")
    (project / "studies").rename(project / "other")
    study = load_study(project / "other" / "toy.py")
    happened, said, ledger = again(study, serial())
    assert (happened, said) == (KEPT, "")
    assert ledger is not None
    assert ledger.digests["draws"] == first.digests["draws"]


CELLS = {
    "imports": "import numpy as np\nfrom functools import cache\n",
    "global": "SHIFT = 0.0\n",
    "unused": "OTHER = 0.0\n",
    "helper": "def centre(x):\n    # where it is\n    return x + SHIFT\n",
    "cached": "@cache\ndef weight(n):\n    return 1.0 + 0 * n\n",
    "class": "class Law:\n    power = 1\n\n    def __call__(self, x):\n        return x**self.power\n",
    "instance": "law = Law()\n",
    "simulate": 'def simulate(rng, size, *, n):\n    return {"x": weight(n) * centre(law(rng.normal(size=size)))}\n',
}  # fmt: skip

# Edits of cells: the edited cell is run again, and no other.
IN_CELLS = [
    Edit("cell: the same again", "helper", "# where it is", "# where it is", KEPT),
    Edit("cell: comment", "helper", "# where it is", "# where it was", KEPT),
    Edit("cell: unused global", "unused", "0.0", "5.0", KEPT),
    Edit("cell: imported again", "imports", "import numpy", "import math\nimport numpy", KEPT),
    Edit("cell: global", "global", "0.0", "5.0", REFUSED, "global `SHIFT`: 0.0 -> 5.0"),
    Edit("cell: helper", "helper", "x + SHIFT", "x - 5 + SHIFT", REFUSED, "centre:"),
    Edit("cell: cached helper", "cached", "1.0 +", "3.0 +", REFUSED, "weight:"),
    Edit("cell: instance", "instance", "law = Law()", "law = Law()\nlaw.power = 2", REFUSED, "law"),
    Edit("cell: simulate", "simulate", "rng.normal", "1 + rng.normal", REFUSED, "simulate:"),
]


def cell(text: str, number: list[int], names: dict[str, Any]) -> None:
    """Run a text as IPython runs a cell: its source is known to linecache alone."""
    number[0] += 1
    name = f"<ipython-input-{number[0]}-toy>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec", dont_inherit=True), names)


def study_of(simulate: Callable[..., Any], **more: Any) -> Study:
    return Study(
        name="toy", title="A toy", question="Is the mean zero?", source="nowhere", simulate=simulate, block=16,
        scenarios=grid(n=(1, 2)), replicates=Replicates(first=32, quick=32, full=64),
        claims=[Value("mean", "x", of=mean("x"), equals=0.0, margin=99.0)], **more,
    )  # fmt: skip


@pytest.fixture
def cells(project: Path) -> Callable[..., Study]:
    """A function that runs all cells of a notebook, or an edited one once more, and makes the study."""
    number, names = [0], {"__name__": "__main__"}

    def go(edit: Edit | None = None) -> Study:
        for name, text in CELLS.items():
            if edit is None:
                cell(text, number, names)
            elif name == edit.file:
                assert edit.old in text
                cell(text.replace(edit.old, edit.new), number, names)
        return study_of(names["simulate"])  # type: ignore[arg-type]

    return go


@pytest.mark.parametrize("edit", IN_CELLS, ids=[edit.name for edit in IN_CELLS])
def test_cells(cells: Callable[..., Study], check: Check, serial: Executors, edit: Edit) -> None:
    check(cells(), lambda: cells(edit), edit.outcome, edit.says, serial)


@pytest.mark.parametrize("edit", IN_CELLS[-3:], ids=[edit.name for edit in IN_CELLS[-3:]])
def test_cells_and_workers(cells: Callable[..., Study], check: Check, workers: Executors, edit: Edit) -> None:
    check(cells(), lambda: cells(edit), edit.outcome, edit.says, workers)


def enclosed(shift: Any) -> Callable[..., Any]:
    def simulate(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        return {"x": rng.normal(size=size) + np.sum(shift)}

    return simulate


def with_argument(rng: np.random.Generator, size: int, *, n: int, shift: Any = 0.0) -> dict[str, Any]:
    return {"x": rng.normal(size=size) + np.sum(shift)}


class Simulation:
    """A callable object."""

    def __init__(self, shift: float) -> None:
        self.shift = shift

    def __call__(self, rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        return {"x": rng.normal(size=size) + self.shift}


def nested(shift: float) -> Callable[..., Any]:
    return enclosed([[shift, 0.0], (0.0, shift)])


def keyed(shift: float) -> Callable[..., Any]:
    return partial(with_argument, shift=shift)


def positional(shift: float) -> Callable[..., Any]:
    def simulate(shift: float, rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        return {"x": rng.normal(size=size) + shift}

    return partial(simulate, shift)


def defaulted(shift: float) -> Callable[..., Any]:
    def simulate(rng: np.random.Generator, size: int, *, n: int, by: float = shift) -> dict[str, Any]:
        return {"x": rng.normal(size=size) + by}

    return simulate


def bound(shift: float) -> Callable[..., Any]:
    return Simulation(shift).__call__


def looked_up(shift: float) -> Callable[..., Any]:
    return enclosed(np.array([0.0, shift]))


# How a value of 0 or 5 comes into `simulate`, with what is said where it has changed.
VALUES: list[tuple[str, Callable[[float], Callable[..., Any]], str]] = [
    ("closure", enclosed, "closure `shift` of enclosed.<locals>.simulate: 0.0 -> 5.0"),
    ("closure: nested containers", nested, "closure `shift`"),
    ("closure: array", looked_up, "closure `shift`"),
    ("partial: keyword", keyed, "0.0"),
    ("partial: position", positional, "0.0"),
    ("default value", defaulted, "by"),
    ("callable object", Simulation, "Simulation"),
    ("bound method", bound, "starting point"),
]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(("name", "make", "says"), VALUES, ids=[row[0] for row in VALUES])
def test_values(name: str, make: Callable[[float], Any], says: str, check: Check, serial: Executors) -> None:
    check(study_of(make(0.0)), lambda: study_of(make(0.0)), KEPT, "", serial)
    check(study_of(make(0.0)), lambda: study_of(make(5.0)), REFUSED, says, serial)


@pytest.mark.usefixtures("project")
def test_values_and_workers(check: Check, workers: Executors) -> None:
    check(study_of(enclosed(0.0)), lambda: study_of(enclosed(0.0)), KEPT, "", workers)
    check(study_of(enclosed(0.0)), lambda: study_of(enclosed(5.0)), REFUSED, "closure `shift`", workers)


def reads(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
    return {"x": rng.normal(size=size) + float(Path("data.txt").read_text())}


def declared() -> Study:
    return study_of(reads, inputs=("data.txt",))


def read_before() -> Study:
    return study_of(enclosed(float(Path("data.txt").read_text())))


# What becomes of a file with the text "0", by how it is read.
DATA: list[tuple[str, Callable[[], Study], str, str, str]] = [
    ("data: written again", declared, "0", KEPT, ""),
    ("data: changed", declared, "5", REFUSED, "input data.txt: 1 bytes, sha256"),
    ("data: longer", declared, "5.0", REFUSED, "-> 3 bytes"),
    ("data: read before, unchanged", read_before, "0", KEPT, ""),
    (
        "data: read before, changed",
        read_before,
        "5",
        REFUSED,
        "closure `shift` of enclosed.<locals>.simulate: 0.0 -> 5.0",
    ),
]


@pytest.mark.parametrize("executors", ["serial", "workers"])
@pytest.mark.parametrize(("name", "study", "text", "outcome", "says"), DATA, ids=[row[0] for row in DATA])
def test_data(
    request: pytest.FixtureRequest,
    check: Check,
    project: Path,
    name: str,
    study: Callable[[], Study],
    text: str,
    outcome: str,
    says: str,
    executors: str,
) -> None:
    def write(content: str) -> Study:
        path = project / "data.txt"
        path.write_text(content)
        os.utime(path, (1, 1))  # content counts, whatever the time
        return study()

    check(write("0"), lambda: write(text), outcome, says, request.getfixturevalue(executors))


def test_data_that_is_not_there(project: Path) -> None:
    (project / "data.txt").write_text("0")
    run(declared(), executor="serial", out="reports")
    (project / "data.txt").unlink()
    with pytest.raises(InputError, match=r"`inputs` must name files that can be read, got .data\.txt."):
        run(declared(), executor="serial", out="reports")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('np.seterr(over="raise")', "floating-point errors is new: over=raise"),
        ('__import__("warnings").simplefilter("error")', "warnings that raise is new: Warning None None"),
    ],
    ids=["np.seterr", "simplefilter"],
)
def test_settings_of_the_process(
    again: Again, write_files: Callable[..., Study], serial: Executors, line: str, says: str
) -> None:
    """What a study sets for its process decides which replicates fail; in these draws none does."""
    run(write_files(), executor="serial", out="reports")
    study = write_files("toy", "UNUSED = 1", line)
    happened, said, _ = again(study, serial())
    assert happened == REFUSED
    assert says in said


@pytest.mark.parametrize(
    ("settings", "says"), [({"seed": 2}, "seed of the run: 20261123 -> 2"), ({"profile": "full"}, "")]
)
def test_settings_of_the_run(cells: Callable[..., Study], settings: dict[str, Any], says: str) -> None:
    run(cells(), executor="serial", out="reports")
    if says:
        with pytest.raises(JournalError, match=says):
            run(cells(), executor="serial", out="reports", **settings)
    else:
        assert run(cells(), executor="serial", out="reports", **settings).run.replicates == 128
