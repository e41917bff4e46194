"""The draw key and the analysis: what draws depend on, and what is made of them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from mcstudy import Experiment, Replicates, Statistic, Study, Value, Verdict, control, grid, mean, run
from mcstudy.engine.drawkey import Part, describe
from mcstudy.engine.keys import analysis_of, draw_key, reaches_sets
from mcstudy.engine.limit import Limit
from mcstudy.engine.settings import Settings
from mcstudy.engine.source import Origin
from mcstudy.exceptions import JournalError, StudyError
from mcstudy.factors import call_with_factors

MakeStudy = Callable[..., Study]


def key_of(
    study: Study, *, seed: int = 1, arguments: tuple[str, ...] = (), **settings: Any
) -> dict[str, Part]:
    limit = Limit.of(study, "quick")
    plan: dict[str, Any] = {"profile": "quick", "executor": "serial", "jobs": 1, "limit": limit}
    return draw_key(Settings(Origin(study, arguments), seed=seed, **(plan | settings)), study.experiments[0])


def changed(one: dict[str, Part], other: dict[str, Part]) -> set[str]:
    return {name for name in one | other if one.get(name) != other.get(name)}


def test_the_key_tells_what_changed(make_study: MakeStudy) -> None:
    reference = key_of(make_study())
    assert changed(reference, key_of(make_study())) == set()
    assert changed(reference, key_of(make_study(), seed=2)) == {"seed of the run"}
    assert changed(reference, key_of(make_study(block=32))) == {"block size of the run"}
    assert changed(reference, key_of(make_study(name="other"))) == {"study of the run"}
    assert changed(reference, key_of(make_study(common=("n",)))) == {"common factors of the run"}
    assert changed(reference, key_of(make_study(), arguments=("--scale", "2"))) == {"options of the run"}
    assert reference["version of numpy"].text == np.__version__


def test_every_common_factor_is_part_of_the_key(make_study: MakeStudy) -> None:
    keys = [
        key_of(make_study(common=common, scenarios=grid(n=(1, 2), m=(1, 2))))
        for common in (("n",), ("n", "m"))
    ]
    assert changed(*keys) == {"common factors of the run"}


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("return {1, 2}", "code", True),
        ("return {word for word in words}", "code", True),
        ("return set(words)", "code", True),
        ("return frozenset(words)", "class", True),
        ("{'a', 'b'}", "value", True),
        ("{'a', 'b', ...", "value", True),  # shortened: no longer Python
        ("return {'a': 1}", "code", False),
        ("return {word: 1 for word in words}", "code", False),
        ("{'a': 1, ...", "value", False),
        ("reset(words)", "code", False),
        ("{'a', 'b'}", "setting", False),
    ],
)
def test_sets_are_seen_where_draws_may_loop_over_them(text: str, kind: str, found: bool) -> None:
    assert reaches_sets({"part": Part(kind, "", text)}) is found
    assert not reaches_sets({"part": Part(kind, "", text, ours=True)})


def test_code_of_the_package_is_told_from_that_of_the_study() -> None:
    """Its sets cost no run a proof under every order of hashes."""

    def simulate(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        return {"x": rng.normal(size=size) * call_with_factors(scaled(1.0), {"n": n})}

    parts = describe(simulate).parts
    assert parts["call_with_factors"].ours
    assert "set(" in parts["call_with_factors"].text
    assert not any(part.ours for name, part in parts.items() if name in ("simulate", "scaled"))
    assert not reaches_sets(parts)


@pytest.mark.parametrize(
    "parts",
    [
        {"title": "another"},
        {"question": "why?"},
        {"source": "elsewhere"},
        {"scenarios": grid(n=(1, 2, 4, 8))},
        {"replicates": Replicates(first=32, quick=32, full=32)},
        {"claims": [Value("mean", "s", of=mean("x"), equals=0.0, margin=0.1)]},
        {"missing": ("x",)},
    ],
    ids=lambda parts: next(iter(parts)),
)
def test_what_is_no_part_of_the_key(make_study: MakeStudy, parts: dict[str, Any]) -> None:
    assert changed(key_of(make_study()), key_of(make_study(**parts))) == set()


@pytest.mark.parametrize("settings", [{"profile": "full"}, {"executor": "joblib"}, {"jobs": 8}])
def test_where_and_how_far_is_no_part_of_the_key(make_study: MakeStudy, settings: dict[str, Any]) -> None:
    assert changed(key_of(make_study()), key_of(make_study(), **settings)) == set()


def test_what_raises_is_part_of_the_key(make_study: MakeStudy) -> None:
    with warnings.catch_warnings():
        warnings.resetwarnings()
        reference = key_of(make_study())
        warnings.filterwarnings("error", "overflow.*", RuntimeWarning)
        assert changed(reference, key_of(make_study())) == {"warnings that raise"}
        assert key_of(make_study())["warnings that raise"].text == "RuntimeWarning overflow.* None"
        warnings.resetwarnings()
        warnings.filterwarnings("ignore")
        assert changed(reference, key_of(make_study())) == set()
        with np.errstate(invalid="raise"):
            assert changed(reference, key_of(make_study())) == {"floating-point errors"}


@pytest.mark.usefixtures("no_report", "unproved", "project")
def test_another_kernel_is_refused(make_study: MakeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of two kernels in one journal could never be drawn again on one machine."""
    run(make_study(), executor="serial", out="reports")
    module = sys.modules["mcstudy.engine.drawkey.describe"]  # whose name its function has too
    monkeypatch.setattr(module, "machine", lambda: {"BLAS kernel": "openblas Other"})
    with pytest.raises(JournalError, match=r"BLAS kernel: .* -> openblas Other"):
        run(make_study(), executor="serial", out="reports")


@pytest.mark.parametrize(
    ("value", "says"),
    [(np.random.default_rng(1), "a random generator"), (iter([1]), "an iterator")],
    ids=["generator", "iterator"],
)
def test_what_can_not_be_hashed_is_refused_by_name(make_study: MakeStudy, value: Any, says: str) -> None:
    def simulate(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        return {"x": rng.normal(size=size) + hasattr(value, "none")}

    with pytest.raises(StudyError, match=f"value.*{says}"):
        run(make_study(simulate=simulate), executor="serial", out=None)


def content(**parts: Any) -> dict[str, str]:
    plan: dict[str, Any] = {"of": mean("x"), "equals": 0.0, "margin": 1.0}
    study = Study(
        name="toy", title="t", question="q?", source="s", simulate=lambda rng, size, n: {}, block=16,
        scenarios=grid(n=(1, 2)), replicates=Replicates(first=16, quick=16, full=16),
        claims=[Value("m", "s", **(plan | parts))],
    )  # fmt: skip
    return analysis_of(study)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ({"margin": 2.0}, "margin"),
        ({"equals": 1.0}, "equals"),
        ({"equals": lambda n: 1 / n}, "equals"),
        ({"of": mean("y")}, "of"),
        ({"where": {"n": 1}}, "where"),
        ({"where": lambda n: n > 1}, "where"),
        ({"allowed_failures": 3}, "allowed_failures"),
        ({"expected": control("far off")}, "expected"),
    ],
)
def test_every_field_of_a_claim_is_part_of_the_analysis(parts: dict[str, Any], name: str) -> None:
    before, after = content(), content(**parts)
    differing = {key for key in before | after if before.get(key) != after.get(key)}
    assert differing == {f"claim m, {name}"}
    assert content(**parts) == after


def test_an_argument_at_its_default_is_no_part_of_the_analysis() -> None:
    """Else the same study would seem changed under a version that has one more argument."""
    assert content(allowed_failures=0) == content()
    assert set(content()) == {
        "replicates", "scenarios", "claim m, kind", "claim m, of", "claim m, equals", "claim m, margin",
    }  # fmt: skip


def test_words_are_no_part_of_the_analysis() -> None:
    assert content(expected=control("far off")) == content(expected=control("far away"))
    assert content(source="here") == content(source="there")


def two(one: tuple[Any, ...], other: tuple[Any, ...], **more: Any) -> dict[str, str]:
    """The analysis of a study of two experiments with these claims."""
    experiments = [
        Experiment(name, simulate=lambda rng, size, n: {}, scenarios=grid(n=(1, 2)), claims=claims)
        for name, claims in (("one", one), ("other", other))
    ]
    plan: dict[str, Any] = {"replicates": Replicates(16), "experiments": experiments}
    return analysis_of(Study(name="toy", title="t", question="q", source="s", block=16, **(plan | more)))


def test_alpha_and_the_experiment_of_a_claim_are_part_of_the_analysis() -> None:
    first, second = (Value(name, "s", of=mean("x"), equals=0.0, margin=1.0) for name in "ab")
    before = two((first,), (second,))
    swapped = two((second,), (first,))
    assert {key for key in before if before[key] != swapped[key]} == {
        "claim a, experiment",
        "claim b, experiment",
    }
    assert "alpha" not in before
    assert two((first,), (second,), alpha=0.05)["alpha"] == "0.05"


def test_columns_that_may_have_no_value_are_part_of_the_analysis() -> None:
    def analysis(**more: Any) -> dict[str, str]:
        claim = Value("m", "s", of=mean("x"), equals=0.0, margin=1.0)
        experiment = Experiment(
            "e", simulate=lambda rng, size, n: {}, scenarios=grid(n=(1,)), claims=[claim], **more
        )
        return two((), (), experiments=[experiment])

    assert analysis(missing=("x", "y")).items() - analysis().items() == {("experiment e, missing", "x, y")}


def own_classes(shift: float, source: float = 0.0) -> tuple[Value, Value, Value]:
    """Claims with a statistic, a kind and a theory of the study's own, which do something else for another shift."""

    @dataclass(frozen=True)
    class Moved(Statistic):
        name = "moved"

        def estimate(self, values: Any) -> Any:
            return mean("x").estimate(values + shift)

        def influence(self, values: Any) -> Any:
            return mean("x").influence(values)

        def interval(self, values: Any, confidence: float) -> tuple[float, float]:
            return mean("x").interval(values, confidence)

    class Kind(Value):
        def zone(self, theory: float) -> Any:
            return super().zone(theory + shift)

    @dataclass(frozen=True)
    class Theory:
        source: float

        def __call__(self) -> float:
            return shift + self.source

    plan: dict[str, Any] = {"equals": 0.0, "margin": 1.0}
    return (
        Value("statistic", "s", of=Moved("x"), **plan),
        Kind("kind", "s", of=mean("x"), **plan),
        Value("theory", "s", of=mean("x"), **(plan | {"equals": Theory(source)})),
    )


def test_classes_of_the_study_are_told_by_what_they_do() -> None:
    """And words like `source` are words only in what is mcstudy's."""
    before, after = two(own_classes(0.0), ()), two(own_classes(1.0), ())
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"claim statistic, of", "claim kind, kind", "claim theory, equals"}
    assert before == two(own_classes(0.0), ())
    after = two(own_classes(0.0, source=1.0), ())
    assert {key for key in before if before[key] != after[key]} == {"claim theory, equals"}


def test_functions_are_told_by_what_they_do() -> None:
    texts = [
        content(equals=make(factor))["claim m, equals"]
        for make in (scaled, scaled_again)
        for factor in (1.0, 2.0)
    ]
    assert len(set(texts)) == 2
    assert "0x" not in "".join(texts)


def scaled(factor: float) -> Callable[[int], float]:
    return lambda n: factor * n


def scaled_again(factor: float) -> Callable[[int], float]:
    return lambda n: factor * n  # the same, written elsewhere


def test_the_analysis_is_words_that_people_read() -> None:
    found = content(expected=Verdict.REFUTED, because="far off")
    assert found["claim m, kind"] == "value"
    assert found["claim m, margin"] == "1.0"
    assert found["claim m, expected"] == "REFUTED"
    assert found["replicates"] == "Replicates(first=16, quick=16, full=16)"
    assert found["scenarios"].startswith("2 (n 1, 2; ")


def test_many_levels_are_shown_by_some() -> None:
    experiment = Experiment(
        "e",
        simulate=lambda rng, size, n: {},
        scenarios=grid(n=range(100)),
        claims=[Value("m", "s", of=mean("x"), equals=0.0, margin=1.0)],
    )
    other = Experiment(
        "e",
        simulate=lambda rng, size, n: {},
        scenarios=grid(n=[*range(50), 200, *range(51, 100)]),
        claims=experiment.claims,
    )
    first, second = (
        analysis_of(Study(name="toy", title="t", question="q?", source="s", block=16, experiments=[item], replicates=Replicates(first=16, quick=16, full=16)))["experiment e, scenarios"]
        for item in (experiment, other)
    )  # fmt: skip
    assert first.startswith("100 (n 0, 1, 2, 3, 4, 5, ..., 99; ")
    assert first != second
