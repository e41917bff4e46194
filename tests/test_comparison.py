"""The comparison with other packages: each row leads to an example, and each example answers to a row."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs" / "comparison.md").read_text(encoding="utf-8")
OTHERS = ("SimDesign", "rsimsum", "simhelpers", "simChef")
FILLED = 6  # the row's name, four packages, and this one


def rows(page: str) -> dict[str, list[str]]:
    """The rows of the table, by the sections that they lead to."""
    found = re.findall(r"^\| \[(.+?)\]\(#([\w-]+)\) \|(.*)\|$", page, re.MULTILINE)
    return {anchor: [name, *(cell.strip() for cell in cells.split("|"))] for name, anchor, cells in found}


def examples(page: str) -> dict[str, str]:
    """What stands under each heading of third level, by its anchor."""
    parts = re.split(r"^### (.+)$", page, flags=re.MULTILINE)[1:]
    return {
        title.lower().replace(" ", "-"): text for title, text in zip(parts[::2], parts[1::2], strict=True)
    }


def unproved(page: str) -> list[str]:
    """Rows without an example that runs and says what it gives, in the way `test_manual` runs them."""
    shown = examples(page)
    return [
        row
        for row in rows(page)
        if not re.search(r"^```python\n>>> .*?^[^>\s`].*?^```$", shown.get(row, ""), re.MULTILINE | re.DOTALL)
    ]


def test_every_row_has_an_example_that_runs() -> None:
    assert len(rows(PAGE)) >= 15
    assert unproved(PAGE) == []
    assert list(examples(PAGE)) == list(rows(PAGE))


def test_a_row_without_an_example_is_seen() -> None:
    assert unproved(PAGE.replace("### Power\n", "### Strength\n")) == ["power"]
    without_output = re.sub(r"(### Laws\n\n```python\n>>> .*\n).*\n", r"\1", PAGE)
    assert unproved(without_output) == ["laws"]


def test_every_row_says_something_of_every_package() -> None:
    (head,) = re.findall(r"^\| \| (SimDesign .*)\|$", PAGE, re.MULTILINE)
    assert tuple(cell.strip() for cell in head.split("|")) == (*OTHERS, "mcstudy")
    for name, *cells in rows(PAGE).values():
        assert len([cell for cell in (name, *cells) if cell]) == FILLED, name
        assert cells[-1] != "–", name
    gaps = re.findall(r"^- \*\*(\w+)\*\*", PAGE, re.MULTILINE)
    assert tuple(gaps) == OTHERS[: len(gaps)]
    assert len(gaps) == len(OTHERS)
