"""Performance measures against the printed output of simsum, and against loops over the definitions."""

import itertools
import math
import statistics
import time
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from mcstudy.statistics.performance import summarise

MEASURES = [
    "bias",
    "relative_bias",
    "empirical_se",
    "mse",
    "rmse",
    "model_se",
    "relative_error",
    "relative_precision",
    "coverage",
    "bias_eliminated_coverage",
    "power",
    "ci_width",
]

# What simsum 2.3.1 prints for its own test data, 100 replicates of two methods, with `true(0) mcse`: estimate and
# error of the first method, then of the second. Shares and relative measures are in per cent.
PRINTED = {
    "bias": ("-.0119478", ".02102", "-.0117727", ".0206127"),
    "empirical_se": (".2101996", ".0149382", ".2061269", ".0146488"),
    "relative_precision": ("0", "0", "3.990678", ".1219183"),
    "mse": (".0438848", ".0070259", ".042202", ".0067567"),
    "rmse": (".2094869", ".0167692", ".2054313", ".0164451"),
    "model_se": (".2058237", ".0014974", ".2016575", ".0014092"),
    "ci_width": (".8047793", ".0057556", ".7886414", ".0054198"),
    "relative_error": ("-2.081764", "6.995112", "-2.168266", "6.98613"),
    "coverage": ("92", "2.712932", "92", "2.712932"),
    "power": ("8", "2.712932", "8", "2.712932"),
}
PRINTED_WITH_T5 = PRINTED | {
    "ci_width": ("1.055505", ".0075487", "1.034339", ".0071084"),
    "coverage": ("99", ".9949874", "98", "1.4"),
    "power": ("1", ".9949874", "2", "1.4"),
}
PERCENTAGES = ("relative_precision", "relative_error", "coverage", "power")
# simsum stores variances and both standard errors in single precision before it subtracts their ratio from 1:
# three roundings of 2^-25 or so, times 100. That changes the last of its digits; doing the same in NumPy changes ours
# to what it prints.
SINGLE = 100 * 3 * 2.0**-25


def half_digit(printed: str) -> float:
    """Stata shows seven significant digits, and no more than seven decimals: half of the last one."""
    magnitude = math.floor(math.log10(abs(float(printed)) or 1.0))
    return 0.5 * 10.0 ** -min(7, 6 - magnitude)


def disagreements(df: float | None, printed: Mapping[str, tuple[str, ...]], **changes: Any) -> list[str]:
    """The measures of which some number is not the printed one.

    The sample was made up to have the moments of simsum's data that its output depends on: means, squares and
    fourth powers of estimates and standard errors, the product of both estimates, and the numbers of intervals
    that cover.
    """
    wide = pd.read_csv(Path(__file__).parents[1] / "reference" / "simsum_moments.csv")
    frame = pd.concat(pd.DataFrame({"method": m, "b": wide[f"b_{m}"], "se": wide[f"se_{m}"]}) for m in (1, 2))
    options: dict[str, Any] = {"by": "method", "reference": 1, "mcse": "normal", **changes}
    table = summarise(frame, estimate="b", se="se", truth=0.0, df=df, **options)
    wrong = []
    for name, cells in printed.items():
        ours = table.loc[table["measure"] == name, ["estimate", "mcse"]].to_numpy().ravel()
        ours = 100 * ours if name in PERCENTAGES else ours
        single = [SINGLE, 0, SINGLE, 0] if name == "relative_error" else [0, 0, 0, 0]
        allowed = [half_digit(cell) + extra for cell, extra in zip(cells, single, strict=True)]
        if not np.all(np.abs(ours - [float(cell) for cell in cells]) <= allowed):
            wrong.append(name)
    return wrong


@pytest.mark.parametrize(("df", "printed"), [(None, PRINTED), (5, PRINTED_WITH_T5)])
def test_against_printed_output_of_simsum(df: float | None, printed: Mapping[str, tuple[str, ...]]) -> None:
    assert disagreements(df, printed) == []


def test_a_wrong_convention_is_seen_in_the_printed_digits() -> None:
    assert disagreements(6, PRINTED_WITH_T5) == ["ci_width", "coverage", "power"]
    assert disagreements(None, PRINTED, level=0.9501) == ["ci_width"]
    assert disagreements(None, PRINTED, reference=2) == ["relative_precision"]
    assert disagreements(None, PRINTED, mcse="robust") == [
        "empirical_se",
        "relative_precision",
        "relative_error",
    ]


def draws(rng: np.random.Generator, replicates: int, missing: float = 0.0) -> pd.DataFrame:
    """Three methods on the same skewed data in two scenarios; rows in disorder."""
    parts = []
    for n, method in itertools.product((10, 40), "abc"):
        common = np.random.default_rng(n).standard_exponential(replicates)
        estimate = 2 + (common + 0.3 * rng.normal(size=replicates)) / math.sqrt(n)
        se = np.sqrt(rng.chisquare(5, replicates) / 5 / n) * (1 + 0.2 * common)
        part = pd.DataFrame({"n": n, "method": method, "b": estimate, "se": se, "i": np.arange(replicates)})
        part["truth"] = np.where(part["i"] % 2 == 0, 2.0, 2.1)
        part["p"] = rng.random(replicates)
        parts.append(part)
    frame = pd.concat(parts, ignore_index=True)
    for column in ("b", "se", "p"):
        frame.loc[rng.random(len(frame)) < missing, column] = math.nan
    return frame.sample(frac=1, random_state=1)


def mean_and_error(values: list[float]) -> tuple[float, float]:
    return statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values))


def share_and_error(hits: list[bool]) -> tuple[float, float]:
    share = sum(hits) / len(hits)
    if share in (0, 1):
        return share, float(beta(0.5, len(hits) + 0.5).std())
    return share, math.sqrt(share * (1 - share) / len(hits))


def ratio_error(top: dict[int, float], bottom: dict[int, float]) -> float:
    """Relative error of a ratio of two means, summed replicate by replicate."""
    total = 0.0
    for i in top.keys() | bottom.keys():
        influence = 0.0
        if i in top:
            influence += top[i] / sum(top.values()) - 1 / len(top)
        if i in bottom:
            influence -= bottom[i] / sum(bottom.values()) - 1 / len(bottom)
        total += influence**2
    return math.sqrt(total)


def squares(estimates: dict[int, float]) -> dict[int, float]:
    center = statistics.fmean(estimates.values())
    return {i: (b - center) ** 2 for i, b in estimates.items()}


def by_loops(frame: pd.DataFrame, group: Any, reference: str) -> dict[str, tuple[float, float]]:
    """All measures of one group from their definitions, one replicate at a time; errors are robust."""
    rows = frame[(frame["n"] == group[0]) & (frame["method"] == group[1])]
    others = frame[(frame["n"] == group[0]) & (frame["method"] == reference)]
    b = {int(i): float(x) for i, x in zip(rows["i"], rows["b"], strict=True) if x == x}
    ref = {int(i): float(x) for i, x in zip(others["i"], others["b"], strict=True) if x == x}
    se = {int(i): float(x) for i, x in zip(rows["i"], rows["se"], strict=True) if x == x}
    truth = dict(zip(rows["i"], rows["truth"], strict=True))
    half = {i: 1.959963984540054 * se[i] for i in b if i in se}
    center, sd = statistics.fmean(b.values()), statistics.stdev(b.values())
    k = len(b) / (len(b) - 1)
    mse = mean_and_error([(b[i] - truth[i]) ** 2 for i in b])
    variance = mean_and_error([k * x for x in squares(b).values()])
    model = mean_and_error([x**2 for x in se.values()])
    error = math.sqrt(model[0]) / sd
    precision = (statistics.stdev(ref.values()) / sd) ** 2
    return {
        "bias": mean_and_error([b[i] - truth[i] for i in b]),
        "relative_bias": mean_and_error([b[i] / truth[i] - 1 for i in b]),
        "empirical_se": (sd, variance[1] / (2 * sd)),
        "mse": mse,
        "rmse": (math.sqrt(mse[0]), mse[1] / (2 * math.sqrt(mse[0]))),
        "model_se": (math.sqrt(model[0]), model[1] / (2 * math.sqrt(model[0]))),
        "relative_error": (
            error - 1,
            k * error / 2 * ratio_error({i: x**2 for i, x in se.items()}, squares(b)),
        ),
        "relative_precision": (precision - 1, precision * ratio_error(squares(ref), squares(b))),
        "coverage": share_and_error([abs(b[i] - truth[i]) <= half[i] for i in half]),
        "bias_eliminated_coverage": share_and_error([abs(b[i] - center) <= half[i] for i in half]),
        "power": share_and_error([abs(b[i] - 1.8) > half[i] for i in half]),
        "ci_width": mean_and_error([2 * x for x in half.values()]),
    }


def summarised(frame: pd.DataFrame, **options: Any) -> pd.DataFrame:
    arguments: dict[str, Any] = {
        "estimate": "b",
        "se": "se",
        "truth": "truth",
        "by": ["n", "method"],
        "null": 1.8,
    }
    arguments |= {"reference": "b", "replicate": "i"}
    return summarise(frame, **(arguments | options))


def differing(rows: pd.DataFrame, expected: dict[str, tuple[float, float]]) -> list[str]:
    """The measures of one group that are not as expected."""
    wrong = []
    for name, estimate, mcse in zip(rows["measure"], rows["estimate"], rows["mcse"], strict=True):
        # A reference compared with itself differs by exactly 0; the loops add up roundings.
        if (estimate, mcse) != pytest.approx(expected[name], rel=1e-9, abs=1e-12):
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_against_loops(missing: float) -> None:
    frame = draws(np.random.default_rng(1), 60, missing)
    table = summarised(frame)
    assert list(table.columns) == ["n", "method", "measure", "estimate", "mcse"]
    assert table["measure"].tolist() == MEASURES * 6
    for group, rows in table.groupby(["n", "method"]):
        assert differing(rows, by_loops(frame, group, "b")) == [], group


def test_a_wrong_denominator_is_seen_by_the_loops() -> None:
    """The control: a missing standard error, or p-value, must not drop the estimate."""
    frame = draws(np.random.default_rng(1), 60, 0.2)
    complete = summarised(frame.dropna())
    rows = complete[(complete["n"] == 10) & (complete["method"] == "a")]
    assert set(differing(rows, by_loops(frame, (10, "a"), "b"))) >= set(MEASURES) - {"power", "coverage"}


def robust_errors_of_simsum(b: np.ndarray, se: np.ndarray, ref: np.ndarray) -> list[float]:
    """As its Stata code adds up sums of products, without any influence function."""
    n = b.size
    k = n / (n - 1)
    own, other, variance = (b - b.mean()) ** 2, (ref - ref.mean()) ** 2, se**2

    def ratio(top: np.ndarray, bottom: np.ndarray) -> float:
        r = top.sum() / bottom.sum()
        square = (top @ top) - 2 * r * (top @ bottom) + r**2 * (bottom @ bottom)
        return float(math.sqrt(square) / bottom.sum())

    error = math.sqrt(variance.mean()) / b.std(ddof=1)
    return [
        math.sqrt(k) * ratio(k * own, np.ones(n)) / (2 * b.std(ddof=1)),
        ratio(variance, own) / (2 * error),
        ratio(other, own),
    ]


def test_against_robust_errors_of_simsum() -> None:
    frame = draws(np.random.default_rng(2), 50)
    table = summarised(frame)
    columns = {key: rows.sort_values("i") for key, rows in frame.groupby(["n", "method"])}
    for (n, method), rows in table.groupby(["n", "method"]):
        if method == "b":
            continue
        own, reference = columns[n, method], columns[n, "b"]
        expected = robust_errors_of_simsum(*(x.to_numpy() for x in (own["b"], own["se"], reference["b"])))
        errors = rows.set_index("measure")["mcse"]
        ours = errors[["empirical_se", "relative_error", "relative_precision"]].tolist()
        assert ours == pytest.approx(expected, rel=1e-9)


def test_invariant_to_order_of_rows_and_of_groups() -> None:
    frame = draws(np.random.default_rng(3), 40, 0.1)
    table = summarised(frame)
    numbers = ["estimate", "mcse"]
    shuffled = summarised(frame.sample(frac=1, random_state=2))
    np.testing.assert_allclose(table[numbers], shuffled[numbers], rtol=1e-9, atol=1e-12)
    turned = summarised(frame, by=["method", "n"]).sort_values(["n", "method"], kind="stable")
    np.testing.assert_allclose(table[numbers], turned[numbers], rtol=1e-9, atol=1e-12)


def test_of_one_group_without_by_is_the_same_as_with_it() -> None:
    frame = draws(np.random.default_rng(4), 40)
    frame = frame[(frame["n"] == 10) & (frame["method"] == "a")]
    alone = summarise(frame, estimate="b", se="se", truth=2.0)
    grouped = summarise(frame, estimate="b", se="se", truth=2.0, by="method")
    assert list(alone.columns) == ["measure", "estimate", "mcse"]
    pd.testing.assert_frame_equal(alone, grouped.drop(columns="method"))


@pytest.mark.parametrize(
    ("given", "absent"),
    [
        ({}, {"model_se", "relative_error", "coverage", "bias_eliminated_coverage", "power", "ci_width"}),
        ({"se": "se"}, set()),
        (
            {"p_value": "p"},
            {"model_se", "relative_error", "coverage", "bias_eliminated_coverage", "ci_width"},
        ),
        ({"lower": "b"}, {"model_se", "relative_error", "ci_width"}),
    ],
)
def test_measures_are_those_that_the_columns_define(given: dict[str, Any], absent: set[str]) -> None:
    frame = draws(np.random.default_rng(5), 10)
    table = summarise(frame, estimate="b", truth=2.0, **given)
    assert table["measure"].tolist() == [m for m in MEASURES if m not in absent | {"relative_precision"}]


def test_missing_level_is_a_level_and_absent_groups_stay_absent() -> None:
    frame = pd.DataFrame({"m": ["a", "a", None, None], "n": [1, 1, 2, 2], "b": [0.0, 1.0, 2.0, 3.0]})
    frame["m"] = frame["m"].astype(pd.CategoricalDtype(["a", "unused"]))
    table = summarise(frame, estimate="b", truth=0.5, by=["m", "n"])
    bias = table[table["measure"] == "bias"]
    assert bias["estimate"].tolist() == [0.0, 2.0]
    assert bias["m"].isna().tolist() == [False, True]


def cost(groups: int, rows: int) -> tuple[float, int]:
    """Seconds and peak of memory, of the best of three."""
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"g": np.arange(rows) % groups, "b": rng.normal(size=rows), "se": rng.random(rows)})
    seconds, peaks = [], []
    for _ in range(3):
        start = time.perf_counter()
        summarise(frame, estimate="b", se="se", truth=1.0, by="g", reference=0)
        seconds.append(time.perf_counter() - start)
        tracemalloc.start()
        summarise(frame, estimate="b", se="se", truth=1.0, by="g", reference=0)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return min(seconds), min(peaks)


def test_cost_grows_with_rows_not_with_groups() -> None:
    few, many, longer = cost(2, 50_000), cost(2500, 50_000), cost(2, 500_000)
    # A loop over groups takes about a thousand times as long for a thousand times as many.
    assert many[0] < 20 * few[0]
    # Ten times the rows take ten times the memory, in arrays of a few numbers a row.
    assert longer[1] < 12 * few[1]
    assert longer[1] < 500_000 * 8 * 30


@pytest.mark.parametrize("order", [[0, 1, 2], [0, 2, 1], [2, 0, 1]])
def test_an_infinite_limit_gives_the_same_in_every_order(order: list[int]) -> None:
    frame = pd.DataFrame({"low": [0.0, 0.0, 0.0], "high": [1.0, 2.0, math.inf], "e": [0.5, 1.0, 1.5]})
    table = summarise(frame.iloc[order], estimate="e", truth=1.0, lower="low", upper="high")
    row = table.set_index("measure").loc["ci_width"]
    assert row["estimate"] == math.inf
    assert row["mcse"] == math.inf
