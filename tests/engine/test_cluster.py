"""Clusters that can't be used: each is named before anything is drawn, with what to do."""

from __future__ import annotations

import logging
import re
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from distributed import Client, Scheduler, SpecCluster, Worker

from mcstudy.engine.cluster import HIDDEN, check_installed, check_workers, connected, local, threads_of
from mcstudy.engine.drawers import environment
from mcstudy.exceptions import ClusterError, InputError

INSTEAD = "or draw on this machine with --executor joblib"


@pytest.fixture
def listening() -> Iterator[str]:
    """An address that takes calls and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


def unused_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"tcp://127.0.0.1:{server.getsockname()[1]}"


def refusal(address: str) -> str:
    with pytest.raises((InputError, ClusterError)) as raised, connected(address, timeout=0.5):
        pass
    return str(raised.value)


def test_an_address_where_nobody_answers(listening: str) -> None:
    for address in (unused_address(), listening, "tcp://no.such.host.invalid:8786"):
        assert refusal(address) == (
            f"--executor {address}: no Dask scheduler answers there within 0.5 s; start one with `dask scheduler`, "
            f"see what address it prints, {INSTEAD}"
        )


@pytest.mark.parametrize(
    ("address", "because"),
    [
        ("nonsense://host:1", "unknown address scheme 'nonsense'"),
        ("tcp://host", "missing port number"),
        ("tcp://host:many", "invalid literal"),
        ("tls://127.0.0.1:1", "TLS expects"),
        ("://", "unknown address scheme"),
    ],
)
def test_what_can_be_no_address(address: str, because: str) -> None:
    said = refusal(address)
    assert said.startswith(
        "`executor` must be the address of a Dask scheduler, such as tcp://host:8786, got "
    )
    assert f"{address!r} ({because}" in said


def test_the_address_of_a_worker(dask_address: str) -> None:
    with connected(dask_address) as client:
        (worker,) = client.run(lambda: None)
    assert refusal(worker).endswith(f"got {worker!r} (that of a Worker)")


def test_a_cluster_that_is_good(dask_address: str) -> None:
    with connected(dask_address) as client:
        check_workers(client, dask_address)
        assert threads_of(client) == 2


@contextmanager
def changed(client: Client, change: Callable[[], None], back: Callable[[], None]) -> Iterator[None]:
    client.run(change)
    try:
        yield
    finally:
        client.run(back)


def lie() -> tuple[Callable[[], None], Callable[[], None]]:
    """Have a worker say that it has another NumPy; and the truth again."""

    def change() -> None:
        from mcstudy.engine import drawers

        true = drawers.environment
        drawers.environment = lambda: true() | {"numpy": "1.0"}  # type: ignore[assignment]
        drawers.environment.true = true  # type: ignore[attr-defined]

    def back() -> None:
        from mcstudy.engine import drawers

        drawers.environment = drawers.environment.true  # type: ignore[attr-defined]

    return change, back


def forget() -> tuple[Callable[[], None], Callable[[], None]]:
    """Have a worker with a version of this package that knows nothing of Dask; and with this one again."""

    def change() -> None:
        import sys

        sys.modules["mcstudy.engine.drawers"] = None  # type: ignore[assignment]

    def back() -> None:
        import sys

        del sys.modules["mcstudy.engine.drawers"]

    return change, back


@pytest.mark.parametrize(
    ("how", "found"),
    [
        (lie, rf"numpy 1\.0 \(here {re.escape(environment()['numpy'])}\)"),
        (forget, r"no mcstudy of this version \(.*import of mcstudy\.engine\.drawers .*\)"),
    ],
)
def test_workers_that_would_draw_other_bits_are_named(
    dask_address: str, how: Callable[[], tuple[Any, Any]], found: str
) -> None:
    with (
        connected(dask_address) as client,
        changed(client, *how()),
        pytest.raises(
            ClusterError,
            match=rf"1 of 1 workers would draw other bits than this process: tcp://\S+ has {found}; start",
        ),
    ):
        check_workers(client, dask_address)


def test_a_scheduler_without_workers() -> None:
    options = HIDDEN | {"protocol": "tcp://"}
    with SpecCluster({}, scheduler={"cls": Scheduler, "options": options}) as cluster:
        address = cluster.scheduler_address
        with connected(address) as client, pytest.raises(ClusterError) as raised:
            check_workers(client, address, timeout=0.2)
    said = f"the scheduler has had no worker for 0.2 s; start some with `dask worker {address}`, {INSTEAD}"
    assert str(raised.value) == f"--executor {address}: {said}"


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    check_installed()
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        InputError, match=r"without the package distributed, .*; pip install 'mcstudy\[dask\]'"
    ):
        check_installed()


def test_a_local_cluster_is_open_to_nobody_else() -> None:
    with local(1) as client:
        server, worker = client.cluster.scheduler, next(iter(client.cluster.workers.values()))
        for node in (server, worker):
            assert node.address.startswith("inproc://")
            hosts = {sock.getsockname()[0] for sock in node.http_server._sockets.values()}
            assert hosts == {"127.0.0.1"}
        assert isinstance(worker, Worker)


def test_dask_is_silent_only_as_long_as_it_is_used() -> None:
    logger = logging.getLogger("distributed.client")
    assert not logger.disabled
    with local(1):
        assert logger.disabled
    assert not logger.disabled
