"""Answers: templates that are refused when a study is built, and filled from what was found."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import mcstudy as mc
from mcstudy.answer import answered, check_answer
from mcstudy.exceptions import StudyError
from mcstudy.ledger import Ledger
from mcstudy.report.kinds import kind_of
from mcstudy.report.numbers import MINUS, THIN
from mcstudy.seal import SEAL, digests_of_findings

MakeStudy = Callable[..., mc.Study]

CLAIMS = {"2d.worst": True, "2c": True, "large": False}


@pytest.mark.parametrize(
    "template",
    [
        "",
        "Nothing to fill.",
        "It is {2c}.",
        r"It falls as $m^{{{2d.worst}}}$, not as $\sqrt{{m}}$.",
        "{2d.worst:.4f}, {2d.worst.estimate}, {2d.worst.low:.2e}, {2c.violations:d}, {2c.verdict}",
        r"It costs \$5.",
    ],
)
def test_what_can_be_filled_is_accepted(template: str) -> None:
    check_answer(template, CLAIMS)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{2d.wurst}", r"must name a claim of the study in braces, got '2d.wurst'; did you mean 2d.worst\?"),
        (
            "{2d.worst.estimat}",
            r"must name a claim of the study in braces, got '2d.worst.estimat'; did you mean 2d.worst.estimate\?",
        ),
        (r"$\sqrt{m}$", "must name a claim of the study in braces, got 'm'; double the braces of LaTeX"),
        ("{}", "must name a claim of the study in braces, got ''"),
        ("{2c", r"must have its braces in pairs, got '{2c' \(.*\); double the braces of LaTeX"),
        ("2c}", "must have its braces in pairs"),
        ("{2c!r}", "must have formats after a colon only, got !r"),
        ("{2c:.4q}", r"must have formats that Python knows, got '.4q' for claim 2c"),
        ("{2c.violations:s}", "must have formats that Python knows, got 's'"),
        ("{2c.estimate:d}", "must have formats that Python knows, got 'd'"),
        (
            "{large}",
            "must name claims that every profile judges, got 'large', whose scenarios are in `full` only",
        ),
        ("as $m^2", "must have its dollar signs in pairs"),
        (3, "must be a text, got 3"),
    ],
)
def test_what_cannot_be_filled_is_refused(template: Any, message: str) -> None:
    with pytest.raises(StudyError, match=f"^`answer` {message}"):
        check_answer(template, CLAIMS)


def test_a_study_refuses_an_answer_when_it_is_built(make_study: MakeStudy) -> None:
    with pytest.raises(StudyError, match=r"`answer` must name a claim of the study in braces, got 'meen'"):
        make_study(answer="{meen}")


def drawn(rng: np.random.Generator, size: int, **_: Any) -> dict[str, Any]:
    return {"x": rng.normal(-3.0, 1e-3, size=size), "residual": np.full(size, 2e-13)}


@pytest.fixture(scope="module")
def ledger() -> mc.Ledger:
    study = mc.Study(
        name="toy",
        title="A toy",
        question="How large is it?",
        source="nowhere",
        answer=r"It is {mean}, or $x = {mean}$, to $10^{{{zero.margin:.0f}}}$.",
        block=64,
        replicates=mc.Replicates(64),
        simulate=drawn,
        scenarios=mc.grid(n=(1,)),
        claims=[
            mc.Value("mean", "s", of=mc.mean("x"), equals=-3.0, margin=0.1, title="its size"),
            mc.Identity("zero", "t", column="residual", tolerance=1e-12, law="continuous", group="Line (a)"),
        ],
        columns={"x": "what is $x$", "n": "how many"},
    )
    return mc.run(study, out=None, executor="serial")


def test_the_ledger_holds_the_answer_and_the_words_of_claims(ledger: mc.Ledger) -> None:
    found = ledger["mean"]
    number = kind_of(found.kind).summary(found).found
    assert number.startswith(MINUS)
    assert "±" in number
    in_formula = number.replace(MINUS, "-").replace("±", r"\pm")
    assert ledger.study.answer == f"It is {number}, or $x = {in_formula}$, to $10^{{0}}$."
    assert (found.title, ledger["zero"].group) == ("its size", "Line (a)")
    assert ledger.design.experiments[0].meanings == {"x": "what is $x$", "n": "how many"}


def test_the_words_come_back_from_json(ledger: mc.Ledger) -> None:
    again = Ledger.from_json(ledger.to_json())
    assert again.study.answer == ledger.study.answer
    assert [(f.title, f.group) for f in again.findings] == [(f.title, f.group) for f in ledger.findings]
    assert again.design.experiments[0].meanings == ledger.design.experiments[0].meanings


def test_a_ledger_of_before_there_were_answers_is_read(ledger: mc.Ledger) -> None:
    document = json.loads(ledger.to_json())
    for name in ("answer", "authors", "url"):
        document["study"].pop(name, None)
    document["design"]["experiments"][0].pop("meanings")
    for item in document["findings"]:
        del item["title"], item["group"]
    document["digests"]["findings"] = digests_of_findings(document["findings"], document["measures"])[0]
    document.pop(SEAL, None)
    document.pop("blocks", None)
    old = Ledger.from_document(document)
    assert (old.study.answer, old["mean"].title, old.design.experiments[0].meanings) == ("", "", {})


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{zero}", "2×10⁻¹³"),
        ("${zero}$", r"$2\times 10^{-13}$"),
        ("{zero.estimate:.1e}", "2.0×10⁻¹³"),
        ("${zero.estimate:.1e}$", r"$2.0\times 10^{-13}$"),
        ("{mean:.2f}", f"{MINUS}3.00"),
        ("${mean:.2f}$", "$-3.00$"),
        ("{mean.theory}", f"{MINUS}3"),
        ("{mean.theory:.0%}", f"{MINUS}300{THIN}%"),
        ("${mean.theory:.0%}$", r"$-300\,\%$"),
        ("{zero.violations} of {zero.drawn:d}, {zero.replicates}", "0 of 64, 64"),
        ("{mean.verdict}", "confirmed"),
        (r"\${zero.margin}", r"\$10⁻¹²"),
    ],
)
def test_places_and_formats(ledger: mc.Ledger, template: str, text: str) -> None:
    assert answered(template, ledger) == text


def test_what_a_kind_does_not_have_is_refused_when_it_is_filled(ledger: mc.Ledger) -> None:
    with pytest.raises(
        StudyError, match=r"`answer` must be filled .*`violations` must be asked of .*the draws are kept"
    ):
        answered("{mean.violations}", ledger)


def test_mathematics_that_no_page_can_show_is_refused(ledger: mc.Ledger) -> None:
    with pytest.raises(StudyError, match=r"`answer` must be filled from the study's claims, got"):
        answered(r"$\foo {mean:.1f}$", ledger)


def test_an_answer_is_no_part_of_what_was_drawn(ledger: mc.Ledger) -> None:
    other = replace(ledger, study=replace(ledger.study, answer="Other words."))
    assert other.findings_digest == ledger.findings_digest
