"""Writes a study's report and the index of all reports."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcstudy.exceptions import InputError
from mcstudy.report.citation import bibtex
from mcstudy.report.wording import answer

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["answer", "read_ledger", "rebuild", "write_index", "write_report"]

SCHEMA = 1
PARTS = ("study", "design", "run", "digests", "findings", "sections", "overlays", "failures", "provenance")
VERDICTS = ("CONFIRMED", "REFUTED", "UNDECIDED")


def write_report(ledger: Mapping[str, Any], out: Path) -> Path:
    """Write the report of a study: the page, its tables, figures and macros.

    Parameters
    ----------
    ledger : mapping
        The content of ``ledger.json``.
    out : Path
        Gets ``<study>.html``, ``<study>/tables``, ``<study>/figures`` and ``<study>/macros.tex``.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    InputError
        If the ledger is of another schema or incomplete, or a statement's LaTeX can't be shown.
    """
    from mcstudy.report.figures import write_figures
    from mcstudy.report.tables import write_macros, write_tables
    from mcstudy.report.views import claim_views, flatten

    _check(ledger)
    name = ledger["study"]["name"]
    folder = Path(out) / name
    for part in ("figures", "tables"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    figures = write_figures(ledger, folder / "figures")
    write_tables(ledger["findings"], folder / "tables")
    write_macros(ledger, folder / "macros.tex")
    page = Path(out) / f"{name}.html"
    _write(
        page,
        "page.html",
        ledger=ledger,
        answer=answer(ledger),
        counts=_counts(ledger),
        claims=claim_views(ledger, figures),
        figures=figures,
        bibtex=bibtex(ledger),
        provenance=flatten(ledger["provenance"]),
    )
    return page


def write_index(out: Path) -> Path:
    """Write the table of all studies that have a ledger in a folder.

    Parameters
    ----------
    out : Path
        Gets ``index.html``; the ledgers are ``<study>/ledger.json`` in it.

    Returns
    -------
    Path
        The page. A ledger that can't be read is listed with the reason.
    """
    rows: list[dict[str, Any]] = []
    for path in sorted(Path(out).glob("*/ledger.json")):
        try:
            ledger = read_ledger(path)
        except InputError as error:
            rows.append({"name": path.parent.name, "error": str(error)})
            continue
        rows.append(
            {"name": path.parent.name, "ledger": ledger, "answer": answer(ledger), "counts": _counts(ledger)}
        )
    page = Path(out) / "index.html"
    _write(page, "index.html", rows=rows)
    return page


def rebuild(out: Path, studies: Sequence[str] = ()) -> list[Path]:
    """Write reports anew from their ledgers, and the index.

    Parameters
    ----------
    out : Path
    studies : sequence of str
        Names; none means all that have a ledger.

    Returns
    -------
    list of Path
        The pages, the index last.

    Raises
    ------
    InputError
        If a study has no ledger there, or one that can't be read.
    """
    known = sorted(path.parent.name for path in Path(out).glob("*/ledger.json"))
    for name in studies:
        if name not in known:
            msg = f"`studies`: {name!r} has no ledger in {out}; there are: {', '.join(known) or 'none'}"
            raise InputError(msg)
    pages = [write_report(read_ledger(Path(out) / name / "ledger.json"), out) for name in studies or known]
    return [*pages, write_index(out)]


def read_ledger(path: Path) -> dict[str, Any]:
    """Read and check a ``ledger.json``.

    Raises
    ------
    InputError
        If the file is no JSON, or no ledger of this schema.
    """
    try:
        ledger = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"`path` must be a ledger.json, got {path}: {error}"
        raise InputError(msg) from error
    _check(ledger)
    return dict(ledger)


def _check(ledger: Any) -> None:
    """Refuse what is no ledger of this schema."""
    if not isinstance(ledger, Mapping) or ledger.get("schema") != SCHEMA:
        found = ledger.get("schema") if isinstance(ledger, Mapping) else type(ledger).__name__
        msg = f"`ledger` must have schema {SCHEMA}, got {found}; run the study again with this version"
        raise InputError(msg)
    if missing := [part for part in PARTS if part not in ledger]:
        msg = f"`ledger` must have all its parts, got none for {', '.join(missing)}"
        raise InputError(msg)
    name = ledger["study"]["name"]
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        msg = f"`ledger`: the study's name must be letters, digits, '.', '-', '_', got {name!r}"
        raise InputError(msg)
    for finding in ledger["findings"]:
        if finding["verdict"] not in VERDICTS:
            msg = f"`ledger`: a verdict must be one of {', '.join(VERDICTS)}, got {finding['verdict']!r}"
            raise InputError(msg)


def _counts(ledger: Mapping[str, Any]) -> dict[str, int]:
    """How many claims came out how."""
    kinds = [_outcome(finding) for finding in ledger["findings"]]
    return {kind: kinds.count(kind) for kind in ("confirmed", "refuted", "unexpected", "undecided")}


def _outcome(finding: Mapping[str, Any]) -> str:
    if finding["verdict"] == "UNDECIDED":
        return "undecided"
    return finding["verdict"].lower() if finding["as_expected"] else "unexpected"


def _write(page: Path, template: str, **content: Any) -> None:
    page.write_text(_environment().get_template(template).render(**content), encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from mcstudy.report.cells import label
    from mcstudy.report.names import file_name
    from mcstudy.report.numbers import count, level, shown
    from mcstudy.report.views import text

    environment = Environment(
        loader=PackageLoader("mcstudy", "report/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"count": count, "label": label, "level": level, "shown": shown, "text": text}
    environment.globals |= {"file_name": file_name}
    return environment
