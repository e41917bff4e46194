from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mcstudy.claims import Bound
from mcstudy.ledger import ExperimentDesign, FailureRecord, Ledger
from mcstudy.measured import MeasureCell, Measured
from mcstudy.report import write_report
from mcstudy.report.measures import reading_of
from mcstudy.report.verdicts import alerts, summary
from mcstudy.scenarios import Scenario

VOID = {
    "meta",
    "link",
    "br",
    "hr",
    "img",
    "input",
    "wbr",
    "path",
    "use",
}  # the last two close themselves in SVG
MEGABYTE = 1_000_000


class Page(HTMLParser):
    """A page's elements and text; refuses elements that are not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        assert self.open == [], "elements left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def values(self, attribute: str) -> list[str]:
        return [value for _, attributes in self.elements if (value := attributes.get(attribute)) is not None]


@pytest.fixture(scope="module")
def page(written: Any) -> Page:
    return Page(written.html)


def test_control_unclosed_element_is_noticed(written: Any) -> None:
    with pytest.raises(AssertionError):
        Page(written.html.replace("</article>", "", 1))


def text_of(html: str) -> str:
    """All that a reader reads."""
    return "".join(text for tag, text in Page(html).texts if tag != "style")


def test_ids_are_unique_and_links_on_the_page_lead_somewhere(page: Page) -> None:
    ids = page.values("id")
    assert [name for name, times in Counter(ids).items() if times > 1] == []
    assert {link[1:] for link in page.values("href") if link.startswith("#")} <= set(ids)
    named = " ".join(page.values("aria-labelledby")).split()
    assert set(named) <= set(ids)


def test_every_claim_experiment_and_measure_has_a_stable_anchor(page: Page, written: Any) -> None:
    anchors = {f"claim-{name}" for name in written.ledger}
    anchors |= {"experiment-displacement", "experiment-flow", "measure-spread", "overlay-regimes"}
    assert anchors <= set(page.values("id"))


def test_links_to_files_lead_to_files(page: Page, written: Any) -> None:
    files = {link for link in page.values("href") if not link.startswith(("#", "data:", "index.html"))}
    assert len(files) > 2 * len(written.ledger)
    assert [link for link in files if not (written.out / link).is_file()] == []


def test_no_script_no_network(page: Page, written: Any) -> None:
    assert page.of("script") == []
    assert page.of("img") == page.of("iframe") == page.of("object") == []
    assert [name for _, attributes in page.elements for name in attributes if name.startswith("on")] == []
    assert not re.search(r"@import|url\((?!#)", written.html)
    loaded = page.values("src") + [str(link["href"]) for link in page.of("link")]
    assert loaded == ["data:,"]
    (policy,) = [value for value in page.values("content") if "default-src" in value]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")


def test_hostile_text_is_text(page: Page, written: Any) -> None:
    assert "<script>" not in written.html
    assert "<b>bad</b>" not in written.html
    assert "overflow <i>" not in written.html
    hostile = '<script>alert("x")</script> & {{ 7 * 7 }} <b>bad</b>'
    assert any(hostile in text for tag, text in page.texts if tag != "style")
    # As text, not as the template that it looks like.
    assert "{{ 7 * 7 }} &lt;b&gt;bad" in written.html
    assert "49 &lt;b&gt;bad" not in written.html


def test_headings_descend_without_gaps(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert max(levels) == 4  # claims below their experiments
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_tables_have_headers_with_scope(page: Page) -> None:
    assert {cell.get("scope") for cell in page.of("th")} == {"col", "row", "rowgroup"}
    assert len(page.of("table")) > 10


def test_figures_say_what_was_found(page: Page, written: Any) -> None:
    figures = [attributes for attributes in page.of("svg") if attributes.get("role") == "img"]
    assert len(figures) == len(written.ledger) + 2  # an overlay and a measure
    told = [text for tag, text in page.texts if tag == "desc"]
    rate = [text for text in told if "the slope of log mean of error on log width" in text]
    assert any("over the upper half of the levels is −0.50" in text for text in rate)


def test_verdicts_are_words_not_only_colours(written: Any) -> None:
    rows = Page(claims_table(written.html))
    words = [text.strip() for tag, text in rows.texts if tag in {"span", "small"} and text.strip()]
    assert Counter(word for word in words if word in {"Confirmed", "Refuted", "Undecided"}) == Counter(
        finding.verdict.capitalize() for finding in written.ledger.findings
    )
    assert {"not expected", "as expected", "misprint, as expected", "control, as expected"} <= set(words)


def claims_table(html: str) -> str:
    table = html[html.index('<table class="claims"') :]
    return table[: table.index("</table>") + 8]


def test_the_unexpected_has_one_mark_of_its_own(written: Any) -> None:
    """In the tally and in the table, whether it was confirmed or refuted."""
    lead = written.html[: written.html.index("</header>")]
    assert re.search(r'#mark-unexpected"/></svg><span>2 not as expected', lead)
    marks = re.findall(
        r'#mark-(\w+)"/></svg><span>(\w+)<small><span class="comma">, </span>not exp',
        claims_table(written.html),
    )
    assert marks == [("unexpected", "Refuted"), ("unexpected", "Confirmed")]


def test_claims_are_grouped_by_experiment(written: Any) -> None:
    rows = re.findall(r'scope="row(?:group)?"[^>]*><a href="#([^"]+)"', claims_table(written.html))
    assert rows[0] == "experiment-displacement"
    assert rows.index("claim-2d.rate") == 1
    assert rows.index("experiment-flow") == rows.index("claim-1.start") - 1
    headings = re.findall(r"<h[34][^>]* id=\"(experiment-\w+|claim-[\w.-]+?)(?:-title)?\"", written.html)
    assert headings == rows


def test_one_unnamed_experiment_needs_no_heading(single: Ledger, tmp_path: Path) -> None:
    html = write_report(single, tmp_path).read_text(encoding="utf-8")
    assert 'id="experiment-' not in html
    assert "<h3" in html
    assert "<h4" not in html


def test_design_shows_each_experiment(written: Any) -> None:
    design = written.html[
        written.html.index('<section id="design"') : written.html.index('<section id="failures"')
    ]
    assert re.findall(r"<h3>(\w+)", design) == ["displacement", "flow"]
    assert design.count('<th scope="row">width') == 2
    assert "10 scenarios. Each replicate gives <code>error</code>." in design


def test_one_scenario_is_singular_and_missing_columns_are_named(single: Ledger, tmp_path: Path) -> None:
    experiment = ExperimentDesign("", "", {"n": (1,)}, 1, ("n",), ("x", "y"), ("y",))
    ledger = replace(single, design=replace(single.design, experiments=(experiment,)))
    text = text_of(write_report(ledger, tmp_path).read_text(encoding="utf-8"))
    assert "replicates of 1 scenario," in text
    assert "There may be no value of y." in text
    assert "common draws see the same random numbers" in text


@pytest.mark.parametrize(("count", "shown"), [(100, "98, 99"), (101, "10, 11, …, 100: 101 levels")])
def test_levels_of_a_factor_are_named_as_far_as_there_is_room(
    single: Ledger, tmp_path: Path, count: int, shown: str
) -> None:
    experiment = ExperimentDesign("", "", {"n": tuple(range(count))}, count, (), ("x",))
    ledger = replace(single, design=replace(single.design, experiments=(experiment,)))
    html = write_report(ledger, tmp_path).read_text(encoding="utf-8")
    (row,) = re.findall(r'<tr><th scope="row">n</th><td>(.*?)</td></tr>', html)
    assert row.replace("\N{NO-BREAK SPACE}", " ").endswith(shown)
    assert row.startswith("0, 1, 2, ")


def test_a_measure_is_a_table(page: Page, written: Any) -> None:
    (measured,) = written.ledger.measures
    section = written.html[written.html.index('id="measures"') : written.html.index('id="design"')]
    assert f"{measured.label} ± MCSE" in section
    assert section.count("<tr>") == 1 + len(measured.cells)


def test_a_measure_has_a_figure_and_a_sentence(written: Any) -> None:
    (measured,) = written.ledger.measures
    ends = (written.html.index(f'<section id="{part}"') for part in ("measures", "design"))
    section = written.html[slice(*ends)]
    assert section.count("<figure>") == 1
    assert text_of(reading_of(measured)) in text_of(section)
    assert 'href="linearization/figures/measure-spread.svg"' in section


def only_measured(full_ledger: Ledger) -> Ledger:
    """A ledger without claims, whose two measures have a column for each of two methods."""
    cells = [
        MeasureCell(Scenario(n=n, method=method), 0.5, 0.1, 64, 0) for n in (1, 2) for method in ("a", "b")
    ]
    measures = [Measured(name, "flow", "mean of x", "n", tuple(cells), "method") for name in ("one", "two")]
    return replace(full_ledger, findings=(), overlays=(), measures=tuple(measures))


def test_a_study_with_measures_only_says_so(full_ledger: Ledger, tmp_path: Path) -> None:
    html = write_report(only_measured(full_ledger), tmp_path).read_text(encoding="utf-8")
    lead = text_of(html[html.index('class="lead"') : html.index("</header>")])
    assert "Nothing is claimed here: 2 measures are estimated in" in lead
    assert "wrong verdict" not in lead
    page = Page(html)
    ids = set(page.values("id"))
    assert "measures" in ids
    assert not {"claims", "findings", "verdicts"} & ids
    assert {link[1:] for link in page.values("href") if link.startswith("#")} <= ids


def test_measures_side_by_side_have_a_heading_each(full_ledger: Ledger, tmp_path: Path) -> None:
    html = write_report(only_measured(full_ledger), tmp_path).read_text(encoding="utf-8")
    together = html[html.index('<article class="measure" id="measures-flow-by-method"') :]
    together = together[: together.index("</section>")]
    assert together.count('<th scope="colgroup" colspan="2">') == 2
    assert text_of(together).count("0.50 ± 0.10") == 8
    for kind in ("csv", "tex"):
        link = f"linearization/tables/measures-flow-by-method.{kind}"
        assert f'href="{link}"' in together
        assert (tmp_path / link).is_file()


def test_failures_are_in_the_lead_the_row_and_grouped_by_reason(written: Any) -> None:
    lead = text_of(written.html[written.html.index('<div class="alert"') : written.html.index("</header>")])
    assert lead.count("100 of 36\N{NARROW NO-BREAK SPACE}864 replicates failed") == 2
    assert "100 of 2048 replicates failed" in claims_table(written.html)
    failures = written.html[
        written.html.index('<section id="failures"') : written.html.index('<section id="changes"')
    ]
    assert failures.count("ValueError: overflow") == 1
    text = text_of(failures).replace("\N{NO-BREAK SPACE}", " ")
    assert "100 times in flow; 100 at n = 2. The first again:" in text
    token = written.ledger.failures[0].token
    assert f"mcstudy replay linearization {token}" in text


def test_failures_of_several_reasons_and_places(single: Ledger, tmp_path: Path) -> None:
    failures = [
        FailureRecord("", Scenario(n=n), 0, None, f"{Scenario(n=n).digest}:0", reason, "")
        for n, reason in ((1, "seldom"), (2, "often"), (2, "often"), (3, "often"))
    ]
    run = replace(single.run, failures=4)
    html = write_report(replace(single, failures=tuple(failures), run=run), tmp_path).read_text(
        encoding="utf-8"
    )
    text = text_of(html).replace("\N{NO-BREAK SPACE}", " ")
    assert "often3 times; 2 at n = 2, 1 at n = 3. The first" in text
    assert text.index("often") < text.index("seldom1 time; 1 at n = 1")


def test_warnings_and_changes_are_told(written: Any) -> None:
    text = text_of(written.html).replace("\N{NO-BREAK SPACE}", " ")
    assert "RuntimeWarning: overflow in # (3 blocks of flow at n = 2, 19 %)" in text
    assert "1 change after looking" in text
    assert "margin of 2d.rate" in written.html[written.html.index('id="changes"') :]


def test_the_page_answers_explains_and_can_be_reproduced(written: Any) -> None:
    text = text_of(written.html)
    witness = written.ledger["2c-printed"].evidence.witness
    for expected in (
        *alerts(written.ledger),
        summary(written.ledger),
        "What over-parametrization does",
        "The regimes together",
        "Why it is expected to be refuted. The bound lacks a factor of 2.",
        "Why it is expected to be refuted. A misprint.",
        f"mcstudy replay linearization {witness.token}",
        "at most 1 %",
        written.ledger.run.command,
        written.ledger.digests["draws"],
        f"@misc{{mcstudy-linearization-{written.ledger.findings_digest[:8]},",
        "workstation",
    ):
        assert expected in text
    assert text.count("Witness. Replicate ") == 2


def test_each_kind_says_once_how_it_is_decided(written: Any) -> None:
    section = written.html[written.html.index('id="verdicts"') : written.html.index('id="reproduce"')]
    assert re.findall(r"<dt>(\w+)", section) == [
        "Rates",
        "Bounds",
        "Values",
        "Identities",
        "Laws",
        "Expected",
    ]


def test_main_is_the_same_for_equal_draws(single: Ledger, tmp_path: Path) -> None:
    elsewhere = replace(
        single,
        run=replace(single.run, seconds=99.9, jobs=64, executor="dask"),
        provenance={"started": "1999-01-01T00:00:00+00:00", "host": "elsewhere"},
    )
    other = replace(single, run=replace(single.run, seed=1))
    mains = []
    for ledger in (single, elsewhere, other):
        html = write_report(ledger, tmp_path).read_text(encoding="utf-8")
        assert ("elsewhere" in html) is (ledger is elsewhere)
        mains.append(html[html.index("<main") : html.index("</main>")])
    assert mains[0] == mains[1]
    assert mains[0] != mains[2]


def test_a_crowded_report_stays_below_a_megabyte(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.figure import Figure

    plain = Figure.savefig

    def without_pdf(figure: Figure, *arguments: Any, **named: Any) -> None:
        if named["format"] == "svg":  # embedding fonts in PDFs takes half the time
            plain(figure, *arguments, **named)

    monkeypatch.setattr(Figure, "savefig", without_pdf)
    columns = {
        Scenario(**scenario, activation=name): {"error": values["error"][:64], "bound": values["bound"][:64]}
        for name in ("a rather long level", "another one", *"bcdefghijklmnopqr")
        for scenario, values in make.powers().items()
    }
    (finding,) = make.judged(Bound("2c", r"|f - f_0| \le b", column="error", at_most="bound"), columns)
    ledger = make.ledger_of([replace(finding, id=f"2c-{k}") for k in range(40)])
    html = write_report(ledger, tmp_path).read_text(encoding="utf-8")
    assert len(finding.cells) == 95
    assert len(html.encode()) < MEGABYTE
    Page(html)


def test_colours_of_text_contrast_with_the_page(written: Any) -> None:
    """WCAG 2.1 asks for 4.5 between text and its ground, and for 3 between graphical objects and theirs."""
    style = written.html[written.html.index("<style>") : written.html.index("</style>")]
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    for block in (light, dark):
        colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
        for name in ("ink", "muted", "link", "good", "bad", "open"):
            assert contrast(colours[name], colours["paper"]) >= 4.5, name
        for name in ("blue", "vermillion", "green"):
            assert contrast(colours[name], colours["paper"]) >= 3.0, name
        assert contrast(colours["ink"], colours["wash"]) >= 4.5


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.1."""

    def luminance(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def test_control_contrast_of_grey_on_white() -> None:
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the textbook's near miss


def test_report_without_failures_sections_or_overlays(single: Ledger, tmp_path: Path) -> None:
    html = write_report(single, tmp_path).read_text(encoding="utf-8")
    assert "No replicate failed." in text_of(html)
    assert not {"together", "measures", "changes"} & set(Page(html).values("id"))


def test_importing_the_report_is_light() -> None:
    code = "import json, sys, mcstudy.report; print(json.dumps([m.split('.')[0] for m in sys.modules]))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"matplotlib", "jinja2", "rich", "pandas", "statsmodels", "scipy"} & set(
        json.loads(run.stdout)
    )
