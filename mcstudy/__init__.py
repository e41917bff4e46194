"""Monte Carlo studies that put theory to the test.

A study says what is drawn, over which scenarios, and what theory claims about it. `run` draws it in parallel and
reproducibly, and returns a ledger: for every claim an estimate, an interval and one of three verdicts.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mcstudy._version import __version__

if TYPE_CHECKING:
    from mcstudy.claims import Bound as Bound
    from mcstudy.claims import Finding as Finding
    from mcstudy.claims import Identity as Identity
    from mcstudy.claims import Law as Law
    from mcstudy.claims import Ledger as Ledger
    from mcstudy.claims import Rate as Rate
    from mcstudy.claims import SameLaw as SameLaw
    from mcstudy.claims import Value as Value
    from mcstudy.claims import Verdict as Verdict
    from mcstudy.claims import relative as relative
    from mcstudy.cli import main_study as main
    from mcstudy.draws import Scenario as Scenario
    from mcstudy.draws import grid as grid
    from mcstudy.draws import powers_of_two as powers_of_two
    from mcstudy.engine.run import run as run
    from mcstudy.statistics import mean as mean
    from mcstudy.statistics import proportion as proportion
    from mcstudy.statistics import quantile as quantile
    from mcstudy.statistics import rms as rms
    from mcstudy.statistics import sd as sd
    from mcstudy.statistics import variance as variance
    from mcstudy.study import Option as Option
    from mcstudy.study import Overlay as Overlay
    from mcstudy.study import Replicates as Replicates
    from mcstudy.study import Section as Section
    from mcstudy.study import Study as Study

# Where each public name lives; it is imported when it is first asked for, so that `mcstudy --help` and the
# workers import no more than they use.
_HOMES = {
    "mcstudy.claims": (
        "Bound", "Finding", "Identity", "Law", "Ledger", "Rate", "SameLaw", "Value", "Verdict", "relative",
    ),
    "mcstudy.draws": ("Scenario", "grid", "powers_of_two"),
    "mcstudy.engine.run": ("run",),
    "mcstudy.statistics": ("mean", "proportion", "quantile", "rms", "sd", "variance"),
    "mcstudy.study": ("Option", "Overlay", "Replicates", "Section", "Study"),
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", "main", *sorted(_HOME)]


def __getattr__(name: str) -> Any:
    if name == "main":
        return importlib.import_module("mcstudy.cli").main_study
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    msg = f"module 'mcstudy' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)
