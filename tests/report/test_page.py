from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from io import StringIO
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mcstudy.exceptions import InputError
from mcstudy.report import answer, read_ledger, rebuild, write_index, write_report

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


def test_ids_are_unique_and_links_on_the_page_lead_somewhere(page: Page) -> None:
    ids = page.values("id")
    assert [name for name, times in Counter(ids).items() if times > 1] == []
    assert {link[1:] for link in page.values("href") if link.startswith("#")} <= set(ids)
    named = " ".join(page.values("aria-labelledby")).split()
    assert set(named) <= set(ids)


def test_every_claim_has_a_stable_anchor(page: Page, written: Any) -> None:
    assert {f"claim-{finding['id']}" for finding in written.ledger["findings"]} <= set(page.values("id"))


def test_links_to_files_lead_to_files(page: Page, written: Any) -> None:
    files = {link for link in page.values("href") if not link.startswith(("#", "data:"))} - {"index.html"}
    assert len(files) > 2 * len(written.ledger["findings"])
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


def test_hostile_text_is_text(page: Page, written: Any, ledgers: ModuleType) -> None:
    assert "<script>" not in written.html
    assert "<b>bad</b>" not in written.html
    assert "overflow <i>" not in written.html
    assert any(ledgers.HOSTILE in text for _, text in page.texts)
    assert (
        "{{"
        not in re.sub(re.escape("{{ 7 * 7 }}"), "", written.html.replace(answer(written.ledger), ""))[:2000]
    )
    assert "49 }}" not in written.html


def test_headings_descend_without_gaps(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_tables_have_headers_with_scope(page: Page) -> None:
    assert {cell.get("scope") for cell in page.of("th")} == {"col", "row"}
    assert len(page.of("table")) > 10


def test_figures_say_what_was_found(page: Page, written: Any) -> None:
    figures = [attributes for attributes in page.of("svg") if attributes.get("role") == "img"]
    assert len(figures) == len(written.ledger["findings"]) + 1
    told = [text for tag, text in page.texts if tag == "desc"]
    assert any("the slope of log mean of error on log width is −0.4986 ± 0.0012" in text for text in told)


def test_verdicts_are_words_not_only_colours(written: Any) -> None:
    table = written.html[written.html.index('<table class="claims"') :]
    rows = Page(table[: table.index("</table>") + 8])
    words = [text.strip() for tag, text in rows.texts if tag in {"span", "small"} and text.strip()]
    assert Counter(word for word in words if word in {"Confirmed", "Refuted", "Undecided"}) == Counter(
        finding["verdict"].capitalize() for finding in written.ledger["findings"]
    )
    assert "not expected" in words
    assert "as expected" in words


def test_the_page_answers_explains_and_can_be_reproduced(page: Page, written: Any) -> None:
    text = "".join(part for _, part in page.texts)
    for expected in (
        answer(written.ledger),
        "What over-parametrization does",
        "The regimes together",
        "Why it is expected to be refuted.",
        "mcstudy replay linearization aabbccddeeff:0:5",
        "1023 of 36\N{NARROW NO-BREAK SPACE}864 replicates failed",
        "at most 1 %",
        written.ledger["run"]["command"],
        written.ledger["digests"]["draws"],
        "@software{mcstudy,",
        "workstation",
    ):
        assert expected in text


def test_main_is_the_same_for_equal_draws(ledgers: ModuleType, tmp_path: Path) -> None:
    findings = [ledgers.rate_finding(), ledgers.violated_finding(), ledgers.value_finding()]
    mains = []
    for name, changes in (("one", {}), ("other", {"seconds": 99.9, "jobs": 64, "executor": "dask"})):
        ledger = ledgers.make_ledger(findings=findings)
        ledger["run"] |= changes
        if changes:
            ledger["provenance"] = {"started": "1999-01-01T00:00:00+00:00", "host": "elsewhere"}
        (tmp_path / name).mkdir()
        html = write_report(ledger, tmp_path / name).read_text(encoding="utf-8")
        mains.append(html[html.index("<main") : html.index("</main>")])
        assert ("elsewhere" in html) is bool(changes)
    assert mains[0] == mains[1]
    other_seed = ledgers.make_ledger(findings=findings)
    other_seed["run"]["seed"] = 1
    html = write_report(other_seed, tmp_path).read_text(encoding="utf-8")
    assert html[html.index("<main") : html.index("</main>")] != mains[0]


def test_a_crowded_report_stays_below_a_megabyte(
    ledgers: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_svg_only(figure: Any, _: Path) -> str:
        text = StringIO()
        figure.savefig(text, format="svg")
        return text.getvalue()

    monkeypatch.setattr(
        "mcstudy.report.figures.save", as_svg_only
    )  # embedding fonts in PDFs takes half the time
    html = write_report(ledgers.crowded_ledger(claims=40, cells=100), tmp_path).read_text(encoding="utf-8")
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


def test_report_without_failures_sections_or_overlays(ledgers: ModuleType, tmp_path: Path) -> None:
    ledger = ledgers.make_ledger(findings=[ledgers.single_finding()], sections=[], overlays=[], failures=[])
    del ledger["warnings"]
    page = Page(write_report(ledger, tmp_path).read_text(encoding="utf-8"))
    assert any("No replicate failed." in text for _, text in page.texts)
    assert "together" not in page.values("id")


def save(ledger: dict[str, Any], out: Path) -> None:
    folder = out / ledger["study"]["name"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ledger.json").write_text(json.dumps(ledger), encoding="utf-8")


def test_index_lists_studies_and_what_cannot_be_read(ledgers: ModuleType, tmp_path: Path) -> None:
    ledger = ledgers.make_ledger(findings=[ledgers.single_finding(), ledgers.rate_finding()])
    save(ledger, tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "ledger.json").write_text("{<b>", encoding="utf-8")
    page = Page(write_index(tmp_path).read_text(encoding="utf-8"))
    text = "".join(part for _, part in page.texts)
    assert len(page.of("table")) == 1
    assert "linearization.html" in page.values("href")
    for expected in (
        ledger["study"]["question"],
        answer(ledger),
        "1 confirmed",
        "1 undecided",
        "abababababab",
        "20261123",
    ):
        assert expected in text
    assert "The ledger can't be read." in text
    assert "quick profile" in text


def test_index_of_nothing(tmp_path: Path) -> None:
    assert "No study has been run here yet." in write_index(tmp_path).read_text(encoding="utf-8")


def test_rebuild(ledgers: ModuleType, tmp_path: Path) -> None:
    save(ledgers.make_ledger(findings=[ledgers.single_finding()], overlays=[]), tmp_path)
    assert [path.name for path in rebuild(tmp_path)] == ["linearization.html", "index.html"]
    with pytest.raises(InputError, match=r"`studies`: 'other' has no ledger in .*; there are: linearization"):
        rebuild(tmp_path, ["other"])
    with pytest.raises(InputError, match="there are: none"):
        rebuild(tmp_path / "empty", ["other"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "`ledger` must have schema 1, got 2; run the study again"),
        (
            {"study": {"name": "../x", "title": "", "question": "", "source": ""}},
            "name must be letters.* got '../x'",
        ),
        ({"findings": [{"id": "a", "verdict": "MAYBE"}]}, "a verdict must be one of CONFIRMED.*got 'MAYBE'"),
    ],
)
def test_no_ledger(ledgers: ModuleType, tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        write_report(ledgers.make_ledger() | change, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_ledger_with_parts_missing(ledgers: ModuleType, tmp_path: Path) -> None:
    ledger = ledgers.make_ledger()
    del ledger["findings"], ledger["run"]
    with pytest.raises(InputError, match=r"must have all its parts, got none for run, findings"):
        write_report(ledger, tmp_path)


@pytest.mark.parametrize(
    ("content", "message"), [("{", "must be a ledger.json"), ("[1]", "must have schema 1, got list")]
)
def test_file_that_is_no_ledger(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "ledger.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_ledger(path)
    with pytest.raises(InputError, match=r"must be a ledger\.json, got .*absent"):
        read_ledger(tmp_path / "absent")


def test_mathematics_that_cannot_be_shown_is_refused(ledgers: ModuleType, tmp_path: Path) -> None:
    finding = ledgers.single_finding() | {"statement": r"\foo"}
    with pytest.raises(InputError, match=r"\\foo can't be shown"):
        write_report(ledgers.make_ledger(findings=[finding], overlays=[]), tmp_path)


def test_importing_the_report_is_light() -> None:
    code = "import json, sys, mcstudy.report; print(json.dumps([m.split('.')[0] for m in sys.modules]))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"matplotlib", "jinja2", "latex2mathml", "pandas", "statsmodels", "scipy"} & set(
        eval(run.stdout)
    )


def test_the_report_knows_no_engine_and_no_claims() -> None:
    import mcstudy.report as package

    for path in Path(package.__path__[0]).glob("*.py"):
        names = set(
            re.findall(r"^\s*(?:from|import) (mcstudy[\w.]*)", path.read_text(encoding="utf-8"), re.MULTILINE)
        )
        outside = {name for name in names if not name.startswith("mcstudy.report")}
        assert outside <= {"mcstudy.exceptions", "mcstudy._version"}, path.name
