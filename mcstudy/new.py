"""A new study to start from: small, complete, and as expected at once."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from mcstudy.exceptions import InputError

__all__ = ["KINDS", "write_new"]

KINDS = ("rate", "coverage", "comparison")


def write_new(name: str, kind: str, folder: Path) -> Path:
    """Write the file of a new study.

    Parameters
    ----------
    name : str
        The name of the study, and of its file without ``.py``.
    kind : {"rate", "coverage", "comparison"}
        What it is about: an error that falls with a factor; intervals; two methods on the same data.
    folder : Path
        Where it is written.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If the name is none for a study or one of a module that can be imported, or there is such a file.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        msg = f"`NAME` must be lower-case letters, digits and underscores, the first a letter, got {name!r}{_hint(name)}"
        raise InputError(msg)
    if keyword.iskeyword(name) or find_spec(name) is not None:
        msg = f"`NAME` must not be one that Python knows already, got {name!r}: the file would stand in its way; choose another name"
        raise InputError(msg)
    path = folder / f"{name}.py"
    template = files("mcstudy").joinpath("templates", f"{kind}.txt").read_text(encoding="utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template.replace("@NAME@", name))
    except FileExistsError as error:
        msg = f"`NAME` must be that of a new study, got {name!r}: {path} exists; choose another name"
        raise InputError(msg) from error
    return path


def _hint(name: str) -> str:
    """A name that is like it and may be taken, or nothing."""
    word = re.sub(r"[^a-z0-9]+", "_", Path(name).stem.lower()).strip("_0123456789")
    return f"; {word} would do" if word else ""
