"""How a result is cited, and which results are not to be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mcstudy._version import __version__
from mcstudy.exceptions import InputError
from mcstudy.ledger import Ledger
from mcstudy.report.figures import write_claim
from mcstudy.report.kinds import file_name, kind_of
from mcstudy.report.paper import bibtex, day_of, inches, result_key, result_url, software_bibtex
from mcstudy.results.results import Results, load

__all__ = ["cite", "csl", "figure", "objections", "text"]

SOFTWARE = f"The mcstudy authors. mcstudy {__version__}: Monte Carlo studies that put theory to the test. Python package.\n"
_SOFTWARE: dict[str, Any] = {
    "id": "mcstudy",
    "type": "software",
    "title": "mcstudy: Monte Carlo studies that put theory to the test",
    "author": [{"literal": "The mcstudy authors"}],
    "version": __version__,
}
DIRTY = "with changes"  # how the commit of a run ends whose files were in no commit


def cite(word: str | None, out: Path, form: str, *, anyway: bool = False) -> str:
    """The citation of a study, of one of its claims, or of the software.

    An entry each, so that the entries of any number of results stand in one bibliography beside one of the software.

    Parameters
    ----------
    word : str or None
        ``STUDY`` or ``STUDY#CLAIM``, the study by its name in `out` or by its folder; None means the software.
    out : Path
    form : {"bibtex", "csl", "text"}
    anyway : bool
        Cite also what should not be.

    Raises
    ------
    InputError
        If there is no such result, or it is not citable.
    """
    if word is None:
        item, words, entry = _SOFTWARE, SOFTWARE, software_bibtex()
    else:
        ledger, claim = _found(word, out, anyway=anyway)
        item, words, entry = csl(ledger, claim), text(ledger, claim), bibtex(ledger, claim)
    if form == "csl":
        return json.dumps([item], indent=1, ensure_ascii=False) + "\n"
    return words if form == "text" else entry


def figure(word: str | None, out: Path, claim: str, width: str, *, anyway: bool = False) -> list[Path]:
    """Write the figure of a claim for a paper, beside those of the report.

    Parameters
    ----------
    word, out, anyway
        See `cite`.
    claim : str
    width : str
        ``"3.3in"``, ``"84mm"``, ``"240pt"``.

    Returns
    -------
    list of Path
        A PDF and an SVG.

    Raises
    ------
    InputError
        If there is no such claim or width, or it is not citable.
    """
    if word is None:
        msg = "`STUDY` must be named where a figure is to be written, got none; write mcstudy cite STUDY --figure CLAIM"
        raise InputError(msg)
    ledger, _ = _found(f"{word.partition('#')[0]}#{claim}", out, anyway=anyway)
    size = inches(width)
    folder = (ledger.folder or out) / "figures"
    folder.mkdir(exist_ok=True)
    return write_claim(ledger[claim], folder / f"{file_name('claim', claim)}-{width.replace(' ', '')}", size)


def objections(ledger: Ledger, claim: str = "") -> list[str]:
    """What speaks against citing a study, or one of its claims; empty where nothing does."""
    return list(_objections(ledger, claim))


def _objections(ledger: Ledger, claim: str) -> Iterator[str]:
    if ledger.run.profile != "full":
        yield f"it is of the {ledger.run.profile} profile, run it with --profile full"
    if "--replicates" in ledger.run.command.split():
        yield "it has as many replicates as were asked for, run it without --replicates"
    if str(ledger.provenance.get("git") or "").endswith(DIRTY):
        yield "files of its commit had been changed, commit them and run it again"
    for finding in [ledger[claim]] if claim else ledger.findings:
        if not finding.as_expected:
            yield f"claim {finding.id} is {finding.verdict.lower()}, which is not expected"


def csl(ledger: Ledger, claim: str = "") -> dict[str, Any]:
    """The citation as CSL-JSON, which Zotero, pandoc and others read."""
    item: dict[str, Any] = {
        "id": result_key(ledger, claim),
        "type": "dataset",
        "title": ledger.study.title,
        "genre": "Monte Carlo study",
        "author": [{"literal": name} for name in ledger.study.authors],
        "issued": {"date-parts": [list(map(int, date.split("-")))] if (date := day_of(ledger)) else []},
        "version": str(ledger.provenance.get("mcstudy", "")),
        "URL": result_url(ledger, claim),
        "note": _facts(ledger),
    }
    if claim:
        item["section"] = f"claim {claim}"
    return {name: value for name, value in item.items() if value not in ("", [], {"date-parts": []})}


def text(ledger: Ledger, claim: str = "") -> str:
    """The citation in words."""
    year = day_of(ledger)[:4]
    who = " ".join(filter(None, [", ".join(ledger.study.authors), f"({year})" if year else ""]))
    parts = [who, ledger.study.title, _facts(ledger)]
    if claim:
        finding = ledger[claim]
        parts.append(f"Claim {claim}: {finding.verdict.lower()}. {kind_of(finding.kind).reading(finding)}")
    sentences = " ".join(part if part.endswith((".", "?", "!")) else f"{part}." for part in parts if part)
    return f"{sentences} {result_url(ledger, claim)}".rstrip() + "\n"


def _facts(ledger: Ledger) -> str:
    """What is to be known of the run, in a line."""
    run, provenance = ledger.run, ledger.provenance
    facts = [
        f"Monte Carlo study {ledger.study.name}, mcstudy {provenance.get('mcstudy', '')}".rstrip(),
        f"{run.profile} profile",
        f"seed {run.seed}",
        f"{run.replicates} replicates",
        f"commit {provenance['git']}" if provenance.get("git") else "",
        f"draws sha256 {ledger.digests['draws']}",
        f"findings sha256 {ledger.findings_digest}",
        # Two analyses of the same draws are two results, of which the later one has seen the draws.
        f"{len(ledger.changes)} changes of the analysis after looking" if ledger.changes else "",
    ]
    return ", ".join(filter(None, facts))


def _found(word: str, out: Path, *, anyway: bool) -> tuple[Results, str]:
    """The results that a word names, and the claim if it names one."""
    place, _, claim = word.partition("#")
    ledger = load(place if Path(place).exists() else out / place)
    if claim:
        ledger[claim]  # refuses one that is not there
    if not anyway and (reasons := objections(ledger, claim)):
        msg = f"not citable: {'; '.join(reasons)} (or cite it --anyway)"
        raise InputError(msg)
    return ledger, claim
