"""What lies beside a ledger and was written from it: the page, tables, macros and figures, written once more."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from mcstudy._version import __version__
from mcstudy.engine.provenance import libraries
from mcstudy.engine.verify.target import Target
from mcstudy.ledger import Ledger
from mcstudy.report import write_report

__all__ = ["Rendered", "rendered"]

DRAWING = ("matplotlib", "numpy")  # on which the bytes of a figure depend, beside mcstudy
FIGURES = (".svg", ".pdf")
_FIGURE = re.compile(rb"<svg.*?</svg>", re.DOTALL)
_SEAL = re.compile(rb"<!-- mcstudy: \w+ -->\n\Z")  # of a figure: it hangs on the interpreter as well


class Rendered(NamedTuple):
    """The files beside a ledger, compared with what is written from it now: those that differ, and how many there are."""

    unlike: list[str]
    text: str


def rendered(target: Target, ledger: Ledger) -> Rendered:
    """Write the report of a ledger elsewhere, and compare each file that is there, byte for byte.

    Another version of mcstudy may write it in other words, other libraries may draw figures otherwise: these are not
    compared.
    """
    wrote, version = ledger.provenance.get("libraries"), ledger.provenance.get("mcstudy")
    if version != __version__:
        return Rendered([], f"pages and tables of mcstudy {version} are not compared by {__version__}")
    now = libraries()
    figures = isinstance(wrote, dict) and all(wrote.get(name) == now[name] for name in DRAWING)
    with TemporaryDirectory(prefix="mcstudy-verify-") as folder:
        write_report(ledger, Path(folder))
        written = [path for path in Path(folder).rglob("*") if path.is_file()]
        pairs = {
            path.relative_to(folder).as_posix(): (path, target.out / path.relative_to(folder))
            for path in sorted(written)
            if figures or path.suffix not in FIGURES
        }
        there = {name: pair for name, pair in pairs.items() if pair[1].is_file()}
        unlike = [name for name, pair in there.items() if not _same(*pair, figures=figures)]
    if not there:
        return Rendered([], "nothing that was written from it is here")
    return Rendered(unlike, f"{len(there)} files written from it once more, byte for byte")


def _same(one: Path, other: Path, *, figures: bool) -> bool:
    contents = (path.read_bytes() for path in (one, other))
    if one.suffix == ".svg":
        contents = (_SEAL.sub(b"", content) for content in contents)
    elif one.suffix == ".html" and not figures:
        contents = (_FIGURE.sub(b"", content) for content in contents)
    return len(set(contents)) == 1
