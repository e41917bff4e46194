import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mcstudy import Replicates, Scenario, Study, Verdict, run
from mcstudy.engine.loading import load_study
from mcstudy.exceptions import InputError
from mcstudy.models.planted import el_nino_covariance, fingerprint, scaled

FILE = Path(__file__).parents[2] / "studies" / "sensing_loss.py"
REGISTER = {"1.mean", "1.variance", "1.law", "1.rate", "1.gradient", "1.edges"}


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(FILE)


@pytest.fixture
def module(study: Study) -> ModuleType:
    return sys.modules[study.simulate.__module__]


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def small(scenario: Scenario) -> bool:
    """Whether a few replicates take a moment only."""
    return scenario["quantity"] == "loss" or int(scenario["measurements"] or 0) < 1000


def test_every_claim_of_the_register_is_there(study: Study) -> None:
    expected = {claim.id: claim.expected for claim in study.claims}
    assert set(expected) >= REGISTER
    controls = {name for name, verdict in expected.items() if verdict is Verdict.REFUTED}
    assert controls >= {"1.mean-symmetric", "1.law-rademacher", "1.rate-biased"}


def test_every_scenario_gives_the_same_finite_columns(study: Study, module: ModuleType) -> None:
    for scenario in filter(small, study.scenarios):
        columns = study.simulate(stream(), 6, **scenario)
        assert tuple(columns) == module.COLUMNS
        for values in columns.values():
            assert values.shape == (6,)
            assert np.isfinite(values).all()


def test_columns_of_the_other_quantity_are_zero(study: Study) -> None:
    for scenario in filter(small, study.scenarios):
        columns = study.simulate(stream(), 6, **scenario)
        zero = {name for name, values in columns.items() if not values.any()}
        spectral = {"lower_gap", "upper_gap", "edge_distance"}
        assert zero == (spectral if scenario["quantity"] == "loss" else set(columns) - spectral)


def test_claims_read_no_column_of_the_other_quantity(study: Study) -> None:
    for claim in study.claims:
        (quantity,) = {scenario["quantity"] for scenario in claim.select(study.scenarios)}
        spectral = {column in {"lower_gap", "upper_gap", "edge_distance"} for column in claim.columns()}
        assert spectral == {quantity == "spectrum"}


def test_portions_of_a_block_are_independent(
    study: Study, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = next(s for s in study.scenarios if s["dimension"] == 8 and s["planted"] == "random")
    monkeypatch.setattr(module, "TOGETHER", 3 * 8**2)
    columns = study.simulate(stream(), 10, **scenario)
    assert len(np.unique(columns["chi_square"])) == 10


def test_el_nino_is_drawn_with(study: Study, module: ModuleType) -> None:
    planted = module._planted(stream(), 2, 12, "el_nino", {})
    np.testing.assert_array_equal(planted[1], scaled(el_nino_covariance()))
    assert np.linalg.norm(planted[0]) == pytest.approx(np.sqrt(12))
    assert any(scenario["planted"] == "el_nino" for scenario in study.of_profile("quick"))


def test_planted_csv_becomes_scenarios(study: Study, tmp_path: Path) -> None:
    matrix = np.array([[0.0, 2.0, 1.0], [1.0, 0.0, 0.0], [5.0, 0.0, -3.0]])
    path = tmp_path / "own.csv"
    np.savetxt(path, matrix, delimiter=",")
    (option,) = study.options
    planted = option.apply(study, str(path))
    added = [scenario for scenario in planted.scenarios if scenario not in study.scenarios]
    assert {scenario["planted"] for scenario in added} == {f"own@{fingerprint(matrix)}"}
    assert {scenario["dimension"] for scenario in added} == {3}
    assert planted.of_profile("quick")[-1] == added[-1]
    assert planted.source_digest != study.source_digest
    for claim in ("1.mean", "1.law", "1.rate", "1.gradient"):
        (found,) = [c for c in planted.claims if c.id == claim]
        assert set(found.select(planted.scenarios)) >= set(added)
    columns = planted.simulate(stream(), 2000, **added[0])
    assert abs(np.mean(columns["gradient_along"])) < 5 * np.sqrt(2 / 2000)  # five standard errors


def test_two_planted_matrices_are_both_kept(study: Study, tmp_path: Path) -> None:
    planted = study
    for name, entry in (("one", 1.0), ("two", 2.0)):
        (tmp_path / f"{name}.csv").write_text(f"0,{entry}\n1,0\n", encoding="utf-8")
        planted = study.options[0].apply(planted, str(tmp_path / f"{name}.csv"))
    for scenario in planted.scenarios[len(study.scenarios) :]:
        assert np.isfinite(planted.simulate(stream(), 4, **scenario)["chi_square"]).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n3,x\n", "row 2, column 2: the cell must be a number, got 'x'"),
        ("7\n", "must hold at least 2 x 2 numbers, got one"),
        ("0,0\n0,0\n", "a planted matrix must not be zero"),
    ],
)
def test_bad_planted_file_is_refused(study: Study, tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        study.options[0].apply(study, str(path))


def test_simulate_imports_no_heavy_library() -> None:
    code = f"""
import sys
from pathlib import Path
from mcstudy.engine.loading import load_study
from mcstudy.engine.streams import generator
study = load_study(Path({str(FILE)!r}))
for scenario in study.scenarios[::5]:
    study.simulate(generator(1, study.name, scenario, 0), 2, **scenario)
sys.exit(bool({{"statsmodels", "pandas", "matplotlib", "scipy.stats"}} & set(sys.modules)))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_mistake_in_the_draws_is_refuted(study: Study) -> None:
    """With sqrt(2) in the noise the same claims see the mistake that they don't see without it."""

    def mistaken(
        rng: np.random.Generator, size: int, **factors: object
    ) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
        columns = dict(study.simulate(rng, size, **factors))
        for name in ("relative_error", "standardized_error", "gradient_along", "gradient_across"):
            columns[name] = np.sqrt(2) * columns[name]
        return columns

    claims = [c for c in study.claims if c.id in {"1.variance", "1.gradient.variance-across"}]
    scenarios = [s for s in claims[0].select(study.scenarios) if s["dimension"] == 2]
    plan = replace(
        study,
        claims=claims,
        scenarios=scenarios,
        full_only=lambda _: False,
        options=(),
        file=None,
        replicates=Replicates(first=4096, quick=65536, full=65536),
    )
    right = run(plan, executor="serial", out=None)
    wrong = run(replace(plan, simulate=mistaken), executor="serial", out=None)
    assert {finding.verdict for finding in right.findings} == {Verdict.CONFIRMED}
    assert {finding.verdict for finding in wrong.findings} == {Verdict.REFUTED}
