"""Ledgers read from files: pages anew, the index, and what is refused."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcstudy.exceptions import InputError
from mcstudy.ledger import Ledger
from mcstudy.report import read_ledger, rebuild, write_index, write_report
from mcstudy.report.verdicts import alerts, summary


def words(page: str) -> str:
    """The text of a page's body."""
    return html.unescape(re.sub(r"<[^>]+>", "", page[page.index("<main") :]))


def save(ledger: Ledger, out: Path) -> Path:
    folder = out / ledger.study.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ledger.json").write_text(ledger.to_json(), encoding="utf-8")
    return folder / "ledger.json"


def test_ledger_read_back_gives_the_same_page(full_ledger: Ledger, written: Any, tmp_path: Path) -> None:
    read = read_ledger(save(full_ledger, tmp_path))
    assert read.findings_digest == full_ledger.findings_digest
    page = write_report(replace(read, digests=full_ledger.digests), tmp_path).read_text(encoding="utf-8")
    assert page == written.html


def test_index_lists_studies_and_what_cannot_be_read(full_ledger: Ledger, tmp_path: Path) -> None:
    save(full_ledger, tmp_path)
    for name, content in {"broken": "{<b>", "listed": "[1]", "old": '{"schema": 9}', "edited": ""}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "ledger.json").write_text(content, encoding="utf-8")
    edited = full_ledger.to_json().replace('"verdict": "REFUTED"', '"verdict": "CONFIRMED"')
    (tmp_path / "edited" / "ledger.json").write_text(edited, encoding="utf-8")
    page = write_index(tmp_path).read_text(encoding="utf-8")
    text = words(page)
    assert page.count("<table") == 1
    assert 'href="linearization.html"' in page
    for expected in (
        *alerts(full_ledger),
        summary(full_ledger),
        "6 confirmed",
        "3 undecided",
        "abababababab",
        "20261123",
        "quick profile",
    ):
        assert expected in text
    assert text.count("The ledger can't be read.") == 4
    assert "it was edited" in text
    assert "100 of 36\N{NARROW NO-BREAK SPACE}864 replicates failed" in text


def test_index_reads_no_ledger_that_was_just_written(
    full_ledger: Ledger, single: Ledger, tmp_path: Path
) -> None:
    save(full_ledger, tmp_path)
    path = save(replace(single, study=replace(single.study, name="other")), tmp_path)
    page = write_index(tmp_path).read_text(encoding="utf-8")
    path.write_text("{", encoding="utf-8")
    known = replace(single, study=replace(single.study, name="other"))
    assert write_index(tmp_path, known).read_text(encoding="utf-8") == page


def test_a_ledger_without_claims_is_not_read_again_either(single: Ledger, tmp_path: Path) -> None:
    bare = replace(single, findings=())
    save(bare, tmp_path).write_text("{", encoding="utf-8")
    assert "can't be read" not in words(write_index(tmp_path, bare).read_text(encoding="utf-8"))


def test_index_tells_of_trouble_before_all_else(full_ledger: Ledger, single: Ledger, tmp_path: Path) -> None:
    fine = replace(single, study=replace(single.study, name="fine", answer="It falls as $m^{-0.5}$."))
    save(fine, tmp_path)
    page = write_index(tmp_path).read_text(encoding="utf-8")
    assert 'class="alert"' not in page
    assert "1 claim of 1 study: every verdict is as expected, and no replicate failed" in words(page)
    assert re.search(r"<p><bdi>It falls as <math>.*</math>\.</bdi></p>", page)
    save(full_ledger, tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "ledger.json").write_text("{", encoding="utf-8")
    page = write_index(tmp_path).read_text(encoding="utf-8")
    told = re.findall(r'<div class="alert">(.*?)</div>', page, re.DOTALL)
    assert len(told) == 2
    assert page.rindex('class="alert"') < page.index("<table")
    assert "broken" in told[0]
    assert "Claim 1.bias is refuted, which is not expected." in told[1]
    assert 'href="linearization.html"' in told[1]
    assert "every verdict is as expected" not in page


def test_index_sets_misprints_beside_what_is_true(full_ledger: Ledger, tmp_path: Path) -> None:
    """By lines of the source; a line without a misprint stands for itself."""
    lines = {
        "2c": "(c)",
        "2c-printed": "(c)",
        "2c-open": "(c)",
        "1.start": "(a)",
        "1.bias": "(a)",
        "1": "(a)",
    }
    findings = [replace(one, group=lines.get(one.id, "")) for one in full_ledger.findings]
    bias = next(k for k, one in enumerate(findings) if one.id == "1.bias")
    findings.insert(bias, replace(findings[bias], id="1", statement="y = 1"))
    save(replace(full_ledger, findings=tuple(findings)), tmp_path)
    page = write_index(tmp_path).read_text(encoding="utf-8")
    table = page[page.index('<table class="claims lines"') : page.index("</table>")]
    rows = re.findall(r'<th role="rowheader" scope="row"><bdi>(.*?)</bdi></th>(.*?)</tr>', table, re.DOTALL)
    assert [(line, re.findall(r"#claim-([^\"]+)", cells)) for line, cells in rows] == [
        ("(a)", ["1"]),
        ("(c)", ["2c-printed", "2c"]),
    ]
    assert re.search(r"Refuted<small>.*misprint, as expected", rows[1][1])
    assert rows[0][1].count("as printed</td>") == 1


def test_index_of_nothing(tmp_path: Path) -> None:
    assert "No study has been run here yet." in write_index(tmp_path).read_text(encoding="utf-8")


def test_rebuild(single: Ledger, tmp_path: Path) -> None:
    save(single, tmp_path)
    assert [path.name for path in rebuild(tmp_path)] == ["linearization.html", "index.html"]
    with pytest.raises(InputError, match=r"`studies`: 'other' has no ledger in .*; there are: linearization"):
        rebuild(tmp_path, ["other"])
    with pytest.raises(InputError, match="there are: none"):
        rebuild(tmp_path / "empty", ["other"])


def test_rebuild_refuses_an_edited_ledger_and_leaves_the_page(single: Ledger, tmp_path: Path) -> None:
    path = save(single, tmp_path)
    (page, _) = rebuild(tmp_path)
    before = page.read_bytes()
    path.write_text(single.to_json().replace('"estimate": 0.', '"estimate": 1.'), encoding="utf-8")
    with pytest.raises(InputError, match=r"must be a ledger\.json that can be read, got .*it was edited"):
        rebuild(tmp_path)
    assert page.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"must be a ledger\.json that can be read, got .*ledger\.json: "),
        ("[1]", "must have schema 2 or 1, got 'list'"),
        ('{"schema": 2, "findings": 3}', "must have a list of findings"),
        ('{"schema": 2, "findings": [{"kind": "bound", "evidence": {}}]}', "must have an entry"),
        (
            '{"schema": 2, "findings": [{"kind": "toy"}]}',
            "a kind of claim that the report can show, got 'toy'",
        ),
        ('{"schema": 2, "findings": [7]}', "must be a finding of some kind, got 7"),
    ],
)
def test_file_that_is_no_ledger(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "ledger.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_ledger(path)


def test_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must be a ledger\.json that can be read, got .*absent"):
        read_ledger(tmp_path / "absent")
    (tmp_path / "image").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(InputError, match=r"can be read, got .*image: 'utf-8'"):
        read_ledger(tmp_path / "image")


@pytest.mark.parametrize(
    ("change", "message"), [({"statement": r"\foo"}, "must be LaTeX"), ({"kind": "toy"}, "got 'toy'")]
)
def test_nothing_is_written_of_what_cannot_be_shown(
    single: Ledger, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    finding = replace(single.findings[0], **change)
    with pytest.raises(InputError, match=message):
        write_report(replace(single, findings=(finding,)), tmp_path)
    assert list(tmp_path.iterdir()) == []
