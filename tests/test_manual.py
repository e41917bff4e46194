"""The manual: every example runs, and says what it says; every page is reached; every public name is in the reference."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import pytest

import mcstudy

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples_of(page: Path) -> list[str]:
    return CODE.findall(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", [page for page in PAGES if examples_of(page)], ids=lambda page: page.stem)
def test_examples_run_and_say_what_they_say(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "manual"}
    runner = doctest.DocTestRunner(verbose=False)
    for number, code in enumerate(examples_of(page)):
        if code.startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(code, names, page.stem, str(page), 0)
            runner.run(test, clear_globs=False)
            names.update(test.globs)
        else:
            file = (
                tmp_path / f"{page.stem}_{number}.py"
            )  # so that the code can be shown, and found by workers
            file.write_text(code, encoding="utf-8")
            exec(compile(code, str(file), "exec"), names)
    assert runner.summarize(verbose=False).failed == 0


def test_every_page_is_in_the_contents() -> None:
    (contents,) = re.findall(r"```\{toctree\}(.*?)```", (DOCS / "index.md").read_text(), re.DOTALL)
    listed = {line for line in contents.splitlines() if line and not line.startswith(":")}
    assert listed == {page.stem for page in PAGES} - {"index"}


def test_every_public_name_is_in_the_reference() -> None:
    documented = set(re.findall(r":: mcstudy\.(\w+)$", (DOCS / "reference.md").read_text(), re.MULTILINE))
    public = {name for name in dir(mcstudy) if not name.startswith("__")}
    assert public - documented <= {"Ledger", "Limits", "Scenario", "Verdict"}
    assert documented <= public


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([\w.]+\.md)\)", page.read_text(encoding="utf-8")):
        assert (DOCS / target).is_file(), target
