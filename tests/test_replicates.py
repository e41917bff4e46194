"""How many replicates a scenario gets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from mcstudy import Replicates, mcse
from mcstudy.exceptions import StudyError


@pytest.mark.parametrize(
    ("replicates", "counts"),
    [
        (Replicates(1000), (1000, 1000, 1000)),
        (Replicates(64, quick=100), (64, 100, 100)),
        (Replicates(64, full=100), (64, 64, 100)),
        (Replicates(first=3, quick=7, full=7), (3, 7, 7)),
    ],
)
def test_what_is_not_said_is_as_many_as_before(replicates: Replicates, counts: tuple[int, int, int]) -> None:
    assert (replicates.first, replicates.quick, replicates.full) == counts
    assert (replicates.most("quick"), replicates.most("full")) == counts[1:]


@pytest.mark.parametrize(
    ("first", "quick", "tuned"), [(256, 1024, 512.0), (1000, 1000, 1000.0), (16, 64, 64.0)]
)
def test_limits_are_tightest_amid_the_looks_of_the_quick_profile(
    first: int, quick: int, tuned: float
) -> None:
    """But not before the first replicates on which a verdict may rest."""
    for full in (quick, 64 * quick):
        assert Replicates(first, quick=quick, full=full).tuned == pytest.approx(tuned)


def test_what_is_left_open_may_go_on_in_the_full_profile() -> None:
    replicates = Replicates(64, quick=128, full=256, at_most=1024)
    assert [replicates.most(profile) for profile in ("quick", "full")] == [128, 1024]
    assert [replicates.planned(profile) for profile in ("quick", "full")] == [128, 256]
    assert replicates.tuned == Replicates(64, quick=128, full=256).tuned


def test_numpys_whole_numbers_count() -> None:
    counts = Replicates(first=np.int64(64), quick=np.int32(128), full=np.int64(256))  # type: ignore[arg-type]
    assert counts == Replicates(first=64, quick=128, full=256)
    assert type(counts.quick) is int


@pytest.mark.parametrize(
    ("counts", "match"),
    [
        ((0, 1, 1), "`first` must be a positive whole number of replicates, got 0"),
        ((64, 0, 64), "`quick` must be a positive whole number of replicates, got 0"),
        ((True, 1, 1), "`first` must be a positive whole number of replicates, got True"),
        ((64, 64.0, 64), "`quick` must be a positive whole number of replicates, got 64.0"),
        ((64, False, 64), "`quick` must be a positive whole number of replicates, got False"),
        ((64, -64, 64), "`quick` must be a positive whole number of replicates, got -64"),
        ((64, 64, "256"), "`full` must be a positive whole number of replicates, got '256'"),
        ((64, 32, 256), r"`quick` must be at least `first` \(64\), got 32"),
        ((64, 256, 128), r"`full` must be at least `quick` \(256\), got 128"),
    ],
)
def test_replicates_refuse(counts: tuple[Any, Any, Any], match: str) -> None:
    with pytest.raises(StudyError, match=match):
        Replicates(first=counts[0], quick=counts[1], full=counts[2])


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(StudyError, match="`first` must be a positive whole number of replicates, got None"):
        Replicates()


@pytest.mark.parametrize(
    ("replicates", "counts"),
    [
        (Replicates(until=mcse(0.1), at_most=1000), (64, 1000, 1000)),
        (Replicates(500, until=mcse(0.1), at_most=1000), (500, 1000, 1000)),
        (Replicates(until=mcse(0.1), at_most=np.int64(32)), (32, 32, 32)),  # type: ignore[arg-type]
    ],
)
def test_a_precision_ends_both_profiles_alike(replicates: Replicates, counts: tuple[int, int, int]) -> None:
    assert (replicates.first, replicates.quick, replicates.full) == counts


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"until": 0.005, "at_most": 100}, r"`until` must be a precision, got 0.005; write until=mcse\(0.005\)"),
        ({"until": mcse(0.1)}, "`at_most` must be a positive whole number of replicates with `until`, got None"),
        ({"until": mcse(0.1), "at_most": 1e3}, "`at_most` must be a positive whole number .*, got 1000.0"),
        ({"first": 64, "at_most": 1e3}, "`at_most` must be a positive whole number of replicates, got 1000.0"),
        ({"at_most": 100}, "`at_most` must go with `until` or with `first`, got 100 alone; write until=mcse"),
        ({"first": 64, "at_most": 0}, "`at_most` must be a positive whole number of replicates, got 0"),
        ({"first": 64, "full": 128, "at_most": 100}, r"`at_most` must be at least `full` \(128\), got 100"),
        ({"until": mcse(0.1), "at_most": 100, "full": 200}, "`full` must be left out with `until`, got 200"),
        ({"until": mcse(0.1), "at_most": 100, "first": 200}, r"`quick` must be at least `first` \(200\), got 100"),
    ],
)  # fmt: skip
def test_precisions_refuse(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(StudyError, match=match):
        Replicates(**arguments)


@pytest.mark.parametrize("target", [0, -1.0, math.inf, math.nan, "0.1", True, None])
def test_a_target_is_a_positive_number(target: Any) -> None:
    with pytest.raises(StudyError, match="`target` must be a positive number, got "):
        mcse(target)


def test_a_target_is_for_names() -> None:
    with pytest.raises(StudyError, match=r"`of` must be ids of measures or claims, got \[1\]"):
        mcse(0.1, of=[1])  # type: ignore[list-item]
    assert mcse(0.1, of="power").of == mcse(0.1, of=["power"]).of == ("power",)


def test_a_standard_error_is_held_to_its_target() -> None:
    assert mcse(0.1).lacks(5.0, 0.2) == 2.0
    assert mcse(0.1, relative=True).lacks(-5.0, 1.0) == 2.0
    assert mcse(0.1, relative=True).lacks(0.0, 0.2) == 2.0
