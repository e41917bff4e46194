"""What travels to workers: the texts of a study's modules and `simulate` by name, or by value where Python has it."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle
import numpy as np
import pytest

from mcstudy import Study
from mcstudy.engine.loading import load_study
from mcstudy.engine.payload import Payload, pack
from mcstudy.engine.source import Origin
from mcstudy.exceptions import StudyError

WriteStudy = Callable[..., Path]

# Another process draws once, and again, and says where it stands.
DRAW = """
import os, pickle, sys, numpy
for payload in pickle.load(sys.stdin.buffer):
    ready = payload.ready()
    with ready.active() as simulate:
        print(simulate(numpy.random.default_rng(1), 2, scale=1.0)["x"][0])
"""
FIRST = float(np.random.default_rng(1).normal(size=2)[0])


def packed(origin: Origin) -> Payload:
    with origin.active():
        return pack(origin.study[""].simulate, origin.modules, origin.imported)


def elsewhere(folder: Path, *payloads: Payload) -> list[float]:
    """What another process draws, started in another folder."""
    done = subprocess.run(
        [sys.executable, "-c", DRAW],
        input=pickle.dumps(payloads),
        capture_output=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr.decode()
    return [float(line) for line in done.stdout.split()]


def test_two_studies_with_neighbours_of_one_name(
    write_study: WriteStudy, project: Path, tmp_path: Path
) -> None:
    payloads = []
    for name, shift in (("one", 1.0), ("other", 2.0)):
        (project / name).mkdir()
        (project / name / "helper.py").write_text(f"def shift():\n    return {shift}\n")
        path = write_study(
            name,
            top="import helper",
            body='return {"x": helper.shift() + rng.normal(size=size)}',
            folder=name,
        )
        payloads.append(packed(Origin(load_study(path))))
    drawn = elsewhere(tmp_path, *payloads, payloads[0])
    assert drawn == [1.0 + FIRST, 2.0 + FIRST, 1.0 + FIRST]
    assert "helper" not in sys.modules


def test_two_studies_in_files_of_one_name(write_study: WriteStudy, project: Path, tmp_path: Path) -> None:
    payloads = []
    for folder, factor in (("one", 1.0), ("other", 2.0)):
        (project / folder).mkdir()
        path = write_study(body=f'return {{"x": {factor} * rng.normal(size=size)}}', folder=folder)
        payloads.append(packed(Origin(load_study(path))))
    assert elsewhere(tmp_path, *payloads, *payloads) == [FIRST, 2.0 * FIRST] * 2


FILE = """
import warnings
from functools import lru_cache
import numpy as np

class Slow(UserWarning):
    pass

class Law:
    factor = 3.0

np.seterr(divide="ignore")
warnings.simplefilter("ignore", Slow)

@lru_cache
def law():
    warnings.warn("slow", Slow)
    return Law()
"""


def test_a_file_is_in_a_worker_what_it_is_here(write_study: WriteStudy, tmp_path: Path) -> None:
    """Caches, classes that are its own, filters and floating-point errors that it sets."""
    body = 'np.zeros(1) ** -1.0\nassert isinstance(law(), Law)\nreturn {"x": law().factor * rng.normal(size=size)}'
    payload = packed(Origin(load_study(write_study(top=FILE, body=body))))
    assert elsewhere(tmp_path, payload) == [3.0 * FIRST]
    assert len(payload.function) < 2000  # by name: the file travels once, as text


def test_the_text_travels_that_was_loaded(write_study: WriteStudy, tmp_path: Path) -> None:
    path = write_study()
    origin = Origin(load_study(path))
    path.write_text("a study that is being edited (")
    assert elsewhere(tmp_path, packed(origin)) == [FIRST]


def test_files_are_read_from_where_the_run_was_started(
    write_study: WriteStudy, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (project / "data.txt").write_text("4.0")
    study = load_study(
        write_study(body='return {"x": float(open("data.txt").read()) * rng.normal(size=size)}')
    )
    assert elsewhere(tmp_path_factory.mktemp("far"), packed(Origin(study))) == [4.0 * FIRST]


def test_what_python_imported_travels_by_value(
    make_study: Callable[..., Study], project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = "from functools import lru_cache\n@lru_cache\ndef two():\n    return 2.0\ndef simulate(rng, size, scale):\n    return {'x': two() * rng.normal(size=size)}\n"
    (project / "by_python.py").write_text(text)
    module = ModuleType("by_python")
    module.__file__ = str(project / "by_python.py")
    exec(compile(text, module.__file__, "exec"), vars(module))
    sys.modules["by_python"] = module
    try:
        payload = pack(module.simulate, None, [module])
    finally:
        del sys.modules["by_python"]
    assert elsewhere(tmp_path_factory.mktemp("far"), payload) == [2.0 * FIRST]
    assert cloudpickle.list_registry_pickle_by_value() == set()


@lru_cache
def three() -> float:
    return 3.0


def test_bound_data_and_caches_travel(tmp_path: Path) -> None:
    def simulate(rng: np.random.Generator, size: int, *, table: Any, scale: float) -> dict[str, Any]:
        return {"x": (table[1] + three()) * rng.normal(size=size)}

    payload = pack(partial(simulate, table=np.arange(9.0)), None, [sys.modules[__name__]])
    assert elsewhere(tmp_path, payload) == [4.0 * FIRST]


def test_here_it_is_the_function_itself() -> None:
    simulate: Any = three
    payload = pack(simulate, None, [])
    assert payload.ready().simulate is simulate
    assert pickle.loads(pickle.dumps(payload)).here is None


def test_what_can_not_be_pickled_is_named() -> None:
    lock = threading.Lock()

    def simulate(rng: np.random.Generator, size: int, n: int) -> dict[str, Any]:
        with lock:
            return {"x": rng.normal(size=size)}

    with pytest.raises(StudyError, match="`simulate` must use only what can be pickled, got TypeError"):
        pack(simulate, None, [])
