"""`each`: a `simulate` of blocks, made of a function that draws one replicate."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np

from mcstudy.exceptions import StudyError
from mcstudy.words import said, told

__all__ = ["BrokenRuleError", "Raised", "each"]

FAILURE = "failure"  # the column that declares what failed, here as in any `simulate`
REMEDY = "return a mapping such as {'estimate': 1.2, 'covered': True}"
DOUBLES_SKIP = 2**53  # integers beyond
NAMED = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
GAPS = "return float('nan') where there is no value, and name the column in `missing=`"


class BrokenRuleError(StudyError):
    """A function of one replicate returned what none may: the run stops, for no replicate is to blame."""


class Raised(str):
    """Why a replicate failed, in a line, with the exception that tells where."""

    __slots__ = ("error",)

    error: BaseException

    def __new__(cls, error: BaseException) -> Raised:
        """Make the reason of an exception that was caught here."""
        made = super().__new__(cls, f"{type(error).__name__}: {told(error)}")
        # Without the frame that caught it a traceback begins in the function of the study.
        below = error.__traceback__ and error.__traceback__.tb_next
        made.error = error.with_traceback(below or error.__traceback__)
        return made


def each(function: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Make a `simulate` of a function that draws one replicate.

    A replicate that raises is a failure by itself: the others of its block stand. It is recorded with its reason
    and its traceback, counted, and drawn again by its token (``mcstudy replay STUDY scenario:block:index``).

    Replicate i of a block draws from a stream of its own, child i of the block's: ``rng.spawn(size)[i]``. What it
    draws depends neither on how many numbers the replicates before it took nor on whether they failed. Levels of
    factors in `common` share these streams replicate by replicate.

    Parameters
    ----------
    function : callable
        ``function(rng, **factors)`` draws one replicate from ``rng`` and returns a mapping from column to number,
        the same columns each time; a DataFrame of one row, a Series and a list of one mapping will do. Under
        ``"failure"`` it may say why the replicate failed, empty where it did not.

    Returns
    -------
    callable
        ``simulate(rng, size, **factors)``, as `Experiment` and `Study` take it.

    Raises
    ------
    StudyError
        If `function` is none, yields in place of returning, or takes a `size`. By the returned function, if
        `function` returns anything but numbers by name.

    Examples
    --------
    >>> @each
    ... def slope(rng, *, n):
    ...     x, y = rng.normal(size=(2, n))
    ...     return {"slope": x @ y / (x @ x)}
    >>> slope(np.random.default_rng(1), 3, n=50)["slope"].shape
    (3,)
    """
    signature = _signature(function)

    @functools.wraps(function, updated=())
    def simulate(rng: np.random.Generator, size: int, **factors: Any) -> dict[str, Any]:
        rows: dict[int, Mapping[str, Any]] = {}
        reasons = [""] * size
        for index in range(size):
            (own,) = rng.spawn(
                1
            )  # the same as all at once, which would take as much memory as a block is large
            try:
                result = function(own, **factors)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # a study may raise what it likes
                reasons[index] = Raised(error)
                continue
            row = _row(result, index)
            reasons[index] = _declared(row, index)
            if not reasons[index]:
                rows[index] = row
        return {**_columns(rows, size), FAILURE: reasons}

    if signature is not None:
        simulate.__signature__ = signature  # type: ignore[attr-defined]  # what `inspect.signature` looks for first
    return simulate


def _signature(function: Any) -> inspect.Signature | None:
    """What the made `simulate` takes: the function's parameters and `size`; None where Python can't tell."""
    if not callable(function):
        msg = f"`function` of each must be a function (rng, **factors) of one replicate, got {said(function)}; write each(fit) or @each"
        raise StudyError(msg)
    if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
        msg = f"`function` of each must return the numbers of one replicate, got {said(function)}, which yields or waits; {REMEDY}"
        raise StudyError(msg)
    try:
        signature = inspect.signature(function)
    except ValueError:
        return None
    parameters = list(signature.parameters.values())
    if "size" in signature.parameters:
        msg = f"`function` of each must draw one replicate, got {said(function)}, which takes a `size`; leave `size` out, or hand it to `simulate` as it is"
        raise StudyError(msg)
    if not parameters or parameters[0].kind in NAMED:
        msg = f"`function` of each must take `rng` first, got {said(function)} with {signature}; write (rng, *, n)"
        raise StudyError(msg)
    if parameters[0].kind is inspect.Parameter.VAR_POSITIONAL:
        return signature
    size = parameters[0].replace(name="size", annotation=int)
    return signature.replace(parameters=[parameters[0], size, *parameters[1:]])


def _row(result: Any, index: int) -> Mapping[str, Any]:
    """The numbers of a replicate by name, from any of the forms that are welcome."""
    if isinstance(result, Mapping):
        return dict(result)  # the same one may be returned again, with other numbers
    kinds = [base.__name__ for base in type(result).__mro__ if base.__module__.partition(".")[0] == "pandas"]
    if "Series" in kinds:
        named: Mapping[str, Any] = result.to_dict()
        return named
    rows = result.to_dict("records") if "DataFrame" in kinds else result
    if not isinstance(rows, (list, tuple)) or not all(isinstance(row, Mapping) for row in rows):
        _refuse("return numbers by name", type(result).__name__, index, REMEDY)
    if len(rows) != 1:
        remedy = (
            "give each row columns of its own, or make what tells them apart a factor and name it in `common`"
        )
        _refuse("return one row", f"{len(rows)} of them", index, remedy)
    return dict(rows[0])


def _declared(row: Mapping[str, Any], index: int) -> str:
    """Why a replicate says that it failed; empty where it did not."""
    reason = row.get(FAILURE, "")
    if not isinstance(reason, str):
        rule = f"say under `{FAILURE}` why the replicate failed"
        _refuse(rule, repr(reason), index, "return a text, empty where it did not fail")
    return reason


def _columns(rows: Mapping[int, Mapping[str, Any]], size: int) -> dict[str, Any]:
    """The columns of a block, NaN where a replicate failed; none where all did."""
    names: list[str] = []
    numbers: list[list[Any]] = []
    for index, row in rows.items():
        given = [name for name in row if name != FAILURE]
        if not numbers:
            names = given
        elif len(given) != len(names) or any(name not in row for name in names):
            told = f"{_listed(given)} after {_listed(names)}"
            _refuse("return the same names in every replicate", told, index, GAPS)
        numbers.append([_number(name, row[name], index) for name in names])
    if rows and not names:
        _refuse("return numbers by name", "none", next(iter(rows)), REMEDY)
    by_name = zip(names, zip(*numbers, strict=True), strict=True)
    return {name: _spread(values, rows, size) for name, values in by_name}


def _spread(values: Any, indices: Any, size: int) -> Any:
    """The values at their places in the block."""
    if len(values) == size:
        return np.array(values)
    column = np.full(size, np.nan)
    column[list(indices)] = values
    return column


def _number(name: str, value: Any, index: int) -> Any:
    if type(value) in (float, bool) or (type(value) is int and abs(value) <= DOUBLES_SKIP):
        return value
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        return np.nan  # NumPy would let through what the mask hides
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.shape:
        rule, got = "return one number a name", f"shape {array.shape} for `{name}`"
        _refuse(rule, got, index, "take a mean or another number of it, or name each entry")
    number = array[()]
    if array.dtype.kind not in "biuf" or (array.dtype.kind in "iu" and abs(int(number)) > DOUBLES_SKIP):
        _refuse("return numbers that doubles can hold", f"{value!r:.60} for `{name}`", index, GAPS)
    return number


def _listed(names: list[str]) -> str:
    return ", ".join(map(str, names)) or "none"


def _refuse(rule: str, got: str, index: int, remedy: str) -> NoReturn:
    msg = f"`function` of each must {rule}, got {got} in replicate {index}; {remedy}"
    raise BrokenRuleError(msg)
