"""Arrays in files: ordinary to NumPy, and no memory but for what is in work."""

from __future__ import annotations

import os
import tempfile
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mcstudy import (
    AtMost,
    Bound,
    Contrast,
    Identity,
    Law,
    Measure,
    Rate,
    SameLaw,
    Scenario,
    Value,
    bias,
    bias_eliminated_coverage,
    conditional,
    correlation,
    covariance,
    coverage,
    custom,
    empirical_se,
    mean,
    model_se,
    mse,
    power,
    proportion,
    quantile,
    ratio,
    relative_bias,
    relative_error,
    relative_precision,
    rms,
    rmse,
    sd,
    share_missing,
    variance,
    width,
)
from mcstudy.claims.claim import Claim
from mcstudy.claims.judging import judge
from mcstudy.draws import Draws, Sample
from mcstudy.statistics import Statistic, paged
from mcstudy.statistics.performance import summarise
from mcstudy.statistics.pools import mean_of, total
from mcstudy.statistics.portions import PORTION, in_portions
from mcstudy.statistics.several import joined

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


SEVERAL = [
    bias("x", "y"),
    relative_bias("x", "spread"),
    mse("x", 0.5),
    rmse("x", "y"),
    empirical_se("x"),
    model_se("spread"),
    correlation("x", "y"),
    covariance("x", "y"),
    ratio("y", "spread"),
    relative_error("spread", "x"),
    relative_precision("x", "y"),
    coverage("x", "above", 0.5),
    bias_eliminated_coverage("x", "above", "y"),
    width("x", "above"),
    power("p", 0.05),
    share_missing("gaps"),
    conditional(correlation("x", "y"), given="kept"),
    mean("x", control=("y", "spread"), expectation=(0.0, 1.05)),
    mean("x") + 2.0 * sd("y"),
]


def several(size: int, lay: Callable[[Any], Any]) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    x, z = rng.standard_normal((2, size))
    y = 0.6 * x + 0.8 * z
    columns = {
        "x": x,
        "y": y,
        "spread": np.exp(0.3 * z),
        "above": x + np.exp(0.3 * z),
        "p": rng.random(size),
        "gaps": np.where(y > 1.0, np.nan, y),
        "kept": np.where(z > 0.0, 1.0, 0.0),
        "bounded": np.tanh(x),
        "one": np.ones(size),
    }
    return {name: lay(column) for name, column in columns.items()}


@pytest.mark.parametrize("of", SEVERAL, ids=lambda of: of.label)
def test_a_statistic_of_several_columns_is_that_of_arrays(
    of: Statistic, monkeypatch: pytest.MonkeyPatch, set_portion: Callable[[int], None]
) -> None:
    """On pages to the last bit; in smaller portions, which sum in another order, to rounding."""
    arrays = several(SIZE, np.asarray)
    values = joined([arrays[name] for name in of.columns])
    whole = of.estimate(values), of.limits(values, 1e-3), of.influence(values)
    monkeypatch.setattr(paged, "LARGE", 8)
    pages = several(SIZE, laid)
    found = joined([pages[name] for name in of.columns])
    assert paged.is_paged(found)
    assert of.estimate(found) == whole[0]
    assert of.limits(found, 1e-3) == whole[1]
    np.testing.assert_array_equal(of.influence(found), whole[2])
    for name in of.columns:
        np.testing.assert_array_equal(pages[name], arrays[name])  # nobody has written into the draws
    set_portion(10_000)
    estimate, limits = of.estimate(found), of.limits(found, 1e-3)
    near = partial(pytest.approx, rel=1e-9, abs=1e-12)
    assert (estimate.value, estimate.mcse) == near((whole[0].value, whole[0].mcse))
    assert limits[:2] == near(whole[1][:2])
    np.testing.assert_allclose(of.influence(found), whole[2], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", [PORTION, PORTION + 1])
def test_large_samples_have_the_errors_that_summaries_have(size: int) -> None:
    """What holds all replicates gives way to what does not where they are many, and nobody sees the seam."""
    columns = several(size, np.asarray)
    frame = pd.DataFrame(
        {
            "method": np.repeat(["x", "y"], size),
            "replicate": np.tile(np.arange(size), 2),
            "estimate": np.concatenate([columns["x"], columns["y"]]),
            "se": np.tile(columns["spread"], 2),
            "low": np.tile(columns["x"], 2),
            "high": np.tile(columns["above"], 2),
        }
    )
    told = summarise(
        frame,
        estimate="estimate",
        se="se",
        truth=0.5,
        lower="low",
        upper="high",
        by="method",
        reference="y",
        replicate="replicate",
    ).set_index(["method", "measure"])
    statistics = {
        "empirical_se": empirical_se("x"),
        "relative_error": relative_error("spread", "x"),
        "relative_precision": relative_precision("x", "y"),
        "coverage": coverage("x", "above", 0.5),
    }
    for measure, of in statistics.items():
        found = of.estimate(joined([columns[name] for name in of.columns]))
        expected = [told.loc[("x", measure), name] for name in ("estimate", "mcse")]
        assert [found.value, found.mcse] == pytest.approx(expected, rel=1e-9), measure


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch, set_portion: Callable[[int], None]) -> None:
    """Every array in a file, and little in work at once, so that what is held whole shows."""
    monkeypatch.setattr(paged, "LARGE", 8)
    monkeypatch.setattr("mcstudy.statistics.ordering.RUN", 2**12)
    set_portion(2**12)


LARGE_CLAIMS: list[Claim] = [
    Bound("bound", "b", column="x", at_most="above", rounding="spread"),
    Identity("identity", "i", column="bounded", tolerance=2.0),
    Value("paired-with-theory", "v", of=mean("y"), equals="x", margin=0.1),
    Value("in-a-range", "v", of=mean("bounded"), equals=0.0, range=(-1.0, 1.0), margin=0.1),
    Value("constant", "v", of=mean("one"), equals=1.0, constant=True, margin=0.1),
    Value("missing", "v", of=covariance("gaps", "x"), equals=0.3, margin=1.0, allowed_missing=0.5),
    AtMost("at-most", "m", of=mse("x", "y"), at_most=9.0),
    SameLaw("same-law", "l", column="y", across="n", margin=0.1),
    Contrast("paired", "c", of=correlation("x", "y"), across="n", levels=(1, 2), equals=0.0, margin=0.1),
]


def samples_of(size: int) -> dict[Scenario, Sample]:
    valid = np.ones(size, dtype=np.bool_)
    return {
        Scenario(n=n): Sample(Scenario(n=n), several(size, laid), valid, size, missing=("gaps",))
        for n in (1, 2)
    }


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("common", [(), ("n",)])
@pytest.mark.parametrize("claim", LARGE_CLAIMS, ids=lambda claim: claim.id)
def test_no_claim_holds_a_column(claim: Claim, common: tuple[str, ...]) -> None:
    """Of two samples: what it holds of both grows by less than a column and a quarter of one."""
    held = [held_by(partial(judge, [claim], Draws(samples_of(size), common=common))) for size in SIZES]
    assert held[1] - held[0] < 1.25 * 8 * (SIZES[1] - SIZES[0])


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("of", [*STATISTICS[:-1], *SEVERAL], ids=lambda of: of.label)
def test_no_statistic_holds_a_column(of: Statistic) -> None:
    held = [held_by(partial(summary_of, of, samples_of(size)[Scenario(n=1)])) for size in SIZES]
    assert held[1] - held[0] < 0.75 * 8 * (SIZES[1] - SIZES[0])


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize(
    "measure",
    [Measure("bias", of=bias("x", "y")), Measure("zip", of=coverage("x", "above", 0.5), zip=True)],
    ids=lambda measure: measure.id,
)
def test_no_measure_holds_a_column(measure: Measure) -> None:
    """Of two samples, as a claim: the intervals of a zip plot are chosen from the beginning."""
    held = [held_by(partial(measure.take, Draws(samples_of(size)))) for size in SIZES]
    assert held[1] - held[0] < 1.25 * 8 * (SIZES[1] - SIZES[0])


@pytest.mark.usefixtures("small_pieces")
def test_what_holds_a_column_is_seen_to() -> None:
    """A function of its own is given whole columns, as the manual says."""
    of = custom("x", lambda x: float(np.mean(x)))
    held = [held_by(partial(summary_of, of, samples_of(size)[Scenario(n=1)])) for size in SIZES]
    assert held[1] - held[0] > 8 * (SIZES[1] - SIZES[0])


# Tails are judged by the largest values, three times the square root: what they take grows too, half as fast as this.
SIZES = 2**16, 2**18


def summary_of(of: Statistic, sample: Sample) -> object:
    return of.summary(sample.taken(of))


def held_by(work: Callable[[], object]) -> int:
    """The most bytes of arrays in memory while something is done, what it imports left out."""
    work()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
