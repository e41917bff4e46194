"""What readers need of our own studies: an answer, names that are explained, and titles that tell claims apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import mcstudy as mc
from mcstudy.claims import Claim
from mcstudy.engine.loading import load_study
from mcstudy.report import check_latex, check_text

FOLDER = Path(__file__).parents[2] / "studies"
ON_THE_SHEET: tuple[str, ...] = (
    "sensing_loss",
    "gradient_flow",
    "discretization",
    "empirical_flow",
    "linearization",
)
ON_THE_SHEET += ("trained_networks", "tangent_kernel")


@pytest.fixture(scope="module", params=(*ON_THE_SHEET, "verdict_calibration"))
def one(request: pytest.FixtureRequest) -> mc.Study:
    """Each study in turn."""
    return load_study(FOLDER / f"{request.param}.py")


def claims_of(study: mc.Study) -> list[Claim]:
    return [claim for experiment in study.experiments for claim in experiment.claims]


def alike(claims: Sequence[Claim]) -> list[str]:
    """The ids of claims that nothing tells apart."""
    words = Counter((claim.statement, claim.title) for claim in claims)
    return [claim.id for claim in claims if words[claim.statement, claim.title] > 1]


def unexplained(experiments: Sequence[mc.Experiment]) -> set[tuple[str, str]]:
    """The columns that claims read and nothing explains, by experiment."""
    return {
        (experiment.name, column)
        for experiment in experiments
        for claim in experiment.claims
        for column in claim.columns()
        if column not in experiment.columns
    }


def texts_of(study: mc.Study) -> Iterator[str]:
    """What must be text with mathematics between dollar signs."""
    yield from (study.question, study.source, *(overlay.caption for overlay in study.overlays))
    for experiment in study.experiments:
        yield from (experiment.source, *experiment.columns.values())
    for claim in claims_of(study):
        yield from (claim.title, claim.group, claim.source, claim.expectation.because)


def test_every_study_answers_its_question(one: mc.Study) -> None:
    assert one.answer


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_titles_tell_claims_apart(path: Path) -> None:
    assert alike(claims_of(load_study(path))) == []


def test_control_equal_statements_are_noticed(one: mc.Study) -> None:
    first, *others = claims_of(one)
    assert alike([first, replace(first, id="twin"), *others]) == [first.id, "twin"]


def test_every_column_that_is_read_is_explained(one: mc.Study) -> None:
    assert unexplained(one.experiments) == set()


def test_control_a_column_without_words_is_noticed(one: mc.Study) -> None:
    assert unexplained([replace(experiment, columns={}) for experiment in one.experiments])


def test_mathematics_stands_between_dollar_signs(one: mc.Study) -> None:
    for text in texts_of(one):
        check_text(text)
        words = "".join(text.split("$")[::2])
        assert not any(sign in words for sign in "^\\|`"), text
        assert "_" not in words, text
    for claim in claims_of(one):
        check_latex(claim.statement)
