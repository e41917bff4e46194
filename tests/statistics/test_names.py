"""Names of columns: strings that are not empty, whatever the statistic; what else may be mistaken for one is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import mcstudy as mc
from mcstudy.exceptions import InputError

STATISTICS: dict[str, Callable[[Any], mc.Statistic]] = {
    "mean": mc.mean,
    "sd": mc.sd,
    "proportion": mc.proportion,
    "share_missing": mc.share_missing,
    "quantile": lambda name: mc.quantile(name, 0.5),
    "ratio": lambda name: mc.ratio("x", name),
    "coverage": lambda name: mc.coverage("low", name, 0.0),
    "bias_eliminated_coverage": lambda name: mc.bias_eliminated_coverage("low", "high", name),
    "conditional": lambda name: mc.conditional(mc.mean("x"), given=name),
    "difference": lambda name: mc.mean("x") - mc.mean(name),
}


@pytest.mark.parametrize("name", [3, None, "", b"x", ("x",)], ids=repr)
@pytest.mark.parametrize("make", STATISTICS.values(), ids=STATISTICS)
def test_what_is_no_name_is_refused(make: Callable[[Any], mc.Statistic], name: Any) -> None:
    with pytest.raises(InputError, match="`column` must be the name of one, got"):
        make(name)


@pytest.mark.parametrize("probability", [None, "0.5", 0, 1, 1.5, True, float("nan")], ids=repr)
def test_a_quantile_is_of_a_probability(probability: Any) -> None:
    with pytest.raises(InputError, match="`probability` must lie strictly between 0 and 1, got"):
        mc.quantile("x", probability)


@pytest.mark.parametrize("of", ["g", None, 1.0, mc.mean], ids=["text", "nothing", "number", "function"])
def test_a_condition_is_on_a_statistic(of: Any) -> None:
    with pytest.raises(InputError, match=r"`of` must be a statistic, got .*write mean\('x'\)"):
        mc.conditional(of, given="converged")
