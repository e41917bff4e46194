"""What estimates are compared with: a number, a column, or a function of the factors of a scenario."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from mcstudy.checks import is_real
from mcstudy.exceptions import InputError, StudyError
from mcstudy.factors import call_with_factors
from mcstudy.words import said

__all__ = ["Truth", "bound", "check_truth"]

Truth: TypeAlias = float | str | Callable[..., float]


def check_truth(argument: str, truth: Any) -> None:
    """Refuse what is no finite number, no column and no function.

    Raises
    ------
    InputError
        About the argument of this name.
    """
    if not (isinstance(truth, str) or callable(truth) or is_real(truth)):
        msg = f"`{argument}` must be a finite number, a column or a function of factors, got {said(truth)}; state what is true"
        raise InputError(msg)


def bound(argument: str, truth: Truth, scenario: Mapping[str, Any]) -> float | str:
    """Return the truth in a scenario: the value of a function of factors; a number or a column as it is.

    Raises
    ------
    InputError
        If the function names what is no factor, raises, or returns no number.

    Examples
    --------
    >>> bound("truth", lambda n: 1 / n, {"n": 4, "d": 2}), bound("truth", "theta", {"n": 4})
    (0.25, 'theta')
    """
    if not callable(truth):
        return truth
    try:
        value = call_with_factors(truth, scenario)
    except StudyError as error:
        msg = f"`{argument}` {error}"
        raise InputError(msg) from error
    except Exception as error:  # it is the author's function, and may raise anything
        msg = f"`{argument}` must give a number in {scenario}, but raised {type(error).__name__}: {error}"
        raise InputError(msg) from error
    if not is_real(value):
        msg = f"`{argument}` must give a finite number in {scenario}, got {said(value)}; mend the function"
        raise InputError(msg)
    return float(value)
