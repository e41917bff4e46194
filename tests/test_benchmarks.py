"""The tables of benchmarks: made of rows, judged by their ratios, and in the manual under the headings they have now."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from tests.benchmarks import bench_memory, bench_verdict, run
from tests.benchmarks.tables import Row, Section, markdown, shown

ROWS: Sequence[Row] = [{"way": "a|b", "n": 12345, "ratio": 2.345}, {"way": "c", "seconds": 0.012345}]


def section(**limits: tuple[float, float]) -> Section:
    return Section("toy", "Toys", "What they take.", lambda: ROWS, limits)


def test_rows_become_a_table() -> None:
    assert markdown(ROWS).splitlines() == [
        "| way | n | ratio | seconds |",
        "| --- | --- | --- | --- |",
        r"| a\|b | 12,345 | 2.35 |  |",
        "| c |  |  | 0.0123 |",
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.00"), (2.0, "2.00"), (99.94, "99.9"), (12345.6, "12,346"), (7, "7")]
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert shown(value) == text


def test_a_section_says_what_is_wanted() -> None:
    text = section(ratio=(2, math.inf), seconds=(0, 1)).page(ROWS)
    wanted = "Wanted: *ratio* at least 2; *seconds* at most 1."
    assert text.startswith(f"## Toys\n\nWhat they take. {wanted}\n\n| way |")
    assert "Wanted" not in section().page(ROWS)


@pytest.mark.parametrize(
    ("ratio", "misses"), [((2, math.inf), 0), ((2.4, math.inf), 1), ((0, 2.4), 0), ((0, 2.3), 1)]
)
def test_a_number_outside_is_missed(ratio: tuple[float, float], misses: int) -> None:
    assert len(section(ratio=ratio, seconds=(0, 1)).missed(ROWS)) == misses


def test_the_headline_has_both_samplers() -> None:
    ways = ("mcstudy", "mcstudy, control variate")
    rows = [
        {"claims": claims, "sampler": sampler, "way": way, "seconds": 1.5, "times as fast": 8.0}
        for claims in ("three claims", "gradient")
        for sampler in bench_verdict.SAMPLERS
        for way in ways
    ]
    text = bench_verdict.headline(rows)
    assert text.count("1.50 s (8.0)") == 6
    assert "full sampler" in text
    assert "projected sampler" in text


def test_the_manual_has_every_section_of_now() -> None:
    text = run.PAGE.read_text(encoding="utf-8")
    begin, _, end = run.HEADER.partition("{machine}")
    assert text.startswith(begin)
    assert end in text
    headings = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert headings == [section.title for section in run.SECTIONS]
    for section in run.SECTIONS:
        assert section.page([]).rstrip("| \n") in text


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
def test_the_peak_of_a_process_and_of_its_child() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            assert set(bench_memory.processes(os.getpid())) >= {os.getpid(), child.pid}
            assert bench_memory.peak(child.pid) > 0
        finally:
            child.kill()
    assert bench_memory.peak(child.pid) == 0
