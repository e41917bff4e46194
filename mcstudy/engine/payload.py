"""What a worker needs to draw: `simulate`, the texts of the study's modules, and what these set for the process."""

from __future__ import annotations

import functools
import io
import multiprocessing
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from mcstudy.engine.modules import ProcessState, Source, StudyModules
from mcstudy.exceptions import StudyError

__all__ = ["Payload", "Ready", "pack"]

Simulate = Callable[..., Mapping[str, Any]]


@dataclass(frozen=True)
class Ready:
    """A `simulate` that can be called in this process, among its modules and with their settings."""

    simulate: Simulate
    modules: StudyModules | None
    state: ProcessState

    @contextmanager
    def active(self) -> Iterator[Simulate]:
        """Call it in here."""
        if self.modules is not None:
            _stand_among(self.modules)
        with self.state.active():
            yield self.simulate


# The modules that a worker has made its own: they stay until those of another study are asked for.
_standing: list[StudyModules] = []


def _stand_among(modules: StudyModules) -> None:
    if modules not in sys.meta_path:
        _stand_alone()
        modules.enter()
        _standing.append(modules)


def _stand_alone() -> None:
    while _standing:
        _standing.pop().leave()


@dataclass(frozen=True)
class Payload:
    """`simulate` on its way to a worker; in this process it is the function itself.

    Attributes
    ----------
    shared : bytes
        The folder and the sources of the study's modules: equal for all experiments of a study.
    function : bytes
        `simulate` and the state it is called in, pickled: by name where a module of the study has it, else by value.
    folder : str
        The working folder, from which `simulate` may read.
    here : Ready or None
        What to call in the process that made the payload; it does not travel.
    """

    shared: bytes
    function: bytes
    folder: str
    here: Ready | None = field(default=None, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return {"shared": self.shared, "function": self.function, "folder": self.folder, "here": None}

    def ready(self) -> Ready:
        """The function, with the modules that it needs."""
        if self.here is not None:
            return self.here
        # A pool of workers outlives a change of the folder; another machine may not have it.
        with suppress(OSError):
            os.chdir(self.folder)
        _as_python_starts()
        modules = _modules(self.shared)
        if modules is not None:
            _stand_among(modules)
        simulate, state = _function(self.shared, self.function)
        return Ready(simulate, modules, state)


@cache
def _as_python_starts() -> None:
    """Have `simulate` start processes as it does outside of a worker, where joblib starts them its own way.

    Those would import the study anew, from another folder if its name is taken there, and a pool whose processes fail
    to find a function waits for ever.
    """
    multiprocessing.set_start_method(None, force=True)


@lru_cache(maxsize=4)  # a worker serves one study after the other
def _modules(shared: bytes) -> StudyModules | None:
    folder, names, sources = pickle.loads(shared)
    if not names:  # Python imported the study: its functions travel by value
        return None
    _stand_alone()  # another study's modules are no neighbours of this one's
    modules = StudyModules(Path(folder), {source.name: source for source in sources})
    for name in names:
        modules.load(name)
    return modules


@lru_cache(maxsize=64)  # a study has few experiments
def _function(shared: bytes, function: bytes) -> tuple[Simulate, ProcessState]:
    simulate, state = pickle.loads(function)
    return simulate, state


def pack(simulate: Simulate, modules: StudyModules | None, by_value: list[ModuleType]) -> Payload:
    """Make the payload of a `simulate`.

    Parameters
    ----------
    simulate : callable
    modules : StudyModules or None
        Those that were loaded for the study; they must be active.
    by_value : list of module
        Modules of the study that travel by value, where it was not loaded by mcstudy.

    Raises
    ------
    StudyError
        If something that `simulate` uses can't be pickled.
    """
    state = modules.state if modules else ProcessState.now()
    # Sources first: the study's own module runs in the worker before `simulate` is looked up in it.
    sources: tuple[Source, ...] = tuple(modules.sources.values()) if modules else ()
    names = tuple(modules.loaded) if modules else ()
    shared = pickle.dumps((str(modules.folder) if modules else ".", names, sources))
    try:
        function = _pickled((simulate, state), by_value)
    except Exception as error:
        msg = f"`simulate` must use only what can be pickled, got {type(error).__name__}: {error}"
        raise StudyError(msg) from error
    return Payload(shared, function, str(Path.cwd()), Ready(simulate, modules, state))


def _pickled(content: tuple[Simulate, ProcessState], by_value: list[ModuleType]) -> bytes:
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        """Takes caches apart: their functions may travel by value, the wrapper alone can't."""

        def reducer_override(self, obj: Any) -> Any:
            if isinstance(obj, functools._lru_cache_wrapper) and not _is_importable(obj, by_value):
                parameters = obj.cache_parameters()
                return _cached_again, (obj.__wrapped__, parameters["maxsize"], parameters["typed"])
            return super().reducer_override(obj)

    buffer = io.BytesIO()
    with ExitStack() as stack:
        for module in by_value:
            stack.enter_context(_travelling(module))
        Pickler(buffer).dump(content)
    return buffer.getvalue()


def _is_importable(function: Any, by_value: list[ModuleType]) -> bool:
    names = {"__main__", *(module.__name__ for module in by_value)}
    return getattr(function, "__module__", "__main__") not in names


def _cached_again(function: Callable[..., Any], maxsize: int | None, typed: bool) -> Any:
    return lru_cache(maxsize=maxsize, typed=typed)(function)


@contextmanager
def _travelling(module: ModuleType) -> Iterator[None]:
    import cloudpickle

    if module.__name__ == "__main__" or module.__name__ in cloudpickle.list_registry_pickle_by_value():
        yield
        return
    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)
