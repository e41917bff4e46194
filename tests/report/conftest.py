"""What the report's tests share: ledgers made by judging draws with real claims, and one written report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.figure import Figure
from scipy import stats

from mcstudy.claims import Bound, Claim, Identity, Law, Rate, SameLaw, Value, control, judge, misprint
from mcstudy.draws import Draws, Sample
from mcstudy.findings import Finding, Verdict
from mcstudy.ledger import (
    About,
    Change,
    Design,
    ExperimentDesign,
    FailureRecord,
    Ledger,
    Overlay,
    Run,
    Section,
    WarningRecord,
)
from mcstudy.measure import Measure
from mcstudy.report import write_report
from mcstudy.scenarios import Scenario
from mcstudy.statistics import mean, quantile, variance

FloatArray = npt.NDArray[np.float64]
Columns = Mapping[Scenario, Mapping[str, npt.ArrayLike]]

HOSTILE = '<script>alert("x")</script> & {{ 7 * 7 }} <b>bad</b>'
WIDTHS = (64, 128, 256, 512, 1024)
SIZE, BLOCK = 1024, 64


def draws_of(columns: Columns, *, experiment: str = "", missing: tuple[str, ...] = ()) -> Draws:
    """Draws from columns by scenario; NaN marks a failed replicate, or in a column of `missing` no value."""
    samples = {}
    for scenario, named in columns.items():
        arrays = {name: np.asarray(values, dtype=np.float64) for name, values in named.items()}
        valid = np.ones(len(next(iter(arrays.values()))), dtype=bool)
        for name in set(arrays) - set(missing):
            valid &= ~np.isnan(arrays[name])
        samples[scenario] = Sample(scenario, arrays, valid, BLOCK, experiment, missing)
    return Draws(samples, tuned=SIZE)


def judged(
    claims: Claim | Sequence[Claim], columns: Columns, *, experiment: str = "", missing: tuple[str, ...] = ()
) -> tuple[Finding, ...]:
    """The findings of claims on columns; the study's alpha is 1 %."""
    listed = [claims] if isinstance(claims, Claim) else list(claims)
    return judge(
        listed, draws_of(columns, experiment=experiment, missing=missing), 0.01, experiment=experiment
    )


def ledger_of(findings: Sequence[Finding], **parts: Any) -> Ledger:
    """A ledger of findings; keywords replace its other parts."""
    names = dict.fromkeys(finding.experiment for finding in findings)
    experiments = [
        ExperimentDesign(
            name, "Problem 2 (d)", {"width": WIDTHS, "displacement": ("near", HOSTILE)}, 10, (), ("error",)
        )
        for name in names
    ]
    plain: dict[str, Any] = {
        "study": About("linearization", "How far from linear", "Is $f_0$ near $f$?", "Exercise 5"),
        "design": Design(BLOCK, (SIZE,), tuple(experiments)),
        "run": Run(
            seed=20261123,
            profile="quick",
            executor="joblib",
            jobs=2,
            replicates=36_864,
            failures=0,
            alpha=0.01,
            command="mcstudy run linearization --profile quick",
            replay="mcstudy replay linearization",
        ),
        "digests": {"draws": "ab" * 32, "key": "cd" * 32},
        "findings": tuple(findings),
    }
    return Ledger(**(plain | parts))


def powers(
    exponent: float = -0.5, *, spread: float = 0.2, seed: int = 1, size: int = SIZE, **levels: Any
) -> dict[Scenario, dict[str, FloatArray]]:
    """A column `error` whose mean is the width to a power, always below the column `bound`."""
    rng = np.random.default_rng(seed)
    drawn = {}
    for width in WIDTHS:
        scale = float(width) ** exponent
        error = scale * rng.uniform(1.0 - spread, 1.0 + spread, size=size)
        drawn[Scenario(width=width, **levels)] = {
            "error": error,
            "bound": np.full(size, (1.0 + spread) * scale),
        }
    return drawn


def residuals(*scales: float, seed: int = 2) -> dict[Scenario, dict[str, FloatArray]]:
    """A column `residual` for each depth, of the given sizes."""
    rng = np.random.default_rng(seed)
    return {
        Scenario(depth=depth): {"residual": scale * rng.uniform(size=SIZE)}
        for depth, scale in enumerate(scales, start=1)
    }


def normals(*means: float, seed: int = 3, size: int = SIZE) -> dict[Scenario, dict[str, FloatArray]]:
    """A column `x` of normal draws for each level of n, with the given means."""
    rng = np.random.default_rng(seed)
    return {Scenario(n=n): {"x": rng.normal(mean, size=size)} for n, mean in enumerate(means, start=1)}


def everything() -> Ledger:
    """A ledger with every kind of claim, every verdict and role, in two experiments; with failures and all parts."""
    near, far = powers(displacement="near"), powers(displacement=HOSTILE, seed=4)
    first = judged(_displacement_claims(), near | far, experiment="displacement")
    flow = normals(0.0, 0.0)
    for columns in flow.values():
        columns["residual"] = residuals(1e-12)[Scenario(depth=1)]["residual"]
    second = judged(_flow_claims(), flow, experiment="flow")
    lost = {scenario: {"lost": np.where(np.arange(SIZE) < 50, np.nan, 1.0)} for scenario in flow}
    third = judged(
        Value("1.lost", "always one", of=mean("lost"), equals=1.0, margin=0.1), lost, experiment="flow"
    )
    measure = Measure("spread", of=quantile("error", 0.9)).take(draws_of(near), "displacement")
    return ledger_of([*first, *second, *third], **_other_parts(), measures=(measure,))


def _displacement_claims() -> list[Claim]:
    printed = misprint("the bound lacks a factor of 2")
    return [
        Rate(
            "2d.rate",
            r"\mathbb{E} |f - f_0| \propto m^{-1/2}",
            of=mean("error"),
            against="width",
            exponent=-0.5,
            margin=0.1,
        ),
        Bound("2c", r"|f - f_0| \le b", column="error", at_most="bound", probability=0.05),
        Bound(
            "2c-printed",
            r"|f - f_0| \le 0",
            column="error",
            at_most=0.0,
            expected=printed,
            where={"displacement": "near"},
        ),
        Bound("2c-open", r"|f - f_0| \le 2", column="error", at_most=2.0, probability=1e-4),
        Rate(
            "2d.control",
            "slope 1",
            of=mean("error"),
            against="width",
            exponent=1.0,
            margin=0.1,
            expected=control("a wrong sign"),
        ),
    ]


def _flow_claims() -> list[Claim]:
    alien, start = stats.norm(loc=1.0), {"n": 1}
    return [
        Value("1.start", "a start", of=mean("x"), equals=0.0, margin=0.3, source=HOSTILE),
        Value("1.bias", r"\mathbb{E} x = 1", of=mean("x"), equals=1.0, margin=0.1),
        Value(
            "1.unexpected",
            r"\mathbb{E} x = 0",
            of=mean("x"),
            equals=0.0,
            margin=0.3,
            expected=control("not at all"),
        ),
        Value("1.spread", r"\mathrm{Var}\, x = 1", of=variance("x"), equals=1.0, margin=0.05),
        Identity("1a", "W_k", column="residual", tolerance=1e-10, law="continuous"),
        Identity(
            "1a-printed",
            r"W_k W_k^T",
            column="residual",
            tolerance=1e-15,
            expected=Verdict.REFUTED,
            because="a misprint.",
        ),
        Law("1.law", r"x \sim N(0, 1)", column="x", distribution=stats.norm(), margin=0.2),
        SameLaw("1.same", "one law for both", column="x", across="n", margin=0.3),
        Law(
            "1.law-shifted",
            r"x \sim N(1, 1)",
            column="x",
            distribution=alien,
            margin=0.1,
            where=start,
            expected=control("a shift"),
        ),
    ]


def _other_parts() -> dict[str, Any]:
    where = Scenario(n=2)
    run = ledger_of(()).run
    failures = [
        FailureRecord(
            "flow",
            where,
            0,
            index,
            f"flow/{where.digest}:0:{index}",
            "ValueError: overflow <i>",
            "Traceback ...",
        )
        for index in range(100)
    ]
    warning = WarningRecord("RuntimeWarning", "overflow in #", ("overflow in 1",), "flow", where, 3, 0.1875)
    return {
        "run": Run(**{**vars(run), "failures": 100}),
        "sections": (Section("What over-parametrization does", ("It helps: $m^{-1/2}$.",)),),
        "overlays": (
            Overlay(
                "regimes",
                "The regimes together",
                "Lines: fits.",
                ("2d.rate", "2d.control"),
                {"displacement": "near"},
            ),
        ),
        "failures": tuple(failures),
        "warnings": (warning,),
        "changes": (Change("margin of 2d.rate", "0.05", "0.1", 512),),
        "provenance": {"mcstudy": "0.2.0", "started": "2026-11-26T08:00:00+00:00", "host": "workstation"},
    }


@dataclass(frozen=True)
class Written:
    """A report as written, and the ledger that it was written from."""

    ledger: Ledger
    out: Path
    html: str

    @property
    def main(self) -> str:
        """The part that is promised to be the same for equal draws."""
        return self.html[self.html.index("<main") : self.html.index("</main>")]


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """The functions of this file, which no import path leads to."""
    return SimpleNamespace(
        judged=judged,
        ledger_of=ledger_of,
        powers=powers,
        residuals=residuals,
        normals=normals,
        axes=lambda panels=1: Figure().subplots(panels),
    )


@pytest.fixture(scope="session")
def full_ledger() -> Ledger:
    """A ledger with every kind of claim, every verdict, and every part."""
    return everything()


@pytest.fixture(scope="session")
def single() -> Ledger:
    """A ledger of one confirmed claim."""
    claim = Value("1", r"\mathbb{E} x = 0", of=mean("x"), equals=0.0, margin=0.5)
    return ledger_of(judged(claim, normals(0.0)))


@pytest.fixture(scope="session")
def written(full_ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The report of the full ledger."""
    out = tmp_path_factory.mktemp("reports")
    page = write_report(full_ledger, out)
    return Written(full_ledger, out, page.read_text(encoding="utf-8"))
