"""A process that has everything imported, and forks a run of mcstudy for each line that it reads.

Most of a small run's time is spent on imports: forked, a hundred runs cost what ten would. Each is a process in a
session of its own that ends as Python ends; its keeper waits for it and writes down its exit code.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

__all__: list[str] = []


def main() -> None:
    """Fork for each line; what is forked falls through to the end."""
    import joblib.externals.loky  # noqa: F401 - what a run imports later

    import mcstudy.cli
    import mcstudy.engine.pages
    import mcstudy.engine.run
    import mcstudy.engine.shards
    import mcstudy.report.terminal

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers are nobody's to bury
    for line in sys.stdin:
        request = json.loads(line)
        if os.fork() == 0:
            _keep(Path(request["place"]))
            _become(request)
            sys.exit(mcstudy.cli.command(request["arguments"]))


def _keep(place: Path) -> None:
    """Fork once more: the parent waits for the run and tells how it ended; the run goes on."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    run = os.fork()
    if run == 0:
        return
    (place / "pid").write_text(f"{run}\n")
    _, status = os.waitpid(run, 0)
    (place / "code").write_text(f"{os.waitstatus_to_exitcode(status)}\n")
    os._exit(0)


def _become(request: dict[str, Any]) -> None:
    """Be as a shell would have started it: its session, folder, environment, streams, and Ctrl-C heard."""
    os.setsid()
    os.chdir(request["folder"])
    os.environ.update(request["environment"])
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    streams = (os.devnull, request["stdout"], str(Path(request["place"], "stderr")))
    for number, name in enumerate(streams):
        os.close(number)
        if name is not None:
            os.set_inheritable(
                os.open(name, os.O_RDWR | os.O_CREAT, 0o644), True
            )  # the lowest free number: this one
    if request["cold"]:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execv(sys.executable, [sys.executable, "-m", "mcstudy", *request["arguments"]])
    exec(request["before"], {})


if __name__ == "__main__":
    main()
