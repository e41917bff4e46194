"""Whose code it is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import special

import mcstudy
from mcstudy.engine.drawkey import describe
from mcstudy.engine.drawkey.origins import Origins


def module(name: str, file: Path | None = None) -> ModuleType:
    made = ModuleType(name)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
        made.__file__ = str(file)
    return made


def test_python_packages_and_own_code_are_told_apart(tmp_path: Path) -> None:
    origins = Origins()
    assert origins.of_module(json).package == origins.of_module(sys).package == "python"
    assert origins.of_module(np).package == "numpy"
    assert origins.of_module(special).package == "scipy"
    assert origins.of_module(pytest).package == "pytest"
    assert origins.of_module(mcstudy).own
    assert origins.of_module(module("study", tmp_path / "study.py")).own
    assert origins.of_module(module("json", tmp_path / "json.py")).own, (
        "a neighbour that is called as one of Python's"
    )
    assert origins.of_module(module("__main__")).own
    assert set(origins.versions) == {"numpy", "scipy", "pytest"}
    assert origins.versions["numpy"] == np.__version__


def test_packages_are_known_by_their_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of packages that is none of Python's; an editable installation leaves only its metadata there."""
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    for name in ("there_pkg", "editable_pkg"):
        info = tmp_path / "packages" / f"{name}-1.5.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
    there = module("there_pkg.core", tmp_path / "packages" / "there_pkg" / "core.py")
    editable = module("editable_pkg.core", tmp_path / "source" / "editable_pkg" / "core.py")
    without = module("nobodys_pkg", tmp_path / "packages" / "nobodys_pkg.py")
    origins = Origins()
    assert origins.of_module(there).version == "1.5"
    assert origins.of_module(editable).own
    assert origins.of_module(without).own, "nothing else would tell that it changed"


def test_a_study_that_is_installed_is_followed() -> None:
    assert not Origins().of_module(pytest).own
    assert Origins("pytest").of_module(pytest).own


def test_a_compiled_module_of_the_study_counts_by_its_file(folder: Path, as_file: Any) -> None:
    names = as_file("def simulate(rng):\n    return fast_pkg.f(rng)\n")
    library = folder / "fast_pkg.abi3.so"
    names["fast_pkg"] = module("fast_pkg", library)
    before = describe(names["simulate"])
    assert before.parts["module `fast_pkg`"].text == "0 bytes"
    library.write_bytes(b"built again")
    assert describe(names["simulate"]).digest != before.digest
