"""Rows are paired with those of the reference, by place or by name."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mcstudy.exceptions import InputError
from mcstudy.statistics.performance import summarise


def two_methods(seed: int = 1, size: int = 20) -> pd.DataFrame:
    """A method that adds noise to the reference, in two scenarios."""
    rng = np.random.default_rng(seed)
    parts = []
    for n in (1, 2):
        b = rng.normal(size=size)
        for method, estimates in (("ref", b), ("other", b + 0.3 * rng.normal(size=size))):
            parts.append(pd.DataFrame({"n": n, "m": method, "i": np.arange(size), "b": estimates}))
    return pd.concat(parts, ignore_index=True)


COLUMNS = ("n", "m", "estimate", "mcse")


def precision(frame: pd.DataFrame, reference: Any = "ref", **options: Any) -> dict[Any, list[float]]:
    """Relative precision and its error, of each scenario and method."""
    arguments: dict[str, Any] = {"estimate": "b", "truth": 0.0, "by": ["n", "m"], "reference": reference}
    table = summarise(frame, **(arguments | options))
    rows = table[table["measure"] == "relative_precision"]
    return {(n, m): [x, error] for n, m, x, error in zip(*(rows[c] for c in COLUMNS), strict=True)}


def check_same(found: dict[Any, list[float]], expected: dict[Any, list[float]]) -> None:
    assert found.keys() == expected.keys()
    np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=1e-9)


@pytest.mark.parametrize("errors", ["robust", "normal"])
def test_by_name_and_by_place_are_the_same_in_order_only(errors: str) -> None:
    frame = two_methods()
    by_place = precision(frame, mcse=errors)
    shuffled = frame.sample(frac=1, random_state=1)
    by_name = precision(shuffled, replicate="i", mcse=errors)
    check_same(by_place, by_name)
    # The control: places of the shuffled rows pair strangers.
    strangers = precision(shuffled, mcse=errors)
    assert strangers[1, "other"][1] > 1.5 * by_place[1, "other"][1]


def test_names_may_be_of_any_type() -> None:
    frame = two_methods()
    expected = precision(frame)
    frame["i"] = "draw " + frame["i"].astype(str)
    check_same(precision(frame, replicate="i"), expected)


def test_reference_may_be_given_by_its_column() -> None:
    frame = two_methods()
    check_same(precision(frame, {"m": "ref"}), precision(frame))
    across = precision(frame, {"n": 2, "m": "ref"})
    assert np.isfinite(list(across.values())).all()
    assert across[2, "ref"] == [0.0, 0.0]
    assert across[1, "ref"][1] > 0


def test_missing_level_has_a_reference_of_its_own() -> None:
    frame = two_methods()
    expected = precision(frame)
    found = precision(frame.assign(n=frame["n"].where(frame["n"] == 1)))
    np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=1e-9)


def test_group_without_its_reference_is_nan() -> None:
    frame = two_methods()
    frame = frame[(frame["n"] == 1) | (frame["m"] == "other")]
    found = precision(frame)
    assert np.isnan(found[2, "other"]).all()
    assert np.isfinite(found[1, "other"]).all()


@pytest.mark.parametrize("errors", ["robust", "normal"])
def test_absent_rows_are_missing_estimates(errors: str) -> None:
    frame = two_methods()
    gaps = (frame["i"] % 5 == 0) & (frame["m"] == "other") | (frame["i"] == 3) & (frame["m"] == "ref")
    missing = frame.assign(b=frame["b"].mask(gaps))
    check_same(precision(missing, mcse=errors), precision(frame[~gaps], replicate="i", mcse=errors))


def test_methods_that_share_no_replicate_are_independent() -> None:
    frame = two_methods()
    frame["i"] += np.where(frame["m"] == "ref", 100, 0)
    b = {m: frame.loc[(frame["n"] == 1) & (frame["m"] == m), "b"].to_numpy() for m in ("ref", "other")}
    # The variance of a log variance is that of the squares over their squared mean; two of them add up.
    relative = [np.var((x - x.mean()) ** 2) / np.var(x) ** 2 / x.size for x in b.values()]
    expected = np.var(b["ref"]) / np.var(b["other"]) * math.sqrt(sum(relative))
    assert precision(frame, replicate="i")[1, "other"][1] == pytest.approx(expected, rel=1e-9)
    assert math.isnan(precision(frame, replicate="i", mcse="normal")[1, "other"][1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"reference": "nobody"},
            r"`reference` must be a level of a `by` column, got 'nobody'; .* m: 'other', 'ref'",
        ),
        ({"reference": {"n": 3}}, r"`reference` must be among the groups, got \{'n': 3\}; no row has"),
        ({"reference": {"i": 3}}, "`reference` must name `by` columns, got 'i'; they are 'n', 'm'"),
        ({"by": ()}, "`reference` must be a level of a `by` column, got 'ref'; there are no `by` columns"),
        ({"replicate": "j"}, "`replicate` must name a column of `frame`, got 'j'"),
        ({"replicate": "m"}, "`replicate` must differ within a group, got 'ref' twice"),
        ({"replicate": "hole"}, "`replicate` must not be missing, got 'hole' with gaps"),
    ],
)
def test_what_cannot_be_paired_is_refused(options: dict[str, Any], message: str) -> None:
    frame = two_methods().assign(hole=math.nan)
    with pytest.raises(InputError, match=message):
        precision(frame, **options)


def test_a_level_of_two_columns_is_refused() -> None:
    frame = two_methods()
    frame["k"] = frame["n"] + 1
    with pytest.raises(
        InputError, match=r"`reference` must be a level of one `by` column, got 2, .* reference=\{'n': 2\}"
    ):
        precision(frame, 2, by=["n", "m", "k"])


def test_groups_of_unequal_size_are_not_paired_by_place() -> None:
    with pytest.raises(InputError, match=r"as many rows .* got 19 and 20; .* replicate=\.\.\."):
        precision(two_methods().drop(index=20))
