import numpy as np
import pytest

from mcstudy.exceptions import ModelError
from mcstudy.models.data import real_rows
from mcstudy.models.shallow.inputs import draw_inputs, sphere


def test_sphere_has_its_radius_and_no_direction() -> None:
    x = sphere(np.random.Generator(np.random.SFC64(1)), (20_000, 3), 2.0)
    assert np.linalg.norm(x, axis=-1) == pytest.approx(2.0, rel=1e-14)
    assert np.all(np.abs(np.mean(x, axis=0)) < 5 * 2 / np.sqrt(3 * 20_000))  # five standard errors


@pytest.mark.parametrize("radius", [0.0, -1.0])
def test_a_sphere_without_radius_is_refused(radius: float) -> None:
    with pytest.raises(
        ModelError,
        match=r"`radius` must be positive and finite, got (-1|0).0; a zero input carries no information",
    ):
        sphere(np.random.Generator(np.random.SFC64(1)), (2, 3), radius)


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
        (
            "Ruritania",
            6,
            r"`kind` must be one of unit sphere, sphere of radius 2, any state, Alabama, .*, got 'Ruritania'",
        ),
        ("Vermont", 3, "`dimension` must be 6, that of the real rows, got 3"),
    ],
)
def test_unknown_inputs_are_refused(kind: str, dimension: int, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        draw_inputs(np.random.Generator(np.random.SFC64(1)), kind, 2, dimension)
