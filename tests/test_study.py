"""The description of a study, what it refuses, and the draws that it keeps bit for bit."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.evidence import IdentityEvidence
from mcstudy.exceptions import ClaimError, McstudyError, StudyError
from mcstudy.study import shares_of

MakeStudy = Callable[..., mc.Study]


def normal(rng: np.random.Generator, size: int, **_: Any) -> dict[str, Any]:
    return {"x": rng.normal(size=size)}


def value(name: str = "mean", **parts: Any) -> mc.Value:
    plan: dict[str, Any] = {"of": mc.mean("x"), "equals": 0.0, "margin": 1.0}
    return mc.Value(name, "s", **(plan | parts))


def rate(**parts: Any) -> mc.Rate:
    plan: dict[str, Any] = {"of": mc.rms("x"), "against": "n", "exponent": 0.0, "margin": 1.0}
    return mc.Rate("rate", "s", **(plan | parts))


def experiment(name: str, *claims: Any, **parts: Any) -> mc.Experiment:
    plan: dict[str, Any] = {"simulate": normal, "scenarios": mc.grid(n=(1, 2, 4)), "claims": claims}
    return mc.Experiment(name, **(plan | parts))


def of_experiments(*experiments: Any, **parts: Any) -> mc.Study:
    plan: dict[str, Any] = {
        "name": "toy",
        "title": "A toy",
        "question": "Is it?",
        "source": "nowhere",
        "block": 16,
        "replicates": mc.Replicates(first=64, quick=128, full=256),
        "experiments": experiments,
    }
    return mc.Study(**(plan | parts))


BAD: list[tuple[dict[str, Any], type[McstudyError], str]] = [
    ({"name": "Sensing Loss"}, StudyError, "`name` must be lower-case letters, digits and underscores"),
    ({"name": "../up"}, StudyError, "`name` must be"),
    ({"simulate": 3}, StudyError, "`simulate` must be a function"),
    ({"scenarios": [{"n": 1}]}, StudyError, "`scenarios` must hold scenarios, got {'n': 1}; make them with `grid`"),
    ({"scenarios": ()}, StudyError, "`scenarios` must hold at least one scenario, got an empty grid"),
    ({"scenarios": mc.grid(n=(1, 2)) + mc.grid(m=(1,))}, StudyError, r"same factors \['n'\], got \['m'\]; give other factors an experiment of their own"),
    ({"scenarios": mc.grid(n=(1, 2)) + mc.grid(n=(2,))}, StudyError, "`scenarios` must be distinct, also from `full`, got twice: n=2"),
    ({"full": mc.grid(n=(8, 4))}, StudyError, "`scenarios` must be distinct, also from `full`, got twice: n=4"),
    ({"full": mc.grid(m=(8,))}, StudyError, r"same factors \['n'\], got \['m'\]"),
    ({"scenarios": (mc.Scenario(n=1), mc.Scenario(n=1.0))}, StudyError, "`n`: equal levels must be written alike in all scenarios, got 1, 1.0"),
    ({"scenarios": mc.grid(verdict=(1, 2))}, StudyError, "a factor must not have the name of a result's column, got 'verdict'; rename it"),
    ({"common": ("m",)}, StudyError, "must name factors of the study, got 'm'; factors: n"),
    ({"common": "n"}, StudyError, r"`common` must be a tuple of names, got 'n'; write `common=\('n',\)`"),
    ({"missing": "x"}, StudyError, r"`missing` must be a tuple of names, got 'x'; write `missing=\('x',\)`"),
    ({"block": 0}, StudyError, "`block` must be a positive whole number of replicates, got 0"),
    ({"block": 2.0}, StudyError, "`block` must be a positive whole number"),
    ({"block": True}, StudyError, "`block` must be a positive whole number"),
    ({"alpha": 0.0}, StudyError, r"`alpha` must lie in \(0, 1/2\], got 0.0; 0.01 is the default"),
    ({"alpha": 0.6}, StudyError, r"`alpha` must lie in \(0, 1/2\], got 0.6"),
    ({"alpha": True}, StudyError, r"`alpha` must lie in \(0, 1/2\], got True"),
    ({"alpha": "1 %"}, StudyError, r"`alpha` must lie in \(0, 1/2\], got '1 %'"),
    ({"claims": [value("a", weight=0.5), value("b", weight=0.75)]}, ClaimError, "`weight`: the weights must sum to 1 where all claims have one, got 1.25"),
    ({"claims": [value("a", weight=1.0), value("b")]}, ClaimError, "`weight` must leave a part of alpha for the 1 claims without one, got weights that sum to 1"),
    ({"replicates": mc.Replicates(64, quick=100)}, StudyError, r"`quick` must be a multiple of the block \(16\), got 100"),
    (
        {"replicates": mc.Replicates(64, at_most=100)},
        StudyError,
        r"`at_most` must be a multiple of the block \(16\), got 100",
    ),
    ({"block": 48}, StudyError, r"`first` must be a multiple of the block \(48\), got 64"),
    ({"claims": []}, StudyError, "`claims` must hold at least one claim, or `measures` a measure, got none"),
    ({"claims": value()}, StudyError, r"`claims` must be a list, got 'mean' alone; write `claims=\[...\]`"),
    ({"claims": ["mean"]}, ClaimError, r"`claims` must hold claims, got 'mean'; write Value\('id'"),
    ({"measures": mc.Measure("m", of=mc.mean("x"))}, StudyError, "`measures` must be a list, got 'm' alone"),
    ({"measures": [value()]}, StudyError, r"`measures` must hold measures, got Value\(.* write Measure\('id'"),
    ({"claims": [value("a"), value("a")]}, ClaimError, "`claims`: ids must be distinct over all experiments, got twice: a"),
    ({"measures": [mc.Measure("m", of=mc.mean("x"))] * 2}, ClaimError, "`measures`: ids must be distinct over all experiments, got twice: m"),
    ({"claims": [value(where={"m": 1})]}, ClaimError, "`where` must name a factor of the study, got 'm'"),
    ({"claims": [value(where={"n": 3})]}, ClaimError, "claim mean: `where` must name levels of n, got 3"),
    ({"claims": [value(where=lambda n: n > 9)]}, ClaimError, "`where` must leave at least one scenario"),
    ({"claims": [value(equals=lambda m: m)]}, ClaimError, "claim mean: `equals` must name factors only, got the parameter m; factors: n"),
    ({"claims": [rate(against="m")]}, ClaimError, "`against` must name a factor of the study, got 'm'"),
    ({"claims": [rate(where={"n": (1, 2)})]}, ClaimError, r"needs at least 3 levels to fit a rate, got \[1, 2\]"),
    ({"claims": [rate()], "scenarios": mc.grid(n=(1, 2)), "full": mc.grid(n=(4,))}, ClaimError, r"at least 3 levels to fit a rate, got \[1, 2\]"),
    ({"overlays": (mc.Overlay("o", "t", "c", ("mean", "other")),)}, ClaimError, "overlay o: `claims` must name claims of the study, got other"),
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


TWO_OF_ONE_NAME = (experiment("same", value("a")), experiment("same", value("b")))
BAD_EXPERIMENTS: list[tuple[tuple[Any, ...], dict[str, Any], type[McstudyError], str]] = [
    (TWO_OF_ONE_NAME, {}, StudyError, "`experiments` must have distinct names, got twice: 'same'"),
    ((experiment("", value("a")), experiment("b", value("b"))), {}, StudyError, "`experiments` must have names where there are several, got '', 'b'"),
    ((experiment("", value("a")), experiment("", value("b"))), {}, StudyError, "`experiments` must have distinct names, got twice: ''"),
    ((experiment("a", value("c")), experiment("b", value("c"))), {}, ClaimError, "`claims`: ids must be distinct over all experiments, got twice: c"),
    ((experiment("a", value("c")),), {"simulate": normal}, StudyError, "either `experiments` or `simulate`, got both; put `simulate` into an Experiment"),
    ((experiment("a", value("c")),), {"scenarios": mc.grid(n=(1,)), "claims": [value("d")]}, StudyError, "either `experiments` or `scenarios` and `claims`, got both; put"),
    ((), {}, StudyError, "a study must have `experiments`, or `simulate` and `scenarios`, got neither"),
    ((), {"simulate": normal}, StudyError, "a study must have `scenarios`, or `experiments`, got only simulate"),
    ((), {"scenarios": mc.grid(n=(1,))}, StudyError, "a study must have `simulate`, or `experiments`, got only scenarios"),
    ((3,), {}, StudyError, r"`experiments` must be a list of experiments, got \(3,\); write experiments=\[Experiment\(...\)\]"),
    ((experiment("a"), experiment("b")), {}, StudyError, "`claims` must hold at least one claim, or `measures` a measure, got none"),
    ((experiment("a", value("c")),), {"overlays": (mc.Overlay("o", "t", "c", ("d",)),)}, ClaimError, "overlay o: `claims` must name claims of the study, got d"),
]  # fmt: skip


@pytest.mark.parametrize(("experiments", "parts", "error", "match"), BAD_EXPERIMENTS)
def test_study_of_experiments_refuses(
    experiments: tuple[Any, ...], parts: dict[str, Any], error: type[McstudyError], match: str
) -> None:
    with pytest.raises(error, match=match):
        of_experiments(*experiments, **parts)


def test_one_experiment_alone_is_no_list() -> None:
    with pytest.raises(StudyError, match="`experiments` must be a list of experiments, got Experiment"):
        of_experiments(experiments=experiment("a", value("c")))


def test_experiments_are_found_by_name() -> None:
    study = of_experiments(experiment("a", value("c")), experiment("b", value("d")))
    assert study["b"].claims[0].id == "d"
    with pytest.raises(StudyError, match="`experiment` must be one of 'a', 'b', got 'c'"):
        study["c"]


def test_experiments_may_have_other_factors_and_the_same_columns() -> None:
    other = experiment("b", value("d", where={"m": 1}), scenarios=mc.grid(m=(1, 2)))
    study = of_experiments(experiment("a", value("c", where={"n": 1})), other)
    assert [list(e.scenarios[0]) for e in study.experiments] == [["n"], ["m"]]


def test_a_study_of_the_old_form_is_one_unnamed_experiment(make_study: MakeStudy) -> None:
    study = make_study(common=("n",), missing=("x",), measures=[mc.Measure("m", of=mc.mean("x"))])
    (only,) = study.experiments
    assert only is study[""]
    assert (only.name, only.common, only.missing) == ("", ("n",), ("x",))
    assert [claim.id for claim in only.claims] == ["mean"]
    assert study.block_size == study.block == 16


@pytest.mark.parametrize("replicates", [256, None, "1024"])
def test_replicates_are_a_kind_of_their_own(make_study: MakeStudy, replicates: Any) -> None:
    with pytest.raises(
        StudyError, match=r"`replicates` must be Replicates\(...\), got .*; write replicates=mc.Replicates"
    ):
        make_study(replicates=replicates)


def test_replace_changes_the_only_experiment(make_study: MakeStudy) -> None:
    """What options of a study do: ``replace(study, scenarios=...)`` leaves everything else as it was."""
    study = make_study(common=("n",))
    wider = replace(study, scenarios=mc.grid(n=(8, 16, 32)))
    assert [s["n"] for s in wider[""].scenarios] == [8, 16, 32]
    assert (wider[""].common, wider[""].claims, wider[""].simulate) == (
        ("n",),
        study[""].claims,
        study[""].simulate,
    )
    assert replace(wider, title="Another").experiments == wider.experiments
    assert replace(study, block=32).experiments == study.experiments
    # Its experiment may be replaced as a whole, also by one that shares most of it.
    (own,) = study.experiments
    other = replace(own, claims=[value("other")])
    assert [claim.id for claim in replace(study, experiments=[other])[""].claims] == ["other"]
    both = replace(study, experiments=[other], scenarios=mc.grid(n=(8,)))[""]
    assert ([claim.id for claim in both.claims], both.scenarios) == (["other"], mc.grid(n=(8,)))


def test_replace_checks_what_it_is_given(make_study: MakeStudy) -> None:
    with pytest.raises(ClaimError, match="claim mean: `where` must name a factor"):
        replace(make_study(claims=[value(where={"n": 1})]), scenarios=mc.grid(m=(1, 2)))


def test_replace_does_not_touch_named_experiments() -> None:
    study = of_experiments(experiment("a", value("c")))
    with pytest.raises(StudyError, match="either `experiments` or `scenarios`, got both"):
        replace(study, scenarios=mc.grid(n=(8,)))
    assert replace(study, experiments=[experiment("b", value("d"))])["b"].claims[0].id == "d"


def test_claims_inherit_the_source_of_their_experiment_or_of_the_study() -> None:
    study = of_experiments(
        experiment("a", value("own", source="Theorem 3"), value("of_a"), source="Section 2"),
        experiment("b", value("of_study")),
        source="The book",
    )
    sources = {claim.id: claim.source for e in study.experiments for claim in e.claims}
    assert sources == {"own": "Theorem 3", "of_a": "Section 2", "of_study": "The book"}
    assert [e.source for e in study.experiments] == ["Section 2", "The book"]


def test_the_ledger_of_experiments(make_study: MakeStudy) -> None:
    """Each claim is judged on the draws of its experiment, with its part of the study's alpha."""

    def shifted(rng: np.random.Generator, size: int, *, m: int) -> dict[str, Any]:
        return {"x": 5.0 + rng.normal(size=size), "only here": np.zeros(size)}

    study = of_experiments(
        experiment("a", value("a.mean")),
        mc.Experiment(
            "b",
            simulate=shifted,
            scenarios=mc.grid(m=(1, 2)),
            claims=[
                value("b.mean", equals=5.0),
                value("b.wrong", expected=mc.control("the mean is 5")),
                mc.Identity("b.zero", "s", column="only here", tolerance=1e-9, law="constant"),
            ],
            measures=[mc.Measure("b.sd", of=mc.sd("x"), over="m")],
        ),
    )
    ledger = mc.run(study, out=None, executor="serial")
    assert ledger.as_expected
    assert {finding.id: finding.experiment for finding in ledger.findings} == {
        "a.mean": "a", "b.mean": "b", "b.wrong": "b", "b.zero": "b",
    }  # fmt: skip
    assert [len(finding.cells) for finding in ledger.findings] == [3, 2, 2, 2]
    assert ledger["a.mean"].confidence == 1 - 2 * 0.01 / 4  # 4 claims
    assert ledger["b.wrong"].confidence == 1 - 0.01 / 4 / 2  # of which this has 2 cells
    designs = ledger.design.experiments
    assert [(design.name, design.columns) for design in designs] == [("a", ("x",)), ("b", ("x", "only here"))]
    (measured,) = ledger.measures
    assert (measured.experiment, len(measured.cells)) == ("b", 2)


def test_alpha_is_that_of_the_whole_study() -> None:
    """Shared by weight over all experiments, and by those of the full profile alike."""
    study = of_experiments(
        experiment("a", value("heavy", weight=0.5), value("one")),
        experiment("b", value("other"), value("late", where={"n": 8}), full=mc.grid(n=(8,))),
        alpha=0.05,
    )
    assert shares_of(study) == pytest.approx(
        {"heavy": 0.025, **dict.fromkeys(["one", "other", "late"], 0.025 / 3)}
    )
    ledger = mc.run(study, out=None, executor="serial")
    assert ledger.run.alpha == 0.05
    assert [finding.confidence for finding in ledger.findings] == pytest.approx(
        [1 - 2 * 0.025, 1 - 2 * 0.025 / 3, 1 - 2 * 0.025 / 3]
    )


def test_alpha_has_a_default() -> None:
    study = of_experiments(experiment("a", value("one"), value("other")))
    assert (study.alpha, shares_of(study)) == (0.01, {"one": 0.005, "other": 0.005})
    measured = experiment("a", measures=[mc.Measure("m", of=mc.mean("x"))])
    assert shares_of(of_experiments(measured)) == {}


def test_a_claim_on_a_column_of_another_experiment_is_refused_in_a_run() -> None:
    def longer(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        return {"loss": rng.normal(size=size), "gap": rng.normal(size=size)}

    study = of_experiments(
        experiment("a", value("a.mean")),
        experiment("b", value("b.mean"), simulate=longer),  # reads x, which is a's
    )
    with pytest.raises(
        ClaimError,
        match=r"claim b.mean: `column` must be one that its `simulate` returns, got 'x'; columns: loss, gap; 'x' is a column of experiment a",
    ):
        mc.run(study, out=None, executor="serial")


def test_a_forgotten_where_confirms_nothing() -> None:
    """Without filler, a claim on all scenarios of an experiment is judged on what was measured in all of them."""

    def uneven(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
        return {"residual": np.full(size, 1e-3 if n == 4 else 0.0)}

    zero: dict[str, Any] = {"column": "residual", "tolerance": 1e-9, "law": "constant"}
    where_it_holds = mc.Identity("meant", "s", **zero, where={"n": (1, 2)})
    forgotten = mc.Identity("forgotten", "s", **zero)
    study = of_experiments(experiment("a", where_it_holds, forgotten, simulate=uneven))
    ledger = mc.run(study, out=None, executor="serial")
    assert ledger["meant"].verdict is mc.Verdict.CONFIRMED
    assert ledger["forgotten"].verdict is mc.Verdict.REFUTED


def uniform(rng: np.random.Generator, size: int, **_: Any) -> dict[str, Any]:
    return {"x": rng.random(size)}


PINNED: dict[tuple[tuple[str, ...], int], tuple[str, list[float], list[float]]] = {
    ((), 20261123): (
        "487ed6ff914f:0:3",
        [0.9732504562803836, 0.9758361283154589, 0.9861811636657498, 0.9327863608753548],
        [0.5181949638114062, 0.42654815446568434, 0.5696041870614479, 0.40474308747621207],
    ),
    ((), 7): (
        "487ed6ff914f:0:2",
        [0.9519270619208072, 0.92924801409266, 0.961350122052059, 0.9375680176756429],
        [0.5081048942469821, 0.4749049271210632, 0.6517309549574539, 0.3864747667560606],
    ),
    (("kind",), 20261123): (
        "487ed6ff914f:0:3",
        [0.5975224549004234, 0.5975224549004234, 0.9983393818790857, 0.9983393818790857],
        [0.3630467973391404, 0.3630467973391404, 0.5280657641832918, 0.5280657641832918],
    ),
    (("kind",), 7): (
        "fae2d882c81a:1:3",
        [0.9085749848460868, 0.9085749848460868, 0.8101986991733638, 0.8101986991733638],
        [0.5048523737594035, 0.5048523737594035, 0.5596504138967002, 0.5596504138967002],
    ),
}  # fmt: skip


def pinned(make_study: MakeStudy, common: tuple[str, ...], experiments: bool) -> mc.Study:
    parts: dict[str, Any] = {
        "simulate": uniform,
        "scenarios": mc.grid(n=(1, 2.5), kind=("a", "ä b"), flag=(True,)),
        "common": common,
        "claims": [mc.Identity("largest", "s", column="x", tolerance=2.0, law="continuous")],
    }
    counts = mc.Replicates(first=8, quick=8, full=8)
    if experiments:
        return of_experiments(mc.Experiment("named", **parts), name="pinned", block=4, replicates=counts)
    return make_study(name="pinned", block=4, replicates=counts, **parts)


@pytest.mark.parametrize(("common", "seed"), PINNED)
def test_unnamed_studies_keep_their_draws_bit_for_bit(
    make_study: MakeStudy, common: tuple[str, ...], seed: int
) -> None:
    """Largest draw, median and witness of 8 replicates in blocks of 4, as version 0.1.0 drew them."""
    finding = mc.run(pinned(make_study, common, experiments=False), seed=seed, out=None, executor="serial")[
        "largest"
    ]
    token, largest, medians = PINNED[common, seed]
    evidence = finding.evidence
    assert isinstance(evidence, IdentityEvidence)
    assert evidence.witness is not None
    assert evidence.witness.token == token
    assert [cell.largest for cell in evidence.cells if cell] == largest
    assert [cell.median for cell in evidence.cells if cell] == medians


def test_the_name_of_an_experiment_gives_other_draws(make_study: MakeStudy) -> None:
    """The control: two experiments over one grid must not draw the same numbers."""
    finding = mc.run(pinned(make_study, (), experiments=True), out=None, executor="serial")["largest"]
    assert finding.estimate not in PINNED[(), 20261123][1]


ACTING = {
    "an escape": ("\x1b[2J", "U+001B"),
    "a turn": ("a\u202eb", "U+202E"),
    "an isolate": ("\u2066", "U+2066"),
}


@pytest.mark.parametrize(("text", "number"), ACTING.values(), ids=ACTING)
@pytest.mark.parametrize(
    "place", ["title", "question", "source", "statement", "group", "because", "columns", "caption"]
)
def test_texts_that_act_on_a_terminal_or_a_page_are_refused(
    make_study: MakeStudy, place: str, text: str, number: str
) -> None:
    given: dict[str, Any] = {place: text}
    if place == "statement":
        given = {"claims": [mc.Value("v", text, of=mc.mean("x"), equals=0.0, margin=1.0)]}
    elif place == "group":
        given = {"claims": [value(group=text)]}
    elif place == "because":
        given = {"claims": [value(expected=mc.control(text))]}
    elif place == "columns":
        given = {"columns": {"x": text}}
    elif place == "caption":
        given = {"claims": [rate()], "overlays": (mc.Overlay("o", "t", text, claims=("rate",)),)}
    with pytest.raises(
        StudyError,
        match=rf"{place if place != 'caption' else 'overlay o'}.* must be printable text, .* with {re.escape(number)}",
    ):
        make_study(**given)


def test_lines_may_break_and_words_may_run_from_right_to_left(make_study: MakeStudy) -> None:
    make_study(question="Is it?\nOr\tnot?", title="\N{HEBREW LETTER ALEF} \N{ZERO WIDTH JOINER}")


def test_an_unnamed_experiment_keeps_what_its_columns_are(make_study: MakeStudy) -> None:
    study = make_study(columns={"x": "what is drawn"})
    assert replace(study, title="Another").experiments[0].columns == {"x": "what is drawn"}


@pytest.mark.parametrize("authors", ["Ada Lovelace", ("Ada Lovelace", ""), (None,)])
def test_authors_are_names(make_study: MakeStudy, authors: Any) -> None:
    """A text would be an author a letter."""
    assert make_study(authors=("Ada Lovelace", "Alan Turing")).authors == ("Ada Lovelace", "Alan Turing")
    with pytest.raises(
        StudyError, match=r"`authors` must be names, got .*; write authors=\(\"Ada Lovelace\",\)"
    ):
        make_study(authors=authors)
