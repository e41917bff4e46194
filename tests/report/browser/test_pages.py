"""Pages in a browser: nothing is asked of a network, nothing overlaps or is cut, everything leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

WIDTHS = (360, 390, 600, 740, 768, 834, 1024, 1180, 1280, 1440, 1920)
UNFOLDED = (360, 768, 1280)
SMALLEST = 9.0  # pixels: type of figures on a phone
TALLEST = 400.0  # pixels: a claim on a desktop while its details are folded
SCREENS = {"linearization": 12}  # of 900 pixels on a desktop
SHEETS = {"gradient_flow": 20}  # of A4
LOOKS = Path(__file__).with_name("looks.js").read_text(encoding="utf-8")


def opened(tab: Any, file: Path) -> Any:
    tab.goto(file.as_uri())
    return tab


def looks(tab: Any, least: float = SMALLEST) -> list[str]:
    found: list[str] = tab.evaluate(f"({LOOKS.partition(chr(10))[2].rstrip()})({least})")
    return found


def unfold(tab: Any) -> None:
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")


def test_a_page_asks_for_nothing_and_says_nothing(tab: Any, file: Path) -> None:
    requests: list[str] = []
    messages: list[str] = []
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("console", lambda message: messages.append(message.text))
    tab.on("pageerror", lambda error: messages.append(str(error)))
    opened(tab, file)
    assert [url for url in requests if not url.startswith("data:")] == [file.as_uri()]
    assert messages == []


def found_at(tab: Any, widths: tuple[int, ...]) -> dict[int, list[str]]:
    """What is wrong, by the width at which it is."""
    found = {}
    for width in widths:
        tab.set_viewport_size({"width": width, "height": 900})
        found[width] = looks(tab)
    return {width: faults for width, faults in found.items() if faults}


def test_nothing_overlaps_or_is_cut_at_any_width(tab: Any, file: Path) -> None:
    assert found_at(opened(tab, file), WIDTHS) == {}


def test_nothing_that_was_folded_overlaps_or_is_cut(tab: Any, file: Path) -> None:
    opened(tab, file)
    unfold(tab)
    assert found_at(tab, UNFOLDED) == {}


def test_nothing_overlaps_on_paper(tab: Any, file: Path) -> None:
    """On A4 between the margins; type is counted in its size on paper."""
    opened(tab, file).emulate_media(media="print")
    tab.set_viewport_size({"width": 672, "height": 980})
    assert looks(tab, least=6.0) == []


def test_paper_shows_what_is_folded(tab: Any, file: Path) -> None:
    folded = "[...document.querySelectorAll('.panel > details > .aside')].filter((one) => one.checkVisibility()).length"
    opened(tab, file)
    claims = tab.evaluate("document.querySelectorAll('.panel > details > .aside').length")
    assert tab.evaluate(folded) == 0
    tab.emulate_media(media="print")
    assert tab.evaluate(folded) == claims
    if most := SHEETS.get(file.stem):
        sheets = re.findall(rb"/Type\s*/Page\b", tab.pdf(prefer_css_page_size=True, format="A4"))
        assert len(sheets) <= most


def test_a_page_is_short_on_a_desktop(tab: Any, file: Path) -> None:
    opened(tab, file)
    claims = (
        "[...document.querySelectorAll('.claim')].map((one) => [one.id, one.getBoundingClientRect().height])"
    )
    assert {name: height for name, height in tab.evaluate(claims) if height > TALLEST} == {}
    if most := SCREENS.get(file.stem):
        assert tab.evaluate("document.documentElement.scrollHeight") <= 900 * most


def test_dark_and_light_differ_and_figures_follow(tab: Any, file: Path) -> None:
    colours = """[
        getComputedStyle(document.body).backgroundColor,
        ...[...document.querySelectorAll('figure svg text')].slice(0, 1).map((one) => getComputedStyle(one).fill),
    ]"""
    found = []
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        found.append(opened(tab, file).evaluate(colours))
    assert all(light != dark for light, dark in zip(*found, strict=True))


def test_anchors_lead_into_view_and_links_to_files(tab: Any, file: Path) -> None:
    opened(tab, file)
    links = set(
        tab.evaluate("[...document.querySelectorAll('a[href]')].map((one) => one.getAttribute('href'))")
    )
    for link in sorted(link for link in links if link.startswith("#")):
        tab.evaluate("(link) => { location.hash = ''; location.hash = link }", link)
        top = tab.evaluate(
            "(id) => document.getElementById(id)?.getBoundingClientRect().top", unquote(link[1:])
        )
        assert top is not None, link
        assert -2 <= top <= 900, link
    files = [unquote(link.partition("#")[0]) for link in links if not re.match(r"#|[a-z]+:", link)]
    assert [name for name in files if not (file.parent / name).is_file()] == []


def test_filters_choose_without_a_script(tab: Any, file: Path) -> None:
    opened(tab, file)
    for button in tab.query_selector_all(".filters input:not([id$='-any'])"):
        button.check()
        name, value = button.get_attribute("id").split("-", 1)
        shown = "[...document.querySelectorAll('.claim')].filter((one) => one.checkVisibility())"
        values = set(tab.evaluate(f"{shown}.map((one) => one.dataset.{name})"))
        assert values == {value}
        tab.check(f"#{name}-any")


FAULTS = {
    "cell over cell": '<table style="table-layout:fixed;width:4em"><tr><td>unbreakable<td>b</table>',
    "text leaves its figure": '<figure><svg viewBox="0 0 90 20" width="90"><text x="60" y="15">long enough</text></svg></figure>',
    "figure text of 5.0 px": '<figure><svg viewBox="0 0 90 20" width="90"><text x="5" y="15" font-size="5">x</text></svg></figure>',
    "figure texts overlap": '<figure><svg viewBox="0 0 90 20" width="90"><text y="15">ab</text><text y="16">ab</text></svg></figure>',
    "cut": '<pre style="width:3em;overflow:hidden">a long line</pre>',
    "flat formula": '<math style="display:block;height:1px"><mi>x</mi></math>',
    "the page scrolls sideways": '<p style="width:2000px">wide</p>',
}


@pytest.mark.parametrize("fault", FAULTS)
def test_control_each_fault_is_seen(tab: Any, fault: str) -> None:
    tab.set_content(f"<body style='margin:0'>{FAULTS[fault]}")
    found = looks(tab)
    assert found
    assert {text.partition(":")[0] for text in found} == {fault}
