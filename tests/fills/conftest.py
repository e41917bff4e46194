"""A process that has filled nothing yet, and one that uses compiled loops at once."""

from __future__ import annotations

import pytest

from mcstudy.fills import compiled


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A process that has loaded no loops and was told nothing; what is set through it is taken back."""
    monkeypatch.setattr(compiled, "_process", compiled._Process())
    monkeypatch.delenv(compiled.SWITCH, raising=False)
    return monkeypatch


@pytest.fixture
def at_once(fresh: pytest.MonkeyPatch) -> None:
    """A process that was told to load the loops for its first fill."""
    fresh.setenv(compiled.SWITCH, "1")
