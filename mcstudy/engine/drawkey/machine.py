"""What of the machine decides about the last bits of a result: the BLAS kernel, and the instructions NumPy uses."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

__all__ = ["machine"]


def machine() -> dict[str, str]:
    """Describe what results depend on beyond code, values and versions.

    Returns
    -------
    dict from str to str
        The BLAS that NumPy uses with its kernel; the processor's instructions that NumPy has loops for; and the
        floating-point errors that raise, if any.
    """
    # Two words each: no name of the study's code can be the same.
    found = {"BLAS kernel": _blas(), "processor instructions": _processor()}
    raising = [f"{kind}={action}" for kind, action in np.geterr().items() if action in ("raise", "call")]
    if raising:
        found["floating-point errors"] = ", ".join(raising)
    return found


def _blas() -> str:
    """The BLAS in use; threadpoolctl does not know all (Accelerate), so that NumPy's own word has to do then."""
    found = sorted(
        {_kernel(info) for info in threadpool_info() if info["user_api"] == "blas" and _of_numpy(info)}
    )
    if found:
        return "; ".join(found)
    built: Any = np.show_config(mode="dicts")
    return " ".join(
        ("built with", *(str(built["Build Dependencies"]["blas"].get(key)) for key in ("name", "version")))
    )


def _kernel(info: dict[str, Any]) -> str:
    return " ".join(filter(None, (info["internal_api"], info.get("version"), info.get("architecture"))))


def _of_numpy(info: dict[str, Any]) -> bool:
    """Whether a library may be NumPy's: other packages bring their own, and are not always loaded."""
    parts = Path(info["filepath"]).parts
    return "site-packages" not in parts or parts[parts.index("site-packages") + 1].startswith("numpy")


def _processor() -> str:
    """The instruction sets that NumPy was built for and finds, as NPY_DISABLE_CPU_FEATURES left them."""
    core: Any = np._core._multiarray_umath  # type: ignore[attr-defined]
    found = [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)]
    return " ".join((platform.machine(), *found))
