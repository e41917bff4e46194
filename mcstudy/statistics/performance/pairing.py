"""Which group a group is compared with, and which row of it belongs to the same replicate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mcstudy.exceptions import InputError
from mcstudy.statistics.intervals import FloatArray
from mcstudy.statistics.performance.groups import Groups, IntArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Pairs", "pair"]

NOBODY = -1


@dataclass(frozen=True, eq=False)
class Pairs:
    """The reference of each group and of each row, by number; `NOBODY` where there is none.

    Parameters
    ----------
    groups : ndarray of int, shape (groups,)
        The group that is the reference; of a reference it is itself.
    rows : ndarray of int, shape (rows,)
        The row of the reference that belongs to the same replicate.
    """

    groups: IntArray
    rows: IntArray

    def of_group(self, per_group: FloatArray) -> FloatArray:
        """Value of the reference of each group, shape (groups,); nan without one."""
        return np.where(self.groups == NOBODY, np.nan, per_group[self.groups])

    def of_row(self, per_row: FloatArray) -> FloatArray:
        """Value of the partner of each row, shape (rows,); nan without one."""
        return np.where(self.rows == NOBODY, np.nan, per_row[self.rows])


def pair(groups: Groups, levels: pd.DataFrame, reference: Any, replicates: pd.Series[Any] | None) -> Pairs:
    """Pair each group with the one that has the reference's level and the same levels otherwise.

    Parameters
    ----------
    groups : Groups
        To which group each row belongs.
    levels : DataFrame with a row for each group
        The levels of the `by` columns.
    reference : level, or mapping of `by` columns to levels
        The reference.
    replicates : Series with a value for each row, or None
        What two rows of one replicate have in common. Default: their places within their groups.

    Raises
    ------
    InputError
        If the reference is not a level of exactly one column, or rows cannot be paired.
    """
    chosen = reference if isinstance(reference, Mapping) else _found(levels, reference)
    partners = _reference_groups(levels, chosen)
    numbers = _places(groups, partners) if replicates is None else _numbers(groups, replicates)
    return Pairs(partners, _partner_rows(groups, partners, numbers))


def _found(levels: pd.DataFrame, reference: Any) -> dict[Any, Any]:
    """Look for the one column that has the reference's level."""
    columns = [name for name in levels if reference in levels[name].tolist()]
    if not columns:
        known = "; ".join(f"{name}: {_shown(levels[name].unique().tolist())}" for name in levels)
        known = f"the levels are {known}" if known else "there are no `by` columns"
        msg = f"`reference` must be a level of a `by` column, got {reference!r}; {known}"
        raise InputError(msg)
    if len(columns) > 1:
        msg = (
            f"`reference` must be a level of one `by` column, got {reference!r}, a level of "
            f"{_shown(columns)}; say which: reference={{{columns[0]!r}: {reference!r}}}"
        )
        raise InputError(msg)
    return {columns[0]: reference}


def _reference_groups(levels: pd.DataFrame, chosen: Mapping[Any, Any]) -> IntArray:
    matches = np.ones(len(levels), dtype=np.bool_)
    for name, level in chosen.items():
        if name not in levels:
            msg = f"`reference` must name `by` columns, got {name!r}; they are {_shown(list(levels))}"
            raise InputError(msg)
        matches &= [other == level for other in levels[name]]
    if not matches.any():
        msg = f"`reference` must be among the groups, got {dict(chosen)}; no row has these levels together"
        raise InputError(msg)
    family = _codes(levels, [name for name in levels if name not in chosen])
    of_family = np.full(len(levels), NOBODY, dtype=np.int64)
    of_family[family[matches]] = np.flatnonzero(matches)
    return of_family[family]


def _codes(levels: pd.DataFrame, columns: Sequence[Any]) -> IntArray:
    """Number the combinations of some columns, missing levels among them."""
    if not columns:
        return np.zeros(len(levels), dtype=np.int64)
    grouped = levels.groupby(list(columns), dropna=False, observed=True, sort=False)
    return np.asarray(grouped.ngroup(), dtype=np.int64)


def _places(groups: Groups, partners: IntArray) -> IntArray:
    """Count the rows within each group, which must be as many as in its reference."""
    sizes = np.bincount(groups.codes, minlength=groups.number)
    differ = (partners != NOBODY) & (sizes != sizes[partners])
    if np.any(differ):
        group = int(np.argmax(differ))
        msg = (
            f"`frame` must have as many rows in each group as in its reference, got {sizes[group]} and "
            f"{sizes[partners[group]]}; name the column that numbers the replicates: replicate=..."
        )
        raise InputError(msg)
    order = np.argsort(groups.codes, kind="stable")
    places = np.empty(groups.codes.size, dtype=np.int64)
    places[order] = np.arange(groups.codes.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return places


def _numbers(groups: Groups, replicates: pd.Series[Any]) -> IntArray:
    """Number the replicates by their names, each at most once in a group."""
    import pandas as pd

    numbers = np.asarray(pd.factorize(replicates)[0], dtype=np.int64)
    if np.any(numbers < 0):
        msg = f"`replicate` must not be missing, got {replicates.name!r} with gaps; number all replicates"
        raise InputError(msg)
    twice = pd.Series(_keys(groups.codes, numbers)).duplicated().to_numpy()
    if np.any(twice):
        value = replicates.iloc[int(np.argmax(twice))]
        msg = (
            f"`replicate` must differ within a group, got {value!r} twice; add what tells them apart to `by`"
        )
        raise InputError(msg)
    return numbers


def _keys(codes: IntArray, numbers: IntArray) -> IntArray:
    """One number for group and replicate."""
    return codes * (int(numbers.max()) + 1) + numbers


def _partner_rows(groups: Groups, partners: IntArray, numbers: IntArray) -> IntArray:
    references = np.flatnonzero(np.isin(groups.codes, partners))
    keys = _keys(groups.codes, numbers)[references]
    order = np.argsort(keys)
    # Without a reference the code is negative, and so is the key: it is not found.
    wanted = _keys(partners[groups.codes], numbers)
    places = np.minimum(np.searchsorted(keys, wanted, sorter=order), keys.size - 1)
    candidates = order[places]
    return np.where(keys[candidates] == wanted, references[candidates], NOBODY)


def _shown(names: Sequence[Any]) -> str:
    return ", ".join(map(repr, names))
