"""The draw key: a hash of what draws depend on, and of nothing else."""

from mcstudy.engine.drawkey.describe import describe
from mcstudy.engine.drawkey.key import DrawKey, Part, difference

__all__ = ["DrawKey", "Part", "describe", "difference"]
