"""How to cite: the software, and one result of it by the digest of its draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcstudy._version import __version__
from mcstudy.report.names import escape_tex

__all__ = ["bibtex"]


def bibtex(ledger: Mapping[str, Any]) -> str:
    """Write the BibTeX entries of the software and of this result.

    The result is named by the digest of its draws: whoever runs the same command with the same versions can
    check that they hold the same numbers.

    Parameters
    ----------
    ledger : mapping
        The content of ``ledger.json``.

    Returns
    -------
    str
    """
    version = str(ledger["provenance"].get("mcstudy", __version__))
    study, run, draws = ledger["study"], ledger["run"], ledger["digests"]["draws"]
    year = str(ledger["provenance"].get("started", ""))[:4]
    software = {
        "author": "{The mcstudy authors}",
        "title": "{mcstudy}: {Monte Carlo} studies that put theory to the test",
        "version": escape_tex(version),
    }
    note = (
        f"profile {run['profile']}, seed {run['seed']}, {run['replicates']} replicates, draws sha256 {draws}"
    )
    result = {
        "key": "mcstudy",
        "title": f"{{{escape_tex(study['title'])}}}",
        "howpublished": f"Monte Carlo study {escape_tex(study['name'])}, run with mcstudy {escape_tex(version)}",
        "year": year,
        "note": escape_tex(note),
    }
    entries = [
        _entry("software", "mcstudy", software),
        _entry("misc", f"mcstudy-{study['name']}-{draws[:8]}", result),
    ]
    return "\n\n".join(entries) + "\n"


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    width = max(map(len, fields))
    lines = [f"  {name:<{width}} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])
