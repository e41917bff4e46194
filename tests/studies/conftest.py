"""What the tests of the studies share: the study beside the test, random streams, and small runs of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.claims import Claim
from mcstudy.engine.loading import load_study
from mcstudy.engine.modules import by_file, module_name
from mcstudy.scenarios import Where

STUDIES = Path(__file__).parents[2] / "studies"
# `dataclasses.replace` reads these back from the only experiment of a study, and would put them into another one.
OF_THE_ONLY: dict[str, Any] = dict.fromkeys(
    ("simulate", "scenarios", "claims", "measures", "common", "full", "missing", "inputs")
)


@pytest.fixture(scope="module")
def study(request: pytest.FixtureRequest) -> mc.Study:
    """The study that a test file is named after, or that its constant ``STUDY`` names."""
    name = getattr(request.module, "STUDY", request.path.stem.removeprefix("test_"))
    return load_study(STUDIES / f"{name}.py")


@pytest.fixture(scope="module")
def module(study: mc.Study) -> ModuleType:
    """The module of the study, for its functions and constants."""
    assert study.file is not None
    return by_file[study.file].modules[module_name(study.file)]


@pytest.fixture(scope="session")
def stream() -> Callable[..., np.random.Generator]:
    """A function from a seed, 1 by default, to a random stream."""

    def make(seed: int = 1) -> np.random.Generator:
        return np.random.Generator(np.random.SFC64(seed))

    return make


@pytest.fixture(scope="session")
def named() -> Callable[[mc.Study, str], Claim]:
    """A function from a study and an id to the claim."""

    def find(study: mc.Study, claim_id: str) -> Claim:
        (found,) = [c for experiment in study.experiments for c in experiment.claims if c.id == claim_id]
        return found

    return find


@pytest.fixture(scope="session")
def expected() -> Callable[[mc.Study], Mapping[str, mc.Verdict]]:
    """A function from a study to the expected verdict of each claim."""
    return lambda study: {
        claim.id: claim.expectation.verdict for experiment in study.experiments for claim in experiment.claims
    }


@pytest.fixture(scope="session")
def small() -> Callable[..., mc.Study]:
    """A function that cuts a study down to some claims, on the scenarios of a profile that they read.

    It takes the study, then ids of its claims, or claims to stand for those with the same ids; `where` leaves
    only some scenarios. Nothing closes the report.
    """

    def cut(
        study: mc.Study,
        *claims: Claim | str,
        where: Where = None,
        count: int = 256,
        profile: str = "quick",
    ) -> mc.Study:
        chosen = {claim if isinstance(claim, str) else claim.id: claim for claim in claims}
        experiments = [_cut(one, chosen, one.of_profile(profile), where) for one in study.experiments]
        return replace(
            study,
            answer="",
            experiments=[experiment for experiment in experiments if experiment is not None],
            block=min(count, study.block),
            replicates=mc.Replicates(first=count, quick=count, full=count),
            options=(),
            conclusion=None,
            overlays=(),
            **OF_THE_ONLY,
        )

    return cut


def _cut(
    experiment: mc.Experiment,
    chosen: Mapping[str, Claim | str],
    scenarios: Sequence[mc.Scenario],
    where: Where,
) -> mc.Experiment | None:
    given = [(claim, chosen[claim.id]) for claim in experiment.claims if claim.id in chosen]
    claims = [own if isinstance(other, str) else other for own, other in given]
    if not claims:
        return None
    kept = [
        scenario
        for scenario in scenarios
        if scenario.matches(where) and any(claim.select([scenario]) for claim in claims)
    ]
    within = [_within(claim, kept) for claim in claims]
    return replace(experiment, claims=within, scenarios=kept, full=(), measures=())


def _within(claim: Claim, scenarios: Sequence[mc.Scenario]) -> Claim:
    """The claim without the levels in its `where` that no scenario has: a claim may name none of these."""
    if not isinstance(claim.where, Mapping):
        return claim
    selected = claim.select(scenarios)
    return replace(claim, where={factor: {one[factor] for one in selected} for factor in claim.where})


@pytest.fixture(scope="session")
def contradicted() -> Callable[[mc.Study, Mapping[str, Mapping[str, Any]]], mc.Study]:
    """A function that puts, beside each claim of a study, one called ``ID-wrong`` with some arguments changed.

    The same draws answer both, with the same margins.
    """

    def contradict(study: mc.Study, changes: Mapping[str, Mapping[str, Any]]) -> mc.Study:
        experiments = [_contradict(one, changes) for one in study.experiments]
        return replace(study, experiments=experiments, **OF_THE_ONLY)

    return contradict


def _contradict(experiment: mc.Experiment, changes: Mapping[str, Mapping[str, Any]]) -> mc.Experiment:
    wrong = [replace(claim, id=f"{claim.id}-wrong", **changes[claim.id]) for claim in experiment.claims]
    return replace(experiment, claims=(*experiment.claims, *wrong))


@pytest.fixture(scope="session")
def judged() -> Callable[..., mc.Ledger]:
    """A function that runs a study in this process and keeps nothing."""

    def run(study: mc.Study, **options: Any) -> mc.Ledger:
        return mc.run(study, executor="serial", jobs=1, out=None, **options)

    return run


@pytest.fixture(scope="session")
def check_columns(stream: Callable[..., np.random.Generator]) -> Callable[..., None]:
    """A function that draws a few replicates of scenarios and checks that columns are what claims may read."""

    def check(study: mc.Study, *, most: Where = None, size: int = 3) -> None:
        for experiment in study.experiments:
            names: set[str] = set()
            for scenario in experiment.of_profile("full"):
                if not scenario.matches(most):
                    continue
                columns = dict(experiment.simulate(stream(), size, **scenario))
                assert list(columns.pop("failure", [""] * size)) == [""] * size, scenario
                names = names or set(columns)
                assert set(columns) == names, scenario
                for name, values in columns.items():
                    assert values.shape == (size,), (scenario, name)
                    assert np.isfinite(values).all() or name in experiment.missing, (scenario, name)
            experiment.check_columns(sorted(names), {})

    return check
