"""Arrays in files: ordinary to NumPy, and no memory but for what is in work."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from mcstudy import Law, Rate, Scenario, Value, mean, proportion, quantile, rms, sd, variance
from mcstudy.claims.judging import judge
from mcstudy.draws import Draws, Sample
from mcstudy.statistics import Statistic, paged
from mcstudy.statistics.pools import PORTION, in_portions, mean_of, total

SIZE = 3 * PORTION + 5
pytestmark = pytest.mark.skipif(
    not hasattr(os, "posix_fallocate"), reason="this system has no files for arrays to lie in"
)


@pytest.fixture
def all_paged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paged, "LARGE", 8)


def laid(values: Any) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A copy in a file."""
    copy = paged.empty(len(values))
    copy[:] = values
    return copy


def resident() -> int:
    """Bytes of mapped files that this process holds."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = (line for line in lines if line.startswith("RssFile"))
    return 1024 * int(line.split()[1])


def test_only_large_arrays_lie_in_files() -> None:
    assert not paged.is_paged(paged.empty(paged.LARGE // 8 - 1))
    large = paged.empty(paged.LARGE // 8)
    assert paged.is_paged(large)
    assert paged.is_paged(np.asarray(large[7:][::2]))
    assert not paged.is_paged(large + 1.0)
    assert not paged.is_paged(np.frombuffer(b"8 bytes!"))


@pytest.mark.usefixtures("all_paged")
def test_values_stay_when_pages_are_left() -> None:
    array = paged.empty(SIZE)
    array[:] = np.arange(SIZE)
    paged.leave(array, array[5:], np.zeros(3))
    np.testing.assert_array_equal(array, np.arange(SIZE))
    np.testing.assert_array_equal(paged.taken(array, np.arange(SIZE)[::-3]), array[::-3])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="it is read in /proc")
def test_going_through_an_array_holds_a_portion_of_it() -> None:
    array, before = paged.empty(2**23), resident()
    in_portions(lambda portion: portion + 1.0, array, out=array)
    assert mean_of(array) == 1.0
    assert total(array, np.square) == array.size
    assert resident() - before < array.nbytes / 4
    float(np.sum(array))  # what is not in portions is held
    assert resident() - before > array.nbytes / 2


@pytest.mark.parametrize("name", ["posix_fallocate", "TemporaryFile"])
def test_without_room_for_a_file_an_array_lies_in_memory(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os if hasattr(os, name) else tempfile, name, full)
    array = paged.empty(paged.LARGE)
    assert array.shape == (paged.LARGE,)
    assert not paged.is_paged(array)


def test_a_file_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    array = paged.empty(paged.LARGE)
    assert paged.is_paged(array)
    assert not list(tmp_path.iterdir())


STATISTICS = [
    mean("x"),
    variance("x"),
    sd("x"),
    rms("x"),
    quantile("x", 0.9),
    quantile("x", 1e-5),
    proportion("hit"),
]


@pytest.mark.parametrize("of", STATISTICS, ids=lambda of: of.label)
def test_a_statistic_of_pages_is_that_of_an_array(of: Statistic, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).standard_exponential(SIZE)
    values = np.floor(values).clip(0.0, 1.0) if of.column == "hit" else values
    whole = of.estimate(values), of.limits(values, 1e-3), of.influence(values)
    monkeypatch.setattr(paged, "LARGE", 8)
    monkeypatch.setattr("mcstudy.statistics.ordering.RUN", 1000)
    pages = laid(values)
    assert of.estimate(pages) == whole[0]
    assert of.limits(pages, 1e-3) == whole[1]
    np.testing.assert_array_equal(of.influence(pages), whole[2])
    assert paged.is_paged(of.influence(pages))
    np.testing.assert_array_equal(pages, values)  # nobody has written into the draws


CLAIMS = [
    Value("value", "v", of=mean("x"), equals=1.0, margin=0.02),
    Value("quantile", "q", of=quantile("x", 0.9), equals=float(np.log(10.0)), margin=0.05),
    Rate("rate", "r", of=rms("error"), against="n", exponent=-0.5, margin=0.02),
    Law("law", "l", column="x", distribution=stats.expon(), margin=0.02),
    Law("lattice", "l", column="rounded", distribution=stats.expon(), margin=0.02),
]


def drawn(lay: Callable[[Any], Any]) -> Draws:
    samples = {}
    for n in (16, 64, 256, 1024):
        rng, scenario = np.random.default_rng(n), Scenario(n=n)
        x = rng.standard_exponential(SIZE)
        columns = {"x": x, "error": rng.standard_normal(SIZE) / np.sqrt(n), "rounded": np.round(x, 2)}
        valid = np.ones(SIZE, dtype=np.bool_)
        samples[scenario] = Sample(scenario, {name: lay(c) for name, c in columns.items()}, valid, SIZE)
    return Draws(samples)


def test_claims_on_pages_are_found_as_on_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = judge(CLAIMS, drawn(np.asarray))
    monkeypatch.setattr(paged, "LARGE", 8)
    monkeypatch.setattr("mcstudy.statistics.ordering.RUN", 10_000)
    found = judge(CLAIMS, drawn(laid))
    assert [repr(finding) for finding in found] == [repr(finding) for finding in whole]


@pytest.mark.usefixtures("all_paged")
def test_a_failed_replicate_brings_no_column_into_memory() -> None:
    x, valid = laid(np.random.default_rng(1).standard_normal(SIZE)), np.ones(SIZE, dtype=np.bool_)
    valid[5] = False
    sample = Sample(Scenario(n=1), {"x": x}, valid, SIZE)
    (values,) = sample.values("x")
    assert paged.is_paged(values)
    np.testing.assert_array_equal(values, np.delete(x, 5))
