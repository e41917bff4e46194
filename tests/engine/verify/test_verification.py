"""Three levels on a ledger: what each sees, and what it says where something is not there."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcstudy.engine.executors import Joblib
from mcstudy.engine.verify import Target, Verification, targets, verify
from mcstudy.engine.verify.source import options_in
from mcstudy.exceptions import InputError
from mcstudy.ledger import text_of
from mcstudy.report import read_ledger, write_report
from mcstudy.seal import seal

Verified = Callable[..., Verification]
Command = Callable[..., tuple[int, str, str]]


def outcomes(found: Verification) -> list[str]:
    return [level.outcome.value for level in found.levels]


def test_a_run_is_verified(target: Target, verified: Verified) -> None:
    found = verified(target, number=10)
    assert found.code == 0
    assert [level.name for level in found.levels] == ["intact", "same source", "drawn again"]
    intact, source, drawn = (level.text for level in found.levels)
    assert intact.startswith("all digests of the ledger and all draws of the journal; ")
    assert intact.endswith(" files written from it once more, byte for byte")
    assert source.endswith(", studies/toy.py")
    assert drawn.startswith(
        "10 of 40 blocks, bit for bit; blocks forged to a share of 1 % would be seen with a chance of 25 %"
    )
    assert drawn.endswith("; judged again, all findings and measures are as written")


def test_all_blocks_are_drawn_by_workers(target: Target) -> None:
    found = verify(Target(target.file), number=None, executor=Joblib(2))
    assert (
        found.levels[2].text
        == "40 of 40 blocks, bit for bit; judged again, all findings and measures are as written"
    )


def test_beside_what_is_no_ledger_nothing_is_written(tmp_path: Path, command: Command) -> None:
    (tmp_path / "elsewhere").mkdir()
    notes = tmp_path / "elsewhere" / "notes"
    notes.write_text("no ledger", encoding="utf-8")
    code, _, _ = command("verify", str(notes))
    assert code != 0
    assert list(notes.parent.iterdir()) == [notes]


def test_a_sentence_for_referees_and_a_file(target: Target, command: Command) -> None:
    code, said, _ = command("verify", "toy", "--blocks", "5", "--jobs", "1")
    assert code == 0
    lines = said.splitlines()
    assert lines[0] == "reports/toy/ledger.json"
    assert [line.split("  ")[1].strip() for line in lines[1:4]] == ["intact", "same source", "drawn again"]
    written = json.loads(Path("reports/toy/verification.json").read_text(encoding="utf-8"))
    assert written["sentence"] == lines[4]
    assert lines[4].startswith("The results of the study toy (draws sha256 ")
    assert (written["code"], [level["outcome"] for level in written["levels"]]) == (0, ["verified"] * 3)
    assert lines[5] == "reports/toy/verification.json"


def test_a_ledger_alone_is_verified_as_far_as_it_goes(
    target: Target, verified: Verified, tmp_path: Path
) -> None:
    alone = shutil.copy(target.file, tmp_path / "ledger.json")
    found = verified(Target(Path(alone)), number=3)
    assert found.code == 0
    assert found.levels[0].text == "all digests of the ledger; nothing that was written from it is here"
    assert "judged" not in found.levels[2].text


def test_without_the_source_the_rest_is_verified(place: Path, target: Target, verified: Verified) -> None:
    (place / "studies" / "toy.py").unlink()
    found = verified(target)
    assert (found.code, outcomes(found)) == (3, ["verified", "not verified", "not verified"])
    assert found.levels[1].text == "the source of the study toy is not here; put it into ./studies"
    assert "verified in part" in found.sentence


def edit(place: Path, old: str, new: str) -> None:
    path = place / "studies" / "toy.py"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_study_that_cannot_be_imported_is_said_to_be(
    place: Path, target: Target, verified: Verified
) -> None:
    edit(place, "import mcstudy as mc", "import mcstudy as mc, nowhere_to_be_found")
    found = verified(target)
    assert (found.code, "nowhere_to_be_found" in found.levels[1].text) == (3, True)


def test_a_comment_changes_the_source_and_no_draw(place: Path, target: Target, verified: Verified) -> None:
    edit(place, "    x = rng", "    # Drawn.\n    x = rng")
    found = verified(target, number=4)
    assert (found.code, outcomes(found)) == (1, ["verified", "differs", "verified"])
    assert "not here to compare" not in found.levels[1].text
    assert found.levels[1].details[0] == "--- as run"
    assert "+    # Drawn." in found.levels[1].details


def without_source(file: Path) -> Target:
    """A ledger as it was written before it had its study's source."""
    ledger = read_ledger(file)
    assert [source.name for source in ledger.sources] == ["toy.py"]
    file.write_text(replace(ledger, sources=()).to_json(), encoding="utf-8")
    return Target(file)


def test_an_older_ledger_without_a_commit_says_that_nothing_can_be_compared(
    place: Path, target: Target, verified: Verified
) -> None:
    edit(place, "    x = rng", "    # Drawn.\n    x = rng")
    level = verified(without_source(target.file), number=1).levels[1]
    assert (level.outcome.value, level.details) == ("differs", ())
    assert level.text.endswith("what it was is not here to compare")


def test_the_source_of_an_older_ledger_is_compared_with_its_commit(
    place: Path, command: Command, verified: Verified
) -> None:
    for words in (["init", "-q"], ["add", "studies"], ["commit", "-qm", "A study"]):
        identity = ["-c", "user.name=A", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", str(place), *identity, *words], check=True)
    assert command("run", "toy", "--executor", "serial", "--quiet", "--out", "other")[0] == 0
    edit(place, "    x = rng", "    # Drawn.\n    x = rng")
    level = verified(without_source(Path("other/toy/ledger.json")), number=1).levels[1]
    assert "+    # Drawn." in level.details
    assert level.details[0] == "--- as run"


def test_what_is_drawn_otherwise_is_named(place: Path, target: Target, verified: Verified) -> None:
    edit(place, "mean(axis=1)", "sum(axis=1)")
    found = verified(target, number=4)
    assert outcomes(found) == ["verified", "differs", "differs"]
    text = found.levels[2].text
    assert text == "2 of 4 blocks came out otherwise, for what is drawn is something else now"
    assert any("sum(axis=1)" in line for line in found.levels[2].details)


def test_another_size_of_blocks_is_not_drawn(place: Path, target: Target, verified: Verified) -> None:
    edit(place, "block=8", "block=16")
    level = verified(target).levels[2]
    assert (level.outcome.value, level.text) == (
        "not verified",
        "the study has blocks of 16 replicates now, the ledger of 8",
    )


def test_forged_draws_are_found_in_a_sample(
    target: Target, document: Any, verified: Verified, forge: Any
) -> None:
    """All digests of the blocks of one scenario are made up, and every digest over them fits."""
    document["blocks"][0]["digests"] = "0f" * (8 * 20)
    forge(document)
    target.journal.unlink()
    level = verified(target, number=10).levels[2]
    assert level.outcome.value == "differs"
    assert (
        "blocks came out otherwise where the ledger was made, in this very environment; the first is "
        in level.text
    )


def elsewhere(document: Any) -> Any:
    """The ledger as a machine of another kind would write it: other bits, and another draw key of one recipe."""
    for drawn in document["blocks"]:
        drawn["digests"] = "0f" * (len(drawn["digests"]) // 2)
    document["digests"]["key"] = "0f" * 32
    return document


def test_in_another_environment_cells_are_equivalent(
    target: Target, document: Any, verified: Verified, forge: Any
) -> None:
    forge(elsewhere(document))
    target.journal.unlink()
    level = verified(target, number=None).levels[2]
    assert (level.outcome.value, level.text) == (
        "verified",
        "in another environment, 320 replicates at seed 20261124: all 6 cells are equivalent to the ledger's",
    )


def test_in_another_environment_a_forged_cell_contradicts(
    target: Target, document: Any, verified: Verified, forge: Any
) -> None:
    moved = elsewhere(document)
    for part in (moved["findings"][0]["cells"][1], moved["findings"][0]):
        part["estimate"], part["interval"] = 0.85, [0.84, 0.86]
    forge(moved)
    target.journal.unlink()
    level = verified(target, number=None).levels[2]
    assert (level.outcome.value, len(level.details)) == ("differs", 1)
    assert level.details[0].startswith("claim mean at n=4: 0.85 (0.84 to 0.86) in the ledger, ")


def test_a_journal_of_other_draws_is_found(target: Target, verified: Verified, command: Command) -> None:
    assert command("run", "toy", "--executor", "serial", "--quiet", "--seed", "5", "--out", "other")[0] == 0
    shutil.copy("other/toy/draws.sqlite", target.journal)
    found = verified(target, number=1)
    assert found.levels[0].text.startswith("block 0 of (n=1) differs in the journal, and 39 more")


def test_a_ledger_of_version_0_1_has_findings_to_compare(verified: Verified, tmp_path: Path) -> None:
    old = Path(__file__).parents[2] / "data" / "schema1.json"
    found = verified(Target(Path(shutil.copy(old, tmp_path / "ledger.json"))))
    assert (found.code, outcomes(found)[0]) == (3, "not verified")
    assert "only its findings have a digest" in found.levels[0].text


def test_a_ledger_of_a_later_schema_is_not_called_edited(
    target: Target, document: Any, verified: Verified
) -> None:
    document["schema"] = 3
    document["seal"] = seal(document)
    target.file.write_text(text_of(document), encoding="utf-8")
    found = verified(target)
    assert (found.code, outcomes(found)) == (3, ["not verified"] * 3)
    assert "must have schema 2 or 1, got 3; read it with the version that wrote it" in found.levels[0].text
    assert found.sentence.startswith("This ledger was not verified with mcstudy ")


def test_pages_of_another_version_are_not_compared(
    target: Target, document: Any, verified: Verified, forge: Any
) -> None:
    document["provenance"]["mcstudy"] = "99.0"
    forge(document)
    (target.out / "toy.html").write_text("in other words", encoding="utf-8")
    level = verified(target, number=1).levels[0]
    assert (level.outcome.value, "pages and tables of mcstudy 99.0 are not compared by" in level.text) == (
        "verified",
        True,
    )


def test_figures_of_other_libraries_are_not_compared(
    target: Target, document: Any, verified: Verified, forge: Any
) -> None:
    document["provenance"]["libraries"]["matplotlib"] = "99.0"
    forge(document)
    page = target.out / "toy.html"
    write_report(read_ledger(target.file), target.out)
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("<svg ", "<svg data-x='1' "), encoding="utf-8")
    (target.folder / "figures" / "claim-mean.pdf").write_bytes(b"")
    assert verified(target, number=1).levels[0].outcome.value == "verified"
    page.write_text(text.replace("confirmed", "Confirmed"), encoding="utf-8")  # the control
    assert verified(target, number=1).levels[0].text == "toy.html is not what the ledger says"


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("mcstudy run toy --profile quick", []),
        (
            "mcstudy run studies/x.py --scale 2 --kind 'a b' --profile full --seed 3",
            [("scale", "2"), ("kind", "a b")],
        ),
        ("mcstudy run toy", []),
    ],
)
def test_the_options_of_a_study_are_read_off_its_command(
    command: str, options: list[tuple[str, str]]
) -> None:
    assert options_in(command) == options


def test_what_a_command_line_may_name(place: Path) -> None:
    file = Path("reports/toy/ledger.json")
    out = Path("reports")
    for words in ([], ["toy"], ["reports"], ["reports/toy"], [str(file)]):
        assert [target.file.resolve() for target in targets(words, out)] == [file.resolve()]
    with pytest.raises(
        InputError, match=r"a study in reports, got 'tox'; did you mean toy\? in reports there are toy"
    ):
        targets(["tox"], out)
    with pytest.raises(InputError, match="got 'nowhere'; run a study first"):
        targets([], Path("nowhere"))


def test_exit_codes_of_the_command(place: Path, target: Target, command: Command) -> None:
    assert command("verify", "nothing")[0] == 2
    code, _, said = command("verify", "toy", "--blocks", "0")
    assert (code, "`blocks` must be at least 1, got 0" in said) == (2, True)
    assert command("verify", "toy", "--blocks", "1", "--all")[0] == 2
    (place / "studies" / "toy.py").unlink()
    assert command("verify", "toy")[0] == 3
    target.file.write_text("{}", encoding="utf-8")
    assert command("verify", "toy")[0] == 3
    target.file.write_text("{", encoding="utf-8")
    assert command("verify", "toy")[0] == 3


def test_a_command_that_is_none_names_no_source(
    target: Target, document: Any, verified: Verified, forge: Any
) -> None:
    document["run"]["command"] = 'mcstudy run "toy'
    forge(document)
    Path("studies", "toy.py").unlink()
    found = verified(target)
    assert "the source of the study toy is not here" in found.levels[1].text


def test_a_file_outside_of_the_folder_is_not_run_because_a_ledger_names_it(
    target: Target, document: Any, verified: Verified, forge: Any
) -> None:
    here = Path("studies", "toy.py").rename("toy.py")
    assert outcomes(verified(target))[1] == "not verified"
    document["run"]["command"] = "mcstudy run toy.py"
    forge(document)
    assert outcomes(verified(target))[1] == "verified"  # the control
    document["run"]["command"] = "mcstudy run ../toy.py"
    forge(document)
    here.rename("../toy.py")
    assert outcomes(verified(target))[1] == "not verified"
