"""`each`: one replicate at a time makes blocks, whose replicates neither see nor harm each other."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import mcstudy as mc
from mcstudy.exceptions import StudyError
from mcstudy.one_by_one import BrokenRuleError

SIZE = 8


def block(function: Any, size: int = SIZE, seed: int = 1, **factors: Any) -> dict[str, Any]:
    return mc.each(function)(np.random.default_rng(seed), size, **factors)


def normal(rng: np.random.Generator, *, n: int = 1) -> dict[str, Any]:
    return {"x": n * rng.normal(), "large": rng.random() > 0.5}


def test_a_block_holds_what_each_replicate_returns() -> None:
    found = block(normal, n=3)
    streams = np.random.default_rng(1).spawn(SIZE)
    np.testing.assert_array_equal(found["x"], [3 * rng.normal() for rng in streams])
    assert found["large"].dtype == np.bool_
    assert found["failure"] == [""] * SIZE


def thirsty(rng: np.random.Generator, *, numbers: int = 0, failing: int = -1) -> dict[str, float]:
    """Draws more numbers where the first one is negative, and raises at one that is told by its value."""
    first = rng.normal()
    if first < 0:
        rng.normal(size=numbers)
    if failing >= 0 and first > 1:
        raise ZeroDivisionError
    return {"first": first, "last": rng.normal()}


def test_a_replicate_has_a_stream_of_its_own() -> None:
    """What one draws hangs neither on what others took nor on whether they failed; a block of more has the same first."""
    calm, greedy, failing = block(thirsty), block(thirsty, numbers=1000), block(thirsty, failing=1)
    failed = np.array([bool(reason) for reason in failing["failure"]])
    assert 0 < np.count_nonzero(failed) < SIZE
    np.testing.assert_array_equal(calm["first"], greedy["first"])
    negative = calm["first"] < 0
    assert np.all((calm["last"] == greedy["last"]) == ~negative)
    for name in ("first", "last"):
        np.testing.assert_array_equal(failing[name], np.where(failed, np.nan, calm[name]))
        np.testing.assert_array_equal(block(thirsty, 2 * SIZE)[name][:SIZE], calm[name])


def test_streams_are_independent() -> None:
    """Of 4,096 normal draws, one a stream, mean and neighbours' correlation are within 4 standard errors of 0."""
    x = block(normal, 4096)["x"]
    assert abs(np.mean(x)) < 4 / 64
    assert abs(np.mean(x[1:] * x[:-1])) < 4 / 64


def raising(rng: np.random.Generator) -> dict[str, float]:
    if rng.normal() > 0:
        message = "did not converge"
        raise RuntimeError(message)
    return {"x": 1.0}


def test_a_replicate_that_raises_fails_alone_with_its_traceback() -> None:
    found = block(raising)
    failed = [reason for reason in found["failure"] if reason]
    assert 0 < len(failed) < SIZE
    assert set(failed) == {"RuntimeError: did not converge"}
    np.testing.assert_array_equal(np.isnan(found["x"]), [bool(reason) for reason in found["failure"]])
    frames = inspect.getinnerframes(failed[0].error.__traceback__)
    assert [frame.function for frame in frames] == ["raising"]


def test_where_all_replicates_fail_there_are_no_columns() -> None:
    def hopeless(rng: np.random.Generator) -> dict[str, float]:
        raise SystemExit("no")

    assert block(hopeless) == {"failure": ["SystemExit: no"] * SIZE}


def test_an_interruption_is_no_failure() -> None:
    def interrupted(rng: np.random.Generator) -> dict[str, float]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        block(interrupted)


def test_a_replicate_may_say_itself_that_it_failed() -> None:
    def saying(rng: np.random.Generator) -> dict[str, Any]:
        x = rng.normal()
        return {"failure": "too large"} if x > 0 else {"x": x, "failure": ""}

    found = block(saying)
    assert found["failure"] == ["" if x < 0 else "too large" for x in block(normal)["x"]]
    np.testing.assert_array_equal(np.isnan(found["x"]), [bool(reason) for reason in found["failure"]])


FORMS: dict[str, Any] = {
    "mapping": dict,
    "Series": pd.Series,
    "DataFrame": lambda row: pd.DataFrame([row]),
    "list": lambda row: [row],
    "tuple": lambda row: (row,),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_that_are_welcome(form: str) -> None:
    found = block(lambda rng: FORMS[form]({"x": rng.normal(), "n": 2}))
    np.testing.assert_array_equal(found["x"], block(normal)["x"])
    np.testing.assert_array_equal(found["n"], [2.0] * SIZE)


NUMBERS: list[tuple[Any, float]] = [
    (True, 1.0),
    (3, 3.0),
    (np.float32(0.5), 0.5),
    (np.array(2.0), 2.0),
    (np.bool_(False), 0.0),
    (np.nan, np.nan),
    (-np.inf, -np.inf),
    (np.ma.mean(np.ma.MaskedArray([1.0, 2.0], mask=True)), np.nan),  # masked: NumPy alone would make it 0
]


@pytest.mark.parametrize(("value", "number"), NUMBERS)
def test_numbers_of_any_kind(value: Any, number: float) -> None:
    np.testing.assert_array_equal(block(lambda rng: {"x": value})["x"].astype(float), [number] * SIZE)


@pytest.mark.parametrize("form", ["mapping", "list"])
def test_a_mapping_may_be_filled_anew_each_time(form: str) -> None:
    kept: dict[str, Any] = {}

    def filling(rng: np.random.Generator) -> Any:
        kept["x"] = rng.normal()
        return kept if form == "mapping" else [kept]

    np.testing.assert_array_equal(block(filling)["x"], block(normal)["x"])


def changing(rng: np.random.Generator) -> dict[str, float]:
    x = rng.normal()
    return {"x": x, "positive": x} if x > 0 else {"x": x}


GAPS = r"return float\('nan'\) where there is no value, and name the column in `missing=`"
MAPPING = "return a mapping such as {'estimate': 1.2, 'covered': True}"
BROKEN: list[tuple[Any, str]] = [
    (None, f"return numbers by name, got NoneType in replicate 0; {MAPPING}"),
    (1.5, "return numbers by name, got float"),
    ((1.0, 2.0), "return numbers by name, got tuple"),
    (np.zeros(3), "return numbers by name, got ndarray"),
    ((number for number in (1.0,)), "return numbers by name, got generator"),
    ({}, f"return numbers by name, got none in replicate 0; {MAPPING}"),
    (
        [{"x": 1.0}, {"x": 2.0}],
        r"return one row, got 2 of them in replicate 0; give each row columns of its own",
    ),
    (pd.DataFrame({"x": [1.0, 2.0, 3.0]}), "return one row, got 3 of them"),
    ([], "return one row, got 0 of them"),
    ({"x": np.zeros(3)}, r"return one number a name, got shape \(3,\) for `x` in replicate 0; take a mean"),
    ({"x": [1.0]}, r"return one number a name, got shape \(1,\) for `x`"),
    ({"x": [[1.0], [1.0, 2.0]]}, "return numbers that doubles can hold"),
    ({"x": "abc"}, f"return numbers that doubles can hold, got 'abc' for `x` in replicate 0; {GAPS}"),
    ({"x": None}, "return numbers that doubles can hold, got None for `x`"),
    ({"x": 1j}, "return numbers that doubles can hold, got 1j for `x`"),
    ({"x": 2**53 + 1}, "return numbers that doubles can hold, got 9007199254740993 for `x`"),
    ({"x": np.int64(2**60)}, "return numbers that doubles can hold"),
    ({"x": 2**70}, "return numbers that doubles can hold"),
    ({"x": 1.0, "failure": True}, "say under `failure` why the replicate failed, got True in replicate 0"),
]


@pytest.mark.parametrize(("result", "match"), BROKEN, ids=range(len(BROKEN)))
def test_results_that_are_refused(result: Any, match: str) -> None:
    with pytest.raises(BrokenRuleError, match=f"`function` of each must {match}"):
        block(lambda rng: result)


def test_other_names_in_another_replicate_are_refused() -> None:
    match = f"must return the same names in every replicate, got x, positive after x in replicate 1; {GAPS}"
    with pytest.raises(BrokenRuleError, match=match):
        block(changing)


def test_the_order_of_names_is_free() -> None:
    def shuffled(rng: np.random.Generator) -> dict[str, float]:
        x = rng.normal()
        return {"x": x, "square": x * x} if x > 0 else {"square": x * x, "x": x}

    found = block(shuffled)
    np.testing.assert_array_equal(found["square"], found["x"] ** 2)


def yielding(rng: np.random.Generator) -> Iterator[float]:
    yield rng.normal()


async def waiting(rng: np.random.Generator) -> dict[str, float]:
    return {"x": rng.normal()}


def plain(rng: np.random.Generator, size: int) -> dict[str, npt.NDArray[np.float64]]:
    return {"x": rng.normal(size=size)}


def without(*, n: int) -> dict[str, float]:
    return {"x": float(n)}


FUNCTIONS: list[tuple[Any, str]] = [
    (3, r"be a function \(rng, \*\*factors\) of one replicate, got 3; write each\(fit\) or @each"),
    (yielding, r"return the numbers of one replicate, got the function `yielding` .*, which yields or waits"),
    (partial(yielding), "return the numbers of one replicate"),
    (waiting, "return the numbers of one replicate"),
    (plain, r"draw one replicate, got the function `plain` .*, which takes a `size`; leave `size` out"),
    (mc.each(normal), "draw one replicate"),
    (without, r"take `rng` first, got the function `without` .* with \(\*, n.*; write \(rng, \*, n\)"),
    (lambda: {"x": 1.0}, "take `rng` first, got a lambda"),
]


@pytest.mark.parametrize(("function", "match"), FUNCTIONS, ids=range(len(FUNCTIONS)))
def test_functions_that_are_refused(function: Any, match: str) -> None:
    with pytest.raises(StudyError, match=f"`function` of each must {match}"):
        mc.each(function)


class Fit:
    """A function of one replicate that is an object."""

    def __init__(self, shift: float) -> None:
        self.shift = shift

    def __call__(self, rng: np.random.Generator, *, n: int) -> dict[str, Any]:
        return {"x": n * rng.normal() + self.shift}


SIGNATURES: list[tuple[Any, str]] = [
    (normal, "(rng, size, *, n=1)"),
    (partial(normal, n=3), "(rng, size, *, n=3)"),
    (Fit(1.0), "(rng, size, *, n)"),
    (lambda generator, n: {"x": n}, "(generator, size, n)"),
    (lambda *args, **levels: {"x": 1.0}, "(*args, **levels)"),
]


@pytest.mark.parametrize(("function", "expected"), SIGNATURES, ids=range(len(SIGNATURES)))
def test_a_simulate_shows_the_factors_of_its_function(function: Any, expected: str) -> None:
    signature = inspect.signature(mc.each(function))
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    assert str(inspect.Signature(bare)) == expected
    assert block(function, n=2)["x"].shape == (SIZE,)


def test_partial_inside_and_outside_is_the_same() -> None:
    outside = partial(mc.each(normal), n=3)(np.random.default_rng(1), SIZE)
    np.testing.assert_array_equal(outside["x"], block(partial(normal, n=3))["x"])


def test_a_decorated_function_keeps_its_name() -> None:
    decorated = mc.each(raising)
    assert (decorated.__name__, decorated.__module__) == ("raising", __name__)


@pytest.mark.parametrize("factors", [{"d": 1}, {"n": 1, "d": 2}])
def test_factors_are_checked_as_those_of_any_simulate(factors: dict[str, int]) -> None:
    def single(rng: np.random.Generator, *, n: int) -> dict[str, float]:
        return {"x": rng.normal()}

    def whole(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        return {"x": rng.normal(size=size)}

    said = []
    for simulate in (mc.each(single), whole):
        experiment = mc.Experiment("e", simulate=simulate, scenarios=[mc.Scenario(**factors)])
        with pytest.raises(StudyError, match=r"`simulate` must take \(rng, size\) and the factors") as caught:
            experiment.check_simulate(SIZE)
        said.append(str(caught.value))
    assert said[0] == said[1]


def test_a_function_of_one_replicate_is_told_to_be_wrapped() -> None:
    experiment = mc.Experiment("e", simulate=normal, scenarios=mc.grid(n=(1,)))
    with pytest.raises(
        StudyError, match=r"wrap a function of one replicate, \(rng, \*\*factors\), in mcstudy.each"
    ):
        experiment.check_simulate(SIZE)
