"""What has been published stands as it was published: a later report that would say it otherwise needs another version."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcstudy.engine.verify import Target
from mcstudy.engine.verify.intact import intact
from mcstudy.engine.verify.levels import Outcome

PUBLISHED = Path(__file__).parents[2] / "reports" / "published"
LEDGERS = sorted(PUBLISHED.glob("*/*/ledger.json"))


@pytest.mark.parametrize("file", LEDGERS, ids=lambda file: "/".join(file.parts[-3:-1]))
def test_what_is_published_is_intact(file: Path) -> None:
    level = intact(Target(file)).level
    assert level.outcome is Outcome.VERIFIED, "\n".join(level.details)
