"""How often verdicts are wrong: the package tested by itself, on small studies of which the truth is known.

A replicate is a small study: draws of a law, looked at from 64 on at every 1.2-fold number and judged by the code
that judges this study. Its theory is placed beside what is true of the law (`mcstudy.models.calibration`).

On an edge of the zone, a hair outside, CONFIRMED is wrong; a hair inside it is REFUTED, and limits do not tell the
two apart. There small studies are looked at to the end, as if nobody ever stopped, and the zone is wide: the other
edge is out of the way. With the truth at the centre, or 1.5 margins off, they are over with their first verdict.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator
from scipy.special import ndtri

import mcstudy as mc
from mcstudy.claims import Claim
from mcstudy.claims.deciding import Decision, Shares, decide
from mcstudy.claims.judging import find
from mcstudy.draws import Draws, Sample
from mcstudy.findings import Cell, Zone
from mcstudy.models.arrays import FloatArray
from mcstudy.models.calibration import trials
from mcstudy.models.calibration.laws import law_named
from mcstudy.models.calibration.trials import Trial
from mcstudy.statistics import Limits, Statistic
from mcstudy.statistics.sequences import effective_z, influence_limits

LOOKS = [math.ceil(64 * 1.2**k) for k in range(20)]
LAST = LOOKS[-1]  # 2045
MIDDLE = math.sqrt(LOOKS[0] * LAST)  # where a study with these looks has its limits tightest
ALL = np.ones(LAST, dtype=np.bool_)

# Where the truth lies, in margins above the centre of the zone.
HAIR = 1e-6
PLACES = {"below": -1 - HAIR, "centre": 0.0, "above": 1 + HAIR, "far": 1.5}
EDGES = ("below", "above")


@dataclass(frozen=True)
class Kind:
    """A kind of claim.

    Attributes
    ----------
    claim, trial : callable
        The claim of a trial, and the trial of a law, a place and a width.
    laws, tame : tuple of str
        Those that try it at the edges; those whose tails `LAST` draws show, for power.
    narrow, wide : float
        Widths of zones: for power, and at the edges.
    scenarios, common : tuple
        Of a small study.
    """

    claim: Callable[[Trial], Claim]
    trial: Callable[[Any, float, float], Trial]
    laws: tuple[str, ...]
    tame: tuple[str, ...]
    narrow: float = 0.3
    wide: float = 1.0
    scenarios: tuple[mc.Scenario, ...] = (mc.Scenario(),)
    common: tuple[str, ...] = ()

    def trial_of(self, law: str, truth: str) -> Trial:
        """A trial by the levels of the study's factors."""
        return self.trial(law_named(law), PLACES[truth], self.wide if truth in EDGES else self.narrow)

    def looks(self, trial: Trial, rng: Generator, looks: Sequence[int] = LOOKS) -> Iterator[Draws]:
        """What there is at each look, of one stream of draws."""
        columns = dict(zip(self.scenarios, trial.draw(rng, LAST), strict=True))
        for n in looks:
            samples = {s: Sample(s, {"x": x[:n]}, ALL[:n], 1) for s, x in columns.items()}
            yield Draws(samples, MIDDLE, self.common)


def on_value(of: Statistic, laws: tuple[str, ...], tame: tuple[str, ...], *, ranged: bool = False) -> Kind:
    """Claims on the value of a statistic; of a mean, maybe with the range of the law."""

    def claim(trial: Trial) -> Claim:
        support = tuple(map(float, trial.law.support())) if ranged else None
        return mc.Value("value", "x", of=of, equals=trial.theory, margin=trial.margin, range=support)

    return Kind(claim, partial(trials.value_trial, of.name), laws, tame)


def on_pair(*, paired: bool = False) -> Kind:
    """Claims on the laws of two columns."""

    def claim(trial: Trial) -> Claim:
        return mc.SameLaw("same", "x", column="x", across="level", margin=trial.margin)

    pairs, common = mc.grid(level=(0, 1)), ("level",) if paired else ()
    trial = partial(trials.pair_trial, paired=paired)
    return Kind(claim, trial, ("normal", "Poisson 0.1"), ("normal",), 0.6, 0.1, pairs, common)


def on_line(laws: tuple[str, ...], *, paired: bool = False) -> Kind:
    """Claims on the rate of a mean."""

    def claim(trial: Trial) -> Claim:
        return mc.Rate("rate", "x", of=mc.mean("x"), against="n", exponent=trial.theory, margin=trial.margin)

    line, common = mc.grid(n=trials.LEVELS), ("n",) if paired else ()
    return Kind(claim, partial(trials.line_trial, paired=paired), laws, laws[:1], 0.3, 1.0, line, common)


def on_violations(claim: Callable[..., Claim], **limit: float) -> Kind:
    """Claims that there is no violation."""
    return Kind(
        lambda trial: claim("never", "x", column="x", probability=trial.margin, **limit),
        trials.violation_trial,
        RARE[1:],
        RARE[1:],
        narrow=1.0,
    )


LIGHT, RARE = ("normal", "exponential"), ("once in 512", "thrice in 512")
HEAVY = ("lognormal 1", "lognormal 2", "t5", "t3", "Pareto 2.5", "Poisson 0.1", *RARE)
RANKED = ("normal", "lognormal 2", "Cauchy")
KINDS = {
    "mean": on_value(mc.mean("x"), (*LIGHT, *HEAVY, "Cauchy"), LIGHT),
    "variance": on_value(mc.variance("x"), (*LIGHT, *HEAVY), ("normal",)),
    "sd": on_value(mc.sd("x"), ("normal", "t5", "t3"), ("normal",)),
    "quantile": on_value(mc.quantile("x", 0.9), RANKED, RANKED),
    "proportion": on_value(mc.proportion("x"), ("coin", *RARE), ("coin",)),
    "range": on_value(mc.mean("x"), ("uniform", "coin", *RARE), ("uniform", "coin"), ranged=True),
    "bound": on_violations(mc.Bound, at_most=0.5),
    "identity": on_violations(mc.Identity, tolerance=0.5),
    "law": Kind(
        lambda trial: mc.Law("law", "x", column="x", distribution=trial.theory, margin=trial.margin),
        trials.law_trial,
        ("normal", "coin", "Poisson 0.1"),
        ("normal", "coin"),
        wide=0.1,
    ),
    "same-law": on_pair(),
    "same-law.paired": on_pair(paired=True),
    "rate": on_line(("exponential", "Pareto 2.5", "thrice in 512")),
    "rate.paired": on_line(("exponential", "lognormal 1"), paired=True),
}


def by_package(claim: Claim, draws: Draws, alpha: float) -> Cell:
    """As any study is judged."""
    return find(claim, draws, alpha).cells[0]


def by_trust(z: Callable[[int, float, float], float], claim: Any, draws: Draws, alpha: float) -> Decision:
    """By limits z standard errors away, corrected for skewness, with no condition on tails."""
    (x,) = (sample.columns["x"] for sample in draws.samples.values())
    center, influence = claim.of.estimate(x).value, claim.of.influence(x)

    def limits(share: float) -> Limits:
        return Limits(*influence_limits(center, influence, z(len(x), share, MIDDLE)))

    return decide(Zone(claim.equals, claim.margin), limits, Shares.of(alpha, 1, MIDDLE))


def fixed_z(replicates: int, share: float, tuned: float) -> float:
    """How many standard errors away a limit lies that holds at one look."""
    return -float(ndtri(share))


PACKAGE, FIXED, BLIND = "package", "fixed sample", "blind to tails"
JUDGES = {PACKAGE: by_package, FIXED: partial(by_trust, fixed_z), BLIND: partial(by_trust, effective_z)}


def stacked(size: int, row: Callable[[], Mapping[str, float]]) -> dict[str, FloatArray]:
    """One block: so many rows, as a column of each name."""
    table = [row() for _ in range(size)]
    return {name: np.array([one[name] for one in table], dtype=float) for name in table[0]}


def judged(
    rng: Generator, size: int, *, kind: str, law: str, truth: str, alpha: float, judge: str
) -> dict[str, FloatArray]:
    """Verdicts that are given; whether none is, for limits that can't be believed; the draws of the first.

    The unit of draws are those with which a fixed interval reaches from the truth to the edge.
    """
    trial = KINDS[kind].trial_of(law, truth)
    claim = KINDS[kind].claim(trial)
    share, distance = {"centre": (alpha, 1.0), "far": (alpha / 2, 0.5)}.get(truth, (alpha, math.nan))
    fixed = (fixed_z(1, share, 1) * trial.scatter / (distance * trial.margin)) ** 2

    def row() -> Mapping[str, float]:
        found: dict[int, Cell | Decision] = {}
        for n, draws in zip(LOOKS, KINDS[kind].looks(trial, rng), strict=False):
            found[n] = JUDGES[judge](claim, draws, alpha)
            if truth not in EDGES and found[n].verdict is not mc.Verdict.UNDECIDED:
                break
        given = [n for n, one in found.items() if one.verdict is not mc.Verdict.UNDECIDED]
        return {
            "confirmed": any(one.verdict is mc.Verdict.CONFIRMED for one in found.values()),
            "refuted": any(one.verdict is mc.Verdict.REFUTED for one in found.values()),
            "undecided": not given,
            "disbelieved": not given and bool(found[LAST].note),
            "draws": given[0] / fixed if given else math.nan,
        }

    return stacked(size, row)


def estimated(rng: Generator, size: int, *, kind: str, law: str) -> dict[str, FloatArray]:
    """The Monte Carlo standard error at the last look, over that of theory."""
    trial = KINDS[kind].trial_of(law, "centre")
    claim = KINDS[kind].claim(trial)

    def row() -> Mapping[str, float]:
        (draws,) = KINDS[kind].looks(trial, rng, [LAST])
        return {"mcse_ratio": by_package(claim, draws, 0.1).mcse * math.sqrt(LAST) / trial.scatter}

    return stacked(size, row)
