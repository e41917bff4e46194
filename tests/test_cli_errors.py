"""Bad input: each a clear error and exit code 2, with nothing written and nothing lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mcstudy.engine.reading import reading

WriteStudy = Callable[..., Path]
Command = Callable[..., tuple[int, str, str]]

MISUSE: dict[str, tuple[dict[str, str], str]] = {
    "wrong length": (
        {"body": 'return {"x": rng.normal(size=size + 1)}'},
        "column `x` must have shape (16,), got (17,); return one value a replicate",
    ),
    "not finite": (
        {"body": 'return {"x": rng.normal(size=size) / (scale - 2.0)}', "top": "import numpy\nnumpy.seterr(all='ignore')"},
        "column `x` must be finite, got",
    ),
    "not finite later": (
        {"body": 'x = rng.normal(size=size)\nx[x > 1.5] = float("nan")\nreturn {"x": x}'},
        "column `x` must be finite, got nan at index",
    ),
    "not numeric": ({"body": 'return {"x": ["one"] * size}'}, "column `x` must be numeric, got dtype <U3"),
    "other columns later": (
        {"body": 'x = rng.normal(size=size)\nreturn {"x": x, "y": x} if x[0] > 0 else {"x": x}'},
        "must return the same columns in every block, got",
    ),
    "no mapping": ({"body": "return rng.normal(size=size)"}, "must return a mapping from column to array, got ndarray"),
    "np.random.seed": (
        {"top": "import numpy as np", "body": 'np.random.seed(1)\nreturn {"x": np.random.normal(size=size)}'},
        "`simulate` must draw from its `rng` only, but it changed the global random state",
    ),
    "np.random.normal": (
        {"top": "import numpy as np", "body": 'return {"x": np.random.normal(size=size)}'},
        "`simulate` must draw from its `rng` only",
    ),
    "random.random": (
        {"top": "import random", "body": 'return {"x": [random.random() for _ in range(size)]}'},
        "`simulate` must draw from its `rng` only",
    ),
    "default_rng(0)": (
        {"top": "import numpy as np", "body": 'return {"x": np.random.default_rng(0).normal(size=size)}'},
        "must draw from its `rng`, but (scale=1.0), block 0 is identical",
    ),
    "numbers of replicates": (
        {"body": 'return {"x": rng.normal(size=size), "y": range(size)}'},
        "column `y` must come from `rng`, got the values of (scale=1.0), block 0 again; return one value a replicate",
    ),
    "default_rng()": (
        {"top": "import numpy as np", "body": 'return {"x": np.random.default_rng().normal(size=size)}'},
        "must give the same block whenever and wherever it is drawn, but another process drew other numbers",
    ),
    "no column of that name": (
        {"claims": '[Value("mean", "s", of=mean("loss"), equals=0.0, margin=1.0)]'},
        "claim mean: `column` must be one that its `simulate` returns, got 'loss'; columns: x",
    ),
    "twice the same id": (
        {"claims": '[Value("a", "s", of=mean("x"), equals=0.0, margin=1.0)] * 2'},
        "`claims`: ids must be distinct over all experiments, got twice: a",
    ),
    "unknown factor": (
        {"claims": '[Value("a", "s", of=mean("x"), equals=0.0, margin=1.0, where={"n": 1})]'},
        "claim a: `where` must name a factor of the study, got 'n'; factors: scale (studies/toy.py, line ",
    ),
    "empty grid": ({"scenarios": "grid(scale=())"}, "`scale`: a factor must have at least one level, got an empty grid"),
    "no scenario": ({"scenarios": "()"}, "`scenarios` must hold at least one scenario, got an empty grid"),
    "two levels": (
        {"claims": '[Rate("r", "s", of=rms("x"), against="scale", exponent=1.0, margin=0.1)]'},
        "claim r: `scale` needs at least 3 levels to fit a rate, got [1.0, 2.0]",
    ),
    "syntax": ({"body": "return {"}, "studies/toy.py can't be imported: SyntaxError: "),
    "statement": (
        {"claims": '[Value("a", r"\\nosuchmacro{x}", of=mean("x"), equals=0.0, margin=1.0)]'},
        "nosuchmacro",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MISUSE)
def test_misuse_leaves_nothing(write_study: WriteStudy, command: Command, project: Path, case: str) -> None:
    parts, message = MISUSE[case]
    write_study(**parts)
    code, shown, said = command("run", "toy", "--executor", "serial", "--out", "deep/reports")
    assert code == 2
    assert said.count("mcstudy: error: ") == 1
    assert message in said
    assert "Traceback" not in said
    assert shown == ""
    assert sorted(path.name for path in project.iterdir()) == ["studies"]


@pytest.mark.parametrize("case", ["wrong length", "other columns later", "default_rng(0)", "np.random.seed"])
def test_misuse_in_workers_leaves_nothing(
    write_study: WriteStudy, command: Command, project: Path, case: str
) -> None:
    parts, message = MISUSE[case]
    write_study(**parts)
    code, _, said = command("run", "toy", "--jobs", "2")
    assert code == 2
    assert message.split(", but")[0].split(", got")[0] in said  # which block is first is chance
    assert not (project / "reports").exists()


def test_misuse_is_seen_again_by_its_replay(write_study: WriteStudy, command: Command) -> None:
    write_study(**MISUSE["not finite later"][0])
    _, _, said = command("run", "toy", "--executor", "serial")
    replay = said.split("see it again with: ")[1].split()
    code, shown, _ = command(*replay[1:])
    assert code == 3
    assert "column `x` must be finite, got nan" in shown


def test_a_mended_study_runs_after_misuse(write_study: WriteStudy, command: Command) -> None:
    write_study(**MISUSE["other columns later"][0])
    assert command("run", "toy", "--executor", "serial")[0] == 2
    write_study()
    assert command("run", "toy", "--executor", "serial")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "toi"), "`STUDY` must be a study in ./studies or a path, got 'toi'; did you mean toy?"),
        (("run", "missing.py"), "got 'missing.py': no such file"),
        (("run", "notes.txt"), "must be a study in ./studies or a path, got 'notes.txt'"),
        (("run", "notes.py"), "notes.py is not a study: it must define `study = Study(...)`, got NoneType"),
        (("run", "toy", "notes.py"), "notes.py is not a study"),
        (("run", "toy", "--jobs", "0"), "`jobs` must be at least 1, got 0"),
        (("run", "toy", "--jobs", "two"), "argument --jobs: invalid int value: 'two'"),
        (("run", "toy", "--jobs"), "argument --jobs: expected one argument"),
        (("run", "toy", "--seed", "-1"), "`seed` must be a non-negative whole number, got -1"),
        (("run", "toy", "--seed", "1.5"), "argument --seed: invalid int value: '1.5'"),
        (("run", "toy", "--profile", "slow"), "argument --profile: invalid choice: 'slow'"),
        (("run", "toy", "--prof", "full"), "unknown option --prof; did you mean --profile? the studies chosen have none of their own"),
        (("run", "toy", "--freesh"), "unknown option --freesh; did you mean --fresh?"),
        (("run", "--freesh", "toy"), "unknown option --freesh; did you mean --fresh?"),
        (("run", "--freesh", "studies/toy.py"), "unknown option --freesh; did you mean --fresh?"),
        (("run", "--jbos", "2", "toy"), "unknown option --jbos; did you mean --jobs?"),
        (("run", "toy", "--planted", "--jobs", "0"), "unknown option --planted; the studies chosen"),
        (("run", "toy", "--executor", "threads"), "`executor` must be joblib, serial, dask, or the address of a Dask scheduler such as tcp://host:8786, got 'threads'"),
        (("run", "toy", "--executor", "tcp://host"), "`executor` must be the address of a Dask scheduler, such as tcp://host:8786, got 'tcp://host' (missing port number"),
        (("run", "toy", "--executor", "tcp://host:8786", "--jobs", "2"), "`jobs` must be left out with the address of a cluster, which has its own workers, got 2"),
        (("run", "toy", "--planted", "x.csv"), "unknown option --planted; the studies chosen have none of their own"),
        (("run", "toy", "-x"), "unrecognized arguments: -x"),
        (("run", "toy", "--out", "notes.py"), "notes.py/toy: Not a directory; name another with --out DIR"),
        (("run", "toy", "--out", "notes.py/deep"), "`out` must be a folder that can be written"),
        (("run", "toy", "--out", "/proc/none"), "`out` must be a folder that can be written, got /proc/none/toy: "),
        (("list", "--some", "x"), "unrecognized arguments: --some"),
        (("report", "--typo", "x"), "unrecognized arguments: --typo"),
        (("status", "--uot", "x"), "unrecognized arguments: --uot; did you mean --out?"),
        (("status",), "`out` must be a folder that a run has written, got reports; name it with --out DIR"),
        (("status", "toy"), "`STUDY` must have been run, got 'toy', which has nothing in reports; there are: none"),
        (("export", "toy"), "`folder` must have a ledger.json, got reports/toy; run the study first"),
        (("export", "toy", "--format", "cvs"), "invalid choice: 'cvs' (choose from "),
        (("export", "toy", "--format", "cvs"), "did you mean csv?"),
        (("compare", "one", "other"), "`folder` must have a ledger.json, got one; run the study first"),
        (("compare", "one"), "the following arguments are required: OTHER"),
        (("report", "toy"), "`studies`: 'toy' has no ledger in reports; there are: none"),
        (("replay", "toy"), "the following arguments are required: BLOCK"),
        (("replay", "toy", "abc"), "`BLOCK` must be scenario:block or scenario:block:index"),
        (("replay", "toy", "zzz:0"), "`BLOCK` must begin with a scenario of toy, got 'zzz' which fits 0"),
        (("walk",), "invalid choice: 'walk'"),
        (("rum", "toy"), "did you mean run?"),
        (("reprot",), "did you mean report?"),
    ],
)  # fmt: skip
def test_usage_errors(
    write_study: WriteStudy, command: Command, project: Path, arguments: tuple[str, ...], message: str
) -> None:
    write_study()
    (project / "notes.py").write_text("x = 1\n")
    code, shown, said = command(*arguments)
    assert code == 2
    assert message in said
    assert "Traceback" not in said
    assert shown == ""
    assert sorted(path.name for path in project.iterdir()) == ["notes.py", "studies"]
    assert (project / "notes.py").read_text() == "x = 1\n"


@pytest.fixture
def kept(write_study: WriteStudy, command: Command, project: Path) -> Callable[[], dict[str, object]]:
    """A study that was run; the function tells what its folder of reports holds, of the journal the draws."""
    write_study()
    assert command("run", "toy", "--executor", "serial")[0] == 0

    def content() -> dict[str, object]:
        files = [path for path in sorted((project / "reports").rglob("*")) if path.is_file()]
        return {str(path): draws(path) if path.suffix == ".sqlite" else path.read_bytes() for path in files}

    return content


def draws(journal: Path) -> list[tuple[object, ...]]:
    with reading(journal) as blocks:
        return [(key, str(blocks.columns())) for key in sorted(blocks.done())]


CHANGES: dict[str, tuple[dict[str, str], tuple[str, ...], str]] = {
    "seed": ({}, ("--seed", "2"), "\n  seed of the run: 20261123 -> 2\n"),
    "code": (
        {"body": 'return {"x": 3 * rng.normal(size=size)}'},
        (),
        "+    return {'x': 3 * rng.normal(size=size)}",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_draws_that_depend_on_something_else_are_refused_and_kept(
    kept: Callable[[], dict[str, object]], write_study: WriteStudy, command: Command, change: str
) -> None:
    parts, arguments, message = CHANGES[change]
    before = kept()
    write_study(**parts)
    code, shown, said = command("run", "toy", "--executor", "serial", *arguments)
    assert code == 2
    assert "has draws that depend on something else:\n" in said
    assert message in said
    assert "start over with --fresh, or keep them and write elsewhere with --out DIR" in said
    assert shown == ""
    assert kept() == before
    assert command("run", "toy", "--executor", "serial", "--fresh", *arguments)[0] == 0
    assert kept() != before


def test_a_journal_of_another_study_is_refused_and_kept(
    kept: Callable[[], dict[str, object]], write_study: WriteStudy, command: Command, project: Path
) -> None:
    write_study("other")
    (project / "reports" / "other").mkdir()
    (project / "reports" / "toy" / "draws.sqlite").rename(project / "reports" / "other" / "draws.sqlite")
    before = kept()
    code, _, said = command("run", "other", "--executor", "serial")
    assert code == 2
    assert "\n  study of the run: toy -> other\n" in said
    assert kept() == before


LATER: dict[str, tuple[dict[str, str], str]] = {
    "conclusion that raises": (
        {"more": "conclusion=lambda ledger: ledger['missing'],"},
        "`conclusion` must turn any ledger of the study into a Section, but it raised InputError",
    ),
    "conclusion that is none": ({"more": "conclusion=lambda ledger: 'fine',"}, "into a Section, got str; mend it and run again: the draws are kept"),
    "conclusion in strange mathematics": (
        {"top": "from mcstudy import Section", "more": 'conclusion=lambda ledger: Section("t", (r"$\\nosuchmacro$",)),'},
        "nosuchmacro",
    ),
    "no indicator": (
        {"top": "from mcstudy import proportion", "claims": '[Value("share", "s", of=proportion("x"), equals=0.5, margin=1.0)]'},
        "must be 0 or 1",
    ),
    "data file of a conclusion": (
        {"top": "from pathlib import Path", "more": "conclusion=lambda ledger: Path('none.txt').read_text(),"},
        "but it raised FileNotFoundError",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LATER)
def test_what_is_wrong_after_drawing_keeps_the_draws(
    write_study: WriteStudy, command: Command, project: Path, case: str
) -> None:
    parts, message = LATER[case]
    write_study(**parts)
    code, _, said = command("run", "toy", "--executor", "serial")
    assert code == 2
    assert said.count("mcstudy: error: ") == 1
    assert message in said
    assert "Traceback" not in said
    assert "--fresh" not in said
    assert len(draws(project / "reports" / "toy" / "draws.sqlite")) >= 8
    write_study()
    code, _, said = command("run", "toy", "--executor", "serial")
    assert code == 0
    assert "before look 1" not in said  # nothing of it is drawn again


DATA: dict[str, tuple[dict[str, str], str]] = {
    "read at import": (
        {"top": "TABLE = open('none.csv').read()"},
        "studies/toy.py can't be imported: FileNotFoundError: [Errno 2] No such file or directory: 'none.csv' (studies/toy.py, line 4: TABLE = open('none.csv').read())",
    ),
    "declared": ({"more": "inputs=('none.csv',),"}, "`inputs` must name files that can be read, got 'none.csv': No such file"),
}  # fmt: skip


@pytest.mark.parametrize("case", DATA)
def test_data_files_that_are_not_there(
    write_study: WriteStudy, command: Command, project: Path, case: str
) -> None:
    parts, message = DATA[case]
    write_study(**parts)
    code, shown, said = command("run", "toy", "--executor", "serial")
    assert (code, shown) == (2, "")
    assert message in said
    assert not (project / "reports").exists()


@pytest.mark.parametrize("case", ["wrong length", "no column of that name", "np.random.seed"])
def test_misuse_loses_no_earlier_draws(
    kept: Callable[[], dict[str, object]], write_study: WriteStudy, command: Command, case: str
) -> None:
    before = kept()
    write_study(**MISUSE[case][0])
    assert command("run", "toy", "--executor", "serial")[0] == 2
    assert kept() == before


def test_errors_of_one_study_come_before_the_draws_of_another(
    write_study: WriteStudy, command: Command, project: Path
) -> None:
    write_study("a_good")
    (project / "studies" / "b_bad.py").write_text("1 / 0\n")
    code, _, said = command("run", "--executor", "serial")
    assert code == 2
    assert "studies/b_bad.py can't be imported: ZeroDivisionError: division by zero" in said
    assert not (project / "reports").exists()


def test_no_studies_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("run", "list"):
        code, _, said = command(name)
        assert code == 2
        assert "no study in ./studies: name a study file, or change to a folder that has studies" in said


@pytest.mark.parametrize(
    "arguments", [("run", "toi"), ("run", "toy", "--out", "studies/toy.py"), ("replay", "toy", "x")]
)
def test_a_shell_sees_2(write_study: WriteStudy, project: Path, arguments: tuple[str, ...]) -> None:
    write_study()
    before = (project / "studies" / "toy.py").read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "mcstudy", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("mcstudy: error: ")
    assert done.stdout == ""
    assert (project / "studies" / "toy.py").read_bytes() == before
    assert not (project / "reports").exists()


def test_two_studies_of_one_name(write_study: WriteStudy, command: Command, project: Path) -> None:
    path = write_study()
    path.with_name("again.py").write_text(path.read_text() + "# changed\n")
    code, _, said = command("run", "--executor", "serial")
    assert code == 2
    assert "must have distinct names, got 'toy' from studies/again.py, toy; run them one by one" in said
    assert not (project / "reports").exists()


def test_a_page_that_can_not_be_written(write_study: WriteStudy, command: Command) -> None:
    write_study()
    Path("reports", "toy.html").mkdir(parents=True)
    code, _, said = command("run", "toy", "--executor", "serial")
    assert code == 2
    assert "toy.html" in said
    assert said.splitlines()[-1].endswith(
        "what was drawn is kept, so run the same command again once this is mended"
    )
    Path("reports", "toy.html").rmdir()
    assert command("run", "toy", "--executor", "serial")[0] == 0


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError(), "memory has run out (no more is known)"),
        (MemoryError("Unable to allocate 8 PiB"), "memory has run out (Unable to allocate 8 PiB)"),
        (
            ImportError("x.so: failed to map segment from shared object"),
            "memory has run out (x.so: failed to map",
        ),
    ],
)
def test_no_memory_beside_the_draws_is_one_line(
    error: Exception, says: str, write_study: WriteStudy, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def report(*_: object) -> None:
        raise error

    write_study()
    monkeypatch.setattr("mcstudy.report.write_report", report)
    code, _, said = command("run", "toy", "--executor", "serial")
    assert code == 2
    assert says in said.splitlines()[-1]
    assert said.splitlines()[-1].endswith("run the same command again once this is mended")


def test_a_library_that_is_not_there_is_no_lack_of_memory(
    write_study: WriteStudy, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def report(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'matplotlib'")

    write_study()
    monkeypatch.setattr("mcstudy.report.write_report", report)
    with pytest.raises(ModuleNotFoundError):
        command("run", "toy", "--executor", "serial")
