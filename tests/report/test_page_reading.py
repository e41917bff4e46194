"""What makes a page readable: the overview, folded claims, print, text from right to left."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcstudy.claims import Identity, Value
from mcstudy.findings import Verdict
from mcstudy.ledger import Ledger, SourceFile
from mcstudy.report import write_report
from mcstudy.report.numbers import THIN, label
from mcstudy.report.verdicts import badge, is_easy, share
from mcstudy.scenarios import Scenario
from mcstudy.seal import source_digest
from mcstudy.statistics import mean


def table_of(html: str) -> str:
    table = html[html.index('<table class="claims"') :]
    return table[: table.index("</table>")]


def test_the_table_has_a_row_for_every_claim_with_its_share(written: Any) -> None:
    table = table_of(written.html)
    rows = re.findall(r'<tr role="row" data-verdict="(\w+)" .*?<a href="#claim-([^"]+)"', table, re.DOTALL)
    assert rows == [(badge(finding).mark, finding.id) for finding in written.ledger.findings]
    places = [float(place) for place in re.findall(r'<b style="left:([\d.]+)%"', table)]
    for finding, place in zip(written.ledger.findings, places, strict=True):
        reach = finding.cells[finding.deciding].reach
        assert (place > 50.0) is (reach > 1.0), finding.id
        if finding.verdict is Verdict.CONFIRMED:
            assert place <= 50.0
        assert f'<span class="used">{share(finding).text}</span>' in table


def test_a_statement_is_written_once(written: Any) -> None:
    """In its claim, which the table leads to."""
    assert "<math" not in table_of(written.html)
    assert written.html.count('<div class="statement">') == len(written.ledger)


def lead_of(html: str) -> str:
    return html[html.index('<header class="lead"') : html.index("</header>")]


def with_words(single: Ledger, **words: str) -> Ledger:
    """A ledger of one claim, with what its study and its claim have to say."""
    about: dict[str, Any] = {name: text for name, text in words.items() if name == "answer"}
    of_claim: dict[str, Any] = {name: text for name, text in words.items() if name != "answer"}
    findings = tuple(replace(finding, **of_claim) for finding in single.findings)
    return replace(single, study=replace(single.study, **about), findings=findings)


def test_the_answer_is_the_studys_own(single: Ledger, tmp_path: Path) -> None:
    html = write_report(
        with_words(single, answer=r"It falls as $m^{-0.5}$ & <b>so</b>."), tmp_path
    ).read_text(encoding="utf-8")
    assert re.search(
        r'<p class="answer"><bdi>It falls as <math>.*</math> &amp; &lt;b&gt;so&lt;/b&gt;\.</bdi></p>',
        lead_of(html),
    )
    assert "came out as expected" not in lead_of(html)
    assert 'class="alert"' not in lead_of(html)


def test_without_one_the_page_counts_and_says_neither_yes_nor_no(single: Ledger, tmp_path: Path) -> None:
    lead = lead_of(write_report(single, tmp_path).read_text(encoding="utf-8"))
    assert '<p class="answer">The claim came out as expected: 1 confirmed.</p>' in lead
    assert not re.search(r"\b(?:Yes|No)\b", lead)


def test_alerts_stand_before_all_else_and_qualify_the_answer(written: Any, tmp_path: Path) -> None:
    answered = replace(written.ledger, study=replace(written.ledger.study, answer="All is well."))
    for ledger in (written.ledger, answered):
        lead = lead_of(write_report(ledger, tmp_path).read_text(encoding="utf-8"))
        alert = lead[lead.index('<div class="alert"') : lead.index("</div>")]
        assert lead.index("alert") < lead.index('class="answer"')
        assert "Claim 1.bias is refuted, which is not expected." in alert
        assert "still undecided." in alert
        assert "replicates failed." in alert
        assert ("written for the expected verdicts" in alert) is (ledger is answered)


def test_titles_stand_with_ids_wherever_a_claim_is_named(single: Ledger, tmp_path: Path) -> None:
    html = write_report(with_words(single, title="without $W$ <i>"), tmp_path).read_text(encoding="utf-8")
    title = '<span class="title"><bdi>without <math><mi>W</mi></math> &lt;i&gt;</bdi></span>'
    assert html.count(title) == 2  # table, heading


def test_claims_are_grouped_by_the_lines_of_their_source(written: Any, tmp_path: Path) -> None:
    """Across experiments; those without a line stay with their experiment."""
    lines = {"2d.rate": "Line (d)", "1.start": "Line (d)", "1a": "Line (a) with $W$"}
    findings = tuple(replace(one, group=lines.get(one.id, "")) for one in written.ledger.findings)
    html = write_report(replace(written.ledger, findings=findings), tmp_path).read_text(encoding="utf-8")
    table = html[html.index('<table class="claims"') :]
    rows = re.findall(
        r'<a href="#(group-[^"]+|experiment-[^"]+|claim-[^"]+)"', table[: table.index("</table>")]
    )
    first = [row for row in rows if not row.startswith("claim")]
    assert [name.partition("-")[0] for name in first] == ["group", "experiment", "experiment", "group"]
    assert rows[:4] == [first[0], "claim-2d.rate", "claim-1.start", "experiment-displacement"]
    headings = re.findall(r"<h[34][^>]* id=\"((?:experiment|group|claim)-[\w.-]+?)(?:-title)?\"", html)
    assert headings == rows


def test_names_on_axes_are_explained_beside_them(written: Any, tmp_path: Path) -> None:
    experiments = tuple(
        replace(one, meanings={"error": "the $L_2$ error", "width": "how wide", "bound": "not read alone"})
        for one in written.ledger.design.experiments
    )
    ledger = replace(written.ledger, design=replace(written.ledger.design, experiments=experiments))
    html = write_report(ledger, tmp_path).read_text(encoding="utf-8")
    article = html[html.index('id="claim-2d.rate" aria') :]
    facts = article[: article.index("</dl>")]
    assert re.search(
        r"<dt>Where</dt><dd><code>error</code>: <bdi>the <math>.*</math> error</bdi>; <code>width</code>",
        facts,
    )
    assert "<code>bound</code>" not in facts
    flow = html[html.index('id="claim-1.start" aria') :]
    assert "<dt>Where</dt>" not in flow[: flow.index("</article>")]
    overlay = html[html.index('id="overlay-regimes" aria') :]
    assert "<code>error</code>: <bdi>the" in overlay[: overlay.index("</article>")]
    design = html[html.index('<section id="design"') : html.index('<section id="failures"')]
    assert design.count("<dt><code>bound</code></dt>") == 2


def test_claims_can_be_chosen_by_verdict_and_kind_without_a_script(
    written: Any, single: Ledger, tmp_path: Path
) -> None:
    chosen = re.findall(r'<input type="radio" name="(\w+)" id="([\w-]+)"( checked)?>', written.html)
    assert [name for _, name, checked in chosen if checked] == ["verdict-any", "kind-any"]
    by = {"verdict": {badge(one).mark for one in written.ledger.findings}}
    by["kind"] = {"rates", "bounds", "values", "identities", "laws"}
    for what, values in by.items():
        assert next(name for group, name, _ in chosen if group == what) == f"{what}-any"
        assert {name for group, name, _ in chosen if group == what} == {
            f"{what}-any",
            *(f"{what}-{v}" for v in values),
        }
        for value in values:
            rule = f'main:has(#{what}-{value}:checked) [data-{what}]:not([data-{what}="{value}"]) {{ display: none; }}'
            assert rule in written.html
        # In the table and in the findings.
        assert len(re.findall(rf'<\w+[^>]* data-{what}="', written.html)) == 2 * len(written.ledger)
    assert '<form class="filters">' not in write_report(single, tmp_path).read_text(encoding="utf-8")


def test_the_main_figure_stands_above_the_table(written: Any, tmp_path: Path) -> None:
    assert written.html.index('id="overlay-regimes"') < written.html.index('<table class="claims"')
    assert 'id="together"' not in written.html
    (overlay,) = written.ledger.overlays
    two = replace(written.ledger, overlays=(overlay, replace(overlay, id="again", caption="as $m^{-1}$")))
    html = write_report(two, tmp_path).read_text(encoding="utf-8")
    assert (
        html.index('id="overlay-regimes"') < html.index('<table class="claims"') < html.index('id="together"')
    )
    assert html.index('id="together"') < html.index('id="overlay-again"')
    assert re.search(r"<figcaption><bdi>as <math>", html)


@pytest.mark.parametrize(
    ("reach", "place", "text"),
    [
        (1.0, 50.0, "1"),
        (1e-3, 0.0, "0.001"),
        (1e-9, 0.0, "10⁻⁹"),
        (0.0, 0.0, "0"),
        (1e3, 100.0, "1000"),
        (math.inf, 100.0, "∞"),
        (1.0 - 1e-4, 50.0, "1 − 10⁻⁴"),
        (1.02, 50.1, "1 + 0.02"),
        (-1.0, 50.0, "not judged"),
        (math.nan, 50.0, "not judged"),
    ],
)
def test_share(single: Ledger, reach: float, place: float, text: str) -> None:
    (finding,) = single.findings
    assert share(replace(finding, cells=(replace(finding.cells[0], reach=reach),))) == (place, text)


def test_claims_that_pass_by_two_orders_are_folded(written: Any) -> None:
    for finding in written.ledger.findings:
        article = written.html[written.html.index(f'id="claim-{finding.id}" aria') :]
        article = article[: article.index("</article>")]
        folded = article.index("<details>") < article.index("<figure>")
        easy = finding.verdict is Verdict.CONFIRMED and finding.as_expected
        assert folded is (easy and finding.cells[finding.deciding].reach <= 0.01), finding.id
        assert article.index("reading") < article.index("<details>")
    assert any(map(is_easy, written.ledger.findings))


def test_an_easy_claim_is_folded(make: Any, tmp_path: Path) -> None:
    claim = Identity("1a", "W_k", column="residual", tolerance=1e-10, law="continuous")
    ledger = make.ledger_of(make.judged(claim, make.residuals(1e-13)))
    html = write_report(ledger, tmp_path).read_text(encoding="utf-8")
    assert is_easy(ledger.findings[0])
    assert '<article class="claim confirmed easy"' in html
    assert html.index("Figure and details") < html.index("<figure>")


def test_what_is_folded_has_its_figure_and_its_reason_in_sight(written: Any) -> None:
    """Of a claim that is not easy: the statement, the sentence, why it is to be refuted, the figure."""
    hard = [finding for finding in written.ledger.findings if not is_easy(finding)]
    for finding in hard:
        article = written.html[written.html.index(f'id="claim-{finding.id}" aria') :]
        seen = article[: article.index("<details>")]
        assert all(part in seen for part in ('class="statement"', 'class="reading"', "<figure>"))
        assert ('class="because"' in seen) is bool(finding.because), finding.id
        assert "Measured as" not in seen
    assert any(finding.because for finding in hard)


def test_paper_unfolds_all_but_tables_and_source(written: Any) -> None:
    style = written.html[written.html.index("@media print") : written.html.index("</style>")]
    assert "details::details-content { display: block;" in style
    assert "details:not([open]) .cells" in style
    assert ".listing:not([open])" in style


def with_source(ledger: Ledger, *texts: str) -> Ledger:
    files = tuple(SourceFile(f"study{k}.py", text) for k, text in enumerate(texts))
    return replace(ledger, sources=files, digests={**ledger.digests, "source": source_digest(texts)})


def test_the_source_is_in_the_page(single: Ledger, tmp_path: Path) -> None:
    text = 'x = "<b>&amp;"\n# \u202e reversed \x1b[2J\n'
    html = write_report(with_source(single, text), tmp_path).read_text(encoding="utf-8")
    listing = html[html.index('<details class="listing">') :]
    listing = listing[: listing.index("</details>")]
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert f'study0.py <span class="count">2 lines, sha256 {digest[:12]}</span>' in listing
    assert "x = &#34;&lt;b&gt;&amp;amp;&#34;\n# \\u202e reversed \\x1b[2J\n</code>" in listing
    assert 'class="listing"' not in write_report(single, tmp_path).read_text(encoding="utf-8")


def test_a_page_has_room_for_so_much_source(single: Ledger, tmp_path: Path) -> None:
    ledger = with_source(single, "x = 1\n", "y" * 130_000)
    page = write_report(ledger, tmp_path)
    html = page.read_text(encoding="utf-8")
    assert html.count('<details class="listing">') == 1
    assert "yyyy" not in html
    assert re.search(r"study1.py, sha256 \w{12}: in <code>linearization/ledger.json</code>", html)


def test_a_misprint_says_what_it_must_read(written: Any) -> None:
    """With the verdict on that, and a link to it; no other claim does."""
    corrected = re.findall(r'<p class="corrected">It must read .*?</p>', written.html)
    assert len(corrected) == 1
    assert '<a href="#claim-2c">2c</a>' in corrected[0]
    assert "Confirmed" in corrected[0]
    article = written.html[written.html.index('id="claim-2c-printed" aria') :]
    assert corrected[0] in article[: article.index("</article>")]


def test_every_claim_says_what_was_measured(written: Any) -> None:
    for finding in written.ledger.findings:
        assert f"<dt>Measured as</dt><dd>{finding.estimand}</dd>" in written.html


def test_confidence_and_guarantee_stand_with_every_claim(written: Any) -> None:
    """At the share of alpha that its verdict spends, and with how far the tails were seen where it rests on that."""
    said: dict[str, tuple[str, str]] = {}
    for finding in written.ledger.findings:
        article = written.html[written.html.index(f'id="claim-{finding.id}" aria') :]
        article = article[: article.index("</article>")]
        found = re.search(
            r"<dt>Confidence</dt><dd>(.*?)</dd>.*?<dt>Guarantee</dt><dd>(.*?)</dd>", article, re.S
        )
        assert found, finding.id
        said[finding.id] = found[1].replace(THIN, " "), found[2].partition(",")[0]
        assert ("tails seen" in found[2]) is not math.isnan(finding.condition)
    assert {guarantee for _, guarantee in said.values()} == {"exact", "asymptotic", "none yet"}
    assert said["2c"] == ("99.8 %", "exact")  # one-sided: one of five claims
    assert said["1.law"] == ("99.7 %", "exact")  # two ends, one of nine claims: 99.78 %, never rounded up
    assert said["1.start"][1] == "asymptotic"
    assert said["1.lost"] == (
        "99.5 %",
        "none yet",
    )  # two cells share what may refute; equal draws are no constant


def test_the_page_says_how_claims_and_cells_share_alpha(written: Any) -> None:
    text = " ".join(written.html.split())
    assert "hold at every number of replicates at once, whenever one looks, stops or goes on" in text
    assert "any wrong confirmation or refutation is at most 1 %, which the claims share" in text
    assert "the verdicts of the cells within a claim hold one by one, not jointly" in text
    assert "hold simultaneously" not in text


def test_the_grammar_of_figures_is_said_once(written: Any) -> None:
    assert written.html.count("Full marks: the largest residual of any draw.") == 1
    assert "squares where refuted" in written.html


def test_printed_pages_carry_title_digest_and_number(single: Ledger, tmp_path: Path) -> None:
    study = replace(single.study, title='A "title" \\ </style> of µ')
    html = write_report(replace(single, study=study), tmp_path).read_text(encoding="utf-8")
    style = html[html.index("<style>") : html.index("</style>")]
    assert r'@top-left { content: "A \22 title\22  \5c  \3c \2f style\3e  of \b5 "; }' in style
    assert '@top-right { content: "draws abababababab"; }' in style
    assert 'content: "page " counter(page) " of " counter(pages);' in style
    assert re.search(r"\.claim, \.panel { break-inside: avoid; }", style)


def test_text_that_runs_from_right_to_left_turns_nothing_else(make: Any, tmp_path: Path) -> None:
    word = "\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}"
    columns = {Scenario(mood=mood): make.normals(0.0)[Scenario(n=1)] for mood in (word, "dull")}
    findings = make.judged(Value("1", "x", of=mean("x"), equals=0.0, margin=0.5), columns)
    ledger = make.ledger_of(findings)
    html = write_report(
        replace(ledger, study=replace(ledger.study, title=word, question=word)), tmp_path
    ).read_text(encoding="utf-8")
    assert f"<h1><bdi>{word}</bdi></h1>" in html
    assert f'<p class="question"><bdi>{word}</bdi></p>' in html
    assert label({"mood": word, "n": 1}).endswith(
        f"\u2068{word}\u2069, n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}1"
    )


def test_commands_wrap_and_nothing_else_scrolls_in_a_claim(written: Any) -> None:
    style = written.html[written.html.index("<style>") : written.html.index("</style>")]
    (rules,) = re.findall(r"^pre \{(.*?)\}", style, re.MULTILINE)
    assert "white-space: pre-wrap" in rules
    assert "overflow-wrap: anywhere" in rules
