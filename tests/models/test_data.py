from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from mcstudy.engine.drawkey import describe, difference
from mcstudy.exceptions import InputError
from mcstudy.models import data
from mcstudy.models.data import (
    el_nino_covariance,
    fingerprint,
    read_square_csv,
    real_rows,
    scaled,
    statsmodels_csv,
)

STATE_COLUMNS = ["murder", "hs_grad", "poverty", "single", "white", "urban"]


def write(folder: Path, text: str) -> Path:
    path = folder / "planted.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    ["1,2\n3,-4e1\n", "\ufeff1,2\r\n3,-40\r\n", "\n1, 2\n\n 3,-40.0", '"1","2"\n"3","-40"\n'],
    ids=["plain", "spreadsheet", "blank lines", "quoted"],
)
def test_square_csv_is_read(text: str, tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_square_csv(write(tmp_path, text)), [[1.0, 2.0], [3.0, -40.0]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must hold a square matrix, got an empty file"),
        ("\n , \n", "got an empty file"),
        ("a,b\n1,2\n3,4\n", "row 1: cells must be numbers, got what looks like a header; remove that row"),
        ("1,2\n3,x\n", "row 2, column 2: the cell must be a number, got 'x'"),
        ("1,2\n\n3,\n", "row 3, column 2: the cell must be a number, got ''"),
        ("1,2\n1_0,2\n", "row 2, column 1: the cell must be a number, got '1_0'"),
        ("1,nan\n3,4\n", "row 1, column 2: the cell must be finite, got 'nan'"),
        ("1,2\n1e999,4\n", "row 2, column 1: the cell must be finite, got '1e999'"),
        (
            "1,2\n3\n",
            r"row 2: every row must have as many cells as the first \(2\), got 1; column 2 is missing",
        ),
        ("1,2\n3,4,5\n", "row 2: .* got 3; column 3 is extra"),
        ("1,2\n3,4\n5,6\n", "must be square, got 3 rows and 2 columns"),
        ("1;2\n3;4\n", "row 1: cells must be numbers"),
    ],
)
def test_bad_files_are_refused_with_row_and_column(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read_square_csv(write(tmp_path, text))


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be a readable CSV file, got No such file"):
        read_square_csv(tmp_path / "missing.csv")
    with pytest.raises(InputError, match="must be a readable CSV file, got Is a directory"):
        read_square_csv(tmp_path)
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe1,2")
    with pytest.raises(InputError, match="must be a CSV file in UTF-8"):
        read_square_csv(binary)


def test_scaled_to_the_size_of_a_random_matrix() -> None:
    matrix = np.array([[1e300, -2e300], [0.0, 3e300]])
    assert np.linalg.norm(scaled(matrix)) == pytest.approx(np.sqrt(2))
    np.testing.assert_allclose(scaled(matrix) / scaled(matrix)[0, 0], [[1.0, -2.0], [0.0, 3.0]])
    with pytest.raises(InputError, match="`matrix` must not be zero, got only zeros"):
        scaled(np.zeros((2, 2)))


def test_fingerprint_tells_contents_and_shapes_apart() -> None:
    matrix = np.arange(4.0).reshape(2, 2)
    others = (matrix.T, matrix + 1e-16, matrix.reshape(1, 4))
    assert len({fingerprint(m) for m in (matrix, *others)}) == 4
    assert fingerprint(matrix) == fingerprint(np.asfortranarray(matrix))


def test_el_nino_covariance_against_statsmodels() -> None:
    from statsmodels.datasets import elnino

    months = elnino.load_pandas().data.drop(columns="YEAR")
    np.testing.assert_allclose(el_nino_covariance(), months.cov(), rtol=1e-12)
    assert el_nino_covariance().shape == (12, 12)


def test_a_missing_data_set_is_refused() -> None:
    with pytest.raises(InputError, match=r"elninjo.csv` must be there, .*; run `pip install statsmodels`"):
        statsmodels_csv("elninjo")


def test_missing_statsmodels_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"the data set statecrime of statsmodels \d.*, got no such file"):
        statsmodels_csv("statecrime")


def test_without_statsmodels_the_module_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert data._release() == "statsmodels"


@pytest.mark.parametrize("read", [el_nino_covariance, real_rows])
def test_draws_from_the_data_sets_depend_on_their_release(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[], object]
) -> None:
    def simulate() -> object:
        return read()

    before = describe(simulate)
    assert before.parts["global `RELEASE`"].text == repr(f"statsmodels {metadata.version('statsmodels')}")
    assert describe(simulate).digest == before.digest
    monkeypatch.setattr(data, "RELEASE", "statsmodels 99")
    assert difference(before.parts, describe(simulate).parts) == [
        f"global `RELEASE`: {data._release()!r} -> 'statsmodels 99'"
    ]


def test_real_rows_against_statsmodels() -> None:
    from statsmodels.datasets import statecrime

    frame = statecrime.load_pandas().data
    names, x, y = real_rows()
    assert list(names) == [state.strip() for state in frame.get("state", frame.index)]
    for k, column in enumerate(STATE_COLUMNS):
        raw = frame[column].to_numpy(dtype=float)
        assert x[:, k] * np.sqrt(6) == pytest.approx((raw - raw.mean()) / raw.std(), rel=1e-12, abs=1e-12)
    violent = frame["violent"].to_numpy(dtype=float)
    assert y == pytest.approx((violent - violent.mean()) / violent.std(), rel=1e-12, abs=1e-12)


def test_real_rows_are_standardised() -> None:
    _, x, y = real_rows()
    assert x.shape == (51, 6)
    assert y.shape == (51,)
    assert np.mean(np.sum(x**2, axis=1)) == pytest.approx(1.0, rel=1e-13)
    assert np.mean(x, axis=0) == pytest.approx(0.0, abs=1e-14)
    assert np.var(y) == pytest.approx(1.0, rel=1e-13)


def test_models_import_nothing_heavy() -> None:
    """Every module of every wing, and the readers at work."""
    code = (
        "import sys, pkgutil, importlib, mcstudy.models as models;"
        "[importlib.import_module(m.name) for m in pkgutil.walk_packages(models.__path__, 'mcstudy.models.')];"
        "from mcstudy.models.data import el_nino_covariance, real_rows; el_nino_covariance(); real_rows();"
        "print([name for name in ('statsmodels', 'pandas', 'matplotlib', 'scipy.stats') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
