"""Warnings: kinds rather than texts, shares rather than lists."""

from __future__ import annotations

import warnings
from warnings import WarningMessage

import numpy as np
import pytest

from mcstudy import Scenario
from mcstudy.engine.caught import EXAMPLES, KINDS, LONGEST, Caught, kinds_of, tally


def given(*texts: str, category: type[Warning] = RuntimeWarning) -> list[WarningMessage]:
    return [WarningMessage(category(text), category, "study.py", 1) for text in texts]


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("gradient 0.25", "gradient -3e-12", "gradient #"),
        ("step 3 of 10", "step 10 of 10", "step # of #"),
        ("got nan", "got inf", "got #"),
        ("object at 0x7f00deadbeef", "object at 0x7f00deadbee0", "object at #"),
        ("x=1.", "x=+2.5", "x=#"),
    ],
)
def test_numbers_in_texts_make_no_new_kind(one: str, other: str, kind: str) -> None:
    assert kinds_of(given(one, other)) == (("RuntimeWarning", kind, one),)


def test_words_and_categories_do() -> None:
    kinds = kinds_of([*given("slow", "fast"), *given("slow", category=UserWarning)])
    assert [kind[:2] for kind in kinds] == [
        ("RuntimeWarning", "fast"),
        ("RuntimeWarning", "slow"),
        ("UserWarning", "slow"),
    ]
    assert kinds_of(given("information", "infinity", "nano")) != kinds_of(given("#ormation"))


def test_neither_long_texts_nor_many_kinds_fill_a_journal() -> None:
    ((_, message, text),) = kinds_of(given("x" * 10_000))
    assert len(message) == len(text) == LONGEST
    assert (
        len(kinds_of(given(*("".join(map(chr, (97 + i // 26, 97 + i % 26))) for i in range(200))))) == KINDS
    )


def test_a_tally_counts_blocks_and_keeps_few_examples() -> None:
    rng = np.random.default_rng(1)
    blocks: list[tuple[Caught, ...]] = [kinds_of(given(f"gradient {value}")) for value in rng.normal(size=6)]
    blocks += [(), kinds_of(given("other"))]
    gradient, other = tally("spread", Scenario(n=1), blocks)
    assert (gradient.category, gradient.message) == ("RuntimeWarning", "gradient #")
    assert (gradient.blocks, gradient.share) == (6, 0.75)
    assert len(gradient.examples) == EXAMPLES
    assert (gradient.experiment, gradient.scenario) == ("spread", Scenario(n=1))
    assert (other.blocks, other.examples) == (1, ("other",))
    assert tally("", Scenario(n=1), [(), ()]) == []


def test_warnings_as_python_records_them() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        np.log(np.zeros(2))
    assert kinds_of(caught)[0][:2] == ("RuntimeWarning", "divide by zero encountered in log")
