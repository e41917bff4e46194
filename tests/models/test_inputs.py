import subprocess
import sys

import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.inputs import draw_inputs, real_rows, sphere

STATE_COLUMNS = ["murder", "hs_grad", "poverty", "single", "white", "urban"]


def test_sphere_has_its_radius_and_no_direction() -> None:
    x = sphere(np.random.Generator(np.random.SFC64(1)), (20_000, 3), 2.0)
    assert np.linalg.norm(x, axis=-1) == pytest.approx(2.0, rel=1e-14)
    assert np.all(np.abs(np.mean(x, axis=0)) < 5 * 2 / np.sqrt(3 * 20_000))  # five standard errors


@pytest.mark.parametrize("radius", [0.0, -1.0])
def test_a_sphere_without_radius_is_refused(radius: float) -> None:
    with pytest.raises(ModelError, match=r"`radius` must be positive"):
        sphere(np.random.Generator(np.random.SFC64(1)), (2, 3), radius)


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


def test_inputs_by_name() -> None:
    rng = np.random.Generator(np.random.SFC64(1))
    rows = real_rows()
    assert np.linalg.norm(draw_inputs(rng, "unit sphere", 5, 3), axis=1) == pytest.approx(1.0)
    assert np.linalg.norm(draw_inputs(rng, "sphere of radius 2", 5, 3), axis=1) == pytest.approx(2.0)
    assert draw_inputs(rng, "Vermont", 5, 6) == pytest.approx(np.tile(rows.inputs[45], (5, 1)))
    assert {tuple(row) for row in draw_inputs(rng, "any state", 2000, 6)} == {
        tuple(row) for row in rows.inputs
    }


@pytest.mark.parametrize(
    ("kind", "dimension", "message"),
    [
        ("Ruritania", 6, r"`kind` must be one of unit sphere, .* or the name of a state; got 'Ruritania'"),
        ("Vermont", 3, r"`dimension` of real rows must be 6; got 3"),
    ],
)
def test_unknown_inputs_are_refused(kind: str, dimension: int, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        draw_inputs(np.random.Generator(np.random.SFC64(1)), kind, 2, dimension)


def test_models_import_nothing_heavy() -> None:
    code = (
        "import sys, mcstudy.models.adversary, mcstudy.models.training, mcstudy.models.error_moments;"
        "from mcstudy.models.inputs import real_rows; real_rows();"
        "print([name for name in ('statsmodels', 'pandas', 'matplotlib', 'scipy.stats') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
