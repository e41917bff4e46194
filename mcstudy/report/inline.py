"""From matplotlib's SVG to a figure of the page, in the page's own colours and type."""

from __future__ import annotations

import json
import re
from html import escape, unescape
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from mcstudy.report.style import BLUE, GREEN, INK, MUTED, PAPER, PINK, RULE, VERMILLION
from mcstudy.words import writable_in_xml

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["caption_of", "inline", "with_titles"]

VARIABLES = {
    BLUE: "var(--blue)",
    VERMILLION: "var(--vermillion)",
    GREEN: "var(--green)",
    PINK: "var(--pink)",
    INK: "var(--ink)",
    "#000000": "var(--ink)",
    MUTED: "var(--muted)",
    RULE: "var(--rule)",
    PAPER: "var(--paper)",
}
DESCRIPTION = "{http://purl.org/dc/elements/1.1/}description"
_DROPPED = frozenset({"metadata", "style", "clipPath"})  # figures draw nothing outside their axes
_COLOUR = re.compile("#[0-9a-f]{6}")
_DECIMAL = re.compile(r"-?\d+\.\d+")
_TOLD = re.compile(r"<g id=([\"'])(\[.*?\])\1>")
_MARK = re.compile("(<use [^>]*?)/>")
_ATTRIBUTES = ("font-size", "text-anchor")


def caption_of(figure: str) -> str:
    """The description among the metadata of matplotlib's SVG; empty where there is none."""
    return next((element.text or "" for element in ElementTree.fromstring(figure).iter(DESCRIPTION)), "")


def with_titles(figure: str) -> str:
    """Give marks the titles that a reader sees who points at them.

    Parameters
    ----------
    figure : str
        SVG as matplotlib writes it, where the id of a line is a JSON list: see `style.tell`.

    Returns
    -------
    str
        The SVG with a ``<title>`` in each mark of such a line, and without these ids; well-formed whatever is told.
    """
    start, *lines = _TOLD.split(figure)
    written = [start]
    for texts, rest in zip(lines[1::3], lines[2::3], strict=True):
        marks, end, others = rest.partition("</g>")
        before, *uses = _MARK.split(marks)
        titles = zip(uses[::2], json.loads(unescape(texts)), uses[1::2], strict=True)
        told = (f"{use}><title>{escape(text)}</title></use>{after}" for use, text, after in titles)
        written += ["<g>", before, *told, end, others]
    return writable_in_xml("".join(written))


def inline(figure: str, *, name: str, title: str, description: str, titles: bool = True) -> str:
    """Rewrite matplotlib's SVG for the page.

    Ids begin with the figure's name, so that figures on one page don't share any; colours become the page's
    variables, so that they follow its dark mode; text keeps its size and gets the page's type; coordinates are
    rounded to 1/10 point; everything that draws nothing is dropped.

    Parameters
    ----------
    figure : str
        SVG as matplotlib writes it, with text as text.
    name : str
        Unique on the page.
    title, description : str
        What a reader who doesn't see the figure is told.
    titles : bool
        Whether marks keep their titles, which are a fifth of a figure.

    Returns
    -------
    str
        An ``<svg>`` element for HTML.
    """
    root = ElementTree.fromstring(figure)
    drawing = _Rewriter(name, dropped=_DROPPED if titles else _DROPPED | {"title"}).children(root)
    svg = ElementTree.Element("svg", {"viewBox": root.attrib["viewBox"], "role": "img"})
    svg.set("aria-labelledby", f"{name}-title {name}-desc")
    for tag, text in (("title", title), ("desc", description)):
        ElementTree.SubElement(svg, tag, {"id": f"{name}-{tag}"}).text = writable_in_xml(text)
    svg.extend(drawing)
    return ElementTree.tostring(svg, encoding="unicode").replace(" />", "/>")


class _Rewriter:
    """Rewrites the elements of one figure, numbering its ids in order of appearance."""

    def __init__(self, name: str, dropped: frozenset[str]) -> None:
        self.name = name
        self.dropped = dropped
        self.ids: dict[str, str] = {}
        # By id of a mark's path: the style that the path itself has.
        self.marks: dict[str, dict[str, str]] = {}

    def children(self, parent: Element) -> list[Element]:
        """Rewrite the children of an element; groups that mean nothing are dissolved."""
        kept: list[Element] = []
        for child in parent:
            element = self._rewrite(child)
            if element is None:
                continue
            if element.tag == "g" and not element.attrib:
                kept.extend(element)
            else:
                kept.append(element)
        return kept

    def _rewrite(self, source: Element) -> Element | None:
        tag = source.tag.rpartition("}")[2]
        if tag in self.dropped or source.get("id") == "patch_1":  # patch_1 is the sheet of paper
            return None
        element = ElementTree.Element(tag)
        mark = source.get("id", "") if tag == "path" else ""
        for attribute, value in source.attrib.items():
            self._set(element, attribute.rpartition("}")[2], value, places=2 if mark else 1)
        self._set_style(element, source.get("style", ""), mark)
        element.text = source.text if tag in {"text", "title", "tspan"} else None
        element.extend(self.children(source))
        if tag == "g":
            _share_style(element)
            _join_paths(element)
        return element if len(element) or tag not in {"g", "defs"} else None

    def _set(self, element: Element, attribute: str, value: str, *, places: int) -> None:
        if attribute == "href":
            element.set("href", f"#{self._id(value[1:])}")
        elif attribute == "id":
            if element.tag == "path":
                element.set("id", self._id(value))
        elif attribute in {"x", "y", "d"} or (attribute == "transform" and "rotate(-0 " not in value):
            element.set(attribute, _shorten(value, places))

    def _id(self, value: str) -> str:
        return self.ids.setdefault(value, f"{self.name}-{len(self.ids)}")

    def _set_style(self, element: Element, style: str, mark: str) -> None:
        rules = dict(rule.split(": ", 1) for rule in style.split("; ") if rule)
        if mark:
            self.marks[self._id(mark)] = rules
        elif element.tag == "use":
            own = self.marks.get(element.attrib["href"][1:], {})
            rules = {key: value for key, value in rules.items() if own.get(key) != value}
        elif element.tag in {"text", "tspan"}:
            rules.pop("font-family", None)
            if "font" in rules:  # matplotlib before 3.10 writes size and family as one
                rules["font-size"] = rules.pop("font").partition("px")[0].split()[-1]
            for attribute in _ATTRIBUTES:
                if attribute in rules:
                    element.set(attribute, rules.pop(attribute).removesuffix("px"))
            if rules.get("fill") == INK:
                del rules["fill"]
        if rules:
            text = ";".join(f"{key}:{value}" for key, value in rules.items())
            element.set("style", _COLOUR.sub(lambda match: VARIABLES.get(match[0], match[0]), text))


def _shorten(value: str, places: int) -> str:
    rounded = _DECIMAL.sub(lambda match: f"{float(match[0]):.{places}f}".rstrip("0").rstrip("."), value)
    return re.sub(r"\s*([MLCQzZ])\s*", r"\1", rounded).strip()


def _share_style(group: Element) -> None:
    """Move a style that all children of a group have to the group; opacity isn't inherited and stays."""
    styles = {child.get("style", "") for child in group}
    if len(group) < 2 or len(styles) > 1 or "style" in group.attrib:
        return
    (style,) = styles
    if style and not re.search("(^|;)opacity", style):
        group.set("style", style)
        for child in group:
            del child.attrib["style"]


def _join_paths(group: Element) -> None:
    """Make one path of a group's paths, where nothing but their course tells them apart."""
    if len(group) > 1 and all(child.tag == "path" and set(child.attrib) == {"d"} for child in group):
        course = "".join(child.attrib["d"] for child in group)
        group[:] = [ElementTree.Element("path", {"d": course})]
