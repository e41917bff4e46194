"""Dask clusters: one of this machine for as long as it is needed, or one that somebody has started."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mcstudy.engine.drawers import differences, environment
from mcstudy.exceptions import ClusterError, InputError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["TIMEOUT", "check_installed", "check_workers", "connected", "local", "threads_of"]

TIMEOUT = 10.0  # seconds: a scheduler answers in far less, and whoever has mistyped its address is waiting
INSTEAD = "or draw on this machine with --executor joblib"
# Nobody is meant to look at a cluster that lives for a run: the pages that Dask serves can't be turned off as a whole,
# but they can be empty, and kept from other machines.
QUIET: dict[str, list[str]] = {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}
HIDDEN = {"protocol": "inproc://", "dashboard": False, "dashboard_address": "127.0.0.1:0"}


def check_installed() -> None:
    """Refuse to go on without Dask.

    Raises
    ------
    InputError
    """
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        msg = f"`executor` must be joblib or serial without the package distributed, which can't be imported ({error}); pip install 'mcstudy[dask]'"
        raise InputError(msg) from error


@contextmanager
def local(jobs: int) -> Iterator[Client]:
    """A cluster in this process, whose workers draw in processes of their own; it leaves no files and no processes.

    Parameters
    ----------
    jobs : int
        Workers, of one thread each.
    """
    import dask
    from distributed import Client, Scheduler, SpecCluster, Worker

    with _silence(), tempfile.TemporaryDirectory() as folder:
        own: dict[str, Any] = {"nthreads": 1, "memory_limit": 0, "local_directory": folder}
        worker = {"cls": Worker, "options": HIDDEN | own}
        with (
            dask.config.set(QUIET),
            SpecCluster(
                dict.fromkeys(range(jobs), worker), scheduler={"cls": Scheduler, "options": HIDDEN}
            ) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            yield client


@contextmanager
def connected(address: str, timeout: float = TIMEOUT) -> Iterator[Client]:
    """The cluster of a scheduler.

    Raises
    ------
    InputError
        If there can't be such an address.
    ClusterError
        If nothing answers there in time.
    """
    with _silence():
        client = _client(address, timeout)
        try:
            yield client
        finally:
            client.close(timeout)


def _client(address: str, timeout: float) -> Client:
    from distributed import Client

    with warnings.catch_warnings():
        # Of other versions than the cluster's: what draws depend on is compared by `check_workers`.
        warnings.simplefilter("ignore")
        try:
            _check_scheduler(address, timeout)
            return Client(address, timeout=timeout, set_as_default=False)
        except (ValueError, TypeError, ImportError) as error:
            msg = f"`executor` must be the address of a Dask scheduler, such as tcp://host:8786, got {address!r} ({error})"
            raise InputError(msg) from error
        except OSError as error:  # also where time is up
            msg = f"--executor {address}: no Dask scheduler answers there within {timeout:g} s; start one with `dask scheduler`, see what address it prints, {INSTEAD}"
            raise ClusterError(msg) from error


def _check_scheduler(address: str, timeout: float) -> None:
    """Ask who is there: a `Client` would wait for ever for the first word of what takes calls and is no Dask."""
    with ThreadPoolExecutor(1) as elsewhere:  # this thread may have an event loop, as in a notebook
        kind = elsewhere.submit(asyncio.run, _kind_of_server(address, timeout)).result()
    if kind != "Scheduler":
        msg = f"that of a {kind}"
        raise ValueError(msg)


async def _kind_of_server(address: str, timeout: float) -> str:
    from distributed import Security, rpc

    async with asyncio.timeout(timeout):
        async with rpc(address, connection_args=Security().get_connection_args("client")) as server:
            identity: dict[str, Any] = await server.identity()
    return str(identity["type"])


def threads_of(client: Client) -> int:
    """The batches that a cluster can draw at once.

    Raises
    ------
    TimeoutError, ConnectionError
        If its scheduler no longer answers, or is gone.
    """
    # It might be connected again, but would know nothing of what was submitted.
    if client.status != "running":
        msg = f"the client is {client.status}"
        raise ConnectionError(msg)
    threads: dict[str, int] = client.sync(client.scheduler.ncores, callback_timeout=TIMEOUT)
    return sum(threads.values())


def check_workers(client: Client, address: str, timeout: float = TIMEOUT) -> None:
    """Refuse a cluster that can't draw, or would draw other bits than this process.

    Raises
    ------
    ClusterError
    """
    try:
        client.wait_for_workers(1, timeout)
    except TimeoutError as error:
        msg = f"--executor {address}: the scheduler has had no worker for {timeout:g} s; start some with `dask worker {address}`, {INSTEAD}"
        raise ClusterError(msg) from error
    found: dict[str, Any] = client.run(environment, on_error="return")
    unlike = {worker: text for worker, there in found.items() if (text := _unlike(there))}
    for worker, text in unlike.items():
        msg = f"--executor {address}: {len(unlike)} of {len(found)} workers would draw other bits than this process: {worker} has {text}; start them where the same versions are installed, on such a processor as this, {INSTEAD}"
        raise ClusterError(msg)


def _unlike(there: Any) -> str:
    """How a worker's environment differs; it is an exception where the worker could not tell."""
    if isinstance(there, BaseException):
        return f"no mcstudy of this version ({there})"
    return differences(there, environment())


@contextmanager
def _silence() -> Iterator[None]:
    """Have Dask log nothing: what matters is said in the words of mcstudy, and its progress line stays whole."""
    known = (one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger))
    talking = [one for one in known if one.name.partition(".")[0] in ("distributed", "tornado", "asyncio")]
    silenced = [one for one in talking if not one.disabled]
    for one in silenced:
        one.disabled = True
    try:
        yield
    finally:
        for one in silenced:
            one.disabled = False
