"""Ledgers of schema 1, which version 0.1 wrote, in the form of schema 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcstudy.exceptions import InputError

__all__ = ["upgraded"]

Json = dict[str, Any]


def upgraded(document: Mapping[str, Any]) -> Json:
    """The content of a ``ledger.json`` of schema 1 as schema 2 says it.

    Raises
    ------
    InputError
        If a part is missing, or not of the form that version 0.1 wrote.
    """
    try:
        return {
            **document,
            "design": _design(document),
            "run": {**document["run"], "replay": f"mcstudy replay {document['study']['name']}"},
            "findings": [_finding(finding) for finding in document["findings"]],
            "failures": [_address(failure) for failure in document["failures"]],
            "warnings": list(document.get("warnings", [])),
        }
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        msg = f"`ledger` must have all parts of schema 1, got {type(error).__name__}: {error}; run the study again"
        raise InputError(msg) from error


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


def _finding(finding: Mapping[str, Any]) -> Json:
    diagnostics = finding["diagnostics"]
    evidence = _EVIDENCE.get(finding["kind"], lambda _: {})(finding)
    ranks = [item["largest_ratio"] for item in evidence["cells"]] if finding["kind"] == "bound" else None
    return {
        **finding,
        "experiment": "",
        "estimand": finding["what"],
        "role": "refutation" if finding["expected"] == "REFUTED" else "theory",
        "guarantee": "asymptotic" if finding["kind"] in ("value", "rate") else "exact",
        "deciding": diagnostics["deciding_cell"],
        "cells": [
            {**cell, "reach": _reach(cell) if ranks is None else ranks[index]}
            for index, cell in enumerate(finding["cells"])
        ],
        "evidence": evidence,
    }


def _reach(cell: Mapping[str, Any]) -> float:
    numbers = [cell["theory"], cell["margin"], *cell["interval"]]
    if "nan" in numbers:
        return -1.0
    theory, margin, *ends = map(float, numbers)
    return max(abs(end - theory) for end in ends) / margin


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


_EVIDENCE = {"bound": _bound, "identity": _identity, "law": _law, "same_law": _law, "rate": _rate}
