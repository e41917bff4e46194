"""What tests of statistics share."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest


@pytest.fixture
def set_portion(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let portions be of another size in all modules that know theirs, so that small samples have many."""

    def to(size: int) -> None:
        for name, module in list(sys.modules.items()):
            if name.startswith("mcstudy.") and hasattr(module, "PORTION"):
                monkeypatch.setattr(module, "PORTION", size)

    return to
