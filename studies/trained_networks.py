"""How far training carries a wide network from its linearization: one gradient step, and training to a fixed loss.

Every replicate draws a network, trains it by gradient descent on the square loss of the data, and compares it with its
linearization, at the trained weights and along the linearization's own training at matched time; the columns are those of
`mcstudy.models.shallow.lazy_training`. Networks are centred, g = f - f(W_0), so that the labels alone drive them. Two scalings:

lazy
    a_j = +-1/sqrt m, the network of Problem 2
mean field
    a_j = +-1/m with steps m times as long: the control, whose rows move by order one at every width
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcstudy import (
    Bound,
    Ledger,
    Overlay,
    Rate,
    Replicates,
    Scenario,
    Section,
    Study,
    Value,
    Verdict,
    grid,
    main,
    mean,
    powers_of_two,
    relative,
    rms,
    sd,
)
from mcstudy.models.arrays import FloatArray
from mcstudy.models.data import real_rows
from mcstudy.models.shallow.activations import activation
from mcstudy.models.shallow.error_moments import ErrorMoments, gradient_step_moments
from mcstudy.models.shallow.initialization import Initialization, draw_outputs, draw_weights
from mcstudy.models.shallow.inputs import sphere
from mcstudy.models.shallow.lazy_training import movements, trained_errors
from mcstudy.models.shallow.training import train

Columns = dict[str, NDArray[Any]]

STATES = ("California", "Louisiana", "Vermont")
ONE_STEP, TRAINED, HALVED = "one step", "to a tenth of the loss", "to half of the loss"
LAZY, MEAN_FIELD = "lazy", "mean field"
SINGLE, REAL, RANDOM = "one input", "real rows", "random points"
STEP = {ONE_STEP: 1.0, TRAINED: 0.5, HALVED: 0.5}
GOAL = {ONE_STEP: 0.0, TRAINED: 0.1, HALVED: 0.5}  # of the loss at the start
STEPS = {ONE_STEP: 1, TRAINED: 400, HALVED: 400}  # at most
ENTRIES = 2**18  # of W_0 in work at once: 2 MiB, unless a single network has more


def simulate(
    rng: np.random.Generator,
    size: int,
    *,
    training: str,
    activation: str,
    scaling: str,
    data: str,
    width: int,
) -> Columns:
    """One block: errors, movements and bounds, each of shape (size,)."""
    parts = []
    for count in _portions(size, 10 * width):
        X, y = _data(rng, count, data)
        a = draw_outputs(rng, (count, width))
        W0 = draw_weights(rng, (count, width, X.shape[-1]))
        parts.append(_measure(W0, a, X, y, training, activation, scaling))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _portions(size: int, entries: int) -> list[int]:
    """Cut a block into portions of at most `ENTRIES` weights, but of one network at least."""
    most = max(1, ENTRIES // entries)
    return [min(most, size - first) for first in range(0, size, most)]


def _data(rng: np.random.Generator, count: int, data: str) -> tuple[FloatArray, FloatArray]:
    """Inputs (count, n, d) and labels (count, n); those of one input and of real rows never change."""
    if data == RANDOM:
        return sphere(rng, (count, 2, 10)), rng.choice(np.array([-1.0, 1.0]), size=(count, 2))
    if data == SINGLE:
        X, y = np.array([[1.0, 0.0]]), np.array([1.0])
    else:
        rows = real_rows()
        chosen = [rows.names.index(state) for state in STATES]
        X, y = rows.inputs[chosen], rows.responses[chosen]
    return np.tile(X, (count, 1, 1)), np.tile(y, (count, 1))


def _measure(
    W0: FloatArray, a: FloatArray, X: FloatArray, y: FloatArray, training: str, name: str, scaling: str
) -> Columns:
    slower = np.sqrt(a.shape[-1]) if scaling == MEAN_FIELD else 1.0
    start = Initialization(a / slower, W0, X[:, 0], activation(name))
    learn = partial(
        train,
        W0,
        X=X,
        y=y,
        sigma=start.sigma,
        step=STEP[training] * slower**2,
        steps=STEPS[training],
        loss=GOAL[training] * 0.5 * np.vecdot(y, y),
    )
    trained, mirrored = learn(start.a), learn(-start.a)
    finished = (trained.reached & mirrored.reached) | np.bool_(training == ONE_STEP)
    errors = trained_errors(start, X, y, trained, mirrored)
    unmoved = {name: np.zeros(len(X)) for name in ("bound", "movement", "kernel_movement", "departure")}
    moved = movements(start, X, trained) if start.sigma.smooth else unmoved
    return errors | moved | {"failure": np.where(finished, "", UNFINISHED)}


UNFINISHED = "the loss did not fall as wanted within the steps allowed"


def _scenarios(**levels: tuple[int | str, ...]) -> tuple[Scenario, ...]:
    usual: dict[str, tuple[int | str, ...]] = {
        "training": (TRAINED,),
        "activation": ("tanh",),
        "scaling": (LAZY,),
        "data": (REAL,),
        "width": WIDTHS,
    }
    return grid(**usual | levels)


WIDTHS = powers_of_two(6, 12)
MORE = powers_of_two(4, 12)
QUICK = (
    _scenarios(training=(ONE_STEP,), activation=("tanh", "relu"), data=(SINGLE,), width=MORE)
    + _scenarios(training=(ONE_STEP,), width=MORE)
    + _scenarios(data=(REAL, RANDOM))
    + _scenarios(training=(HALVED,), scaling=(MEAN_FIELD,), width=WIDTHS[:5])
)
FULL = _scenarios(training=(ONE_STEP,), activation=("erf", "gelu"), data=(SINGLE,), width=MORE) + _scenarios(
    activation=("erf",)
)


def _smooth(training: tuple[str, ...], *data: str) -> Callable[[Scenario], bool]:
    """Where smooth networks of the usual scaling learn in this way from these data."""

    def matches(scenario: Scenario) -> bool:
        usual = scenario["activation"] != "relu" and scenario["scaling"] == LAZY
        return usual and scenario["training"] in training and scenario["data"] in data

    return matches


def _exact(width: int, **factors: object) -> ErrorMoments:
    """ErrorMoments of f - f_0 after a gradient step on one input of norm 1."""
    return gradient_step_moments(activation(str(factors["activation"])), 1.0, STEP[ONE_STEP], width)


def _expected_mean(*, width: int, **factors: object) -> float:
    return -_exact(width, **factors).mean


def _expected_sd(*, width: int, **factors: object) -> float:
    return _exact(width, **factors).sd


INVERSE = partial(Rate, against="width", exponent=-1.0, margin=0.05, source="Problem 2 (d)")
ROOT = partial(Rate, against="width", exponent=-1 / 2, margin=0.02, source="Problem 2 (d)")
EXACT = partial(Value, margin=relative(0.1), source="the moments of one row, m times")
STEPPED = {"training": ONE_STEP, "data": SINGLE}
RELU = STEPPED | {"activation": "relu"}
FIELD = {"scaling": MEAN_FIELD}

MEAN, SPREAD = r"\mathbb{E}(f - f_0)", r"\operatorname{sd}(f - f_0)"
MOVEMENT = r"\lVert W_T - W_0 \rVert / \lVert W_0 \rVert \propto m^{-1/2}"
KERNEL = r"\lVert \Theta_T - \Theta_0 \rVert / \lVert \Theta_0 \rVert"
RIGHT_SIDE = r"\frac{\beta}{2 \sqrt{m}} \lVert W - W_0 \rVert^2 \lVert x \rVert^2"
NO_BETA = "Problem 2 (d), where beta is infinite"
BY_ROWS = "by the variance of independent rows"

GRADIENT = (
    INVERSE(
        "2d.gradient.mean",
        rf"{MEAN} \propto m^{{-1}} \text{{ after a gradient step, smooth }} \sigma",
        of=mean("pair"),
        where=_smooth((ONE_STEP,), SINGLE, REAL),
        source="Problem 2 (d), without the leading term of mean zero",
    ),
    INVERSE(
        "2d.gradient.sd",
        rf"{SPREAD} \propto m^{{-1}} \text{{ after a gradient step, smooth }} \sigma",
        of=rms("row_spread"),
        where=_smooth((ONE_STEP,), SINGLE, REAL),
        source=f"Problem 2 (d), {BY_ROWS}",
    ),
    EXACT(
        "2d.gradient.exact-mean",
        rf"{MEAN} \text{{ after a gradient step, at every }} m",
        of=mean("pair"),
        equals=_expected_mean,
        where=STEPPED,
    ),
    EXACT(
        "2d.gradient.exact-sd",
        rf"{SPREAD} \text{{ after a gradient step, at every }} m",
        of=sd("undershoot"),
        equals=_expected_sd,
        where=STEPPED | {"width": (256, 1024, 4096)},
    ),
    INVERSE(
        "2d.gradient.trained-mean",
        rf"{MEAN} \propto m^{{-1}} \text{{ after training, smooth }} \sigma",
        of=mean("pair"),
        where=_smooth((TRAINED,), REAL),
        source="Problem 2 (d), without the leading term of mean zero",
    ),
    INVERSE(
        "2d.gradient.trained-sd",
        rf"{SPREAD} \propto m^{{-1}} \text{{ after training, smooth }} \sigma",
        of=sd("undershoot"),
        margin=0.1,
        where=_smooth((TRAINED,), REAL),
    ),
)

LAZINESS = (
    Bound(
        "2c.trained",
        rf"|f(W) - f_0(W)| \le {RIGHT_SIDE} \text{{ at trained weights}}",
        column="undershoot",
        at_most="bound",
        probability=0.02,
        where=_smooth((ONE_STEP, TRAINED), SINGLE, REAL, RANDOM),
        source="Problem 2 (c)",
    ),
    ROOT(
        "2c.trained-rate",
        rf"{RIGHT_SIDE} \propto m^{{-1/2}} \text{{ at trained weights}}",
        of=mean("bound"),
        where=_smooth((TRAINED,), REAL),
        source="Problem 2 (c)",
    ),
    ROOT("2d.lazy", MOVEMENT, of=mean("movement"), where=_smooth((TRAINED,), REAL)),
    ROOT(
        "2d.lazy.random-points",
        rf"{MOVEMENT} \text{{ for points drawn anew}}",
        of=mean("movement"),
        margin=0.05,
        where=_smooth((TRAINED,), RANDOM),
    ),
    INVERSE(
        "2d.lazy.kernel",
        rf"{KERNEL} \propto m^{{-1}}",
        of=rms("kernel_movement"),
        where=_smooth((TRAINED,), REAL),
    ),
    INVERSE(
        "2d.lazy.matched",
        r"f_{\text{trained}} - f_{\text{linearization, trained as long}} \propto m^{-1}",
        of=rms("departure"),
        margin=0.1,
        where=_smooth((TRAINED,), REAL),
    ),
)

CONTROLS = (
    ROOT(
        "2d.gradient.relu-mean",
        rf"{MEAN} \propto m^{{-1/2}} \text{{ after a gradient step, ReLU}}",
        of=mean("pair"),
        margin=0.05,
        where=RELU,
        source=NO_BETA,
    ),
    INVERSE(
        "2d.gradient.relu-sd",
        rf"{SPREAD} \propto m^{{-3/4}} \text{{ after a gradient step, ReLU}}",
        of=rms("row_spread"),
        exponent=-3 / 4,
        where=RELU,
        source=f"{NO_BETA}, {BY_ROWS}",
    ),
    Rate(
        "2d.gradient.relu-single",
        r"\sqrt{\mathbb{E} (f - f_0)^2} \text{ is one power of } m \text{, ReLU}",
        of=rms("undershoot"),
        against="width",
        exponent=-5 / 8,
        margin=0.2,
        exact=True,
        where=RELU,
        expected=Verdict.REFUTED,
        because="control: a mean of order $m^{-1/2}$ and a standard deviation of order $m^{-3/4}$ make no single power; the "
        "zone holds every slope between them, so that only the goodness of fit can refute",
        source=NO_BETA,
    ),
    INVERSE(
        "2d.lazy.mean-field",
        rf"{KERNEL} \propto m^{{-1}} \text{{ for outputs }} \pm 1/m",
        of=rms("kernel_movement"),
        where=FIELD,
        expected=Verdict.REFUTED,
        because="control: in the mean-field scaling rows move by order one, and the kernel moves at every width",
        source="Problem 2 (d), another scaling",
    ),
    INVERSE(
        "2d.lazy.mean-field-rate",
        rf"{KERNEL} \propto m^{{0}} \text{{ for outputs }} \pm 1/m",
        of=rms("kernel_movement"),
        exponent=0.0,
        where=FIELD,
        source="Problem 2 (d), another scaling",
    ),
)


def conclude(ledger: Ledger) -> Section:
    """What over-parametrization does to training, in the ledger's own numbers."""
    bound = ledger["2c.trained"].diagnostics
    goodness = ledger["2d.gradient.relu-single"].diagnostics["lines"][0]
    return Section(
        "What over-parametrization does",
        (
            f"A trained wide network is its linearization. To reach a tenth of its loss on three real rows, the weights "
            f"move by a fraction that falls with exponent {_slope(ledger, '2d.lazy', TRAINED)} in the width, the tangent "
            f"kernel by one with exponent {_slope(ledger, '2d.lazy.kernel', TRAINED)}, and the network departs from the "
            f"linearization trained as long with exponent {_slope(ledger, '2d.lazy.matched', TRAINED)}.",
            f"Mean and standard deviation of the error are both of order $1/m$ for a smooth activation: after one gradient "
            f"step {_slope(ledger, '2d.gradient.mean', ONE_STEP)} and {_slope(ledger, '2d.gradient.sd', ONE_STEP)}, after "
            f"training {_slope(ledger, '2d.gradient.trained-mean', TRAINED)} and "
            f"{_slope(ledger, '2d.gradient.trained-sd', TRAINED)}. Training is no adversary: the bound of (c), which falls "
            f"with exponent {_slope(ledger, '2c.trained-rate', TRAINED)}, was exceeded "
            f"{sum(cell['violations'] for cell in bound['cells'])} times, and the largest ratio of error to bound was "
            f"{max(cell['largest_ratio'] for cell in bound['cells']):.4f}.",
            f"A kink costs rate. For ReLU the mean falls with exponent {_slope(ledger, '2d.gradient.relu-mean', ONE_STEP)} and "
            f"the standard deviation with {_slope(ledger, '2d.gradient.relu-sd', ONE_STEP)}. One line through their root mean "
            f"square has slope {ledger['2d.gradient.relu-single'].estimate:.3f} and looks straight; its goodness of fit, chi-square "
            f"{goodness.get('chi_square', math.nan):.0f} on {goodness.get('degrees', 0)} degrees of freedom, does not allow it.",
            f"It is the scaling $1/\\sqrt{{m}}$ that does this, not width alone. With outputs $\\pm 1/m$ the kernel moves at "
            f"every width: exponent {_slope(ledger, '2d.lazy.mean-field-rate', HALVED)}.",
        ),
    )


def _slope(ledger: Ledger, claim: str, training: str) -> str:
    """The exponent on real rows, or else on one input, with its simultaneous interval."""
    cells = [cell for cell in ledger[claim].cells if cell.scenario["training"] == training]
    cell = next((cell for cell in cells if cell.scenario["data"] == REAL), cells[0])
    low, high = cell.interval
    return f"{cell.estimate:.3f} ({low:.3f} to {high:.3f})"


study = Study(
    name="trained_networks",
    title="How far training carries a wide network from its linearization",
    question="Do gradient steps and training leave a wide network at its linearization, and at which rates?",
    source="Optimization Landscape of Neural Networks, Problem 2 (d)",
    simulate=simulate,
    scenarios=QUICK + FULL,
    full_only=lambda scenario: scenario in set(FULL),
    block=128,
    replicates=Replicates(first=1024, quick=8192, full=16384),
    claims=(*GRADIENT, *LAZINESS, *CONTROLS),
    conclusion=conclude,
    overlays=(
        Overlay(
            "step",
            "Error after one gradient step: tanh and ReLU",
            "Mean and standard deviation apart, for one input of norm 1 and a step of size 1: both fall as 1/m for tanh; for "
            "ReLU each has its own, slower rate.",
            claims=("2d.gradient.mean", "2d.gradient.sd", "2d.gradient.relu-mean", "2d.gradient.relu-sd"),
            where={"data": SINGLE},
        ),
        Overlay(
            "training",
            "Training to a tenth of the loss on three real rows",
            "The bound, the weights' and the tangent kernel's relative movement, and the error's mean and standard deviation.",
            claims=(
                "2c.trained-rate",
                "2d.lazy",
                "2d.lazy.kernel",
                "2d.gradient.trained-mean",
                "2d.gradient.trained-sd",
            ),
            where={"data": REAL, "activation": "tanh"},
        ),
    ),
)

if __name__ == "__main__":
    main(study)
