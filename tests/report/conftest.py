"""What the report's tests share: hand-made ledgers, and one written report."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mcstudy.report import write_report


@dataclass(frozen=True)
class Written:
    """A report as written, and the ledger that it was written from."""

    ledger: Mapping[str, Any]
    out: Path
    html: str

    @property
    def main(self) -> str:
        """The part that is promised to be the same for equal draws."""
        return self.html[self.html.index("<main") : self.html.index("</main>")]


@pytest.fixture(scope="session")
def ledgers() -> ModuleType:
    """The module ledgers.py beside this file, which no import path leads to."""
    spec = importlib.util.spec_from_file_location("ledgers", Path(__file__).with_name("ledgers.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def written(ledgers: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The report of the ledger that holds every kind of claim and every verdict."""
    ledger = ledgers.make_ledger()
    out = tmp_path_factory.mktemp("reports")
    page = write_report(ledger, out)
    return Written(ledger, out, page.read_text(encoding="utf-8"))
