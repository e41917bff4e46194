"""What `fill` promises with loops and without: NumPy's bits, the stream where NumPy leaves it, and clear refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.exceptions import InputError
from mcstudy.fills import compiled
from mcstudy.fills.filling import LAWS

FEW = {law: int(compiled.CALLING / saved) for law, saved in compiled.SAVED.items()}  # the fewest for a loop
MANY = 2**13
BITS = (np.random.SFC64, np.random.PCG64, np.random.MT19937, np.random.Philox)
SHAPES = ((), (0,), (1,), (3, 0, 2), (7, 11), (3, 5, 1237))


def pair(bits: Callable[[int], np.random.BitGenerator] = np.random.SFC64) -> list[np.random.Generator]:
    return [np.random.Generator(bits(7)) for _ in range(2)]


def assert_same_state(one: np.random.Generator, other: np.random.Generator) -> None:
    """Both give the same words, in halves as well: a generator may keep half a word for its next call."""
    for dtype in (np.uint8, np.uint32, np.uint64, np.uint32):
        ours, numpys = (rng.integers(np.iinfo(dtype).max, size=3, dtype=dtype) for rng in (one, other))
        assert ours.tolist() == numpys.tolist()


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("law", LAWS)
def test_bits_and_state_against_numpy(law: str, bits: Any, dtype: Any) -> None:
    ours, numpys = pair(bits)
    for shape in (*SHAPES, (FEW[law] - 1,), (FEW[law],)):
        out = np.empty(shape, dtype)
        assert mc.fill(ours, out, law) is out
        assert out.tobytes() == getattr(numpys, LAWS[law])(shape, dtype).tobytes()
    assert_same_state(ours, numpys)


def test_normals_are_the_default() -> None:
    ours, numpys = pair()
    np.testing.assert_array_equal(mc.fill(ours, np.empty(5)), numpys.standard_normal(5))


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("law", LAWS)
def test_other_draws_may_come_in_between(law: str) -> None:
    """Draws of 32 bits leave half a word behind, which the next draw of 32 bits is to find."""
    ours, numpys = pair()
    for size in (1, MANY + 1, 3 * MANY):
        for rng in (ours, numpys):
            rng.integers(5, size=3, dtype=np.int32)
            rng.random(3, dtype=np.float32)
        np.testing.assert_array_equal(mc.fill(ours, np.empty(size), law), getattr(numpys, LAWS[law])(size))
    assert_same_state(ours, numpys)


class Doubling(np.random.Generator):
    """A generator of a user's own, whose normals are others."""

    def standard_normal(self, *_: Any, out: Any = None, **__: Any) -> Any:
        out[...] = 2.0
        return out


@pytest.mark.usefixtures("at_once")
def test_a_generator_of_a_users_own_class_draws_itself() -> None:
    assert set(mc.fill(Doubling(np.random.SFC64(1)), np.empty(2 * MANY)).tolist()) == {2.0}


class Table(np.ndarray):
    """An array of a user's own class."""


@pytest.mark.usefixtures("at_once")
def test_an_array_of_a_subclass_is_filled_in_place() -> None:
    ours, numpys = pair()
    out = np.empty((2, MANY)).view(Table)
    assert mc.fill(ours, out) is out
    np.testing.assert_array_equal(np.asarray(out), numpys.standard_normal((2, MANY)))


def read_only() -> Any:
    out = np.empty(4)
    out.flags.writeable = False
    return out


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("out", "got"),
    [
        ([0.0, 0.0], "list"),
        (np.empty(4, np.int64), "dtype int64"),
        (np.empty(4, ">f8"), "dtype >f8"),
        (np.empty(4, np.longdouble), "dtype (float128|longdouble|float96)"),
        (read_only(), "a read-only array"),
        (np.empty((4, 6))[:, ::2], r"an array of shape \(4, 3\) with strides \(48, 16\)"),
        (np.empty((4, 6), order="F"), r"an array of shape \(4, 6\) with strides \(8, 32\)"),
        (np.empty(33, np.uint8)[1:].view(np.float64), r"an array of shape \(4,\) with strides \(8,\)"),
    ],
)
def test_arrays_that_cannot_be_filled(out: Any, got: str) -> None:
    (rng, untouched) = pair()
    rule = rf"`out` must be an aligned, C-contiguous, writable array of float64 or float32, got {got}; fill numpy.empty\(shape\)$"
    with pytest.raises(InputError, match=rule):
        mc.fill(rng, out)
    assert_same_state(rng, untouched)


def test_what_is_no_generator() -> None:
    old: Any = np.random.RandomState(1)
    with pytest.raises(
        InputError,
        match=r"`rng` must be a numpy.random.Generator, got RandomState; numpy.random.default_rng\(seed\) makes one$",
    ):
        mc.fill(old, np.empty(3))


def test_what_is_no_law() -> None:
    with pytest.raises(
        InputError, match=r"`law` must be one of normal, uniform, exponential, got 'gaussian'$"
    ):
        mc.fill(pair()[0], np.empty(3), "gaussian")
