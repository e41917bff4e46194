"""Arrays filled from NumPy's generators: with NumPy's bits, by compiled loops where they pay."""

from mcstudy.fills.filling import fill

__all__ = ["fill"]
