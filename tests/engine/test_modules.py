"""The modules of a study: loaded for it alone, from the texts that are there, as Python sets a process up."""

from __future__ import annotations

import linecache
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mcstudy.engine.loading import load_study
from mcstudy.engine.modules import (
    ProcessState,
    Source,
    StudyModules,
    is_installed,
    is_loading,
    module_name,
    read_source,
)

WriteStudy = Callable[..., Path]


def modules_in(folder: Path, text: str) -> StudyModules:
    """The modules of a study in a folder, which is named `main_module`."""
    path = folder / "main_module.py"
    path.write_text(text, encoding="utf-8")
    modules = StudyModules(folder, {"main_module": Source("main_module", str(path), text)})
    modules.load("main_module")
    return modules


def test_neighbours_are_loaded_and_no_longer_seen_afterwards(tmp_path: Path) -> None:
    (tmp_path / "near.py").write_text("import nearer\nX = nearer.X\n")
    (tmp_path / "nearer.py").write_text("X = 3\n")
    modules = modules_in(tmp_path, "import near, json\nX = near.X\n")
    assert modules.modules["main_module"].X == 3
    assert set(modules.sources) == set(modules.modules) == {"main_module", "near", "nearer"}
    assert not {"main_module", "near", "nearer"} & set(sys.modules)
    with modules.active(), modules.active():  # as often as one likes
        assert sys.modules["near"] is modules.modules["near"]
    assert modules not in sys.meta_path


PACKAGES = {
    "package": {"pack/__init__.py": "from .core import X\n", "pack/core.py": "from . import deep\nX = deep.X\n", "pack/deep.py": "X = 3\n"},
    "package in a package": {"pack/__init__.py": "from .sub.core import X\n", "pack/sub/__init__.py": "", "pack/sub/core.py": "X = 3\n"},
    "folder of modules": {"pack/core.py": "X = 3\n"},
    "folder in a folder": {"pack/sub/core.py": "X = 3\n", "pack/other.py": ""},
    "by an absolute name": {"pack/__init__.py": "from pack.core import X\n", "pack/core.py": "X = 3\n"},
}  # fmt: skip
IMPORTS = {
    "folder of modules": "from pack.core import X",
    "folder in a folder": "from pack.sub.core import X",
}


@pytest.mark.parametrize("name", PACKAGES)
def test_packages_beside_the_study(tmp_path: Path, name: str) -> None:
    for file, text in PACKAGES[name].items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    modules = modules_in(tmp_path, IMPORTS.get(name, "from pack import X") + "\n")
    assert modules.modules["main_module"].X == 3
    assert not [name for name in sys.modules if name.partition(".")[0] == "pack"]


def test_two_folders_with_neighbours_of_one_name(tmp_path: Path) -> None:
    found = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "near.py").write_text(f"X = {name!r}\n")
        found.append(
            modules_in(tmp_path / name, "import near\ndef later():\n    import near\n    return near.X\n")
        )
    for modules, name in zip(found, ("one", "other"), strict=True):
        with modules.active():
            assert modules.modules["main_module"].later() == name


def test_a_module_that_python_imported_is_hidden_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "near.py").write_text("X = 'elsewhere'\n")
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    import near  # type: ignore[import-not-found]

    try:
        (tmp_path / "near.py").write_text("X = 'here'\n")
        modules = modules_in(tmp_path, "import near\nX = near.X\n")
        assert modules.modules["main_module"].X == "here"
        assert sys.modules["near"] is near
    finally:
        del sys.modules["near"]


def test_names_of_python_and_of_mcstudy_are_no_neighbours(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise RuntimeError\n")
    (tmp_path / "mcstudy").mkdir()
    (tmp_path / "mcstudy" / "__init__.py").write_text("raise RuntimeError\n")
    modules = modules_in(tmp_path, "import json, mcstudy\nX = mcstudy.Study\n")
    from mcstudy import Study

    assert modules.modules["main_module"].X is Study


def test_a_bare_folder_hides_no_installed_package(tmp_path: Path) -> None:
    (tmp_path / "joblib").mkdir()
    (tmp_path / "joblib" / "notes.py").write_text("X = 3\n")
    modules = modules_in(tmp_path, "import joblib\nX = joblib.Parallel\n")
    assert set(modules.sources) == {"main_module"}


def test_no_bytecode_is_read_or_written(tmp_path: Path) -> None:
    (tmp_path / "near.py").write_text("X = 1\n")
    assert modules_in(tmp_path, "import near\n").modules["near"].X == 1
    (tmp_path / "near.py").write_text("X = 2\n")
    assert modules_in(tmp_path, "import near\n").modules["near"].X == 2
    assert not list(tmp_path.rglob("*.pyc"))


def test_tracebacks_show_the_text_that_was_loaded(tmp_path: Path) -> None:
    (tmp_path / "near.py").write_text("X = 1  # as it was\n")
    modules_in(tmp_path, "import near\n")
    (tmp_path / "near.py").write_text("X = 2\n")
    assert linecache.getline(str(tmp_path / "near.py"), 1) == "X = 1  # as it was\n"


SETTING = "import warnings\nimport numpy as np\nBEFORE = np.geterr(), len(warnings.filters)\nnp.seterr(over='raise')\nwarnings.simplefilter('error', RuntimeWarning)\n"


def test_what_a_study_sets_is_kept_and_does_not_leak(tmp_path: Path) -> None:
    before, filters = np.geterr(), list(warnings.filters)
    modules = modules_in(tmp_path, SETTING)
    assert (np.geterr(), list(warnings.filters)) == (before, filters)
    assert modules.state.floating_point["over"] == "raise"
    assert modules.state.filters[0][:3] == ("error", None, RuntimeWarning)
    with modules.state.active():
        assert np.geterr()["over"] == "raise"
        with pytest.raises(RuntimeWarning):
            warnings.warn("rough", RuntimeWarning, stacklevel=1)
    assert (np.geterr(), list(warnings.filters)) == (before, filters)


def test_a_study_is_loaded_with_python_as_it_starts(tmp_path: Path) -> None:
    """Whatever the process around has set: pytest filters warnings, a notebook has its own errors."""
    with np.errstate(all="raise"):
        (errors, filters) = modules_in(tmp_path, SETTING).modules["main_module"].BEFORE
    assert errors == {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
    assert filters == 5
    assert ProcessState.now().filters == tuple(warnings.filters)


def test_a_study_knows_that_it_is_being_loaded(tmp_path: Path) -> None:
    modules = modules_in(tmp_path, "from mcstudy.engine.modules import is_loading\nX = is_loading()\n")
    assert modules.modules["main_module"].X is True
    assert is_loading() is False
    with pytest.raises(ZeroDivisionError):
        modules_in(tmp_path, "1 / 0\n")
    assert is_loading() is False


def test_encodings_are_heeded(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes("# coding: latin-1\nX = 'é'\n".encode("latin-1"))
    assert read_source(tmp_path / "latin.py") == "# coding: latin-1\nX = 'é'\n"
    assert modules_in(tmp_path, "import latin\n").modules["latin"].X == "é"


def test_a_study_in_the_folder_of_its_own_packages(write_study: WriteStudy, project: Path) -> None:
    """Installed packages may lie below: a virtual environment in the project."""
    assert is_installed(np.__file__)
    assert not is_installed(__file__)
    path = write_study(
        folder=".", top="import numpy as np", body='return {"x": np.abs(rng.normal(size=size))}'
    )
    assert load_study(path).name == "toy"
    assert not is_installed(str(path))


def test_a_module_has_the_name_of_its_file_unless_that_is_taken(tmp_path: Path) -> None:
    """Under it other processes can import it: those of a pool that `simulate` makes."""
    names = {"rare_loss": "rare_loss", "my-study": "my-study", "json": "mcstudy_study_json", "numpy": "mcstudy_study_numpy", "mcstudy": "mcstudy_study_mcstudy", "v1.2": "mcstudy_study_v1_2"}  # fmt: skip
    for stem, name in names.items():
        (tmp_path / f"{stem}.py").write_text("X = 3\n")
        assert module_name(tmp_path / f"{stem}.py") == name


def test_the_folder_is_on_the_path_while_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = modules_in(tmp_path, "X = 1\n")
    before = list(sys.path)
    with modules.active():
        place = sys.path.index(str(tmp_path))
        assert [*sys.path[:place], *sys.path[place + 1 :]] == before
        # Behind what is installed, before the folders of others.
        assert any(map(is_installed, sys.path[:place]))
        assert not any(map(is_installed, sys.path[place + 1 :]))
    assert sys.path == before
    monkeypatch.syspath_prepend(str(tmp_path))
    with modules.active():
        assert sys.path == [str(tmp_path), *before]
    assert sys.path == [str(tmp_path), *before]
