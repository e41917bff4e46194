"""From `simulate` to its draw key: the same wherever a study is loaded."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from mcstudy.engine.drawkey import describe, difference
from mcstudy.exceptions import InputError

Load = Callable[..., dict[str, Any]]
USES = "def simulate(rng):\n    return {}\n"
BODY = "def simulate(rng):\n    {}\n    return {}\n"
STUDY = '''
import enum
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

HERE = Path(__file__).resolve().parent if "__file__" in globals() else Path.cwd()
DATA = HERE / "data.csv"
NAMES = {"gamma", "alpha", "beta", "delta"}

class Kind(enum.Enum):
    one = 1
    two = 2

class Pair(NamedTuple):
    a: int = 0
    b: float = 1.0

@dataclass(frozen=True)
class Config:
    shift: float
    names: frozenset = frozenset(NAMES)

class Model:
    scale = 2.0

    def __init__(self, shift):
        self.config = Config(shift)

    def __call__(self, rng, size, *, table, kind=Kind.one):
        """Draw."""
        return {"x": self.scale * helper(size) + table.sum() + Pair().b, "y": DATA, "z": NAMES, "k": pick("a")}

@lru_cache
def helper(size: int) -> np.ndarray:
    # a comment
    return np.ones(size) if size else helper(1)

def pick(name):
    return {"a": lambda x: x + 1, "b": lambda x: x + 2}[name]

simulate = partial(Model(0.5), table=np.arange(12.0).reshape(3, 4))
'''
TELL = "\nif __name__ == '__main__':\n    from mcstudy.engine.drawkey import describe\n    print(describe(simulate).digest)\n"


def _told(arguments: list[str], folder: Path, seed: str) -> str:
    """What a process prints, with a hash seed of its own; it finds the package where this one does."""
    environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_study_has_one_key_wherever_it_is_loaded(
    as_file: Load, as_cell: Load, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a file, under another name, in another folder, in a notebook, as a script, with other hash seeds."""
    monkeypatch.chdir(folder)
    key = describe(as_file(STUDY)["simulate"])
    assert describe(as_file(STUDY, "renamed")["simulate"]) == key
    assert describe(as_cell(STUDY)["simulate"]) == key
    elsewhere = folder / "moved" / "far"
    elsewhere.mkdir(parents=True)
    (elsewhere / "script.py").write_text(STUDY + TELL)
    assert _told(["script.py"], elsewhere, "1") == key.digest
    assert _told(["moved/far/script.py"], folder, "2") == key.digest
    assert _told(["-m", "moved.far.script"], folder, "3") == key.digest


def test_a_study_has_one_key_under_all_versions_of_python(as_file: Load) -> None:
    """A change of this digest makes all draws that were kept useless: the CHANGELOG must say so."""
    parts = describe(as_file(STUDY)["simulate"]).parts
    kept = [
        f"{name} {part.digest}" for name, part in parts.items() if part.kind in ("code", "class", "value")
    ]
    assert len(kept) == 13
    assert (
        hashlib.sha256("\n".join(kept).encode()).hexdigest()
        == "f43ed89c91c8cb5c2f5ce69430a3fabcecc0b31afde32357f356748027eecd25"
    )


def test_code_without_a_source_has_one_key_for_all_hash_seeds(folder: Path) -> None:
    text = "def simulate(rng):\n    return rng in {'a', 'b', 'c', 'd'}, (1, {'e', 'f', 'g'})" + TELL
    assert len({_told(["-c", text], folder, seed) for seed in "123"}) == 1


def test_cells_of_a_notebook_see_each_others_last_state(as_cell: Load) -> None:
    names = as_cell("A = 0\ndef f():\n    return A\n")
    as_cell("def simulate(rng):\n    return f()\n", names)
    first = describe(names["simulate"])
    as_cell("A = 5\n", names)
    assert difference(first.parts, describe(names["simulate"]).parts) == ["global `A`: 0 -> 5"]
    as_cell("A = 0\ndef f():\n    return A + 1\n", names)
    lines = difference(first.parts, describe(names["simulate"]).parts)
    assert lines == ["f:", "  @@ -1,2 +1,2 @@", "   def f():", "  -    return A", "  +    return A + 1"]
    as_cell("def f():\n    # as it was\n    return A\n", names)
    assert describe(names["simulate"]) == first


def test_an_input_counts_by_its_content(as_file: Load, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate = as_file("def simulate(rng):\n    return 0\n")["simulate"]
    data = folder / "data.csv"
    data.write_text("1,2")
    key = describe(simulate, inputs=[data])
    monkeypatch.chdir(folder)
    assert describe(simulate, inputs=["data.csv"]) == key, "however its path is written"
    assert set(key.parts) - set(describe(simulate).parts) == {"input data.csv"}
    data.write_text("1,3")
    (line,) = difference(key.parts, describe(simulate, inputs=[data]).parts)
    assert line.startswith("input data.csv: 3 bytes, sha256 ")
    with pytest.raises(
        InputError, match=r"`inputs` must name files that can be read, got 'none.csv': No such file"
    ):
        describe(simulate, inputs=["none.csv"])
    with pytest.raises(
        InputError, match=r"`inputs` must name files that can be read, got '.*': Is a directory"
    ):
        describe(simulate, inputs=[folder])


def test_versions_of_what_is_reached_are_kept(as_file: Load) -> None:
    def versions(text: str) -> set[str]:
        return {
            name for name, part in describe(as_file(text)["simulate"]).parts.items() if part.kind == "version"
        }

    numpy, scipy, pandas = (f"version of {name}" for name in ("numpy", "scipy", "pandas"))
    assert versions("import json, math\n" + USES.format("json, math")) == {numpy}
    assert versions("from scipy import special\n" + USES.format("special.erf")) == {numpy, scipy}
    assert versions("from scipy.special import erf\n" + USES.format("erf(1)")) == {numpy, scipy}
    assert versions("from scipy.stats import norm\nX = norm(0, 1)\n" + USES.format("X")) == {numpy, scipy}
    assert versions(BODY.format("import pandas", "pandas")) == {numpy, pandas}
    assert versions("import pandas\n" + USES.format("0")) == {numpy}, "the control: imported and not used"


def test_another_version_is_another_key(as_file: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate = as_file("def simulate(rng):\n    return 0\n")["simulate"]
    key = describe(simulate)
    monkeypatch.setattr("mcstudy.engine.drawkey.origins._version", lambda *_, **__: "0.1")
    (line,) = difference(key.parts, describe(simulate).parts)
    assert line == f"version of numpy: {key.parts['version of numpy'].text} -> 0.1"


def test_models_of_the_package_are_followed() -> None:
    from mcstudy.models.sensing.loss import loss_variance

    parts = describe(loss_variance).parts
    assert parts["loss_variance"].kind == "code"
    assert "version of mcstudy" not in parts


def test_a_key_is_plain_text(as_file: Load) -> None:
    key = describe(as_file(STUDY)["simulate"])
    assert json.loads(json.dumps(asdict(key)))["digest"] == key.digest
    assert not [name for name, part in key.parts.items() if len(part.digest) != 64]
    assert "0x" not in json.dumps(asdict(key))
