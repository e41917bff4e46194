"""Publishing: what a version has, what stands in its way, and that a stranger can verify it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcstudy import load
from mcstudy.cli import command as run_command
from mcstudy.exceptions import InputError
from mcstudy.report import bibtex
from mcstudy.results.publish import publish

Command = Callable[..., tuple[int, str, str]]

STUDY = '''"""A study of normal draws."""

import mcstudy as mc
from helper import spread


def simulate(rng, size, *, n):
    """Means of n draws."""
    return {"x": spread(n) * rng.normal(size=size)}


study = mc.Study(
    name="toy",
    title="A toy",
    question="Is $|x|$ small?",
    source="nowhere",
    authors=("Ada Lovelace",),
    simulate=simulate,
    scenarios=mc.grid(n=(1, 4)),
    block=16,
    replicates=mc.Replicates(first=64, quick=64, full=512),
    claims=[
        mc.Value("mean", r"\\mathbb{E} X = 0", of=mc.mean("x"), equals=0.0, margin=0.9),
        mc.Bound("b", r"|x| \\le \\|x\\| / 2", column="x", at_most=0.5, source="Line | 3",
                 expected=mc.misprint(r"it must read $|x| \\le 2$")),
    ],
)
'''
HELPER = '"""Beside the study."""\n\n\ndef spread(n):\n    """The standard error."""\n    return n**-0.5\n'


def git(root: Path, *words: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", "-C", str(root), *identity, *words], check=True, capture_output=True)


@pytest.fixture(scope="session")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose study was run in the full profile, and once in the quick one: to be copied."""
    root = tmp_path_factory.mktemp("publish")
    (root / "studies").mkdir()
    (root / "studies" / "toy.py").write_text(STUDY, encoding="utf-8")
    (root / "studies" / "helper.py").write_text(HELPER, encoding="utf-8")
    git(root, "init", "-q")
    git(root, "add", "studies")
    git(root, "commit", "-qm", "A study")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.syspath_prepend(str(root / "studies"))
        for profile, out in (("full", "reports"), ("quick", "quick")):
            options = ["--profile", profile, "--out", out, "--executor", "serial", "--quiet"]
            assert run_command(["run", "toy", *options]) == 0
    return root


@pytest.fixture
def place(run_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the checkout, as the current directory."""
    copy = tmp_path / "copy"
    shutil.copytree(run_once, copy)
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture
def version(place: Path, command: Command) -> Path:
    """A published version."""
    licence = "https://spdx.org/licenses/CC-BY-4.0"
    code, said, error = command("publish", "--out", "reports/published/1.0", "--license", licence)
    assert (code, error) == (0, "")
    assert said == "reports/published/1.0\n"
    return Path("reports/published/1.0")


def test_a_version_has_all_that_a_citation_needs(version: Path) -> None:
    names = {path.relative_to(version).as_posix() for path in version.rglob("*") if path.is_file()}
    assert names >= {
        "index.html", "toy.html", "toy/ledger.json", "toy/macros.tex", "toy/tables/findings.csv", "toy/tables/findings.tex",
        "toy/figures/claim-mean.pdf", "toy/source/toy.py", "toy/source/helper.py", "README.md", "environment.txt",
        "mcstudy.bib", "ro-crate-metadata.json", "SHA256SUMS",
    }  # fmt: skip
    assert not [name for name in names if name.endswith(".sqlite")]
    ledger = load(version / "toy")
    assert ledger.digests == load("reports/toy").digests
    assert bibtex(ledger) in (version / "mcstudy.bib").read_text(encoding="utf-8")
    assert re.search(
        r"^numpy==[\d.]+", (version / "environment.txt").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert list(version.parent.iterdir()) == [version]  # nothing is left of the way there


def test_sums_are_those_of_all_files(version: Path) -> None:
    lines = (version / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    names = {path.relative_to(version).as_posix() for path in version.rglob("*") if path.is_file()}
    assert set(sums) == names - {"SHA256SUMS"}
    assert all(
        hashlib.sha256((version / name).read_bytes()).hexdigest() == digest for name, digest in sums.items()
    )


def test_the_front_page_says_what_is_true(version: Path) -> None:
    lines = (version / "README.md").read_text(encoding="utf-8").splitlines()
    (row,) = [line for line in lines if line.startswith("| Line")]
    cells = row.strip("| ").split(" | ")
    assert cells[:3] == [
        "Line &#124; 3",
        r"$\vert x\vert  \le \Vert x\Vert  / 2$",
        r"it must read $\vert x\vert  \le 2$",
    ]
    assert cells[3].startswith("[b](toy.html#claim-b): ")
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 5 for line in lines if line.startswith("|"))


def test_a_stranger_verifies_a_version(
    version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    """Downloaded, with nothing else of the checkout."""
    shutil.copytree(version, tmp_path / "download")
    monkeypatch.chdir(tmp_path)
    code, said, _ = command("verify", "download", "--all", "--jobs", "1")
    assert code == 0, said
    assert "download/toy/source/toy.py" in said
    assert "64 of 64 blocks, bit for bit; judged again, all findings and measures are as written" in said


@pytest.mark.parametrize("name", ["README.md", "toy/source/helper.py", "mcstudy.bib"])
def test_a_file_that_was_changed_is_named(version: Path, command: Command, name: str) -> None:
    (version / name).write_text("x = 1\n", encoding="utf-8")
    code, said, _ = command("verify", str(version), "--blocks", "1", "--jobs", "1")
    assert (code, f"{name} is not what SHA256SUMS says" in said) == (1, True)
    (version / name).unlink()
    (version / "more.html").write_text("", encoding="utf-8")
    assert "more.html is not in SHA256SUMS" in command("verify", str(version), "--blocks", "1")[1]
    assert f"{name} is in SHA256SUMS, but not there" in command("verify", str(version), "--blocks", "1")[1]
    with (version / "SHA256SUMS").open("ab") as sums:
        sums.write(b"00  ../outside\xff\n")
    Path(version, "..", "outside\ufffd").touch()
    said = command("verify", str(version), "--blocks", "1")[1]
    assert "../outside\ufffd is in SHA256SUMS, but not in this folder" in said


def test_nothing_is_overwritten(version: Path, command: Command) -> None:
    before = (version / "SHA256SUMS").read_bytes()
    code, _, error = command("publish", "--out", str(version))
    assert (code, "which is there; a version is published once" in error) == (2, True)
    assert (version / "SHA256SUMS").read_bytes() == before


def refused(command: Command, says: str, *options: str) -> None:
    code, _, error = command("publish", "--out", "reports/published/1.0", *options)
    assert code == 2
    assert says in error
    assert not Path("reports/published").exists()


def test_a_quick_run_is_not_published(place: Path, command: Command) -> None:
    refused(command, "toy: it is of the quick profile, run it with --profile full", "--from", "quick")


def test_a_changed_checkout_is_not_published(place: Path, command: Command) -> None:
    path = place / "studies" / "toy.py"
    path.write_text(path.read_text(encoding="utf-8") + "# More.\n", encoding="utf-8")
    refused(
        command,
        "toy: files of its checkout are changed, commit them\n  toy: its source has changed since it was run",
    )


def test_a_source_that_is_in_no_commit_is_not_published(place: Path, command: Command) -> None:
    git(place, "rm", "--cached", "-q", "studies/helper.py")
    git(place, "commit", "-qm", "Without")
    refused(command, "toy: helper.py is in no commit")


def test_without_its_source_nothing_is_published(place: Path, command: Command) -> None:
    shutil.rmtree(place / "studies")
    refused(command, "toy: the source of the study toy is not here")


def rerun(place: Path, command: Command, old: str, new: str) -> int:
    path = place / "studies" / "toy.py"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    git(place, "commit", "-qam", "Otherwise")
    return command("run", "toy", "--profile", "full", "--executor", "serial", "--quiet", "--fresh")[0]


def test_an_unexpected_verdict_is_not_published(place: Path, command: Command) -> None:
    assert rerun(place, command, "equals=0.0", "equals=5.0") == 1
    refused(command, "toy: claim mean is refuted, which is not expected")


def test_lost_replicates_are_not_published(place: Path, command: Command) -> None:
    old = "* rng.normal(size=size)}\n"
    assert (
        rerun(place, command, old, '* rng.normal(size=size), "failure": ["late"] + [""] * (size - 1)}\n') == 3
    )
    refused(command, "toy: more replicates were lost than its claims allow")


def test_another_environment_is_not_published(
    place: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcstudy.results.publish.libraries", lambda: {"numpy": "99.0"})
    refused(command, "here is 99.0; publish where it was run")


def test_what_fails_half_way_leaves_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mcstudy.engine.verify import targets

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mcstudy.results.publish.write_index", full)
    with pytest.raises(OSError, match="No space left"):
        publish(targets([], Path("reports")), Path("reports/published/1.0"))
    assert list(Path("reports/published").iterdir()) == []
    with pytest.raises(InputError, match="must be a new folder"):
        publish([], Path("reports/published"))


def test_the_crate_is_in_the_version(version: Path) -> None:
    graph = json.loads((version / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
    parts = {part["@id"] for part in next(one for one in graph if one["@id"] == "./")["hasPart"]}
    assert "toy/source/helper.py" in parts
    assert all((version / part).is_file() for part in parts)
