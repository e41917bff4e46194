"""From a figure file to a figure in the page: smaller, accessible, and in the page's own colours and type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from mcstudy.report.canvas import BLUE, GREEN, INK, MUTED, PAPER, PINK, RULE, VERMILLION

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["inline"]

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
_DROPPED = frozenset({"metadata", "style"})
_COLOUR = re.compile("#[0-9a-f]{6}")
_DECIMAL = re.compile(r"-?\d+\.\d+")
_REFERENCE = re.compile(r"#([\w.-]+)")


def inline(figure: str, *, name: str, title: str, description: str) -> str:
    """Rewrite matplotlib's SVG for the page.

    Ids get the figure's name, so that figures on one page don't share any; colours become the page's variables,
    so that they follow its dark mode; text keeps its size and gets the page's type; coordinates are rounded to
    1/100 point; everything that draws nothing is dropped.

    Parameters
    ----------
    figure : str
        SVG as matplotlib writes it, with text as text.
    name : str
        Unique on the page.
    title, description : str
        What a reader who doesn't see the figure is told.

    Returns
    -------
    str
        An ``<svg>`` element for HTML.
    """
    root = ElementTree.fromstring(figure)
    drawing = _Rewriter(name).children(root)
    svg = ElementTree.Element("svg", {"viewBox": root.attrib["viewBox"], "role": "img"})
    svg.set("aria-labelledby", f"{name}-title {name}-desc")
    for tag, text in (("title", title), ("desc", description)):
        ElementTree.SubElement(svg, tag, {"id": f"{name}-{tag}"}).text = text
    svg.extend(drawing)
    return ElementTree.tostring(svg, encoding="unicode")


class _Rewriter:
    """Rewrites the elements of one figure, numbering its ids in order of appearance."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ids: dict[str, str] = {}

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
        if tag in _DROPPED or source.get("id") == "patch_1":  # patch_1 is the sheet of paper
            return None
        element = ElementTree.Element(tag)
        for attribute, value in source.attrib.items():
            self._set(element, attribute.rpartition("}")[2], value)
        element.text = source.text if tag in {"text", "tspan"} else None
        element.extend(self.children(source))
        if tag in {"g", "defs"} and not len(element):
            return None
        _share_style(element)
        return element

    def _set(self, element: Element, attribute: str, value: str) -> None:
        if attribute == "id":
            if element.tag not in {"g", "text"}:
                element.set("id", self._id(value))
        elif attribute == "style":
            _set_style(element, value)
        elif attribute == "transform" and value.startswith("rotate(-0 "):
            return
        elif "#" in value:
            element.set(attribute, _REFERENCE.sub(lambda match: f"#{self._id(match[1])}", value))
        else:
            element.set(attribute, _shorten(value))

    def _id(self, value: str) -> str:
        return self.ids.setdefault(value, f"{self.name}-{len(self.ids)}")


def _shorten(value: str) -> str:
    rounded = _DECIMAL.sub(lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), value)
    return re.sub(r"\s*([MLCQzZ])\s*", r"\1", rounded).strip()


def _set_style(element: Element, style: str) -> None:
    rules = dict(rule.split(": ", 1) for rule in style.split("; ") if rule)
    rules.pop("font-family", None)
    for attribute in ("font-size", "text-anchor"):
        if attribute in rules:
            element.set(attribute, rules.pop(attribute).removesuffix("px"))
    if rules:
        text = ";".join(f"{key}:{value}" for key, value in rules.items())
        element.set("style", _COLOUR.sub(lambda match: VARIABLES.get(match[0], match[0]), text))


def _share_style(group: Element) -> None:
    """Move a style that all children of a group have to the group; opacity isn't inherited and stays."""
    styles = {child.get("style", "") for child in group}
    if group.tag != "g" or len(styles) != 1 or "style" in group.attrib:
        return
    (style,) = styles
    if style and not re.search("(^|;)opacity", style):
        group.set("style", style)
        for child in group:
            del child.attrib["style"]
