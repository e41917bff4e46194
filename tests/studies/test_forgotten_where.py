"""A claim whose `where` was forgotten reads every scenario of its experiment: nothing there may stand in for a number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.claims import Claim, judge
from mcstudy.draws import Draws, Sample
from mcstudy.engine.loading import load_study

STUDIES = Path(__file__).parents[2] / "studies"
# Counts of wrong verdicts are zeros that were measured.
NAMES = sorted(path.stem for path in STUDIES.glob("*.py") if path.stem != "verdict_calibration")
COUNT = 32  # replicates: a residual of a single unit is 0 now and then, in all of them it is no residual
# Careless starts are there because residuals of wrong formulas vanish at them, exactly.
CARELESS = ("identity", "symmetric", "orthogonal")
TINY = 1e-250  # below every residual that is computed, rounding included


def representatives(scenarios: Iterable[mc.Scenario]) -> list[mc.Scenario]:
    """One scenario for each combination of named levels: numbers change how much is computed, not what."""
    first: dict[tuple[object, ...], mc.Scenario] = {}
    for scenario in scenarios:
        names = tuple(level for level in scenario.values() if isinstance(level, (str, bool)))
        first.setdefault(names, scenario)
    return list(first.values())


def drawn(experiment: mc.Experiment, stream: Callable[..., np.random.Generator]) -> Draws:
    samples = {}
    for scenario in representatives(s for s in experiment.scenarios if s.get("start") not in CARELESS):
        columns = dict(experiment.simulate(stream(), COUNT, **scenario))
        columns.pop("failure", None)
        arrays = {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
        samples[scenario] = Sample(
            scenario, arrays, np.ones(COUNT, dtype=np.bool_), COUNT, missing=experiment.missing
        )
    return Draws(samples, tuned=COUNT)


def forgotten(column: str) -> list[Claim]:
    """Claims on zeros that anything but a real number confirms."""
    return [
        mc.Identity(f"i-{column}", "s", column=column, tolerance=TINY, law="continuous"),
        mc.Bound(f"b-{column}", "s", column=column, at_most=TINY, probability=1 - 1e-9),
        mc.Value(f"v-{column}", "s", of=mc.mean(column), equals=0.0, margin=TINY),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_forgotten_where_confirms_nothing(name: str, stream: Callable[..., np.random.Generator]) -> None:
    for experiment in load_study(STUDIES / f"{name}.py").experiments:
        draws = drawn(experiment, stream)
        if not draws.samples:  # an experiment of careless starts only
            continue
        columns = next(iter(draws.samples.values())).columns
        for finding in judge([claim for column in columns for claim in forgotten(column)], draws):
            confirmed = [str(c.scenario) for c in finding.cells if c.verdict is mc.Verdict.CONFIRMED]
            assert not confirmed, (name, experiment.name, finding.id, confirmed)


def test_filler_would_be_seen(stream: Callable[..., np.random.Generator]) -> None:
    """Version 0.1 filled columns that a scenario does not measure with zeros: an Identity on them was confirmed."""

    def simulate(rng: np.random.Generator, size: int, *, quantity: str) -> dict[str, np.ndarray]:
        residual = rng.normal(size=size) if quantity == "loss" else np.zeros(size)
        return {"residual": residual}

    experiment = mc.Experiment("", simulate=simulate, scenarios=mc.grid(quantity=("loss", "spectrum")))
    (finding, *_) = judge(forgotten("residual"), drawn(experiment, stream))
    assert [cell.verdict for cell in finding.cells] == [mc.Verdict.REFUTED, mc.Verdict.CONFIRMED]
