"""The flow on an empirical loss, beside the population flow: with ample measurements, and with too few.

A replicate's `departure` is ||W_n - W||/||W||, W_n from the empirical loss and W from the population loss. A scenario
has one of four regimes:

ample
    n > d^2 Gaussian measurements and a balanced start; both flows at time 1.
late
    The same, but the empirical flow runs a fifth longer: the control of a careless comparison.
scarce
    n < d^2 measurements of a low-rank W*, Gaussian ("sensing") or of single entries ("completion"). The
    empirical flow is followed until it fits them, the population flow to its end, which is W*. Factors start at
    random; `start_scale` is the size of their product.
published
    The same for a published experiment: S. Arora, N. Cohen, W. Hu, Y. Luo, "Implicit regularization in deep
    matrix factorization", NeurIPS 2019; a 100 x 100 matrix of rank 5, of which 2000 entries are seen.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mcstudy import (
    Finding,
    Ledger,
    Rate,
    Replicates,
    Section,
    Study,
    Value,
    Verdict,
    grid,
    main,
    mean,
    powers_of_two,
    quantile,
    relative,
    rms,
)
from mcstudy.models.arrays import FloatArray, frobenius
from mcstudy.models.deep_linear.descent import descend
from mcstudy.models.deep_linear.few_measurements import Completion, GaussianSensing
from mcstudy.models.deep_linear.flow import gradient_flow
from mcstudy.models.deep_linear.low_rank import effective_rank, low_rank_target, small_factors
from mcstudy.models.deep_linear.problems import draw_problem
from mcstudy.models.deep_linear.products import end_to_end
from mcstudy.models.sensing.wishart import wishart_moment

Columns = dict[str, FloatArray | Sequence[str]]

TIME = 1.0
LATE = 1.2  # of the time that should be matched
TOLERANCE = 1e-11
FIT, PUBLISHED_FIT = 1e-5, 1e-6  # loss over that of W = 0 at which a descent ends; the second as published


def simulate(
    rng: np.random.Generator,
    size: int,
    *,
    regime: str,
    measuring: str,
    dimension: int,
    rank: int,
    measurements: int,
    depth: int,
    start_scale: float | None,
) -> Columns:
    """One block: departures and effective ranks, each of shape (size,)."""
    if start_scale is None:
        final, reference, failures = _ample(rng, size, dimension, measurements, depth, late=regime == "late")
    else:
        reference = low_rank_target(rng, size, dimension, rank)
        kind = GaussianSensing if measuring == "sensing" else Completion
        problem = kind.draw(rng, reference, measurements)
        start = small_factors(rng, size, depth, dimension, start_scale)
        descent = descend(start, problem, fit=PUBLISHED_FIT if regime == "published" else FIT)
        final, failures = descent.matrices, descent.failures
    departure = frobenius(final - reference) / frobenius(reference)
    rank_found = effective_rank(final)
    return {
        "departure": departure,
        "squared_departure": departure**2,
        "departure_decades": np.log10(departure),
        "effective_rank": rank_found,
        "excess_rank": rank_found - effective_rank(reference),
        "failure": failures,
    }


def _ample(
    rng: np.random.Generator, size: int, dimension: int, measurements: int, depth: int, *, late: bool
) -> tuple[FloatArray, FloatArray, Sequence[str]]:
    """End-to-end matrices of the empirical and of the population flow, and failures."""
    problem = draw_problem(rng, size, depth=depth, dimension=dimension, start="balanced")
    noisy = replace(problem, moment=wishart_moment(rng, size, dimension, measurements))
    stop = LATE * TIME if late else TIME
    empirical = gradient_flow(problem.start, noisy.slope, [0.0, stop], tolerance=TOLERANCE)
    population = gradient_flow(problem.start, problem.slope, [0.0, TIME], tolerance=TOLERANCE)
    both = zip(empirical.failures, population.failures, strict=True)
    failures = [next(filter(None, reasons), "") for reasons in both]
    return end_to_end(empirical.states[-1]), end_to_end(population.states[-1]), failures


SMALL, LARGE = 1e-3, 1.0
AMPLE = {
    "measuring": ("sensing",),
    "dimension": (4,),
    "rank": (4,),
    "measurements": powers_of_two(10, 15),
    "start_scale": (None,),
}
COMPLETION = {"measuring": ("completion",), "dimension": (30,), "rank": (2,), "measurements": (280,)}
SENSING = {"measuring": ("sensing",), "dimension": (16,), "rank": (1,), "measurements": (64,)}
PUBLISHED = {"measuring": ("completion",), "dimension": (100,), "rank": (5,), "measurements": (2000,)}
SCENARIOS = (
    grid(regime=("ample",), **AMPLE, depth=(1, 2, 3))
    + grid(regime=("late",), **AMPLE, depth=(2,))
    + grid(regime=("scarce",), **COMPLETION, depth=(1, 2, 3), start_scale=(SMALL, LARGE))
    + grid(regime=("scarce",), **SENSING, depth=(1, 2, 3), start_scale=(SMALL, LARGE))
    + grid(regime=("published",), **PUBLISHED, depth=(2, 3), start_scale=(SMALL,))
)

RECOVERED = 0.05  # of ||W*||: a departure that counts as recovery
SMALL_START = {"start_scale": SMALL}
TWO = {**SMALL_START, "depth": 2}
THREE = {**SMALL_START, "depth": 3}
PUBLISHED_ERROR = {2: 0.2, 3: 0.004}
PUBLISHED_RANK = {2: 8.8, 3: 5.06}
DEPTH_SOURCE = "Problem 1; Arora, Cohen, Hu, Luo 2019"


def _unseen(*, dimension: int, measurements: int, **_: object) -> float:
    """The share of a matrix that n measurements leave unseen."""
    return 1 - measurements / dimension**2


def _published_decades(*, depth: int, **_: object) -> float:
    return float(np.log10(PUBLISHED_ERROR[depth]))


def _published_rank(*, depth: int, **_: object) -> float:
    return PUBLISHED_RANK[depth]


SAMPLING_CLAIMS = (
    Rate(
        "1.sampling",
        r"\lVert \hat W_n(t) - W(t) \rVert \propto n^{-1/2} \text{ at fixed } t",
        of=rms("departure"),
        against="measurements",
        exponent=-1 / 2,
        margin=0.02,
        where={"regime": "ample"},
        source="Problem 1",
    ),
    Rate(
        "1.sampling.mismatched",
        r"\lVert \hat W_n(1.2 \, t) - W(t) \rVert \propto n^{-1/2}",
        of=rms("departure"),
        against="measurements",
        exponent=-1 / 2,
        margin=0.02,
        where={"regime": "late"},
        expected=Verdict.REFUTED,
        because="flows compared at different times stay apart however many measurements there are",
        source="Problem 1",
    ),
)

DEPTH_CLAIMS = (
    Value(
        "1.depth.one",
        r"\mathbb{E} \lVert \hat W - W^* \rVert^2 = (1 - n/d^2) \lVert W^* \rVert^2 \text{ for one factor}",
        of=mean("squared_departure"),
        equals=_unseen,
        margin=relative(0.1),
        where={**SMALL_START, "depth": 1},
        source="Problem 1",
    ),
    Value(
        "1.depth",
        r"\text{three factors recover } W^* \text{: the median relative error is below } 0.05",
        of=quantile("departure", 0.5),
        equals=0.0,
        margin=RECOVERED,
        where=THREE,
        source=DEPTH_SOURCE,
    ),
    Value(
        "1.depth.two",
        r"\text{two factors recover } W^*",
        of=quantile("departure", 0.5),
        equals=0.0,
        margin=RECOVERED,
        where=TWO,
        expected=Verdict.REFUTED,
        because="two factors prefer low rank less than three: the flow fits the measurements without recovering $W^*$",
        source=DEPTH_SOURCE,
    ),
    Value(
        "1.depth.rank",
        r"\text{three factors end, in the median, with the effective rank of } W^*",
        of=quantile("excess_rank", 0.5),
        equals=0.0,
        margin=0.25,
        where=THREE,
        source=DEPTH_SOURCE,
    ),
    Value(
        "1.depth.rank-two",
        r"\text{two factors end, in the median, with the effective rank of } W^*",
        of=quantile("excess_rank", 0.5),
        equals=0.0,
        margin=0.25,
        where=TWO,
        expected=Verdict.REFUTED,
        because="the solution of two factors keeps a tail of small singular values",
        source=DEPTH_SOURCE,
    ),
    Value(
        "1.depth.large-start",
        r"\text{from a large start the same depths recover } W^*",
        of=quantile("departure", 0.5),
        equals=0.0,
        margin=RECOVERED,
        where={"start_scale": LARGE},
        expected=Verdict.REFUTED,
        because="what the measurements do not see of a large start stays where it was",
        source=DEPTH_SOURCE,
    ),
)

PUBLISHED_CLAIMS = (
    Value(
        "1.depth.published-error",
        r"\text{relative error } 0.2 \text{ with two factors, } 0.004 \text{ with three, to a factor of two}",
        of=mean("departure_decades"),
        equals=_published_decades,
        margin=float(np.log10(2)),
        where={"regime": "published"},
        source=DEPTH_SOURCE,
    ),
    Value(
        "1.depth.published-rank",
        r"\text{effective rank } 8.8 \text{ with two factors, } 5.06 \text{ with three, to one tenth}",
        of=mean("effective_rank"),
        equals=_published_rank,
        margin=relative(0.1),
        where={"regime": "published"},
        source=DEPTH_SOURCE,
    ),
)


def conclude(ledger: Ledger) -> Section:
    """State the errors and effective ranks that were found, beside the published ones where they were drawn."""
    paragraphs = [
        f"From few measurements three factors end at a median relative error of at most "
        f"{ledger['1.depth'].estimate:.3f}; two factors end at {_range(ledger['1.depth.two'])}."
    ]
    if "1.depth.published-error" in ledger:
        errors, ranks = ledger["1.depth.published-error"].cells, ledger["1.depth.published-rank"].cells
        for error, rank in zip(errors, ranks, strict=True):
            depth = int(str(error.scenario["depth"]))
            paragraphs.append(
                f"In the published setting {depth} factors end at a relative error of "
                f"{10**error.estimate:.2g} and an effective rank of {rank.estimate:.3g} (geometric mean and mean of "
                f"{error.replicates} problems); published are {PUBLISHED_ERROR[depth]} and {PUBLISHED_RANK[depth]}."
            )
    return Section("Depth and recovery", tuple(paragraphs))


def _range(finding: Finding) -> str:
    estimates = [cell.estimate for cell in finding.cells]
    return f"{min(estimates):.3f} to {max(estimates):.3f}"


study = Study(
    name="empirical_flow",
    title="The flow on measurements: sampling error, and recovery by depth",
    question=(
        "How far is the empirical flow from the population flow, and when does depth recover what was not measured?"
    ),
    source="Optimization Landscape of Neural Networks, Problem 1",
    simulate=simulate,
    scenarios=SCENARIOS,
    block=32,
    replicates=Replicates(first=64, quick=128, full=128),
    common=("measurements", "depth"),
    full_only={"regime": "published"},
    conclusion=conclude,
    claims=(*SAMPLING_CLAIMS, *DEPTH_CLAIMS, *PUBLISHED_CLAIMS),
)

if __name__ == "__main__":
    main(study)
