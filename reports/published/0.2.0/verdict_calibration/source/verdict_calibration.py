"""How often verdicts are wrong: the package tested by itself, on small studies of which the truth is known.

A replicate is a small study: draws of a law, looked at from 64 on at every 1.2-fold number and judged by the code
that judges this study. Its theory is placed beside what is true of the law (`mcstudy.models.calibration`).

On an edge of the zone, a hair outside, CONFIRMED is wrong; a hair inside it is REFUTED, and limits do not tell the
two apart. There small studies are looked at to the end, as if nobody ever stopped, and the zone is wide: the other
edge is out of the way. With the truth at the centre, or 1.5 margins off, they are over with their first verdict.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from mcstudy.models.calibration.trials import EDGES, Trial, trial_of
from mcstudy.statistics import Limits, Statistic
from mcstudy.statistics.sequences import effective_z, influence_limits

LOOKS = [math.ceil(64 * 1.2**k) for k in range(20)]
LAST = LOOKS[-1]  # 2045
MIDDLE = math.sqrt(LOOKS[0] * LAST)  # where a study with these looks has its limits tightest
ALL = np.ones(LAST, dtype=np.bool_)

LIGHT, RARE = ("normal", "exponential"), ("once in 512", "thrice in 512")
HEAVY = ("lognormal 1", "lognormal 2", "t5", "t3", "Pareto 2.5", "Poisson 0.1", *RARE)
# Kind -> the laws that try it at the edges, and those whose tails `LAST` draws show, for power.
LAWS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "mean": ((*LIGHT, *HEAVY, "Cauchy"), LIGHT),
    "variance": ((*LIGHT, *HEAVY), ("normal",)),
    "sd": (("normal", "t5", "t3"), ("normal",)),
    "quantile": (("normal", "lognormal 2", "Cauchy"), ("normal", "lognormal 2", "Cauchy")),
    "proportion": (("coin", *RARE), ("coin",)),
    "range": (("uniform", "coin", *RARE), ("uniform", "coin")),
    "at-most": (LIGHT, LIGHT),
    "contrast": (("normal", "lognormal 1", *RARE), ("normal",)),
    "contrast.paired": (("normal", "lognormal 1"), ("normal",)),
    "ratio": (("exponential", "thrice in 512"), ("exponential",)),
    "bound": (RARE[1:], RARE[1:]),
    "identity": (RARE[1:], RARE[1:]),
    "law": (("normal", "coin", "Poisson 0.1"), ("normal", "coin")),
    "same-law": (("normal", "coin"), ("normal",)),
    "same-law.paired": (("normal", "coin"), ("normal",)),
    "rate": (("exponential", "Pareto 2.5", "thrice in 512"), ("exponential",)),
    "rate.paired": (("exponential", "lognormal 1"), ("exponential",)),
}


def zone_of(trial: Trial) -> dict[str, Any]:
    """The zone of a trial as arguments of claims."""
    return {"equals": trial.theory, "margin": trial.margin}


def on_value(of: Statistic, trial: Trial) -> Claim:
    """The claim on the value of a statistic."""
    return mc.Value("value", "x", of=of, **zone_of(trial))


MEAN = mc.mean("x")
# Kind -> the claim of a trial; paired or not it is the same.
CLAIMS: dict[str, Callable[[Trial], Claim]] = {
    "mean": partial(on_value, MEAN),
    "variance": partial(on_value, mc.variance("x")),
    "sd": partial(on_value, mc.sd("x")),
    "quantile": partial(on_value, mc.quantile("x", 0.9)),
    "proportion": partial(on_value, mc.proportion("x")),
    "range": lambda t: mc.Value("value", "x", of=MEAN, range=t.law.support(), **zone_of(t)),
    "at-most": lambda t: mc.AtMost("limit", "x", of=MEAN, at_most=t.theory),
    "contrast": lambda t: mc.Contrast("two", "x", of=MEAN, across="level", levels=(0, 1), **zone_of(t)),
    "ratio": lambda t: mc.Contrast(
        "two", "x", of=MEAN, across="level", levels=(0, 1), kind="ratio", **zone_of(t)
    ),
    "bound": lambda t: mc.Bound("never", "x", column="x", at_most=0.5, probability=t.margin),
    "identity": lambda t: mc.Identity("never", "x", column="x", tolerance=0.5, probability=t.margin),
    "law": lambda t: mc.Law("law", "x", column="x", distribution=t.theory, margin=t.margin),
    "same-law": lambda t: mc.SameLaw("same", "x", column="x", across="level", margin=t.margin),
    "rate": lambda t: mc.Rate("rate", "x", of=MEAN, against="n", exponent=t.theory, margin=t.margin),
}


def draws_at(trial: Trial, rng: Generator, looks: Sequence[int] = LOOKS) -> Iterator[tuple[int, Draws]]:
    """What a small study has at each look, of one stream of draws."""
    scenarios = mc.grid(**{trial.factor: trial.levels}) if trial.factor else (mc.Scenario(),)
    columns = dict(zip(scenarios, trial.draw(rng, LAST), strict=True))
    for n in looks:
        samples = {s: Sample(s, {"x": x[:n]}, ALL[:n], 1) for s, x in columns.items()}
        yield n, Draws(samples, MIDDLE, (trial.factor,) if trial.paired else ())


def by_package(claim: Claim, draws: Draws, alpha: float) -> Cell:
    """As any study is judged."""
    return find(claim, draws, alpha).cells[0]


def by_trust(claim: Any, draws: Draws, alpha: float, *, z: Callable[[int, float, float], float]) -> Decision:
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
JUDGES: dict[str, Callable[[Claim, Draws, float], Cell | Decision]] = {
    PACKAGE: by_package,
    FIXED: partial(by_trust, z=fixed_z),
    BLIND: partial(by_trust, z=effective_z),
}


def stacked(size: int, row: Callable[[], Mapping[str, float]]) -> dict[str, FloatArray]:
    """One block: so many rows, as a column of each name."""
    table = [row() for _ in range(size)]
    return {name: np.array([one[name] for one in table], dtype=float) for name in table[0]}


def judged(
    rng: Generator, size: int, *, kind: str, law: str, truth: str, alpha: float, judge: str
) -> dict[str, FloatArray]:
    """Verdicts that are given; whether none is, for limits that can't be believed; the draws of the first.

    The unit of draws are those with which a fixed interval reaches from the truth to the edge, but `LOOKS[0]`.
    """
    trial = trial_of(kind, law, truth)
    claim = CLAIMS[kind.removesuffix(".paired")](trial)
    share, distance = {"centre": (alpha, 1.0), "far": (alpha / 2, 0.5)}.get(truth, (alpha, math.nan))
    fixed = np.maximum(LOOKS[0], (fixed_z(1, share, 1) * trial.scatter / (distance * trial.margin)) ** 2)

    def row() -> Mapping[str, float]:
        found: dict[int, Cell | Decision] = {}
        for n, draws in draws_at(trial, rng):
            found[n] = JUDGES[judge](claim, draws, alpha)
            if truth not in EDGES and found[n].verdict is not mc.Verdict.UNDECIDED:
                break
        given = {n: one.verdict for n, one in found.items() if one.verdict is not mc.Verdict.UNDECIDED}
        return {
            "confirmed": mc.Verdict.CONFIRMED in given.values(),
            "refuted": mc.Verdict.REFUTED in given.values(),
            "undecided": not given,
            "disbelieved": not given and bool(found[LAST].note),
            "draws": min(given) / fixed if given else math.nan,
        }

    return stacked(size, row)


def estimated(rng: Generator, size: int, *, kind: str, law: str) -> dict[str, FloatArray]:
    """The Monte Carlo standard error at the last look, over that of theory."""
    trial = trial_of(kind, law, "centre")
    claim = CLAIMS[kind.removesuffix(".paired")](trial)

    def row() -> Mapping[str, float]:
        ((n, draws),) = draws_at(trial, rng, [LAST])
        return {"mcse_ratio": by_package(claim, draws, 0.1).mcse * math.sqrt(n) / trial.scatter}

    return stacked(size, row)


def over(laws: Mapping[str, Sequence[str]], **levels: Sequence[Any]) -> tuple[mc.Scenario, ...]:
    """The scenarios of some kinds, each with its laws."""
    return tuple(s for kind, names in laws.items() for s in mc.grid(kind=(kind,), law=names, **levels))


LOOSE: dict[str, Any] = {"truth": EDGES, "alpha": (0.1,)}
STRICT: dict[str, Any] = {"alpha": (0.01,), "judge": (PACKAGE,)}
TRYING = {"mean": ("exponential", "t3", "once in 512"), "variance": ("normal", "t5"), "law": ("normal",)}
NARROWED = LOOSE | {"truth": ("above",)}
QUICK = (
    over({"mean": ("lognormal 1",), "range": ("coin",), "law": ("normal",)}, **NARROWED, judge=(PACKAGE,))
    + over({"mean": ("normal",)}, **NARROWED, judge=(FIXED,))
    + over({"mean": ("once in 512",)}, **NARROWED, judge=(BLIND,))
    + over({"law": ("coin",)}, truth=("far",), **STRICT)
)
FULL = (
    over({kind: laws for kind, (laws, _) in LAWS.items()}, **LOOSE, judge=(PACKAGE,))
    + over(TRYING, truth=EDGES, **STRICT)
    + over({kind: tame for kind, (_, tame) in LAWS.items()}, truth=("centre", "far"), **STRICT)
)


def promised(name: str, verdict: str, alpha: float = 0.1, judge: str = PACKAGE, **more: Any) -> mc.AtMost:
    """The claim that a verdict is wrong as rarely as it must; 0.15 alpha is left for the draws of this study."""
    where = more.pop("where", {}) | {"truth": EDGES, "alpha": alpha, "judge": judge}
    statement = rf"\mathbb{{P}}(\text{{wrongly {verdict}, at any look}}) \le 1.15 \cdot {alpha:g}"
    of, most, title = mc.proportion(verdict), 1.15 * alpha, TITLES.get(name, f"claims of kind {name}")
    return mc.AtMost(f"{name}.{verdict}", statement, of=of, at_most=most, where=where, title=title, **more)


def powerful(truth: str, verdict: str, share: float, place: str) -> mc.AtLeast:
    """The claim that a verdict is given where the draws are enough for it."""
    statement = rf"\mathbb{{P}}(\text{{{verdict}}}) \ge {share} \text{{ for a truth {place}}}"
    of = mc.proportion(verdict)
    return mc.AtLeast(f"power.{truth}", statement, of=of, at_least=share, where={"truth": truth})


VERDICTS = ("confirmed", "refuted")
TITLES = {
    "strict": "all kinds, at alpha = 0.01",
    "fixed": "by an interval for one look, at every look",
    "blind": "by limits that are blind to tails",
}
NEVER = ("bound", "identity")  # a violation refutes them, and is never wrong
ABOVE = (*NEVER, "at-most")  # below its edge nothing is wrong
REPEATED = mc.control("an interval for one look, taken at twenty: twenty chances to be wrong")
UNSEEN = mc.control(
    "equal replicates have a standard error of 0, and say nothing of a value that turns up once in 512"
)
EXPERIMENTS = [
    mc.Experiment(
        "verdicts",
        simulate=judged,
        scenarios=QUICK,
        full=[s for s in FULL if s not in QUICK and not (s["kind"] in ABOVE and s["truth"] == "below")],
        missing=("draws",),
        common=("judge",),
        columns={
            "confirmed": "whether the small study is confirmed at any look",
            "refuted": "whether it is refuted at any look",
            "undecided": "whether it is neither",
            "disbelieved": "whether its limits can't be believed to the end",
            "draws": "draws up to the first verdict, over those of a fixed sample",
            "law": "what is drawn",
            "truth": "where the truth lies: at an edge of the zone, at its centre, or far outside",
        },
        claims=[
            *(promised(kind, "confirmed", where={"kind": kind}) for kind in LAWS),
            *(promised(kind, "refuted", where={"kind": kind}) for kind in LAWS if kind not in NEVER),
            *(promised("strict", verdict, 0.01) for verdict in VERDICTS),
            *(promised("fixed", verdict, judge=FIXED, expected=REPEATED) for verdict in VERDICTS),
            promised("blind", "confirmed", judge=BLIND, expected=UNSEEN),
            powerful("centre", "confirmed", 0.99, "at the centre of the zone"),
            powerful("far", "refuted", 0.95, "1.5 margins off"),
        ],
        measures=[mc.Measure(name, of=mc.mean(name)) for name in ("undecided", "disbelieved", "draws")],
    ),
    mc.Experiment(
        "errors",
        simulate=estimated,
        scenarios=over({"mean": ("normal", "t5"), "variance": ("normal",), "sd": ("normal",)}),
        full=over({"mean": ("exponential", "Poisson 0.1"), "quantile": ("normal", "exponential")})
        + over({"proportion": ("coin",), "rate": ("exponential",), "rate.paired": ("exponential",)}),
        columns={"mcse_ratio": "the Monte Carlo standard error at the last look, over the true one"},
        claims=[
            mc.Value(
                "errors",
                r"\text{root mean square MCSE} / \text{standard deviation of the estimate} = 1",
                of=mc.rms("mcse_ratio"),
                equals=1.0,
                margin=0.05,
            )
        ],
    ),
]


def conclude(ledger: mc.Ledger) -> mc.Section:
    """The rates that were found, beside those of judges that look away, and what the promise costs."""
    promises = [
        ledger[name] for kind in LAWS for verdict in VERDICTS if (name := f"{kind}.{verdict}") in ledger
    ]
    cells = [cell for finding in promises for cell in finding.cells]
    worst = max(cells, key=lambda cell: cell.estimate)
    wrong = sum(cell.estimate * cell.drawn for cell in cells) / sum(cell.drawn for cell in cells)
    (draws,) = (measured for measured in ledger.measures if measured.id == "draws")
    ratios = [cell.estimate for cell in draws.cells if not math.isnan(cell.estimate)]
    return mc.Section(
        "How often verdicts are wrong",
        (
            f"With alpha = 0.1 and the truth on an edge, {wrong:.1%} of the small studies were given a wrong verdict, over "
            f"{len(cells)} combinations of kind, law, edge and verdict; most often {worst.estimate:.1%}, for {worst.scenario}.",
            f"An interval for one look, taken at every look, confirms {ledger['fixed.confirmed'].estimate:.0%} wrongly, and "
            f"limits that are blind to tails {ledger['blind.confirmed'].estimate:.0%} where a value is rare.",
            f"A first verdict took {min(ratios, default=math.nan):.1f} to {max(ratios, default=math.nan):.1f} times the draws "
            "of a fixed sample, which is looked at once.",
        ),
    )


study = mc.Study(
    name="verdict_calibration",
    title="How often verdicts are wrong",
    question="Is a verdict wrong with a probability of at most alpha, whenever and however often one looks?",
    source="The promise of mcstudy's reports",
    answer=r"It is. At $\alpha = 0.1$, with the truth a hair outside the zone, the mean is wrongly confirmed with probability "
    r"{mean.confirmed} and wrongly refuted with {mean.refuted}, where that is most likely. An interval for one look, taken at "
    r"every look, wrongly confirms with {fixed.confirmed}; limits that are blind to tails do with {blind.confirmed}.",
    experiments=EXPERIMENTS,
    block=32,
    # Of some thousand small studies at alpha = 0.01, half a percent go wrong where that is most likely: too near to 1.15 %
    # for 2,048 of them, and ten times as many for every combination would take most of a day.
    replicates=mc.Replicates(first=96, quick=512, full=2048, at_most=32_768),
    conclusion=conclude,
)

if __name__ == "__main__":
    mc.main(study)
