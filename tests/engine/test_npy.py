"""Columns as the bytes of npy files: whatever their names and however many, and always the same bytes."""

from __future__ import annotations

import numpy as np
import pytest

from mcstudy.engine.npy import from_npy, to_npy

NAMES = {
    "one": (["x"], 1),
    "beyond ASCII": (["ä"], 3),
    "beyond Latin-1": (["∞"], 3),
    "a thousand": ([f"x{n}" for n in range(1000)], 1),
    "thousands": ([f"column_{n}" for n in range(6000)], 2),
    "tens of thousands": ([f"column_{n}" for n in range(60_000)], 2),
    "thousands beyond Latin-1": ([f"∞{n}" for n in range(3000)], 3),
}


@pytest.mark.parametrize("case", NAMES)
def test_columns_come_back(case: str) -> None:
    names, version = NAMES[case]
    data = np.zeros(3, dtype=[(name, np.float64) for name in names])
    data[names[-1]] = [1.0, np.nan, -0.0]
    kept = to_npy(data)
    assert kept[6] == version  # digests are of these bytes: they stay what they were
    found = from_npy(kept)
    assert found.dtype == data.dtype
    assert found.tobytes() == data.tobytes()
    assert to_npy(found) == kept
