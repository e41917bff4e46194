"""Where a result comes from: versions, processor, BLAS, source, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Collection
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from mcstudy._version import __version__
from mcstudy.engine.source import Origin

__all__ = ["commit_of", "is_tracked", "libraries", "provenance"]

LIBRARIES = ("numpy", "scipy", "joblib", "statsmodels", "pandas", "matplotlib")


def provenance(origin: Origin, started: datetime, fills: Collection[str] = ()) -> dict[str, Any]:
    """The machine and the software of a run.

    Parameters
    ----------
    origin : Origin
    started : datetime
    fills : collection of str
        What filled arrays in the processes that drew; empty where nothing was drawn. The bits are the same.

    Returns
    -------
    dict
        JSON values.
    """
    return {
        "started": started.astimezone(UTC).isoformat(timespec="seconds"),
        "mcstudy": __version__,
        "python": platform.python_version(),
        "libraries": libraries(),
        "platform": platform.platform(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "blas": sorted({_library(info) for info in threadpool_info() if info["user_api"] == "blas"}),
        "git": commit_of(origin.path),
        **({"fills": sorted(fills)} if fills else {}),
    }


def libraries() -> dict[str, str]:
    """The versions of the libraries that numbers and figures depend on."""
    return {name: _version(name) for name in LIBRARIES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _library(info: dict[str, Any]) -> str:
    kernel = f", {info['architecture']}" if info.get("architecture") else ""
    return f"{info['internal_api']} {info.get('version') or ''}{kernel}"


def commit_of(file: Path | None) -> str:
    """The commit of the study's checkout, marked where files differ from it; empty outside of one."""
    if file is None:
        return ""
    folder = file.parent
    commit = _git(folder, "rev-parse", "HEAD")
    changed = commit and _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{commit} with changes" if changed else commit


def is_tracked(file: Path) -> bool:
    """Whether a file is one of its checkout's."""
    return bool(_git(file.parent, "ls-files", "--error-unmatch", file.name))


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
