"""Results that a stranger verifies: intact, from the same source, drawn again."""

from mcstudy.engine.verify.target import Target, targets
from mcstudy.engine.verify.verification import Verification, verify

__all__ = ["Target", "Verification", "targets", "verify"]
