"""A ledger made by hand, with every kind of claim, every verdict, witnesses, failures and NaN."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

HOSTILE = '<script>alert("x")</script> & $ & {{ 7 * 7 }}'


def cell(
    scenario: Mapping[str, Any], theory: Any, margin: Any, estimate: Any, mcse: Any, **more: Any
) -> dict[str, Any]:
    """A cell with an interval of five MCSE to either side and the verdict that follows."""
    low, high = (
        more.pop("interval", None) or (estimate - 5 * mcse, estimate + 5 * mcse)
        if estimate != "nan"
        else ("nan", "nan")
    )
    verdict = "UNDECIDED"
    if estimate != "nan" and theory - margin <= low and high <= theory + margin:
        verdict = "CONFIRMED"
    elif estimate != "nan" and (high < theory - margin or low > theory + margin):
        verdict = "REFUTED"
    written = {
        "scenario": dict(scenario),
        "theory": theory,
        "margin": margin,
        "estimate": estimate,
        "mcse": mcse,
        "interval": [low, high],
        "verdict": verdict,
        "replicates": 1024,
        "failures": 0,
    }
    return written | more


def finding(
    name: str, kind: str, cells: Sequence[Mapping[str, Any]], deciding: int = 0, **more: Any
) -> dict[str, Any]:
    """A finding whose numbers are those of its deciding cell."""
    verdicts = [item["verdict"] for item in cells]
    verdict = next((v for v in ("REFUTED", "UNDECIDED") if v in verdicts), "CONFIRMED")
    expected = more.pop("expected", "CONFIRMED")
    chosen = cells[deciding]
    written = {
        "id": name,
        "statement": r"\mathbb{E}\,\hat L_n = \frac{\|\Delta\|^2}{2L}",
        "kind": kind,
        "what": "mean of loss",
        "source": "Problem 1",
        "expected": expected,
        "because": "",
        "verdict": verdict,
        "as_expected": verdict == expected,
        **{key: chosen[key] for key in ("theory", "margin", "estimate", "mcse", "interval", "replicates")},
        "confidence": 0.999937,
        "cells": list(cells),
    }
    diagnostics = {"deciding_cell": deciding, **more.pop("diagnostics", {})}
    return written | more | {"diagnostics": diagnostics}


def value_finding() -> dict[str, Any]:
    scenarios = [
        {"d": d, "depth": depth, "n": n} for d, depth, n in itertools.product((2, 8), (1, 3), (8, 64, 512))
    ]
    cells = [
        cell(
            s,
            1 / s["depth"],
            0.02 / s["depth"],
            (1 + 0.004 * math.sin(3.0 * k)) / s["depth"],
            0.002 / s["depth"],
        )
        for k, s in enumerate(scenarios)
    ]
    return finding("1.mean", "value", cells, deciding=4, source="Problem 1 (a)")


def single_finding() -> dict[str, Any]:
    cells = [cell({"d": 12}, 2.0, 0.05, 1.981, 0.011)]
    statement = r"\lambda_{\max} \to (1 + \sqrt{d^2/n})^2"
    return finding("1.edges", "value", cells, statement=statement, what="mean of largest eigenvalue")


def failing_finding() -> dict[str, Any]:
    cells = [
        cell({"start": "balanced"}, 1.0, 0.05, 1.01, 0.002),
        cell({"start": "near-degenerate"}, 1.0, 0.05, "nan", "nan", verdict="UNDECIDED", failures=1023),
    ]
    return finding("1.start", "value", cells, deciding=1, what=f"mean of {HOSTILE}", source=HOSTILE)


def unexpected_finding() -> dict[str, Any]:
    cells = [cell({"n": n}, 0.5, 0.005, 0.5 + 0.03 * n / 64, 0.0007) for n in (16, 64)]
    return finding("1.bias", "value", cells, deciding=1, statement="text with $x \\le 1$ inside")


def line(scenario: Mapping[str, Any], exponent: float, constant: float, bend: float = 0.0) -> dict[str, Any]:
    """The evidence of one log-log line over nine widths."""
    x = [float(2**power) for power in range(6, 15)]
    y = [constant * w**exponent * math.exp(bend * math.log(w) ** 2 + 0.004 * math.sin(7.0 * w)) for w in x]
    local = [math.log(b / a) / math.log(2.0) for a, b in itertools.pairwise(y)]
    return {
        "scenario": dict(scenario),
        "x": x,
        "y": y,
        "mcse": [0.01 * value for value in y],
        "replicates": [1024] * len(x),
        "constant": constant,
        "exponent": exponent,
        "sampling_error": 0.0012,
        "robust_error": 0.0010,
        "upper_half": {
            "exponent": exponent + 0.001,
            "interval": [exponent - 0.006, exponent + 0.008],
            "levels": 5,
        },
        "chi_square": 6.3,
        "degrees": 7,
        "p_value": 0.505,
        "curvature": {"estimate": 0.0004, "mcse": 0.0009},
        "local_slopes": local,
        "local_mcse": [0.02] * len(local),
        "note": "",
    }


def rate_finding(
    name: str = "2d.worst", exponent: float = -0.5, lines: int = 3, **more: Any
) -> dict[str, Any]:
    radii = [0.5 * 2**k for k in range(lines)]
    own = [
        line({"radius": r}, exponent + 0.0007 * k, 0.4 * r**2, more.get("bend", 0.0))
        for k, r in enumerate(radii)
    ]
    cells = [
        cell(item["scenario"], more.get("theory", exponent), 0.01, item["exponent"], 0.0012) for item in own
    ]
    diagnostics = {
        "against": "width",
        "statistic": "mean of error",
        "exact": False,
        "note": more.get("note", ""),
        "lines": own,
    }
    return finding(
        name,
        "rate",
        cells,
        deciding=lines - 1,
        statement=r"\sup_{\|W-W_0\|\le R} |f(W) - f_0(W)| \propto m^{-1/2}",
        what="slope of log mean of error on log width",
        source="Problem 2 (d)",
        expected=more.get("expected", "CONFIRMED"),
        because=more.get("because", ""),
        diagnostics=diagnostics,
    )


def unfit_rate_finding() -> dict[str, Any]:
    """A rate with a line that reached zero, one that was never drawn, and one that is fine."""
    written = rate_finding("2.kernel", lines=3)
    zero = written["diagnostics"]["lines"][0]
    kept = {key: zero[key] for key in ("scenario", "x", "y", "mcse", "replicates")}
    kept["y"] = [*kept["y"][:-1], 0.0]
    kept["note"] = "the mean of error is not positive at width = 16384"
    written["diagnostics"]["lines"][:2] = [kept]
    written["diagnostics"] |= {"note": kept["note"], "deciding_cell": 0}
    nan = {"estimate": "nan", "mcse": "nan", "interval": ["nan", "nan"], "verdict": "UNDECIDED"}
    written["cells"][0] |= nan
    written["cells"][1] |= nan | {"theory": "nan", "margin": "nan", "failures": 9216}
    return written | nan | {"as_expected": False}


def law_finding(name: str = "1.law", size: float = 0.004, kind: str = "law", **more: Any) -> dict[str, Any]:
    grid = [k / 100 for k in range(101)]
    own = []
    cells = []
    for k, n in enumerate((2, 8, 32)):
        scale = size / (k + 1)
        curve = [scale * math.sin(2 * math.pi * p + k) * (1 if 0 < p < 1 else 0) for p in grid]
        own.append({"distance": scale, "band": 0.006, "probability": grid, "deviation": curve})
        ends = (max(0.0, scale - 0.006), scale + 0.006)
        cells.append(cell({"n": n}, 0.0, 0.02, scale, 0.003, interval=ends))
    return finding(
        name,
        kind,
        cells,
        statement=r"\frac{2Ln\hat L_n}{\|\Delta\|^2} \sim \chi^2_n",
        what="Kolmogorov distance of loss from its law",
        diagnostics={"cells": own},
        **more,
    )


def bound_finding(cells: int = 60) -> dict[str, Any]:
    scenarios = [
        {"activation": a, "width": 2**w, "regime": r}
        for a, w, r in itertools.product(
            ("tanh", "sin", "softplus"), range(6, 11), ("worst", "gradient", "isotropic", "near")
        )
    ][:cells]
    ratio = {"worst": 0.98, "gradient": 0.41, "isotropic": 0.07, "near": 0.35}
    own = [
        {"largest_ratio": ratio[s["regime"]] * (1 - 1 / s["width"]), "violations": 0, "upper_limit": 8.1e-4}
        for s in scenarios
    ]
    written = [cell(s, 0.0, 1e-3, 0.0, 0.0, interval=(0.0, 8.1e-4)) for s in scenarios]
    best = max(range(len(own)), key=lambda k: own[k]["largest_ratio"])
    tightest = {
        "scenario": scenarios[best],
        "block": 3,
        "index": 17,
        "value": 0.0121,
        "bound": 0.0122,
        "ratio": own[best]["largest_ratio"],
        "replay": "mcstudy replay linearization 0f1e2d3c4b5a:3:17",
    }
    return finding(
        "2c",
        "bound",
        written,
        deciding=best,
        statement=r"|f(W) - f_0(W)| \le \frac{\beta}{2\sqrt m}\,\|W - W_0\|^2 \|x\|^2",
        what="probability that |error| exceeds bound",
        source="Problem 2 (c)",
        diagnostics={"cells": own, "witness": None, "tightest": tightest},
    )


def violated_finding() -> dict[str, Any]:
    scenarios = [{"pair": "near"}, {"pair": "independent"}]
    written = [
        cell(scenarios[0], 0.0, 1e-3, 0.75, 0.013, interval=(0.68, 0.81)),
        cell(scenarios[1], 0.0, 1e-3, 0.0, 0.0, interval=(0.0, 8e-4)),
    ]
    own = [
        {"largest_ratio": "inf", "violations": 768, "upper_limit": 0.81},
        {"largest_ratio": 0.0, "violations": 0, "upper_limit": 8e-4},
    ]
    witness = {
        "scenario": scenarios[0],
        "block": 0,
        "index": 5,
        "value": 0.31,
        "bound": 0.0,
        "ratio": "inf",
        "replay": "mcstudy replay linearization aabbccddeeff:0:5",
    }
    return finding(
        "2c-printed",
        "bound",
        written,
        statement=r"|f(W) - f_0(V)| \le \frac{\beta}{2\sqrt m}\,\|W - V\|^2 \|x\|^2",
        what="probability that |error| exceeds bound",
        expected="REFUTED",
        because="A misprint: $W = V \\ne W_0$ makes the left side positive and the right side $0$.",
        diagnostics={"cells": own, "witness": witness, "tightest": witness},
    )


def identity_finding(
    name: str = "1f", largest: Sequence[float] = (3.1e-14, 0.0, 8e-13), **more: Any
) -> dict[str, Any]:
    scenarios = [{"depth": depth} for depth in (1, 2, 3)]
    cells = [
        cell(
            s,
            0.0,
            1e-10,
            value,
            0.0,
            interval=(value, value),
            verdict="REFUTED" if value > 1e-10 else "CONFIRMED",
        )
        for s, value in zip(scenarios, largest, strict=True)
    ]
    own = [
        {"largest": value, "median": value / 7, "violations": int(value > 1e-10) * 900, "upper_limit": 0.007}
        for value in largest
    ]
    worst = max(range(3), key=lambda k: largest[k])
    witness = {
        "scenario": scenarios[worst],
        "block": 2,
        "index": 0,
        "value": largest[worst],
        "replay": "mcstudy replay gradient_flow 001122334455:2:0",
    }
    return finding(
        name,
        "identity",
        cells,
        deciding=worst,
        statement=r"\dot W = \frac1L \sum_{k=1}^L [WW^\top]^{(L-k)/L} (W^* - W) [W^\top W]^{(k-1)/L}",
        what="largest residual",
        source="Problem 1 (f)",
        diagnostics={"tolerance": 1e-10, "cells": own, "witness": witness},
        **more,
    )


def all_findings() -> list[dict[str, Any]]:
    misprint = {"expected": "REFUTED", "because": "The sheet ends in the wrong factor."}
    return [
        value_finding(),
        law_finding(),
        law_finding(
            "1.law-rademacher", 0.09, expected="REFUTED", because="Entries $\\pm 1$: same mean, other law."
        ),
        law_finding("1.samplers", 0.004, kind="same_law"),
        single_finding(),
        failing_finding(),
        unexpected_finding(),
        identity_finding(),
        identity_finding("1d-printed", (0.9, 0.4, 1.3), **misprint),
        bound_finding(),
        violated_finding(),
        rate_finding(),
        rate_finding("2d.typical", -1.0, lines=1, note="a power law to within the margin, not exactly"),
        rate_finding(
            "2d.relu", -0.62, lines=2, theory=-0.5, bend=0.004, expected="REFUTED", because="Not smooth."
        ),
        unfit_rate_finding(),
    ]


def make_ledger(**parts: Any) -> dict[str, Any]:
    """A whole ledger; keywords replace its parts."""
    findings = parts.pop("findings", None) or all_findings()
    ledger: dict[str, Any] = {
        "schema": 1,
        "study": {
            "name": "linearization",
            "title": "How far a wide network is from its linearization",
            "question": "Does the linearization error fall as 1/√m, and is the bound sharp?",
            "source": "Exercise 5, Problem 2",
        },
        "design": {
            "factors": {
                "width": [2**k for k in range(6, 15)],
                "displacement": ["worst", "isotropic"],
                "radius": [0.5, 1.0],
            },
            "scenarios": 36,
            "block": 64,
            "stages": [256, 512, 1024],
            "common": ["displacement"],
            "columns": ["error", "bound"],
        },
        "run": {
            "seed": 20261123,
            "profile": "quick",
            "executor": "joblib",
            "jobs": 2,
            "replicates": 36864,
            "failures": 1023,
            "seconds": 12.345,
            "alpha": 0.01,
            "command": "mcstudy run linearization --profile quick --seed 20261123",
        },
        "digests": {"draws": "ab" * 32, "findings": "cd" * 32, "source": "ef" * 32},
        "findings": findings,
        "sections": [
            {
                "title": "What over-parametrization does",
                "paragraphs": [
                    "The worst displacement attains the rate $m^{-1/2}$ of the bound, with its constant.",
                    "Typical displacements do better: $m^{-1}$.",
                ],
            }
        ],
        "overlays": [
            {
                "id": "regimes",
                "title": "The regimes together",
                "caption": "The worst displacement follows the bound; typical ones fall faster.",
                "claims": ["2d.worst", "2d.typical", "2d.relu"],
                "where": {"radius": [0.5, 1.0]},
            }
        ],
        "failures": [
            {
                "scenario": {"start": "near-degenerate"},
                "block": 4,
                "index": None,
                "reason": HOSTILE,
                "traceback": 'Traceback (most recent call last):\n  File "study.py", line 3\nValueError: <b>bad</b>',
                "replay": "mcstudy replay linearization 99887766:4",
            },
            {
                "scenario": {"start": "near-degenerate"},
                "block": 5,
                "index": 3,
                "reason": "the integration stopped",
                "traceback": "",
                "replay": "mcstudy replay linearization 99887766:5:3",
            },
        ],
        "warnings": [{"message": "RuntimeWarning: overflow <i>", "blocks": 3}],
        "provenance": {
            "started": "2026-11-24T10:11:12+00:00",
            "mcstudy": "0.1.0",
            "python": "3.12.1",
            "libraries": {"numpy": "2.5.0", "scipy": "1.18.0"},
            "host": "workstation",
            "cpu": "A processor <1>",
            "cores": 2,
            "blas": ["openblas 0.3"],
        },
    }
    return ledger | parts


def crowded_ledger(claims: int = 40, cells: int = 100) -> dict[str, Any]:
    """As many claims as a large study has, each with many cells, of all kinds in turn."""
    kinds = [_crowded_value, _crowded_rate, _crowded_bound, _crowded_identity]
    return make_ledger(findings=[kinds[k % len(kinds)](f"claim.{k}", cells) for k in range(claims)])


def _crowded_value(name: str, count: int) -> dict[str, Any]:
    cells = [
        cell({"d": k % 10, "n": k // 10}, 1.0 + k, 0.1, 1.0 + k + 0.01 * math.sin(k), 0.002)
        for k in range(count)
    ]
    return finding(name, "value", cells, deciding=count // 2)


def _crowded_rate(name: str, count: int) -> dict[str, Any]:
    return rate_finding(name, lines=min(count, 12))


def _crowded_bound(name: str, count: int) -> dict[str, Any]:
    template = bound_finding(60)
    repeat = -(-count // 60)
    template["cells"] = (template["cells"] * repeat)[:count]
    template["diagnostics"]["cells"] = (template["diagnostics"]["cells"] * repeat)[:count]
    return template | {"id": name}


def _crowded_identity(name: str, count: int) -> dict[str, Any]:
    template = identity_finding(name)
    repeat = -(-count // 3)
    template["cells"] = (template["cells"] * repeat)[:count]
    template["diagnostics"]["cells"] = (template["diagnostics"]["cells"] * repeat)[:count]
    return template
