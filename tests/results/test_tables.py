"""Exports: one tidy table an experiment, without a bit lost."""

from __future__ import annotations

import csv
import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mcstudy import Results, load
from mcstudy.exceptions import InputError, JournalError
from mcstudy.results.tables import export


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Results:
    """The results, in a folder that may be written."""
    shutil.copytree(folder / "toy", tmp_path / "toy")
    return load(tmp_path / "toy")


def read(path: Path) -> pd.DataFrame:
    if path.suffix == ".json":
        return pd.DataFrame(json.loads(path.read_text()))
    with path.open() as file:
        return pd.DataFrame(list(csv.DictReader(file)))


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_files_hold_all_draws_bit_for_bit(copy: Results, kind: str) -> None:
    assert copy.folder is not None
    paths = export(copy, copy.folder, kind)
    assert [path.name for path in paths] == [f"draws-first.{kind}", f"draws-second.{kind}"]
    for path, experiment in zip(paths, ("first", "second"), strict=True):
        expected, found = copy.draws(experiment=experiment), read(path)
        assert list(found.columns) == list(expected.columns)
        for name in expected.columns:
            if name != "kind":
                values = found[name].replace("", "nan").to_numpy(dtype=np.float64)
                np.testing.assert_array_equal(values, expected[name].to_numpy(dtype=np.float64))
    assert sorted(set(read(paths[0])["kind"])) == ["a", "b"]


def test_json_is_json(copy: Results) -> None:
    assert copy.folder is not None
    _, second = export(copy, copy.folder, "json")
    records = json.loads(second.read_text())
    assert len(records) == 64
    assert records[0]["d"] == 0.5
    assert records[1]["y"] is None


def test_other_formats(copy: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    assert copy.folder is not None
    with pytest.raises(InputError, match="`format` must be one of csv, parquet, json, got 'xlsx'"):
        export(copy, copy.folder, "xlsx")
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "pyarrow" else find(name))
    with pytest.raises(
        InputError,
        match=r"`format` parquet must have the package pyarrow, got none; pip install 'mcstudy\[parquet\]'",
    ):
        export(copy, copy.folder, "parquet")
    assert not list(copy.folder.glob("draws*.parquet"))


def test_a_ledger_without_its_journal(copy: Results) -> None:
    assert copy.folder is not None
    (copy.folder / "draws.sqlite").unlink()
    with pytest.raises(JournalError, match=r"must be a journal, got .*draws\.sqlite, which is not there"):
        export(copy, copy.folder, "csv")


def test_a_ledger_of_the_first_version_has_no_draws(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).parents[1] / "data" / "schema1.json", tmp_path / "ledger.json")
    old = load(tmp_path)
    with pytest.raises(InputError, match=r"must be asked of draws, got a ledger of version 0\.1"):
        old.draws()
