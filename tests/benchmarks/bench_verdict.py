"""How long verdicts take: the sensing loss by this package and the ordinary way, with a control variate and without.

Run as a script: ``python tests/benchmarks/bench_verdict.py [--markdown]``. The claims are those of the study
`sensing_loss` on mean, variance and gradient of the loss, at d = 8 and n = 16 and 64, with margins that make a short
run; then that on the gradient alone, which a control variate helps: the sum of the squared products, of the chi-square
law with n degrees of freedom, has the mean n. The ordinary way is joblib with one task a replicate, as many as let each
normal interval fit into its margin with a chance of 90 %: known from a pilot, which is not timed. Both have two worker
processes, which are started beforehand, and the same function to call. Last, what a replicate of nothing but one normal
costs. No limit is set: times are those of this machine, and of what else runs on it. About a minute.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed

import mcstudy as mc
from mcstudy.engine.loading import load_study
from mcstudy.scenarios import Scenario

STUDY = Path(__file__).parents[2] / "studies" / "sensing_loss.py"
JOBS = 2
DIMENSION, DEPTH, MEASUREMENTS = 8, 3, (16, 64)
SAMPLERS = ("gaussian", "projected")
# Normal quantiles: a share of 1 % for each end, and a chance of 5 % for each that it is not inside though theory is right.
INSIDE, CHANCE = 2.326, 1.645
PILOT = 8192
MARGINS = {"mean": 0.015, "variance": 0.075, "gradient": 0.03}
ALONE = {"gradient": 0.015}
THEORY = {"mean": 0.0, "variance": 1.0, "gradient": 1.0}
TRIVIAL = {"ordinary": 2**14, "mcstudy": 2**21}

Columns = Mapping[str, np.ndarray]


class Row(NamedTuple):
    """A way to the verdicts of some claims: cells that are confirmed, replicates of all scenarios, seconds."""

    claims: str
    sampler: str
    way: str
    confirmed: str
    replicates: int
    seconds: float


def claims_of(margins: Mapping[str, float], *, control: bool) -> list[mc.Value]:
    """The claims of the study, with a control variate for the gradient's mean square or without."""
    known: dict[str, Any] = {"control": "chi_square", "expectation": lambda measurements: measurements}
    of = {
        "mean": mc.mean("relative_error"),
        "variance": mc.variance("standardized_error"),
        "gradient": mc.mean("gradient_error", **(known if control else {})),
    }
    return [
        mc.Value(name, name, of=of[name], equals=THEORY[name], margin=margin)
        for name, margin in margins.items()
    ]


def study_of(sampler: str, margins: Mapping[str, float], *, control: bool) -> mc.Study:
    """The study, of these claims in two scenarios."""
    study = load_study(STUDY)
    scenarios = mc.grid(
        planted=("random",),
        sampler=(sampler,),
        dimension=(DIMENSION,),
        depth=(DEPTH,),
        measurements=MEASUREMENTS,
    )
    claims = claims_of(margins, control=control)
    loss = replace(study["loss"], scenarios=scenarios, full=(), claims=claims, measures=[])
    counts = mc.Replicates(first=1024, quick=2**18)
    return replace(study, experiments=[loss], overlays=(), options=(), answer="", replicates=counts)


def run(study: mc.Study) -> tuple[Any, float]:
    """Results and seconds, all written to memory."""
    start = time.perf_counter()
    results = mc.run(study, out=None, profile="quick", executor="joblib", jobs=JOBS)
    return results, time.perf_counter() - start


def ours(name: str, sampler: str, margins: Mapping[str, float], *, control: bool) -> Row:
    """Until all claims have their verdict."""
    results, seconds = run(study_of(sampler, margins, control=control))
    drawn: dict[Scenario, int] = {}
    cells = [cell for finding in results.findings for cell in finding.cells]
    for cell in cells:
        drawn[cell.scenario] = max(drawn.get(cell.scenario, 0), cell.replicates)
    confirmed = sum(cell.verdict is mc.Verdict.CONFIRMED for cell in cells)
    way = "mcstudy, control variate" if control else "mcstudy"
    return Row(name, sampler, way, f"{confirmed} of {len(cells)}", sum(drawn.values()), seconds)


def one(simulate: Callable[..., Columns], scenario: Mapping[str, Any], seed: int) -> dict[str, float]:
    """A replicate, as a task draws it."""
    columns = simulate(np.random.default_rng(seed), 1, **scenario)
    return {name: float(column[0]) for name, column in columns.items()}


def means(columns: Columns, names: Iterable[str]) -> list[tuple[float, float]]:
    """Of each claim the mean and the standard deviation of what is averaged."""
    of = {
        "mean": columns["relative_error"],
        "variance": np.square(columns["standardized_error"]),
        "gradient": columns["gradient_error"],
    }
    return [(float(np.mean(of[name])), float(np.std(of[name]))) for name in names]


def ordinary(name: str, sampler: str, margins: Mapping[str, float]) -> Row:
    """One task a replicate, a number fixed beforehand, and normal intervals at the end."""
    study = study_of(sampler, margins, control=False)
    (experiment,) = study.experiments
    simulate, scenarios = experiment.simulate, [dict(scenario) for scenario in experiment.scenarios]
    spreads = [means(simulate(np.random.default_rng(1), PILOT, **given), margins) for given in scenarios]
    counts = [
        max(
            math.ceil(((INSIDE + CHANCE) * sd / margin) ** 2)
            for (_, sd), margin in zip(found, margins.values(), strict=True)
        )
        for found in spreads
    ]
    fits = []
    start = time.perf_counter()
    with Parallel(n_jobs=JOBS) as parallel:
        for given, count in zip(scenarios, counts, strict=True):
            drawn = parallel(delayed(one)(simulate, given, seed) for seed in range(count))
            columns = {key: np.array([replicate[key] for replicate in drawn]) for key in drawn[0]}
            for (claim, margin), (mean, sd) in zip(margins.items(), means(columns, margins), strict=True):
                fits.append(abs(mean - THEORY[claim]) + INSIDE * sd / math.sqrt(count) <= margin)
    seconds = time.perf_counter() - start
    return Row(name, sampler, "one task a replicate", f"{sum(fits)} of {len(fits)}", sum(counts), seconds)


def nothing(rng: np.random.Generator, size: int, *, n: int) -> Columns:
    """A normal a replicate."""
    return {"x": rng.standard_normal(size)}


def trivial() -> dict[str, float]:
    """Microseconds of a replicate of nothing, in both ways."""
    start = time.perf_counter()
    Parallel(n_jobs=JOBS)(delayed(one)(nothing, {"n": 1}, seed) for seed in range(TRIVIAL["ordinary"]))
    tasks = (time.perf_counter() - start) / TRIVIAL["ordinary"]
    study = mc.Study(
        name="nothing",
        title="A normal a replicate",
        question="What does it cost?",
        source="none",
        simulate=nothing,
        scenarios=mc.grid(n=(1,)),
        block=1024,
        replicates=mc.Replicates(TRIVIAL["mcstudy"]),
        measures=[mc.Measure("mean", of=mc.mean("x"))],
    )
    blocks = run(study)[1] / TRIVIAL["mcstudy"]
    return {"one task a replicate": 1e6 * tasks, "mcstudy": 1e6 * blocks}


def ordinary_of(rows: Iterable[Row]) -> dict[tuple[str, str], float]:
    """Seconds of the ordinary way, by claims and sampler."""
    return {(row.claims, row.sampler): row.seconds for row in rows if row.way.startswith("one task")}


def shown(rows: Sequence[Row], *, markdown: bool) -> Iterable[str]:
    """Lines of a table; each time beside the ordinary one of the same claims and sampler."""
    base = ordinary_of(rows)
    head = ("claims", "sampler", "way", "confirmed", "replicates", "seconds", "times as fast")
    body = [
        (
            *row[:4],
            f"{row.replicates:,}",
            f"{row.seconds:.2f}",
            f"{base[row.claims, row.sampler] / row.seconds:.1f}",
        )
        for row in rows
    ]
    if markdown:
        return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *body)]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
        for cells in (head, *body)
    ]


def gains(rows: Sequence[Row]) -> Iterable[str]:
    """What the control variate saves."""
    for sampler in SAMPLERS:
        without, having = (
            next(row for row in rows if (row.sampler, row.claims, row.way) == (sampler, "gradient", way))
            for way in ("mcstudy", "mcstudy, control variate")
        )
        yield (
            f"control variate, {sampler}: {without.replicates / having.replicates:.1f} times fewer replicates, "
            f"{without.seconds / having.seconds:.1f} times as fast"
        )


def measured() -> list[Row]:
    """All ways to all verdicts."""
    # Workers start, and import, before the first time is taken.
    run(study_of("projected", MARGINS, control=False))
    Parallel(n_jobs=JOBS)(delayed(one)(nothing, {"n": 1}, seed) for seed in range(64))
    rows = []
    for sampler in SAMPLERS:
        rows += [
            ordinary("three claims", sampler, MARGINS),
            ours("three claims", sampler, MARGINS, control=False),
            ordinary("gradient", sampler, ALONE),
            ours("gradient", sampler, ALONE, control=False),
            ours("gradient", sampler, ALONE, control=True),
        ]
    return rows


def table() -> list[dict[str, Any]]:
    """The same with ratios."""
    rows = measured()
    base = ordinary_of(rows)
    return [row._asdict() | {"times as fast": base[row.claims, row.sampler] / row.seconds} for row in rows]


def headline(table: Sequence[Mapping[str, Any]]) -> str:
    """The seconds until every verdict, of both samplers, in one sentence each."""

    def told(sampler: str, claims: str, way: str) -> str:
        (row,) = (
            row for row in table if (row["sampler"], row["claims"], row["way"]) == (sampler, claims, way)
        )
        return f"{row['seconds']:.2f} s ({row['times as fast']:.1f})"

    return "In brackets: how many times as fast as the ordinary way. " + " ".join(
        f"With the {name} sampler every verdict on three claims is there after {told(sampler, 'three claims', 'mcstudy')}; "
        f"on the gradient alone after {told(sampler, 'gradient', 'mcstudy')}, and with a control variate after "
        f"{told(sampler, 'gradient', 'mcstudy, control variate')}."
        for name, sampler in zip(("full", "projected"), SAMPLERS, strict=True)
    )


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    rows = measured()
    print("\n".join(shown(rows, markdown="--markdown" in arguments)))
    print()
    print("\n".join(gains(rows)))
    costs = trivial()
    print("a replicate of one normal: " + ", ".join(f"{way} {cost:.2f} µs" for way, cost in costs.items()))
    print(f"{costs['one task a replicate'] / costs['mcstudy']:.0f} times as fast")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
