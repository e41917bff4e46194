"""The draws as tables: one tidy table an experiment, in memory or as files."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mcstudy.codec import plain
from mcstudy.engine.blocks import Blocks
from mcstudy.engine.reading import reading
from mcstudy.exceptions import InputError
from mcstudy.ledger import ExperimentDesign, Ledger
from mcstudy.scenarios import Scenario, Where, unmatched
from mcstudy.words import nearest, said

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FORMATS", "drawn", "export"]

FORMATS = ("csv", "parquet", "json")


def drawn(
    ledger: Ledger, folder: Path | None, columns: Sequence[str], experiment: str | None, where: Where
) -> pd.DataFrame:
    """The replicates that findings rest on; see `Results.draws`."""
    import pandas as pd

    if folder is None:
        msg = "`draws` must have a journal to read, got a run that kept everything in memory; run it with out='reports'"
        raise InputError(msg)
    design = _design(ledger, experiment)
    if unknown := [column for column in columns if column not in design.columns]:
        hint = nearest(unknown[0], design.columns)
        msg = f"`columns` must be columns of the experiment, got {unknown[0]!r}; {hint}columns: {', '.join(design.columns)}"
        raise InputError(msg)
    places = _places(ledger, design, where)
    with reading(folder / "draws.sqlite") as blocks:
        if blocks.key_digest() != ledger.digests.get("key"):
            msg = f"`draws` must be those that the ledger rests on, got a journal in {folder} that another run has changed since; run the study again"
            raise InputError(msg)
        frames = [_frame(blocks, design, *place, columns or design.columns) for place in places]
    return pd.concat(frames, ignore_index=True)


def export(ledger: Ledger, folder: Path, kind: str) -> list[Path]:
    """Write the replicates of every experiment as a file.

    Parameters
    ----------
    ledger : Ledger
    folder : Path
        The study's; the files are ``draws.csv``, or ``draws-EXPERIMENT.csv`` where experiments have names.
    kind : {"csv", "parquet", "json"}

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        If the format is unknown, or needs a package that is not installed.
    """
    if kind not in FORMATS:
        msg = f"`format` must be one of {', '.join(FORMATS)}, got {kind!r}"
        raise InputError(msg)
    if kind == "parquet" and importlib.util.find_spec("pyarrow") is None:
        msg = "`format` parquet must have the package pyarrow, got none; pip install 'mcstudy[parquet]'"
        raise InputError(msg)
    return [_write(ledger, folder, design, kind) for design in ledger.design.experiments]


def _write(ledger: Ledger, folder: Path, design: ExperimentDesign, kind: str) -> Path:
    path = folder / f"draws{'-' if design.name else ''}{design.name}.{kind}"
    table = drawn(ledger, folder, (), design.name, None)
    if kind == "csv":
        table.to_csv(path, index=False)
    elif kind == "parquet":
        table.to_parquet(path, index=False)
    else:
        path.write_text(_as_json(table), encoding="utf-8")
    return path


def _as_json(table: pd.DataFrame) -> str:
    """A list of records, a line each; null for what is missing, "inf" for what JSON has no number for.

    pandas would round doubles to 15 digits.
    """
    records = table.astype(object).where(table.notna(), None).to_dict("records")
    return "[\n" + ",\n".join(json.dumps(plain(record), ensure_ascii=False) for record in records) + "\n]\n"


def _design(ledger: Ledger, experiment: str | None) -> ExperimentDesign:
    designs = {design.name: design for design in ledger.design.experiments}
    if experiment is None and len(designs) == 1:
        return next(iter(designs.values()))
    if experiment not in designs:
        msg = f"`experiment` must be one of {', '.join(map(repr, designs))}, got {experiment!r}"
        raise InputError(msg)
    return designs[experiment]


def _places(ledger: Ledger, design: ExperimentDesign, where: Where) -> list[tuple[Scenario, int]]:
    """The scenarios that were drawn and match, with the number of blocks that the findings rest on."""
    counts = {item.scenario: item.blocks for item in ledger.timings if item.experiment == design.name}
    problem = (
        unmatched(where, list(counts)) if counts else "must be asked of draws, got a ledger of version 0.1"
    )
    chosen = [] if problem else [(s, blocks) for s, blocks in counts.items() if s.matches(where)]
    if not chosen:
        msg = f"`where` {problem or f'must leave a scenario, got {said(where)} which leaves none'}"
        raise InputError(msg)
    return chosen


def _frame(
    blocks: Blocks, design: ExperimentDesign, scenario: Scenario, count: int, columns: Sequence[str]
) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(_parts(blocks, design, scenario, count, columns), ignore_index=True)


def _parts(
    blocks: Blocks, design: ExperimentDesign, scenario: Scenario, count: int, columns: Sequence[str]
) -> Iterator[pd.DataFrame]:
    import numpy as np
    import pandas as pd

    taken = {*scenario, "block", "replicate"}
    for number, data in blocks.arrays(design.name, scenario, count):
        size = blocks.block_size
        own = {
            f"{name} (column)" if name in taken else name: np.full(size, np.nan)
            if data is None
            else data[name]
            for name in columns
        }
        yield pd.DataFrame({**scenario, "block": number, "replicate": np.arange(size), **own})
