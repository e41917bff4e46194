"""What a statistic is claimed to be a power of: a factor, several, or a function of them, with corrections."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mcstudy.checks import is_real
from mcstudy.claims.theory import evaluate
from mcstudy.exceptions import ClaimError
from mcstudy.scenarios import Scenario
from mcstudy.words import said

__all__ = ["Powers"]

FloatArray = npt.NDArray[np.float64]

# Corrections that are common in theory vanish faster, as x^(-1/2) of Edgeworth or x^(-2/5) of kernel estimates: this
# one leads further than any of them.
SLOW = 1 / 4


@dataclass(frozen=True)
class Powers:
    """The form ``y = a x^p`` with its corrections, or ``y = a x_1^p_1 x_2^p_2 ...``.

    Attributes
    ----------
    claim_id : str
        For messages.
    against : str, callable or mapping from str
        A factor; a function of factors; or several factors.
    limit : {"infinity", "zero"}
        Where the law is asymptotic.
    correction : float, optional
        q in ``a x^p (1 + c x^q)``, which is fitted as ``log a + p log x + c x^q``.
    log : float or "fit", optional
        l in ``a x^p log(x)^l``, of 1/x towards zero: known, or fitted.

    Raises
    ------
    ClaimError
        If the parts do not go together.
    """

    claim_id: str
    against: str | Callable[..., float] | Mapping[str, Any]
    limit: str = "infinity"
    correction: float | None = None
    log: float | Literal["fit"] | None = None

    def __post_init__(self) -> None:
        if self.limit not in ("infinity", "zero"):
            self._refuse("limit", "be 'infinity' or 'zero'", self.limit)
        if not (isinstance(self.against, (str, Mapping)) or callable(self.against)) or not self.against:
            self._refuse(
                "against", "be a factor, a function of factors, or a mapping from factors", self.against
            )
        self._check_correction()
        self._check_log()

    def _check_correction(self) -> None:
        if self.correction is None:
            return
        sign = -1 if self.limit == "infinity" else 1
        if not is_real(self.correction) or not self.correction * sign > 0:
            side = "below" if sign < 0 else "above"
            self._refuse(
                "correction", f"be a power {side} 0, which vanishes towards {self.limit}", self.correction
            )
        self._check_single("correction", self.correction)

    def _check_log(self) -> None:
        if self.log is None:
            return
        if self.log != "fit" and (not is_real(self.log) or self.log == 0):
            self._refuse("log", "be a power other than 0, or 'fit'", self.log)
        self._check_single("log", self.log)

    def _check_single(self, argument: str, value: object) -> None:
        if self.several:
            self._refuse(argument, f"be left out where `against` names several factors ({self.label})", value)

    @property
    def several(self) -> bool:
        """Whether there are exponents of several factors."""
        return isinstance(self.against, Mapping)

    @property
    def takes_half(self) -> bool:
        """Whether the half of the levels nearest to the limit decides; corrections need all of them."""
        return not self.several and self.correction is None and self.log != "fit"

    @property
    def coefficients(self) -> int:
        """How many numbers are fitted."""
        return 1 + len(self.names) + (self.correction is not None) + (self.log == "fit")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The factors that have exponents; for a function, what x is called."""
        return tuple(self.against) if isinstance(self.against, Mapping) else (self.label,)

    @cached_property
    def label(self) -> str:
        """What x is called."""
        if isinstance(self.against, str):
            return self.against
        if isinstance(self.against, Mapping):
            return ", ".join(self.against)
        name = getattr(self.against, "__name__", "<lambda>")
        return f"f({', '.join(inspect.signature(self.against).parameters)})" if name == "<lambda>" else name

    @cached_property
    def formula(self) -> str:
        """The model in plain text."""
        if self.several:
            return "a " + " ".join(f"{name}^p{k}" for k, name in enumerate(self.names, start=1))
        x = self.label
        powers = f"a {x}^p"
        if self.log is not None:
            argument = x if self.limit == "infinity" else f"1/{x}"
            powers += f" log({argument})^{'l' if self.log == 'fit' else format(self.log, 'g')}"
        return powers if self.correction is None else f"{powers} (1 + c {x}^{self.correction:g})"

    def reads(self, scenario: Scenario) -> list[str]:
        """The factors of a scenario that x is computed from: a line runs along them."""
        if isinstance(self.against, (str, Mapping)):
            named = {self.against} if isinstance(self.against, str) else set(self.against)
            return [factor for factor in scenario if factor in named]
        parameters = inspect.signature(self.against).parameters
        everything = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        return [factor for factor in scenario if everything or factor in parameters]

    def levels(self, scenarios: Sequence[Scenario]) -> FloatArray:
        """The levels of every factor that has an exponent, shape (scenarios, exponents); NaN for what is no number."""
        if callable(self.against):
            return np.array([[evaluate(self.claim_id, "against", self.against, s)] for s in scenarios])
        return np.array([[_number(scenario.get(name)) for name in self.names] for scenario in scenarios])

    def regressors(self, scenarios: Sequence[Scenario]) -> FloatArray:
        """Columns of the regression without its intercept: logarithms of the levels first, then corrections."""
        levels = self.levels(scenarios)
        columns = [np.log(levels)]
        if self.correction is not None:
            columns.append(levels**self.correction)
        if self.log == "fit":
            columns.append(self._log_log(levels))
        return np.hstack(columns)

    def slow_correction(self, scenarios: Sequence[Scenario]) -> FloatArray:
        """The column of a correction that nobody named, shape (scenarios, 1)."""
        return np.asarray(self.levels(scenarios) ** self.slow)

    @property
    def slow(self) -> float:
        """The power of that correction."""
        return -self._towards * SLOW

    def known(self, scenarios: Sequence[Scenario]) -> FloatArray:
        """What is known of the logarithm of the statistic, shape (scenarios,)."""
        if self.log is None or self.log == "fit":
            return np.zeros(len(scenarios))
        return float(self.log) * self._log_log(self.levels(scenarios))[:, 0]

    def _log_log(self, levels: FloatArray) -> FloatArray:
        return np.asarray(np.log(self._towards * np.log(levels)))

    @property
    def _towards(self) -> int:
        return 1 if self.limit == "infinity" else -1

    def check(self, scenarios: Sequence[Scenario]) -> None:
        """Refuse the levels of a line that the form can't be fitted to.

        Raises
        ------
        ClaimError
        """
        levels = self.levels(scenarios)
        self._check_positive(levels, scenarios)
        if len(levels) <= self.coefficients:
            model = "a rate" if self.takes_half else self.formula
            self._refuse_levels(
                f"needs at least {self.coefficients + 1} levels to fit {model}", levels, scenarios
            )
        if not self.several and np.unique(levels).size < len(levels):
            self._refuse_levels("must have different levels in the scenarios of a line", levels, scenarios)
        if self.log is not None and not np.all(self._towards * np.log(levels) > 0.0):
            side = "above" if self.limit == "infinity" else "below"
            self._refuse_levels(
                f"must have levels {side} 1 for a power of their logarithm", levels, scenarios
            )
        if self.several:
            self._check_rank(np.log(levels))

    def _check_positive(self, levels: FloatArray, scenarios: Sequence[Scenario]) -> None:
        for name, column in zip(self.names, levels.T, strict=True):
            if not np.all(column > 0.0):
                shown = column.tolist() if callable(self.against) else [s.get(name) for s in scenarios]
                msg = f"claim {self.claim_id}: levels of `{name}` must be positive numbers, got {shown}"
                raise ClaimError(msg)

    def _check_rank(self, logs: FloatArray) -> None:
        """Refuse a factor whose logarithm is a constant plus a combination of those of the others."""
        centered = logs - np.mean(logs, axis=0)
        for k, name in enumerate(self.names):
            # What the factors before it have taken away, author's order: the later one is to be spared.
            if np.linalg.matrix_rank(centered[:, : k + 1]) <= k:
                others = ", ".join(f"`{other}`" for other in self.names[:k])
                why = f"determined by {others}" if np.ptp(logs[:, k]) > 0 else "the same everywhere"
                self._refuse(
                    "against",
                    f"name factors that vary independently in each line, but `{name}` is {why}; vary it, or leave it out",
                    list(self.names),
                )

    def _refuse_levels(self, rule: str, levels: FloatArray, scenarios: Sequence[Scenario]) -> None:
        if isinstance(self.against, str):
            shown: list[Any] = [scenario[self.against] for scenario in scenarios]
        else:
            shown = levels.tolist() if self.several else levels[:, 0].tolist()
        msg = f"claim {self.claim_id}: `{self.label}` {rule}, got {shown}"
        raise ClaimError(msg)

    def _refuse(self, argument: str, rule: str, value: object) -> None:
        msg = f"claim {self.claim_id}: `{argument}` must {rule}, got {said(value)}"
        raise ClaimError(msg)


def _number(level: object) -> float:
    return float(level) if isinstance(level, (int, float)) else math.nan
