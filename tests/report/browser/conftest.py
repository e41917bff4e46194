"""An installed Chromium, and the pages to look at with it.

An environment that is to have one sets MCSTUDY_BROWSER to the name or path of its program: there a missing one fails.
MCSTUDY_PAGES has the paths of pages to look at besides the one that the tests write themselves, as PATH has folders.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
WRITTEN = "written"
# A container has no sandbox to offer, and nothing here comes from outside.
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "file" in metafunc.fixturenames:
        pages = [WRITTEN, *filter(None, os.environ.get("MCSTUDY_PAGES", "").split(os.pathsep))]
        ids = [Path(page).stem for page in pages]
        metafunc.parametrize("file", pages, indirect=True, ids=ids, scope="module")


@pytest.fixture(scope="module")
def file(request: pytest.FixtureRequest) -> Path:
    """A page."""
    if request.param != WRITTEN:
        return Path(request.param).resolve()
    written: Any = request.getfixturevalue("written")
    index = written.out / "index.html"
    index.write_text('<html lang="en"><title>All</title><p id="cite">', encoding="utf-8")
    return Path(written.out / "linearization.html")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, without a window."""
    asked = os.environ.get("MCSTUDY_BROWSER", "")
    program = next(filter(None, map(shutil.which, [asked] if asked else NAMES)), None)
    if program is None:
        none = f"there is no {asked or 'Chromium'} to look at pages with"
        pytest.fail(f"MCSTUDY_BROWSER: {none}") if asked else pytest.skip(none)
    if not asked:
        pytest.importorskip("playwright", reason="tox -e browser has what drives Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        yield opened
        opened.close()


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """An empty page of the width of a laptop."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    yield opened
    opened.close()
