"""A kind of claim of one's own: one file, shown everywhere."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

import mcstudy.report.kinds as kinds
from mcstudy.evidence import Evidence
from mcstudy.ledger import Ledger
from mcstudy.report import read_ledger, write_report
from mcstudy.report.terminal import print_ledger

TOY = '''"""Claims that a coin has no favourite side."""

from dataclasses import dataclass

from mcstudy.evidence import Evidence
from mcstudy.report.kinds import Kind, Summary


@dataclass(frozen=True)
class CoinEvidence(Evidence, kinds=("coin",)):
    """The side that came up more often."""

    favourite: str = ""


class CoinKind(Kind):
    """A share of heads."""

    headings = ("Heads", "Favourite", "Fair")
    decided = ("Coins", "By tossing.")
    columns = {"toy share": lambda cell, _: f"share {cell.estimate:.3f}"}

    def summary(self, finding):
        return Summary(f"{finding.estimate:.3f}", finding.evidence.favourite, "1/2")

    def tell(self, finding):
        return f"The coin prefers {finding.evidence.favourite}."

    def heights(self, finding, *, most=40):
        return (1.0,)

    def draw(self, axes, finding, *, most=40):
        axes.text(0.5, 0.5, "toy drawing")
        return "A coin."


KIND = CoinKind()
'''


def test_a_new_kind_is_one_file_of_the_report(
    single: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On page, terminal, CSV and TeX; and a ledger that holds it can be read where the claim is unknown."""

    (tmp_path / "coin.py").write_text(TOY, encoding="utf-8")
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    monkeypatch.setattr(Evidence, "of_kind", dict(Evidence.of_kind))
    kinds.kind_of("coin")
    evidence: Any = Evidence.of_kind["coin"]
    finding = replace(single.findings[0], kind="coin", evidence=evidence(favourite="heads"))
    path = tmp_path / "ledger.json"
    path.write_text(replace(single, findings=(finding,)).to_json(), encoding="utf-8")
    # As in a process of its own, where nobody has imported the kind yet.
    del sys.modules["mcstudy.report.kinds.coin"], Evidence.of_kind["coin"]
    ledger = read_ledger(path)
    assert ledger.findings[0].evidence.favourite == "heads"  # type: ignore[attr-defined]
    html = write_report(ledger, tmp_path).read_text(encoding="utf-8")
    share = f"{finding.estimate:.3f}"
    for expected in (
        "The coin prefers heads.",
        "<dt>Coins</dt><dd>By tossing.</dd>",
        f"share {share}",
        "toy drawing",
        "<dt>Heads</dt>",
    ):
        assert expected in html
    tables = tmp_path / "linearization" / "tables"
    assert f"heads ${share}$" in (tables / "findings.tex").read_text(encoding="utf-8")
    assert ",coin,CONFIRMED," in (tables / "findings.csv").read_text(encoding="utf-8")
    stream = StringIO()
    print_ledger(ledger, stream=stream)
    assert f"heads {share}, heads; fair 1/2" in stream.getvalue()


def test_only_the_kinds_ask_for_a_kind() -> None:
    """Everybody else hands it to `kind_of`: no comparison, no table of kinds, in Python or templates."""
    root = Path(kinds.__path__[0]).parent
    files = [
        path for suffix in ("py", "html") for path in root.rglob(f"*.{suffix}") if path.parent.name != "kinds"
    ]
    assert len(files) > 10
    names = "|".join(path.stem for path in (root / "kinds").glob("*.py") if path.stem != "__init__")
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert len(re.findall(r"\.kind\b", text)) == len(re.findall(r"kind_of\(finding\.kind\)", text)), (
            path.name
        )
        assert not re.findall(rf"[\"'](?:{names})[\"']", text), path.name
