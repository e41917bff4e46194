r"""What a paper takes from a report: a LaTeX table, macros that hold the numbers, and how to cite them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mcstudy._version import __version__
from mcstudy.exceptions import InputError
from mcstudy.findings import Finding
from mcstudy.ledger import Ledger
from mcstudy.report.kinds import Crossed, Estimate, Summary, kind_of
from mcstudy.report.mathematics import Piece, statement_pieces
from mcstudy.report.numbers import MINUS, THIN, level, uncertain
from mcstudy.report.verdicts import badge

__all__ = [
    "bibtex",
    "day_of",
    "inches",
    "latex",
    "result_key",
    "result_url",
    "software_bibtex",
    "write_macros",
    "write_measures",
    "write_tex_table",
]

DIGITS = 8  # of a bare number: a paper rounds
_A_INCH = {"in": 1.0, "cm": 2.54, "mm": 25.4, "pt": 72.27}  # of TeX's points
_DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{char: f"\\{char}" for char in "{}$&#_%"},
}
# What addresses are made of beside letters and digits; anything else is written by numbers, and can end no field.
_OF_ADDRESSES = "!#$%&'()*+,/:;=?@[]"
_SYMBOLS = {
    "≤": r"\le ",
    MINUS: "-",
    "±": r"\pm",
    "∞": r"\infty",
    "χ²": r"\chi^2",
    "%": r"\%",
    THIN: r"\,",
    "–": r"\text{--}",
    "×": r"\times ",
}
_PLAIN = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_RAISED = re.compile("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_WORDS = re.compile(r" ?[A-Za-z]{2,}(?: [a-z]+)* ?")


def write_tex_table(ledger: Ledger, path: Path) -> None:
    """Write two LaTeX tables of all findings: their numbers, and beside it, as ``statements.tex``, what is claimed.

    Both are as wide as the text, whatever its width, and go on over pages.

    Parameters
    ----------
    ledger : Ledger
    path : Path
        Of the numbers: ``findings.tex``.
    """
    numbers = {"Claim": 0.27, "Found": 0.27, "Allowed": 0.2, "Verdict": 0.26}
    _write_longtable(path, numbers, [_tex_row(finding) for finding in ledger.findings])
    statements = [[_tex_id(finding), _tex_statement(finding)] for finding in ledger.findings]
    _write_longtable(path.with_name("statements.tex"), {"Claim": 0.27, "Statement": 0.73}, statements)


def write_measures(table: Crossed, path: Path) -> None:
    """Write measures side by side as a LaTeX table, a heading over the columns of each.

    Parameters
    ----------
    table : Crossed
    path : Path
    """
    before, wide = len(table.factors), len(table.lines) or 1
    starts = [before + 1 + wide * number for number in range(len(table.measures))]
    factors = [_escape(name) for name in table.factors]
    names = [rf"\multicolumn{{{wide}}}{{c}}{{{_escape(name)}}}" for name in table.measures]
    head = [_tex_line([*factors, *names])]
    if table.lines:
        rules = (rf"\cmidrule(lr){{{start}-{start + wide - 1}}}" for start in starts)
        lines = [_escape(name) for name in table.lines] * len(table.measures)
        head = [_tex_line([*[""] * before, *names]), "".join(rules), _tex_line([*factors, *lines])]
    rows = [[_tex_cell(value) for value in row] for row in table.rows]
    columns = "l" * before + "r" * (wide * len(names))
    _write_table(path, columns, head, rows, packages="longtable, booktabs, amsmath")


def _tex_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Estimate):
        return f"${latex(uncertain(*value))}$"
    return _escape(value) if isinstance(value, str) else f"${latex(level(value))}$"


def write_macros(ledger: Ledger, path: Path) -> None:
    r"""Write a file of LaTeX macros, so that a paper's numbers are the ledger's.

    ``\mcs`` + study + claim + field, in letters only: digits are spelled, and a letter after a separator becomes
    a capital. Claim 2d.worst of the study linearization has ``\mcsLinearizationTwoDWorstEstimate``.

    Parameters
    ----------
    ledger : Ledger
    path : Path
    """
    study, draws = _macro_name(ledger.study.name), ledger.digests["draws"]
    lines = [
        f"% Numbers of the study {ledger.study.name}, draws sha256 {draws}.",
        r"% \mcs + study + claim + field; digits are spelled, separators dropped: claim 2d.worst is TwoDWorst.",
        r"% Estimate and Verdict are written for the reader; Value, Error, Low, High, Theory, Margin and Replicates",
        r"% are bare numbers, for \num{} of siunitx, as far as a claim has them. \input twice does no harm.",
        _macro(f"{study}Digest", draws),
        _macro(f"{study}Replicates", str(ledger.run.replicates)),
        _macro(f"{study}Seed", str(ledger.run.seed)),
    ]
    stems = _stems([finding.id for finding in ledger.findings])
    for finding, stem in zip(ledger.findings, stems, strict=True):
        lines += _claim_macros(finding, f"{study}{stem}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def bibtex(ledger: Ledger, claim: str = "") -> str:
    """Write the BibTeX entry of a result, or of one claim of it.

    It is named by the digest of its draws: whoever runs the same command with the same versions can check that
    they hold the same numbers. Entries of several studies may stand in one file, beside that of the software.

    Parameters
    ----------
    ledger : Ledger
    claim : str
        A claim's id; empty for the whole study.

    Returns
    -------
    str
    """
    version = _escape(str(ledger.provenance.get("mcstudy", __version__)))
    study, run, draws = ledger.study, ledger.run, ledger.digests["draws"]
    replicates, date = f"{run.replicates} replicates", day_of(ledger)
    authors = " and ".join(map(_bibtex_name, study.authors))
    facts = f"profile {run.profile}, seed {run.seed}, {replicates}, draws {draws[:12]}"
    result = {
        "author": authors,
        "key": "" if authors else "mcstudy",
        "title": f"{{{_escape(study.title)}}}",
        "howpublished": f"Monte Carlo study {_escape(study.name)}, run with mcstudy {version}",
        "year": date[:4],
        "date": date,
        "version": version,
        "commit": _escape(str(ledger.provenance.get("git") or "")),
        "url": quote(result_url(ledger, claim), safe=_OF_ADDRESSES, errors="backslashreplace"),
        "note": _escape(f"claim {claim}: {ledger[claim].verdict.lower()}; {facts}" if claim else facts),
        "digest": draws,
    }
    return _entry("misc", result_key(ledger, claim), result)


def day_of(ledger: Ledger) -> str:
    """The day on which the run was started; empty where that is not told."""
    started = str(ledger.provenance.get("started", ""))[:10]
    return started if re.fullmatch(r"\d{4}-\d\d-\d\d", started, re.ASCII) else ""


def result_key(ledger: Ledger, claim: str = "") -> str:
    """By what a bibliography knows a result: other draws have another key, and so has another analysis of the same."""
    key = f"mcstudy-{ledger.study.name}-{ledger.findings_digest[:8]}"
    return f"{key}-{re.sub('[^A-Za-z0-9.:-]', '-', claim)}" if claim else key


def result_url(ledger: Ledger, claim: str = "") -> str:
    """Where a result is to be found: the study's address, and there the anchor of the claim."""
    url = ledger.study.url
    return f"{url}#claim-{quote(claim)}" if url and claim else url


def _bibtex_name(name: str) -> str:
    """A name for a list of authors, one in braces where BibTeX would take it for two."""
    return f"{{{_escape(name)}}}" if " and " in name else _escape(name)


def software_bibtex() -> str:
    """Write the BibTeX entry of the software, which all results share."""
    software = {
        "author": "{The mcstudy authors}",
        "title": "{mcstudy}: {Monte Carlo} studies that put theory to the test",
        "howpublished": "Python package",
        "version": __version__,
    }
    return _entry("misc", "mcstudy", software)


def inches(width: str) -> float:
    """The width of a figure, which a paper gives in inches, centimetres, millimetres or points.

    Raises
    ------
    InputError
        If it is no width between 1 and 20 inches.

    Examples
    --------
    >>> inches("3.3in"), round(inches("84mm"), 3), round(inches("240pt"), 3)
    (3.3, 3.307, 3.321)
    """
    found = re.fullmatch(r"(\d+\.?\d*|\.\d+) ?(in|cm|mm|pt)", width)
    size = float(found[1]) / _A_INCH[found[2]] if found else math.nan
    if not 1.0 <= size <= 20.0:
        msg = f"`width` must be a width between 1 and 20 inches, got {width!r}; write 3.3in, 84mm or 240pt"
        raise InputError(msg)
    return size


def latex(text: str) -> str:
    r"""Rewrite numbers of a report for LaTeX's mathematics mode.

    Examples
    --------
    >>> print(latex("3.2×10⁻¹⁴"), latex("−0.5 ± 0.01"))
    3.2\times 10^{-14} -0.5 \pm 0.01
    """
    text = _WORDS.sub(lambda match: rf"\text{{{match[0]}}}", text)
    for symbol, macro in _SYMBOLS.items():
        text = text.replace(symbol, macro)
    return _RAISED.sub(lambda match: "^{" + match[0].translate(_PLAIN) + "}", text)


def _summary(finding: Finding) -> Summary:
    return kind_of(finding.kind).summary(finding)


def _write_longtable(path: Path, columns: Mapping[str, float], rows: Sequence[Sequence[str]]) -> None:
    """Write a table whose columns have these shares of the width of the text."""
    cell = r">{{\raggedright\arraybackslash}}p{{\dimexpr {share}\linewidth-2\tabcolsep\relax}}"
    widths = "".join(cell.format(share=share) for share in columns.values())
    packages = "array, longtable, booktabs, amsmath, amssymb"
    _write_table(path, widths, [_tex_line(list(columns))], rows, packages=packages)


def _write_table(
    path: Path, columns: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, packages: str
) -> None:
    """Write a table that goes on over pages, its head on each."""
    lines = [
        f"% Needs the packages {packages}.",
        rf"\begin{{longtable}}{{{columns}}}",
        r"\toprule",
        *head,
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
        *map(_tex_line, rows),
        r"\end{longtable}",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _tex_line(row: Sequence[str]) -> str:
    return " & ".join(row).lstrip() + r" \\"


def _tex_row(finding: Finding) -> list[str]:
    heading = kind_of(finding.kind).headings[0].lower()
    found, _, allowed = (latex(text) for text in _summary(finding))
    return [_tex_id(finding), f"{heading} ${found}$", f"${allowed}$", _verdict(finding)]


def _tex_id(finding: Finding) -> str:
    """An id that may break after its separators."""
    return re.sub(r"([.-]|\\_)(?=.)", r"\1\\allowbreak{}", _escape(finding.id))


def _tex_statement(finding: Finding) -> str:
    return "".join(map(_tex_piece, statement_pieces(finding.statement)))


def _tex_piece(piece: Piece) -> str:
    return f"${piece.content}$" if piece.mathematics else _escape(piece.content)


def _claim_macros(finding: Finding, stem: str) -> list[str]:
    numbers = kind_of(finding.kind).numbers(finding)
    return [
        f"% claim {' '.join(finding.id.split())}",  # TeX ends a line, and a comment, at a carriage return too
        _macro(f"{stem}Estimate", rf"\ensuremath{{{latex(_summary(finding).found)}}}"),
        *(_macro(f"{stem}{field}", f"{x:.{DIGITS}g}") for field, x in numbers.items() if math.isfinite(x)),
        _macro(f"{stem}Replicates", str(finding.replicates)),
        _macro(f"{stem}Verdict", _verdict(finding)),
    ]


def _verdict(finding: Finding) -> str:
    words = badge(finding)
    return _escape(f"{words.name} ({words.remark})".lower() if words.remark else words.name.lower())


def _stems(ids: Sequence[str]) -> list[str]:
    """Spell ids as macros' names; one that is spelled like an earlier one gets a letter more."""
    stems: list[str] = []
    for name in ids:
        candidates = (_macro_name(name) + "B" * further for further in range(len(ids)))
        stems.append(next(stem for stem in candidates if stem not in stems))
    return stems


def _macro_name(name: str) -> str:
    """Spell a name in letters only, as LaTeX wants a macro's: digits as words, a capital after a separator."""
    spelled = re.sub(r"\d", lambda match: f" {_DIGITS[int(match[0])]} ", name)
    words = re.findall("[A-Za-z]+", spelled)
    return "".join(word[0].upper() + word[1:] for word in words)


def _macro(name: str, text: str) -> str:
    return rf"\providecommand{{\mcs{name}}}{{{text}}}"


def _escape(text: str) -> str:
    """Write text so that TeX and BibTeX print it as it is."""
    return "".join(_ESCAPES.get(char, char) for char in text)


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    width = max(map(len, fields))
    lines = [f"  {name:<{width}} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"]) + "\n"
