"""How far training carries a wide network from its linearization: one gradient step, and training to a fixed loss.

Every replicate draws a network, trains it by gradient descent on the square loss of the data, and compares it with its
linearization, at the trained weights and along the linearization's own training at matched time; columns are those of
`mcstudy.models.shallow.lazy_training`. Networks are centred, g = f - f(W_0): the labels alone drive them. Outputs are
+-1/sqrt m; the control is the mean-field scaling, +-1/m and steps m times as long, whose rows move by order one.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

import mcstudy as mc
from mcstudy.models.arrays import FloatArray
from mcstudy.models.data import real_rows
from mcstudy.models.shallow.activations import activation as known
from mcstudy.models.shallow.error_moments import gradient_step_moments
from mcstudy.models.shallow.initialization import Initialization, draw_initialization
from mcstudy.models.shallow.inputs import sphere
from mcstudy.models.shallow.lazy_training import movements, trained_errors
from mcstudy.models.shallow.training import Trained, train

Columns = dict[str, npt.NDArray[Any]]
Measure = Callable[[Initialization, FloatArray, FloatArray], Columns]

SINGLE, REAL, RANDOM = "one input", "real rows", "random points"
WIDTHS, MORE = mc.powers_of_two(6, 12), mc.powers_of_two(4, 12)  # narrow networks cannot learn three rows
ENTRIES = 2**18  # of W_0 in work at once, at most ten to a row: 2 MiB, unless a single network has more
TANH = {"data": REAL, "activation": "tanh"}
UNFINISHED = "the loss did not fall as wanted within the steps allowed"


def networks(
    measure: Measure, rng: np.random.Generator, size: int, *, activation: str, data: str, width: int
) -> Columns:
    """One block: what `measure` finds in networks that learn from data, arrays of shape (size,)."""

    def draw(count: int) -> Columns:
        X, y = _data(rng, count, data)
        return measure(draw_initialization(rng, X[:, 0], width, known(activation)), X, y)

    return mc.portions(draw, size, entries=10 * width, most=ENTRIES)


def _data(rng: np.random.Generator, count: int, data: str) -> tuple[FloatArray, FloatArray]:
    """Inputs (count, n, d) and labels (count, n); those of one input and of real rows never change."""
    if data == RANDOM:
        return sphere(rng, (count, 2, 10)), rng.choice(np.array([-1.0, 1.0]), size=(count, 2))
    if data == SINGLE:
        X, y = np.array([[1.0, 0.0]]), np.array([1.0])
    else:
        rows = real_rows()
        chosen = [rows.names.index(state) for state in ("California", "Louisiana", "Vermont")]
        X, y = rows.inputs[chosen], rows.responses[chosen]
    return np.tile(X, (count, 1, 1)), np.tile(y, (count, 1))


def _descend(start: Initialization, X: FloatArray, y: FloatArray, *, part: float, **descent: Any) -> Trained:
    """Train until the loss is a part of what it was at the start, (1/2)||y||^2."""
    loss = part * 0.5 * np.vecdot(y, y)
    return train(start.W0, start.a, X, y, start.sigma, loss=loss, **descent)


def _both(start: Initialization, *data: FloatArray, **descent: Any) -> tuple[Trained, Trained]:
    """The networks after training, and those with outputs -a after theirs."""
    return _descend(start, *data, **descent), _descend(replace(start, a=-start.a), *data, **descent)


BOUND = partial(mc.Bound, column="undershoot", at_most="bound", probability=0.02, source="Problem 2 (c)")
RATE = partial(mc.Rate, against="width", exponent=-1.0, margin=0.05)

RIGHT_SIDE = r"\frac{\beta}{2 \sqrt{m}} \lVert W - W_0 \rVert^2 \lVert x \rVert^2"
BOUNDED = rf"|f(W) - f_0(W)| \le {RIGHT_SIDE}"
MEAN, SPREAD = r"\mathbb{E}(f - f_0)", r"\operatorname{sd}(f - f_0)"
SMOOTH_STEP = r"\propto m^{-1} \text{ after a gradient step, smooth } \sigma"
AT_ANY = r"\text{ in closed form after a gradient step, at every } m"
ANY_MEAN, ANY_SD = f"{MEAN} {AT_ANY}", f"{SPREAD} {AT_ANY}"
SMOOTH, RELU = "smooth activations", "ReLU"
TENTH = mc.relative(0.1)  # theory is exact at every width, so that it allows for sampling alone
ONE = {"data": SINGLE}
FEW = ONE | {"width": (256, 1024, 4096)}  # the sd, known less well than the mean, takes more draws
ONE_STEP = {"part": 0.0, "step": 1.0, "steps": 1}
PAIR, SD, ROW_SPREAD = mc.mean("pair"), mc.sd("undershoot"), mc.rms("row_spread")

ERRORS = {
    "undershoot": r"$f_0 - f$ on the first input, in the direction of its label",
    "pair": "the mean of the undershoots of two networks with opposite signs $a$: as large in the mean, without the term of mean zero",
    "row_spread": r"the sd of the rows' errors times $\sqrt m$, the sd of $f - f_0$ where rows are independent",
    "width": "$m$, the number of rows",
}
MOVED = ERRORS | {
    "bound": f"${RIGHT_SIDE}$",
    "movement": r"$\lVert W_T - W_0 \rVert / \lVert W_0 \rVert$",
    "kernel_movement": r"$\lVert \Theta_T - \Theta_0 \rVert / \lVert \Theta_0 \rVert$",
    "departure": "the network's prediction less that of the linearization trained as long",
}


def step(start: Initialization, X: FloatArray, y: FloatArray) -> Columns:
    """Errors and movements after a gradient step of size 1."""
    moved, mirrored = _both(start, X, y, **ONE_STEP)
    return trained_errors(start, X, y, moved, mirrored) | movements(start, X, moved)


def _mean(activation: str, width: int) -> float:
    return -gradient_step_moments(known(activation), 1.0, 1.0, width).mean


def _sd(activation: str, width: int) -> float:
    return gradient_step_moments(known(activation), 1.0, 1.0, width).sd


STEP = mc.Experiment(
    "step",
    simulate=partial(networks, step),
    scenarios=mc.grid(activation=("tanh",), data=(SINGLE, REAL), width=MORE),
    full=mc.grid(activation=("erf", "gelu"), data=(SINGLE,), width=MORE),
    source="Problem 2 (d)",
    columns=MOVED,
    claims=[
        BOUND("2c.step", rf"{BOUNDED} \text{{ after a gradient step}}"),
        RATE("2d.gradient.mean", rf"{MEAN} {SMOOTH_STEP}", of=PAIR),
        RATE("2d.gradient.sd", rf"{SPREAD} {SMOOTH_STEP}", of=ROW_SPREAD),
        mc.Value(
            "2d.gradient.exact-mean", ANY_MEAN, of=PAIR, equals=_mean, margin=TENTH, where=ONE, title=SMOOTH
        ),
        mc.Value("2d.gradient.exact-sd", ANY_SD, of=SD, equals=_sd, margin=TENTH, where=FEW, title=SMOOTH),
    ],
)


def kinked_step(start: Initialization, X: FloatArray, y: FloatArray) -> Columns:
    """Errors after a gradient step of size 1, without a bound."""
    return trained_errors(start, X, y, *_both(start, X, y, **ONE_STEP))


RELU_MEAN = rf"{MEAN} \propto m^{{-1/2}} \text{{ after a gradient step, ReLU}}"
RELU_SD = rf"{SPREAD} \propto m^{{-3/4}} \text{{ after a gradient step, ReLU}}"
ONE_POWER = r"\sqrt{\mathbb{E} (f - f_0)^2} \text{ is one power of } m \text{, ReLU}"
NO_POWER = mc.control("a mean of order $m^{-1/2}$ and an sd of order $m^{-3/4}$: no single power")
# The zone holds every slope between -1/2 and -3/4, so that only the goodness of fit can refute.
IN_ZONE: dict[str, Any] = {"exponent": -5 / 8, "margin": 0.2, "exact": True}

KINK = mc.Experiment(
    "kink",
    simulate=partial(networks, kinked_step),
    scenarios=mc.grid(activation=("relu",), data=(SINGLE,), width=MORE),
    source=r"Problem 2 (d), where $\beta$ is infinite",
    columns=ERRORS,
    claims=[
        RATE("2d.gradient.relu-mean", RELU_MEAN, of=PAIR, exponent=-1 / 2),
        RATE("2d.gradient.relu-sd", RELU_SD, of=ROW_SPREAD, exponent=-3 / 4),
        RATE("2d.gradient.relu-single", ONE_POWER, of=mc.rms("undershoot"), **IN_ZONE, expected=NO_POWER),
        mc.Value("2d.gradient.relu-exact-mean", ANY_MEAN, of=PAIR, equals=_mean, margin=TENTH, title=RELU),
        mc.Value("2d.gradient.relu-exact-sd", ANY_SD, of=SD, equals=_sd, margin=TENTH, where=FEW, title=RELU),
    ],
)

MOVEMENT = r"\lVert W_T - W_0 \rVert / \lVert W_0 \rVert \propto m^{-1/2}"
KERNEL = r"\lVert \Theta_T - \Theta_0 \rVert / \lVert \Theta_0 \rVert"
BOUND_FALLS = rf"{RIGHT_SIDE} \propto m^{{-1/2}} \text{{ at trained weights}}"
TRAINED = r"\propto m^{-1} \text{ after training, smooth } \sigma"
AS_LONG = r"f_{\text{trained}} - f_{\text{linearization, trained as long}} \propto m^{-1}"


def training(start: Initialization, X: FloatArray, y: FloatArray) -> Columns:
    """Errors and movements after training to a tenth of the loss."""
    trained, mirrored = _both(start, X, y, part=0.1, step=0.5, steps=400)  # most take fewer than ten steps
    failure = {"failure": np.where(trained.reached & mirrored.reached, "", UNFINISHED)}
    return trained_errors(start, X, y, trained, mirrored) | movements(start, X, trained) | failure


TRAINING = mc.Experiment(
    "training",
    simulate=partial(networks, training),
    scenarios=mc.grid(activation=("tanh",), data=(REAL,), width=WIDTHS),
    full=mc.grid(activation=("erf",), data=(REAL,), width=WIDTHS),
    source="Problem 2 (d)",
    columns=MOVED,
    claims=[
        BOUND("2c.trained", rf"{BOUNDED} \text{{ at trained weights}}"),
        RATE("2c.trained-rate", BOUND_FALLS, of=mc.mean("bound"), exponent=-1 / 2, margin=0.02),
        RATE("2d.gradient.trained-mean", rf"{MEAN} {TRAINED}", of=PAIR),
        RATE("2d.gradient.trained-sd", rf"{SPREAD} {TRAINED}", of=SD, margin=0.1),
        RATE("2d.lazy", MOVEMENT, of=mc.mean("movement"), exponent=-1 / 2, margin=0.02),
        RATE("2d.lazy.kernel", rf"{KERNEL} \propto m^{{-1}}", of=mc.rms("kernel_movement")),
        RATE("2d.lazy.matched", AS_LONG, of=mc.rms("departure"), margin=0.1),
    ],
)

DRAWN_ANEW = rf"{MOVEMENT} \text{{ for points drawn anew}}"

RANDOM_POINTS = mc.Experiment(
    "random_points",
    simulate=partial(networks, training),
    scenarios=mc.grid(activation=("tanh",), data=(RANDOM,), width=WIDTHS),
    columns=MOVED,
    source="Problem 2 (d)",
    claims=[
        BOUND("2c.random-points", rf"{BOUNDED} \text{{ at trained weights, for points drawn anew}}"),
        RATE("2d.lazy.random-points", DRAWN_ANEW, of=mc.mean("movement"), exponent=-1 / 2),
    ],
)


def mean_field(start: Initialization, X: FloatArray, y: FloatArray) -> Columns:
    """Movements after training to half of the loss: to a tenth, narrow networks of outputs +-1/m would take for ever."""
    slower = replace(start, a=start.a / math.sqrt(start.width))  # takes steps m times as long
    trained = _descend(slower, X, y, part=0.5, step=0.5 * start.width, steps=400)
    return movements(slower, X, trained) | {"failure": np.where(trained.reached, "", UNFINISHED)}


LAZY = rf"{KERNEL} \propto m^{{-1}} \text{{ for outputs }} \pm 1/m"
CONSTANT = rf"{KERNEL} \propto m^{{0}} \text{{ for outputs }} \pm 1/m"
NOT_LAZY = mc.control("in the mean-field scaling rows move by order one, and the kernel moves at every width")

MEAN_FIELD = mc.Experiment(
    "mean_field",
    simulate=partial(networks, mean_field),
    scenarios=mc.grid(activation=("tanh",), data=(REAL,), width=WIDTHS[:5]),
    source="Problem 2 (d), another scaling",
    columns={name: MOVED[name] for name in ("bound", "movement", "kernel_movement", "departure", "width")},
    claims=[
        RATE("2d.lazy.mean-field", LAZY, of=mc.rms("kernel_movement"), expected=NOT_LAZY),
        RATE("2d.lazy.mean-field-rate", CONSTANT, of=mc.rms("kernel_movement"), exponent=0.0),
    ],
)


def conclude(ledger: mc.Ledger) -> mc.Section:
    """What over-parametrization does to training, in the ledger's own numbers."""
    bounds = [ledger[claim] for claim in ("2c.step", "2c.trained", "2c.random-points")]
    single = ledger["2d.gradient.relu-single"]
    fit = single.evidence.cells[0].fit
    misfit = (
        f"chi-square {fit.chi_square:.0f} on {fit.degrees} degrees of freedom" if fit else "not known yet"
    )
    told = (
        f"A trained wide network is its linearization. To reach a tenth of its loss on three real rows, the weights move "
        f"by a fraction that falls with exponent {ledger['2d.lazy'].cell(**TANH):.3f} in the width, the tangent kernel by one "
        f"with exponent {ledger['2d.lazy.kernel'].cell(**TANH):.3f}, and the network departs from the linearization trained "
        f"as long with exponent {ledger['2d.lazy.matched'].cell(**TANH):.3f}.",
        f"Mean and standard deviation of the error are both of order $1/m$ for a smooth activation: after one gradient step "
        f"{ledger['2d.gradient.mean'].cell(**TANH):.3f} and {ledger['2d.gradient.sd'].cell(**TANH):.3f}, after training "
        f"{ledger['2d.gradient.trained-mean'].cell(**TANH):.3f} and {ledger['2d.gradient.trained-sd'].cell(**TANH):.3f}. "
        f"Training is no adversary: the bound of (c), which falls with exponent "
        f"{ledger['2c.trained-rate'].cell(**TANH):.3f}, was exceeded {sum(bound.violations for bound in bounds)} times, and "
        f"the largest ratio of error to bound was {max(bound.largest_ratio for bound in bounds):.4f}.",
        f"A kink costs rate. For ReLU the mean falls with exponent {ledger['2d.gradient.relu-mean'].cell():.3f} and the "
        f"standard deviation with {ledger['2d.gradient.relu-sd'].cell():.3f}. One line through their root mean square has "
        f"slope {single.estimate:.3f} and looks straight; its goodness of fit, {misfit}, does not allow it.",
        f"It is the scaling $1/\\sqrt{{m}}$ that does this, not width alone. With outputs $\\pm 1/m$ the kernel moves at "
        f"every width: exponent {ledger['2d.lazy.mean-field-rate'].cell():.3f}.",
    )
    return mc.Section("What over-parametrization does", told)


APART = "Mean and standard deviation apart, for one input of norm 1 and a step of size 1: both fall as 1/m for tanh; for ReLU each has its own, slower rate."
KINDS = ("2d.gradient.mean", "2d.gradient.sd", "2d.gradient.relu-mean", "2d.gradient.relu-sd")
FALLS = "The bound, the weights' and the tangent kernel's relative movement, and the error's mean and standard deviation."
LINES = ("2c.trained-rate", "2d.lazy", "2d.lazy.kernel", "2d.gradient.trained-mean", "2d.gradient.trained-sd")

study = mc.Study(
    name="trained_networks",
    title="How far training carries a wide network from its linearization",
    question="Do gradient steps and training leave a wide network at its linearization, and at which rates?",
    source="Optimization Landscape of Neural Networks, Problem 2 (d)",
    answer=r"They do. For smooth activations mean and standard deviation of the error fall as $m^{{{2d.gradient.mean}}}$ and $m^{{{2d.gradient.sd}}}$ after a gradient step, as $m^{{{2d.gradient.trained-mean}}}$ and $m^{{{2d.gradient.trained-sd}}}$ after training, while the weights move by $m^{{{2d.lazy}}}$ and the tangent kernel by $m^{{{2d.lazy.kernel}}}$ of themselves. A kink costs rate: for ReLU $m^{{{2d.gradient.relu-mean}}}$ and $m^{{{2d.gradient.relu-sd}}}$. With outputs $\pm 1/m$ the kernel moves at every width.",
    experiments=[STEP, KINK, TRAINING, RANDOM_POINTS, MEAN_FIELD],
    block=128,
    replicates=mc.Replicates(first=128, quick=8192, full=8192),
    conclusion=conclude,
    overlays=(
        mc.Overlay("step", "Error after one gradient step: tanh and ReLU", APART, claims=KINDS, where=ONE),
        mc.Overlay(
            "training", "Training to a tenth of the loss on three real rows", FALLS, claims=LINES, where=TANH
        ),
    ),
)

if __name__ == "__main__":
    mc.main(study)
