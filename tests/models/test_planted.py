import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mcstudy.exceptions import InputError
from mcstudy.models.planted import el_nino_covariance, fingerprint, read_square_csv, scaled


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
            r"row 2: every row must have as many cells as the first \(2\), got 1: column 2 is missing",
        ),
        ("1,2\n3,4,5\n", "row 2: .* got 3: column 3 is extra"),
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
    with pytest.raises(InputError, match="a planted matrix must not be zero"):
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


def test_el_nino_imports_no_heavy_library() -> None:
    code = (
        "import sys; from mcstudy.models.planted import el_nino_covariance; el_nino_covariance();"
        "sys.exit(bool({'statsmodels', 'pandas', 'scipy.stats'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
