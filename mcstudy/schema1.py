"""Ledgers of schema 1, which version 0.1 wrote, in the form of schema 2."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mcstudy.exceptions import InputError

__all__ = ["upgraded"]

Json = dict[str, Any]

# Version 0.1 did not write what the verdict of a finding rests on; its kinds were these.
_ASYMPTOTIC = ("value", "rate")


def upgraded(document: Mapping[str, Any]) -> Json:
    """The content of a ``ledger.json`` of schema 1 as schema 2 says it.

    Raises
    ------
    InputError
        If a part is missing, not of the form that version 0.1 wrote, or not what the digest says.
    """
    try:
        written = document["digests"]["findings"]
        content = {
            **document,
            "design": _design(document),
            "run": {**document["run"], "replay": f"mcstudy replay {document['study']['name']}"},
            "findings": [_finding(finding) for finding in document["findings"]],
            "failures": [_address(failure) for failure in document["failures"]],
            "warnings": [_warning(item) for item in document.get("warnings", [])],
        }
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        msg = f"`ledger` must have all parts of schema 1, got {type(error).__name__}: {error}; run the study again"
        raise InputError(msg) from error
    _check_digest(document["findings"], written)
    return content


def _check_digest(findings: Any, written: Any) -> None:
    canonical = json.dumps(_without_commands(findings), sort_keys=True, separators=(",", ":"))
    if (found := hashlib.sha256(canonical.encode()).hexdigest()) != written:
        msg = f"`ledger` must have the findings that its digest says, got {found[:12]} where {str(written)[:12]} is written: it was edited; run the study again"
        raise InputError(msg)


def _without_commands(value: Any) -> Any:
    """What the digest of version 0.1 covered: replay commands hung on where the study's file lay."""
    if isinstance(value, dict):
        return {key: _without_commands(item) for key, item in value.items() if key != "replay"}
    return [_without_commands(item) for item in value] if isinstance(value, list) else value


def _design(document: Mapping[str, Any]) -> Json:
    design = document["design"]
    experiment = {key: design[key] for key in ("factors", "scenarios", "common", "columns")}
    return {
        "block_size": design["block"],
        "stages": design["stages"],
        "experiments": [{"name": "", "source": document["study"]["source"], **experiment}],
    }


def _address(item: Mapping[str, Any]) -> Json:
    """A failure or a witness: its replay command ended in the token that it has now."""
    return {"experiment": "", **item, "token": item["replay"].rpartition(" ")[2]}


def _warning(warning: Mapping[str, Any]) -> Json:
    """A warning: version 0.1 did not tell in which scenario it was given."""
    category, _, message = warning["message"].partition(": ")
    unknown = {"examples": [], "experiment": "", "scenario": {}, "share": "nan"}
    return {"category": category, "message": message, "blocks": warning["blocks"], **unknown}


def _finding(finding: Mapping[str, Any]) -> Json:
    evidence, deciding = _evidence(finding), finding["diagnostics"]["deciding_cell"]
    cells = [_cell(cell, own) for cell, own in zip(finding["cells"], _padded(evidence, finding), strict=True)]
    basis = "asymptotic" if finding["kind"] in _ASYMPTOTIC else "exact"
    return {
        **finding,
        "experiment": "",
        "estimand": finding["what"],
        "role": "refutation" if finding["expected"] == "REFUTED" else "theory",
        "guarantee": "none yet" if cells[deciding]["reach"] < 0 else basis,
        "deciding": deciding,
        "cells": cells,
        "evidence": evidence,
    }


def _padded(evidence: Mapping[str, Any], finding: Mapping[str, Any]) -> list[Any]:
    """The evidence of each cell, also where the kind has none."""
    return evidence.get("cells") or [None] * len(finding["cells"])


def _cell(cell: Mapping[str, Any], own: Mapping[str, Any] | None) -> Json:
    """A cell with its reach, by its evidence if that says more, and the replicates that it rests on."""
    reach = own["largest_ratio"] if own and "largest_ratio" in own else _reach(cell)
    # A line of a rate counted the replicates of each level, without those that failed.
    drawn = sum(own["replicates"]) if own and "replicates" in own else cell["replicates"] - cell["failures"]
    return {**cell, "reach": reach, "drawn": drawn}


def _reach(cell: Mapping[str, Any]) -> float:
    numbers = [cell["theory"], cell["margin"], *cell["interval"]]
    if "nan" in numbers:
        return -1.0
    theory, margin, *ends = map(float, numbers)
    return max(abs(end - theory) for end in ends) / margin


def _evidence(finding: Mapping[str, Any]) -> Json:
    read = _EVIDENCE.get(finding["kind"])
    return read(finding) if read else {}


def _cells(finding: Mapping[str, Any]) -> list[Any]:
    """The evidence of each cell; None where nothing could be judged."""
    return [item or None for item in finding["diagnostics"]["cells"]]


def _bound(finding: Mapping[str, Any]) -> Json:
    chosen = {name: finding["diagnostics"][name] for name in ("witness", "tightest")}
    return {"cells": _cells(finding), **{name: item and _address(item) for name, item in chosen.items()}}


def _identity(finding: Mapping[str, Any]) -> Json:
    witness = finding["diagnostics"]["witness"]
    return {"cells": _cells(finding), "witness": witness and _address(witness)}


def _law(finding: Mapping[str, Any]) -> Json:
    return {"cells": _cells(finding)}


def _rate(finding: Mapping[str, Any]) -> Json:
    diagnostics = finding["diagnostics"]
    lines = {str(line["scenario"]): _line(line) for line in diagnostics["lines"]}
    return {
        "cells": [lines.get(str(cell["scenario"])) for cell in finding["cells"]],
        **{key: diagnostics[key] for key in ("against", "statistic", "limit", "exact")},
    }


def _line(line: Mapping[str, Any]) -> Json:
    curvature = line.get("curvature", {})
    fit = {**line, "curvature": curvature.get("estimate"), "curvature_mcse": curvature.get("mcse")}
    return {**line, "fit": fit if "chi_square" in line else None, "note": line.get("note", "")}


# A value had nothing to show besides its cells.
_EVIDENCE = {"bound": _bound, "identity": _identity, "law": _law, "same_law": _law, "rate": _rate}
