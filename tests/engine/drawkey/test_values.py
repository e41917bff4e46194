"""Values as tokens: equal for equal values, else different, and refused by name where there is none."""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import io
import itertools
import logging
import re
import sqlite3
import threading
import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

from mcstudy.engine.drawkey import describe, difference
from mcstudy.engine.drawkey.tokens import REMEDY
from mcstudy.exceptions import StudyError


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Plain:
    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class Slotted:
    __slots__ = ("a",)

    def __init__(self, a: Any) -> None:
        self.a = a


class Numbers(list[int]):
    """A list with a class of its own."""


@dataclass
class Record:
    a: Any
    b: Any = field(default_factory=list)


def key(value: Any) -> str:
    """The digest of a function that holds a value."""
    return describe(partial(_hold, value=value)).digest


def _hold(rng: np.random.Generator, value: Any) -> Any:
    return value


# Makers of values, no two of which are equal.
DIFFERENT: list[Callable[[], Any]] = [
    lambda: None, lambda: True, lambda: 1, lambda: 1.0, lambda: 1 + 0j, lambda: "1", lambda: b"1", lambda: ...,
    lambda: 0.0, lambda: -0.0, lambda: float("nan"), lambda: float("inf"), lambda: 2**70, lambda: 10**5000,
    lambda: "", lambda: "a\nb", lambda: "é", lambda: "\ud800", lambda: b"", lambda: bytearray(b"12"),
    list, tuple, dict, set, lambda: [[]], lambda: [1], lambda: (1,), lambda: [1, 2], lambda: [2, 1], lambda: {1, 2},
    lambda: {1: 2}, lambda: {"1": 2}, lambda: {"a": 1, "b": 2}, lambda: {"b": 2, "a": 1}, lambda: ["1", "2"], lambda: ["1\n2"],
    lambda: {"a": {1, 2, "x"}}, lambda: [("a", 1), ("b", 2)], lambda: [["a", 1], ["b", 2]], lambda: range(3), lambda: range(4),
    lambda: slice(1, 2), lambda: types.MappingProxyType({"a": 3}), lambda: types.SimpleNamespace(a=1),
    lambda: np.float64(1.0), lambda: np.float32(1.0), lambda: np.int64(1), lambda: np.bool_(True), lambda: np.str_("1"),
    lambda: np.array(1.0), lambda: np.array([1.0]), lambda: np.array([1]), lambda: np.array([[1.0]]), lambda: np.array([]),
    lambda: np.array([1.0], ">f8"), lambda: np.ones((2, 3)), lambda: np.ones((3, 2)), lambda: np.asfortranarray(np.ones((2, 3))),
    lambda: np.array(["a", "b"]), lambda: np.array(["a", "b"], object), lambda: np.array([None, {}], object),
    lambda: np.array([(1, 2.0)], [("a", "i1"), ("b", "f8")]), lambda: np.array([(1, 2.0)], [("a", "i1"), ("c", "f8")]),
    lambda: np.array(["2020-01-01"], "M8[D]"), lambda: np.array(["a"], np.dtypes.StringDType()),
    lambda: np.array(["b"], np.dtypes.StringDType()), lambda: np.ma.masked_array([1.0, 2.0], [False, True]),
    lambda: np.ma.masked_array([1.0, 2.0], [True, False]), lambda: np.rec.array([(1, 2.0)], [("a", "i1"), ("b", "f8")]),
    lambda: np.dtype("f8"), lambda: np.dtype("f4"), lambda: np.float64, lambda: float, lambda: np.sin, lambda: np.cos, lambda: sum,
    lambda: max, lambda: np, lambda: re, lambda: Colour, lambda: Colour.RED, lambda: Colour.BLUE, lambda: Plain(a=1), lambda: Plain(a=2),
    lambda: Plain(b=1), lambda: Slotted(1), lambda: Slotted(2), lambda: Record(1), lambda: Record(1, [2]), lambda: Numbers([1]),
    lambda: Path("a"), lambda: Path("a/b"), lambda: decimal.Decimal("1"), lambda: decimal.Decimal("1.0"), lambda: fractions.Fraction(1),
    lambda: datetime.date(2026, 1, 1), lambda: datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), lambda: datetime.timedelta(1),
    lambda: re.compile("a"), lambda: re.compile("a", re.IGNORECASE), lambda: deque([1]), lambda: deque([1], 3), lambda: Counter("a"),
    lambda: OrderedDict(a=1), lambda: defaultdict(int, a=1), lambda: defaultdict(float, a=1), lambda: partial(max, 1),
    lambda: partial(max, key=1), lambda: [1].append, lambda: [2].append, lambda: "a".join, lambda: str.join, lambda: dict.fromkeys,
    lambda: stats.norm(0, 1), lambda: stats.norm(0, 2), lambda: stats.expon(0, 1), lambda: stats.norm(0, 1).cdf,
    lambda: sparse.csr_array(np.eye(2)), lambda: sparse.csr_array(2 * np.eye(2)), lambda: np.polynomial.Polynomial([1.0, 2.0]),
    lambda: np.vectorize(max), lambda: np.vectorize(min), lambda: logging.getLogger("a"), threading.Lock,
    lambda: pd.DataFrame({"a": [1.0]}), lambda: pd.DataFrame({"b": [1.0]}), lambda: pd.DataFrame({"a": [2.0]}),
    lambda: pd.DataFrame({"a": [1.0]}, index=[5]), lambda: pd.Series([1.0], name="a"), lambda: pd.Series(["x", None]),
    lambda: pd.Index([1, 2]), lambda: pd.Timestamp("2026-01-01"), lambda: pd.Series(["x", "y"], dtype="category"),
]  # fmt: skip


def test_equal_values_have_equal_tokens_and_no_two_others() -> None:
    keys = [key(make()) for make in DIFFERENT]
    assert keys == [key(make()) for make in DIFFERENT]
    same = [(i, j) for i, j in itertools.combinations(range(len(keys)), 2) if keys[i] == keys[j]]
    assert same == []


def test_sets_have_no_order() -> None:
    one, other = {0, 8}, {8, 0}
    assert list(one) != list(other), "the control: colliding numbers stand in the order in which they came"
    assert key(one) == key(other)


def test_each_element_of_large_data_counts() -> None:
    array = np.arange(1e6)
    values = array.tolist()
    before = key(array), key(values)
    assert (key(array.copy()), key(list(values))) == before
    array[123_456] += 1e-9
    values[123_456] += 1e-9
    assert key(array) != before[0]
    assert key(values) != before[1]


def test_padding_between_fields_does_not_count() -> None:
    kind = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    zeros, ones = np.frombuffer(bytearray(32), kind), np.frombuffer(bytearray(b"\x01" * 32), kind)
    ones["a"], ones["b"] = 0, 0.0
    assert bytes(zeros) != bytes(ones), "the control: the padding differs"
    assert key(zeros) == key(ones)


def test_a_mapped_file_counts_as_its_array(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(9.0))
    assert key(np.load(tmp_path / "a.npy", mmap_mode="r")) == key(np.arange(9.0))


def test_values_that_hold_themselves() -> None:
    def ring(end: int) -> list[Any]:
        items: list[Any] = [1, [2], end]
        items[1].append(items)
        return items

    assert key(ring(3)) == key(ring(3)) != key(ring(4))
    node = Plain(name="a")
    node.me = node  # type: ignore[attr-defined]
    assert key(node) != key(Plain(name="a"))


def test_paths_inside_of_the_study_move_with_it() -> None:
    here = Path(__file__).resolve().parent
    assert key(here / "data.csv") == key(Path("data.csv"))
    assert key(str(here / "data.csv")) == key("data.csv")
    assert key(here.parent / "data.csv") != key(Path("data.csv"))
    assert key(here) == key(Path())


def _iterator() -> Any:
    yield 1


def _deep() -> Any:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


def _own_ufunc() -> Any:
    return np.frompyfunc(_hold, 2, 1)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "random generator": (np.random.default_rng, r"a random generator \(Generator\); draw from the `rng` that `simulate` is given"),
    "old random generator": (lambda: np.random.RandomState(1), r"a random generator \(RandomState\)"),
    "bound to a generator": (lambda: np.random.default_rng().normal, "a random generator"),
    "file": (lambda: io.StringIO("a"), r"an open file \(StringIO\); read it before, or name its path in `inputs`"),
    "iterator": (_iterator, r"an iterator \(generator\), which a draw uses up; make it in"),
    "counter": (itertools.count, r"an iterator \(count\)"),
    "connection": (lambda: sqlite3.connect(":memory:"), "a Connection, which keeps its state to itself"),
    "thread's own": (threading.local, "a _local, which keeps its state to itself"),
    "ufunc": (_own_ufunc, r"a NumPy ufunc \(_hold \(vectorized\)\) of unknown origin; call it by the module"),
    "deep": (_deep, "values that are nested too deeply"),
}  # fmt: skip


@pytest.mark.filterwarnings(
    "ignore:unclosed database:ResourceWarning"
)  # Python 3.13 warns of what a test leaves to it
@pytest.mark.parametrize("case", REFUSED)
def test_what_can_not_be_hashed_is_refused(case: str) -> None:
    make, match = REFUSED[case]
    with pytest.raises(StudyError, match=rf"`simulate` must use only what can be hashed, got .*{match}"):
        key({"a": [make()]})


def test_a_refusal_names_the_way(as_file: Callable[..., dict[str, Any]]) -> None:
    names = as_file(
        "class A:\n    def __init__(self):\n        self.log = {'out': [open(__file__)]}\n"
        "    def f(self):\n        return self.log\n"
        "CACHE = A()\ndef helper():\n    return CACHE.f()\ndef simulate(rng):\n    return helper()\n"
    )
    with pytest.raises(StudyError) as caught:
        describe(names["simulate"])
    names["CACHE"].log["out"][0].close()
    assert (
        "got simulate -> helper -> global `CACHE` (A).log['out'][0]: an open file (TextIOWrapper); "
        in str(caught.value)
    )


class Drawing:
    """Keeps what can't be hashed in a slot."""

    __slots__ = ("step",)

    def __init__(self) -> None:
        self.step = iter((1, 2))

    def draw(self, rng: np.random.Generator, size: int) -> dict[str, Any]:
        """Draw a block."""
        return {"x": rng.normal(next(self.step), size=size)}


METHODS: dict[str, tuple[Callable[[], Any], str]] = {
    "of an object": (
        lambda: Drawing().draw,
        "got simulate -> the object of the method `Drawing.draw` (Drawing).step: an iterator (tuple_iterator), which a "
        f"draw uses up; {REMEDY}, or write a function that makes the object and calls its method",
    ),
    "of a generator": (
        lambda: np.random.default_rng(1).normal,
        "got simulate -> the object of the method `Generator.normal`: a random generator (Generator); draw from the "
        "`rng` that `simulate` is given",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", METHODS)
def test_a_bound_method_is_refused_by_its_name_and_class(case: str) -> None:
    make, text = METHODS[case]
    with pytest.raises(StudyError) as caught:
        describe(make())
    assert str(caught.value).endswith(text)


def test_differences_of_values_are_shown_around_the_first() -> None:
    def parts(value: Any) -> Any:
        return describe(partial(_hold, value=value)).parts

    assert difference(parts(1), parts(2.5)) == [
        "simulate: partial(_hold, value=1) -> partial(_hold, value=2.5)"
    ]
    many = dict.fromkeys("abcdefghijklmnopqrs", 0)
    (line,) = difference(parts(many), parts(many | {"q": 1}))
    assert line.startswith("simulate: ...")
    assert "'q': 0, 'r': 0" in line
    assert "'q': 1, 'r': 0" in line
    (line,) = difference(parts(np.arange(9.0)), parts(np.arange(9.0) * [1, 1, 1, 1, 1, 1, 1, 1, 2]))
    assert (
        line
        == "simulate differs in more than is shown of it: partial(_hold, value=float64 array (9,) [0.0, 1.0, 2.0, ...])"
    )
