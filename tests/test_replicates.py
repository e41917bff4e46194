"""How many replicates a scenario gets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mcstudy import Replicates
from mcstudy.exceptions import StudyError


@pytest.mark.parametrize(
    ("counts", "profile", "expected"),
    [
        ((1, 1, 1), "quick", (1,)),
        ((256, 1024, 16384), "quick", (256, 512, 1024)),
        ((3, 6, 24), "full", (3, 6, 12, 24)),
    ],
)
def test_stages_double_from_first_to_the_profile(
    counts: tuple[int, int, int], profile: str, expected: tuple[int, ...]
) -> None:
    first, quick, full = counts
    assert Replicates(first=first, quick=quick, full=full).stages(profile) == expected


def test_numpys_whole_numbers_count() -> None:
    counts = Replicates(first=np.int64(64), quick=np.int32(128), full=np.int64(256))  # type: ignore[arg-type]
    assert counts == Replicates(first=64, quick=128, full=256)
    assert type(counts.quick) is int


@pytest.mark.parametrize(
    ("counts", "match"),
    [
        ((0, 1, 1), "`first` must be a positive whole number of replicates, got 0"),
        ((True, 1, 1), "`first` must be a positive whole number of replicates, got True"),
        ((64, 64.0, 64), "`quick` must be a positive whole number of replicates, got 64.0"),
        ((64, 192, 256), r"`quick` must be `first` \(64\) times a power of two, got 192"),
        ((64, 64, 32), r"`full` must be `first` \(64\) times a power of two, got 32"),
        ((64, 100, 256), "`quick` must be"),
        ((64, 256, 128), r"`quick` must not exceed `full` \(128\), got 256"),
    ],
)
def test_replicates_refuse(counts: tuple[Any, Any, Any], match: str) -> None:
    with pytest.raises(StudyError, match=match):
        Replicates(first=counts[0], quick=counts[1], full=counts[2])
