"""The named exceptions of the package: every one is a misuse that its message tells how to mend."""

__all__ = [
    "ClaimError",
    "ClusterError",
    "InputError",
    "JournalError",
    "McstudyError",
    "ModelError",
    "StudyError",
]


class McstudyError(Exception):
    """Base of every error that mcstudy raises on purpose; the command line exits with 2."""


class InputError(McstudyError, ValueError):
    """An argument or a file of the user's breaks a rule."""


class StudyError(McstudyError, ValueError):
    """A study is not well described, or its `simulate` returns what no study may return."""


class ClaimError(McstudyError, ValueError):
    """A claim names what does not exist or cannot be tested as stated."""


class JournalError(McstudyError, RuntimeError):
    """A journal belongs to another run, or another run holds it."""


class ClusterError(McstudyError, RuntimeError):
    """A Dask cluster does not answer, is gone, or would draw other bits than this machine."""


class ModelError(McstudyError, ValueError):
    """A function of `mcstudy.models` is called outside its hypotheses."""
