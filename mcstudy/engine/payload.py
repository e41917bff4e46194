"""`simulate` as bytes: functions of a study file travel by value, so that no worker needs the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any

from mcstudy.engine.source import Origin
from mcstudy.exceptions import StudyError

__all__ = ["payload_of"]


def payload_of(origin: Origin, simulate: Callable[..., Any]) -> bytes:
    """Pickle a `simulate` of a study by value, with what it uses from the study's file and folder.

    Raises
    ------
    StudyError
        If something that `simulate` uses can't be pickled.
    """
    import cloudpickle

    with ExitStack() as stack:
        for module in origin.modules:
            stack.enter_context(_by_value(module))
        try:
            return bytes(cloudpickle.dumps(simulate))
        except Exception as error:
            msg = f"study {origin.study.name}: `simulate` must use only what can be pickled, got {type(error).__name__}: {error}"
            raise StudyError(msg) from error


@contextmanager
def _by_value(module: ModuleType) -> Iterator[None]:
    import cloudpickle

    if module.__name__ == "__main__" or module.__name__ in cloudpickle.list_registry_pickle_by_value():
        yield
        return
    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)
