import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.claims import Claim
from mcstudy.exceptions import InputError
from mcstudy.models.arrays import FloatArray
from mcstudy.models.data import el_nino_covariance, fingerprint, scaled

REGISTER = {"1.mean", "1.variance", "1.law", "1.rate", "1.gradient", "1.edges"}
CONTROLS = {
    "1.rate-biased",
    "1.mean-symmetric",
    "1.gradient-symmetric",
    "1.law-rademacher",
    "1.edges-symmetric",
}
Stream = Callable[..., np.random.Generator]


def plant(study: mc.Study, path: Path) -> mc.Study:
    (option,) = study.options
    return option.apply(study, str(path))


def test_register_is_claimed_with_its_controls(
    study: mc.Study, expected: Callable[[mc.Study], Mapping[str, mc.Verdict]]
) -> None:
    verdicts = expected(study)
    assert set(verdicts) >= REGISTER
    assert {name for name, verdict in verdicts.items() if verdict is mc.Verdict.REFUTED} == CONTROLS


def test_columns_are_finite_in_every_scenario(study: mc.Study, check_columns: Callable[..., None]) -> None:
    check_columns(study, most=lambda sampler, measurements: sampler == "projected" or measurements <= 64)


def test_portions_of_a_block_are_independent(
    study: mc.Study, module: ModuleType, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate, scenario = study["symmetric"].simulate, study["symmetric"].scenarios[0]
    whole = simulate(stream(), 10, **scenario)["chi_square"]
    monkeypatch.setattr(module, "TOGETHER", 3 * 2**2)
    portioned = simulate(stream(), 10, **scenario)["chi_square"]
    assert len(np.unique(portioned)) == 10
    assert not np.array_equal(whole, portioned)  # portions were drawn one after the other


def test_el_nino_is_drawn_with(study: mc.Study) -> None:
    loss = study["loss"]
    (matrix,) = getattr(loss.simulate, "keywords", {})["matrices"].values()
    np.testing.assert_array_equal(matrix, scaled(el_nino_covariance()))
    assert np.linalg.norm(matrix) == pytest.approx(np.sqrt(12))
    assert {s["dimension"] for s in loss.scenarios if s["planted"] == "el_nino"} == {12}


@pytest.mark.parametrize("control", ["symmetric", "rademacher"])
def test_controls_draw_another_ensemble_and_nothing_else(study: mc.Study, control: str) -> None:
    (scenario,) = study[control].scenarios
    assert mc.Scenario(**{**scenario, "sampler": "gaussian"}) in study["loss"].scenarios


def test_planted_csv_becomes_scenarios_of_the_loss(
    study: mc.Study, tmp_path: Path, stream: Stream, named: Callable[[mc.Study, str], Claim]
) -> None:
    matrix = np.array([[0.0, 2.0, 1.0], [1.0, 0.0, 0.0], [5.0, 0.0, -3.0]])
    np.savetxt(tmp_path / "own.csv", matrix, delimiter=",")
    planted = plant(study, tmp_path / "own.csv")
    added = set(planted["loss"].scenarios) - set(study["loss"].scenarios)
    assert {scenario["planted"] for scenario in added} == {f"own@{fingerprint(matrix)}"}
    assert {scenario["dimension"] for scenario in added} == {3}
    assert [e.name for e in planted.experiments] == [e.name for e in study.experiments]
    for claim in ("1.mean", "1.law", "1.rate", "1.gradient"):
        assert set(named(planted, claim).select(planted["loss"].scenarios)) >= added
    columns = planted["loss"].simulate(stream(), 2000, **min(added, key=str))
    assert abs(np.mean(columns["gradient_along"])) < 5 * np.sqrt(2 / 2000)  # five standard errors


def test_two_planted_matrices_are_both_kept(study: mc.Study, tmp_path: Path, stream: Stream) -> None:
    planted = study
    for name, entry in (("one", 1.0), ("two", 2.0)):
        (tmp_path / f"{name}.csv").write_text(f"0,{entry}\n1,0\n", encoding="utf-8")
        planted = plant(planted, tmp_path / f"{name}.csv")
    added = planted["loss"].scenarios[len(study["loss"].scenarios) :]
    assert len({scenario["planted"] for scenario in added}) == 2
    for scenario in added:
        assert np.isfinite(planted["loss"].simulate(stream(), 4, **scenario)["chi_square"]).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n3,x\n", "row 2, column 2: the cell must be a number, got 'x'"),
        ("7\n", "must hold at least 2 x 2 numbers, got one"),
        ("0,0\n0,0\n", "`matrix` must not be zero"),
    ],
)
def test_bad_planted_file_is_refused(study: mc.Study, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        plant(study, tmp_path / "bad.csv")


def test_simulate_imports_no_heavy_library(study: mc.Study) -> None:
    code = f"""
import sys
from pathlib import Path
from mcstudy.draws import Block
from mcstudy.engine.loading import load_study
from mcstudy.engine.streams import generator
study = load_study(Path({str(study.file)!r}))
for experiment in study.experiments:
    scenario = experiment.scenarios[0]
    experiment.simulate(generator(1, study.name, Block(scenario, 0, experiment.name)), 2, **scenario)
sys.exit(bool({{"statsmodels", "pandas", "matplotlib", "scipy.stats"}} & set(sys.modules)))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def mistaken(simulate: Callable[..., Mapping[str, FloatArray]], *arguments: Any, **factors: Any) -> Any:
    """Draws with sqrt(2) in the noise."""
    columns = dict(simulate(*arguments, **factors))
    for name in ("relative_error", "standardized_error", "gradient_along", "gradient_across"):
        columns[name] = np.sqrt(2) * columns[name]
    return columns


def test_a_mistake_in_the_draws_is_refuted(
    study: mc.Study, small: Callable[..., mc.Study], judged: Callable[..., mc.Ledger]
) -> None:
    """The claims that the right draws confirm see the mistake; margins are seven standard errors of 65,536."""
    claims = ("1.variance", "1.gradient.variance-across")
    right = small(
        study, *claims, where={"dimension": 2, "sampler": "projected", "measurements": (16, 64)}, count=65536
    )
    loss = right["loss"]
    wrong = replace(right, experiments=[replace(loss, simulate=partial(mistaken, loss.simulate))])
    assert {finding.verdict for finding in judged(right).findings} == {mc.Verdict.CONFIRMED}
    assert {finding.verdict for finding in judged(wrong).findings} == {mc.Verdict.REFUTED}
