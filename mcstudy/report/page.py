"""Writes a study's report and the index of all reports, from ledgers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mcstudy.codec import parsed
from mcstudy.exceptions import InputError
from mcstudy.findings import Finding, Role, correction_of
from mcstudy.ledger import FailureRecord, Ledger, SourceFile
from mcstudy.report.kinds import file_name, kind_of, varying
from mcstudy.report.verdicts import alerts, badge, is_easy, outlook, share, summary, tally
from mcstudy.scenarios import Scenario
from mcstudy.seal import source_digest

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["read_ledger", "rebuild", "write_index", "write_report"]

ROWS, FEWEST, MOST = 1000, 12, 60  # rows of all tables of a page together; of one table at least and at most
LEVELS = 100  # of a factor, from which on only the first ones are named

LETTERS = 120_000  # of the study's source: a page stays below a megabyte
# Control characters, which HTML forbids, and those that turn the direction of text, by which code can look like other code.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class FailureGroup(NamedTuple):
    """Failures of one reason: how many, where, and the first of them."""

    reason: str
    number: int
    places: list[tuple[Scenario, int]]
    first: FailureRecord


class Group(NamedTuple):
    """Findings under one heading: of one line of the source, or of one experiment."""

    anchor: str
    title: str
    findings: list[Finding]


class Listing(NamedTuple):
    """A file of the study's source: its name, its text for the page, and the digest of the text as it is."""

    name: str
    text: str
    digest: str


class Line(NamedTuple):
    """A line of a source: what it says as printed, where that is wrong, and what is true; each with its study's name."""

    title: str
    study: str
    printed: Finding | None
    true: Finding


def write_report(ledger: Ledger, out: Path) -> Path:
    """Write the report of a study: the page, its tables, figures and macros.

    Parameters
    ----------
    ledger : Ledger
    out : Path
        Gets ``<study>.html``, ``<study>/tables``, ``<study>/figures`` and ``<study>/macros.tex``.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    InputError
        If the report can't show a kind of claim, or the LaTeX of a statement.
    """
    from mcstudy.report import figures, mathematics, paper, tables

    kinds = [kind_of(finding.kind) for finding in ledger.findings]  # nothing is written if something can't be
    for finding in ledger.findings:
        mathematics.statement_html(finding.statement)
        mathematics.text_html(f"{finding.title} {finding.group}")
    folder = Path(out) / ledger.study.name
    for part in ("figures", "tables"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    tables.write_tables(ledger, folder / "tables")
    paper.write_tex_table(ledger, folder / "tables" / "findings.tex")
    together = tables.crossed_tables(ledger)
    for stem, table in together.items():
        paper.write_measures(table, folder / "tables" / f"{stem}.tex")
    paper.write_macros(ledger, folder / "macros.tex")
    page = Path(out) / f"{ledger.study.name}.html"
    return _write(
        page,
        "page.html",
        ledger=ledger,
        figures=figures.write_figures(ledger, folder / "figures"),
        together=together,
        groups=_grouped(ledger),
        filters=_filters(ledger),
        failures=_failure_groups(ledger.failures),
        decided=dict.fromkeys(kind_of(finding.kind).decided for finding in ledger.findings),
        drawn={kind.decided[0]: kind.drawn for kind in kinds if kind.drawn},
        marks=figures.MARKED,
        listings=_listings(ledger.sources),
        provenance=list(_flattened(ledger.provenance)),
        levels_shown=LEVELS,
        most=max(FEWEST, min(MOST, ROWS // max(1, len(ledger)))),
    )


def write_index(out: Path, *written: Ledger) -> Path:
    """Write the table of all studies that have a ledger in a folder.

    Parameters
    ----------
    out : Path
        Gets ``index.html``; the ledgers are ``<study>/ledger.json`` in it.
    *written : Ledger
        Those that have just been written there, which need not be read again.

    Returns
    -------
    Path
        The page. A ledger that can't be read is listed with the reason.
    """
    rows: list[tuple[str, Ledger | None, str]] = []
    known = {ledger.study.name: ledger for ledger in written}
    for path in sorted(Path(out).glob("*/ledger.json")):
        name = path.parent.name
        try:
            rows.append((name, known[name] if name in known else read_ledger(path), ""))
        except InputError as error:
            rows.append((name, None, str(error)))
    ledgers = [ledger for _, ledger, _ in rows if ledger is not None]
    return _write(Path(out) / "index.html", "index.html", rows=rows, lines=_lines_of_sources(ledgers))


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
    ledgers = [read_ledger(Path(out) / name / "ledger.json") for name in studies or known]
    return [*(write_report(ledger, out) for ledger in ledgers), write_index(out, *ledgers)]


def read_ledger(path: Path) -> Ledger:
    """Read and check a ``ledger.json``.

    Raises
    ------
    InputError
        If the file is no JSON, or no ledger of a known schema; or was edited.
    """
    try:
        document = parsed(Path(path).read_text(encoding="utf-8"))
        # The module of a kind may bring the type of its evidence.
        for name in _kinds(document):
            kind_of(name)
        return Ledger.from_document(document)
    except (OSError, ValueError) as error:
        msg = f"`path` must be a ledger.json that can be read, got {path}: {error}"
        raise InputError(msg) from error


def _kinds(document: Any) -> set[str]:
    """The kinds of the findings, as far as there are any: to be checked later."""
    findings = document.get("findings") if isinstance(document, Mapping) else None
    items = findings if isinstance(findings, list) else []
    kinds = [item.get("kind") for item in items if isinstance(item, Mapping)]
    return {kind for kind in kinds if isinstance(kind, str)}


def _grouped(ledger: Ledger) -> list[Group]:
    """The findings by the line of the source that they are about, or else by experiment; in the order of the ledger."""
    groups: dict[str, Group] = {}
    for finding in ledger.findings:
        kind, title = ("group", finding.group) if finding.group else ("experiment", finding.experiment)
        anchor = file_name(kind, title)
        groups.setdefault(anchor, Group(anchor, title, [])).findings.append(finding)
    return list(groups.values())


def _filters(ledger: Ledger) -> dict[str, list[str]]:
    """By what a page's claims can be chosen, with the values to choose from: nothing where there is one value only."""
    chosen = {
        "verdict": [badge(finding).mark for finding in ledger.findings],
        "kind": [kind_of(finding.kind).decided[0].lower() for finding in ledger.findings],
    }
    distinct = {what: list(dict.fromkeys(values)) for what, values in chosen.items()}
    return {what: values for what, values in distinct.items() if len(values) > 1}


def _slug(text: str) -> str:
    return re.sub("[^a-z0-9]+", "-", text.lower())


def _lines_of_sources(ledgers: Sequence[Ledger]) -> list[Line]:
    """The lines of the sources that claims are grouped by: each misprint beside what is true, or what is true alone."""
    lines = [
        Line(group.title, ledger.study.name, printed, true)
        for ledger in ledgers
        for group in _grouped(ledger)
        if group.anchor.startswith("group")
        for printed, true in _readings(group.findings)
    ]
    return sorted(lines, key=lambda line: line.title)


def _readings(findings: Sequence[Finding]) -> list[tuple[Finding | None, Finding]]:
    """The misprints of one line, each with what is true in its place; without any, the claim that stands for the line.

    Further misprints of the same show where it hides. The claim with the fewest parts in its id stands for a line.
    """
    theory = [finding for finding in findings if finding.role is Role.THEORY]
    pairs: dict[str, tuple[Finding | None, Finding]] = {}
    for finding in findings:
        if true := correction_of(finding, findings):
            pairs.setdefault(true.id, (finding, true))
    alone = sorted(theory, key=lambda one: len(re.split("[.-]", one.id)))[:1]
    return list(pairs.values()) or [(None, finding) for finding in alone]


def _meanings(ledger: Ledger, findings: Sequence[Finding]) -> dict[str, str]:
    """What the names mean that are read with findings: of their columns, and of the factors that vary among their cells."""
    known = {experiment.name: experiment.meanings for experiment in ledger.design.experiments}
    meant: dict[str, str] = {}
    for finding in findings:
        read = {*re.findall(r"\w+", finding.estimand), *varying([cell.scenario for cell in finding.cells])}
        mine = known.get(finding.experiment, {})
        meant |= {name: text for name, text in mine.items() if name in read}
    return meant


def _failure_groups(failures: Sequence[FailureRecord]) -> list[FailureGroup]:
    """Failures by their reason, the most frequent first."""
    reasons: dict[tuple[str, str], list[FailureRecord]] = {}
    for failure in failures:
        reasons.setdefault((failure.experiment, failure.reason), []).append(failure)
    groups = [
        FailureGroup(reason, len(same), Counter(failure.scenario for failure in same).most_common(), same[0])
        for (_, reason), same in reasons.items()
    ]
    return sorted(groups, key=lambda group: -group.number)


def _listings(sources: Sequence[SourceFile]) -> list[Listing]:
    """The source as far as a page has room for it; what a reader would not see is written by number."""
    listings: list[Listing] = []
    room = LETTERS
    for source in sources:
        room -= len(source.text)
        text = _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], source.text) if room >= 0 else ""
        listings.append(Listing(source.name, text, source_digest([source.text])))
    return listings


def _flattened(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """A nested mapping as names and texts, a nested name after its parent's."""
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{prefix}{key} ")
        elif isinstance(value, (list, tuple)):
            yield f"{prefix}{key}", ", ".join(map(str, value))
        elif value not in (None, ""):
            yield f"{prefix}{key}", str(value)


def _write(page: Path, template: str, **content: Any) -> Path:
    page.write_text(_environment().get_template(template).render(**content), encoding="utf-8")
    return page


def _css_string(text: str) -> str:
    """Write text as a string of a style sheet: all but letters of ASCII by number, so that nothing ends it."""
    return '"' + re.sub("[^A-Za-z0-9 ]", lambda match: f"\\{ord(match[0]):x} ", text) + '"'


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    from mcstudy.report import kinds, mathematics, measures, numbers, paper, tables

    environment = Environment(
        loader=PackageLoader("mcstudy", "report/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        name: getattr(numbers, name) for name in ("count", "label", "level", "percent", "plural", "shown")
    }
    environment.filters["text"] = lambda content: Markup(f"<bdi>{mathematics.text_html(content)}</bdi>")
    environment.filters["slug"] = _slug
    environment.filters["css_string"] = lambda content: Markup(_css_string(content))
    environment.globals |= {
        "alerts": alerts,
        "as_text": tables.as_text,
        "bibtex": paper.bibtex,
        "software_bibtex": paper.software_bibtex,
        "capital": kinds.capital,
        "chosen": kinds.CHOSEN,
        "cells_shown": tables.cells_shown,
        "correction_of": correction_of,
        "crossed_text": tables.crossed_text,
        "file_name": file_name,
        "is_easy": is_easy,
        "kind_of": kind_of,
        "losses": kinds.losses,
        "measured_table": tables.measured_table,
        "meanings": _meanings,
        "outlook": outlook,
        "reading_of": measures.reading_of,
        "share": share,
        "statement": lambda latex, **form: Markup(mathematics.statement_html(latex, **form)),
        "summary_of": summary,
        "tally": tally,
        "verdict_of": badge,
    }
    return environment
