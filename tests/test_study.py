"""The description of a study, and what it refuses."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcstudy import Overlay, Rate, Replicates, Study, Value, Verdict, grid, mean, rms
from mcstudy.engine.loading import load_study
from mcstudy.exceptions import ClaimError, McstudyError, StudyError

MakeStudy = Callable[..., Study]


def value(name: str = "mean", **parts: Any) -> Value:
    plan: dict[str, Any] = {"of": mean("x"), "equals": 0.0, "margin": 1.0}
    return Value(name, "s", **(plan | parts))


def rate(**parts: Any) -> Rate:
    plan: dict[str, Any] = {"of": rms("x"), "against": "n", "exponent": 0.0, "margin": 1.0}
    return Rate("rate", "s", **(plan | parts))


@pytest.mark.parametrize(
    ("counts", "profile", "expected"),
    [
        ((1, 1, 1), "quick", (1,)),
        ((256, 1024, 16384), "quick", (256, 512, 1024)),
        ((3, 6, 24), "full", (3, 6, 12, 24)),
    ],
)
def test_stages_double_from_first_to_the_profile(
    counts: tuple[int, int, int], profile: str, expected: tuple[int, ...]
) -> None:
    first, quick, full = counts
    assert Replicates(first=first, quick=quick, full=full).stages(profile) == expected


@pytest.mark.parametrize(
    ("counts", "match"),
    [
        ((0, 1, 1), "`first` must be a positive whole number of replicates, got 0"),
        ((64, 64.0, 64), "`quick` must be a positive whole number of replicates, got 64.0"),
        ((64, 192, 256), r"`quick` must be `first` \(64\) times a power of two, got 192"),
        ((64, 64, 32), r"`full` must be `first` \(64\) times a power of two, got 32"),
        ((64, 100, 256), "`quick` must be"),
        ((64, 256, 128), r"`quick` must not exceed `full` \(128\), got 256"),
    ],
)
def test_replicates_refuse(counts: tuple[Any, Any, Any], match: str) -> None:
    with pytest.raises(StudyError, match=match):
        Replicates(first=counts[0], quick=counts[1], full=counts[2])


BAD: list[tuple[dict[str, Any], type[McstudyError], str]] = [
    ({"name": "Sensing Loss"}, StudyError, "`name` must be lower-case letters, digits and underscores"),
    ({"name": "../up"}, StudyError, "`name` must be"),
    ({"simulate": 3}, StudyError, "`simulate` must be a function"),
    ({"scenarios": [{"n": 1}]}, StudyError, "`scenarios` must hold scenarios, got {'n': 1}; make them with `grid`"),
    ({"scenarios": ()}, StudyError, "`scenarios` must hold at least one scenario, got an empty grid"),
    ({"scenarios": grid(n=(1, 2)) + grid(m=(1,))}, StudyError, r"same factors \['n'\], got \['m'\]"),
    ({"scenarios": grid(n=(1, 2)) + grid(n=(2,))}, StudyError, "`scenarios` must be distinct, got twice: n=2"),
    ({"common": ("m",)}, StudyError, "must name factors of the study, got 'm'; factors: n"),
    ({"full_only": {"m": 1}}, StudyError, "`full_only` must name a factor of the study, got 'm'; factors: n"),
    ({"full_only": {"n": (1, 2, 4)}}, StudyError, "`full_only` must leave a scenario to the quick profile"),
    ({"full_only": {"n": (1, 3)}}, StudyError, "`full_only` must name levels of n, got 3; levels: 1, 2, 4"),
    ({"block": 0}, StudyError, "`block` must be a positive whole number of replicates, got 0"),
    ({"block": 2.0}, StudyError, "`block` must be a positive whole number"),
    ({"block": 48}, StudyError, r"`first` must be a multiple of the block \(48\), got 64"),
    ({"claims": []}, StudyError, "`claims` must hold at least one claim, got none"),
    ({"claims": [value("a"), value("a")]}, ClaimError, "ids must be distinct, got twice: a"),
    ({"claims": [value(where={"m": 1})]}, ClaimError, "`where` must name a factor of the study, got 'm'"),
    ({"claims": [value(where={"n": 3})]}, ClaimError, "claim mean: `where` must name levels of n, got 3"),
    ({"claims": [value(where=lambda s: s["n"] > 9)]}, ClaimError, "`where` must leave at least one scenario"),
    ({"claims": [rate(against="m")]}, ClaimError, "`against` must name a factor of the study, got 'm'"),
    ({"claims": [rate(where={"n": (1, 2)})]}, ClaimError, r"needs at least 3 levels to fit a rate, got \[1, 2\]"),
    ({"claims": [rate()], "full_only": {"n": 4}}, ClaimError, r"at least 3 levels to fit a rate, got \[1, 2\]"),
    (
        {"overlays": (Overlay("o", "t", "c", ("mean", "other")),)},
        ClaimError,
        "overlay o: `claims` must name claims of the study, got other",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "error", "match"), BAD)
def test_study_refuses(
    make_study: MakeStudy, parts: dict[str, Any], error: type[McstudyError], match: str
) -> None:
    with pytest.raises(error, match=match):
        make_study(**parts)


def test_simulate_must_take_the_factors(make_study: MakeStudy) -> None:
    with pytest.raises(
        StudyError, match=r"`simulate` must take \(rng, size\) and the factors n as keywords, but it has"
    ):
        make_study(simulate=lambda rng, size, *, m: {"x": rng.normal(size=size)})


def test_profiles_draw_their_scenarios(make_study: MakeStudy) -> None:
    study = make_study(full_only={"n": 4})
    assert [s["n"] for s in study.of_profile("quick")] == [1, 2]
    assert [s["n"] for s in study.of_profile("full")] == [1, 2, 4]
    by_predicate = make_study(full_only=lambda s: s["n"] == 1)
    assert [s["n"] for s in by_predicate.of_profile("quick")] == [2, 4]


def test_unknown_column_is_refused_with_the_known_ones(make_study: MakeStudy) -> None:
    study = make_study(claims=[value(of=mean("loss"))])
    with pytest.raises(ClaimError, match=r"claim mean: `column` .* got 'loss'; columns: x, y"):
        study.check_columns(("x", "y"))
    study.check_columns(("loss",))


def test_design_lists_levels_in_order(make_study: MakeStudy) -> None:
    design = make_study(scenarios=grid(n=(4, 1), kind=("b", "a")), common=("kind",)).design("full", ("x",))
    assert design == {
        "factors": {"n": [4, 1], "kind": ["b", "a"]},
        "scenarios": 4,
        "block": 16,
        "stages": (64, 128, 256),
        "common": ["kind"],
        "columns": ["x"],
    }


def scaled(rng: np.random.Generator, size: int, *, matrix: Any, n: int) -> dict[str, Any]:
    return {"x": n * matrix[0] * rng.normal(size=size)}


def test_source_digest_covers_data_bound_by_partial(make_study: MakeStudy) -> None:
    digests = {
        make_study(simulate=partial(scaled, matrix=matrix)).source_digest
        for matrix in (np.ones(2), np.ones(2), np.zeros(2))
    }
    assert len(digests) == 2


def test_source_is_that_of_the_file_of_simulate(make_study: MakeStudy) -> None:
    study = make_study(simulate=partial(scaled, matrix=np.ones(1)))
    assert study.path == Path(__file__).resolve()
    assert study.source_text == Path(__file__).read_text(encoding="utf-8")


def test_study_without_a_file_has_a_source_too(make_study: MakeStudy) -> None:
    names: dict[str, Any] = {}
    exec("def one(rng, size, n): return {'x': rng.normal(size=size)}", names)
    exec("def two(rng, size, n): return {'x': rng.random(size=size)}", names)
    one, two = (make_study(simulate=names[name]) for name in ("one", "two"))
    assert one.path is None
    assert one.handle == "toy"
    assert one.source_digest != two.source_digest


def test_source_covers_the_study_file_when_simulate_lives_elsewhere(
    write_study: Callable[..., Path], project: Path
) -> None:
    """Two studies with one simulate in a neighbour are two studies, and both change with the neighbour."""
    neighbour = project / "studies" / "_shared_draws.py"
    neighbour.write_text("def draw(rng, size, *, scale):\n    return {'x': scale * rng.normal(size=size)}\n")
    top, more = "from _shared_draws import draw as simulate_shared", ""
    claims = '[Value("mean", "s", of=mean("x"), equals=0.0, margin=1.0)]'
    path = write_study("shared", top=top, more=more, claims=claims)
    path.write_text(path.read_text().replace("simulate=simulate,", "simulate=simulate_shared,"))
    study = load_study(path)
    assert study.path == path
    assert study.handle == "shared"
    path.write_text(path.read_text().replace("margin=1.0", "margin=2.0"))
    assert load_study(path).source_digest != study.source_digest


def test_source_covers_neighbours_that_the_study_imports(
    write_study: Callable[..., Path], project: Path
) -> None:
    neighbour = project / "studies" / "_neighbour_scale.py"
    neighbour.write_text("FACTOR = 1.0\n")
    path = write_study(
        top="from _neighbour_scale import FACTOR", body='return {"x": FACTOR * rng.normal(size=size)}'
    )
    before = load_study(path).source_digest
    neighbour.write_text("FACTOR = 20.0\n")
    sys.modules.pop("_neighbour_scale", None)
    importlib.invalidate_caches()
    assert load_study(path).source_digest != before


def test_handle_is_the_name_in_studies_else_a_path_that_works_from_here(
    write_study: Callable[..., Path], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_study(write_study("inside")).handle == "inside"
    assert load_study(write_study("outside", folder=".")).handle == "outside.py"
    (project / "two words").mkdir()
    assert load_study(write_study("quoted", folder="two words")).handle == "'two words/quoted.py'"
    (project / "below").mkdir()
    monkeypatch.chdir(project / "below")
    assert load_study(project / "outside.py").handle == "../outside.py"


def test_expected_verdicts_are_kept(make_study: MakeStudy) -> None:
    refuted = value("wrong", equals=9.0, expected=Verdict.REFUTED, because="a control")
    assert [claim.expected for claim in make_study(claims=[value(), refuted]).claims] == [
        Verdict.CONFIRMED,
        Verdict.REFUTED,
    ]
