"""What theory says, and how data answers."""

from mcstudy.claims.bound import Bound
from mcstudy.claims.claim import Claim
from mcstudy.claims.expectation import Expectation, control, misprint
from mcstudy.claims.identity import Identity
from mcstudy.claims.judging import claims_over, judge, profits, spend
from mcstudy.claims.law import Law, SameLaw
from mcstudy.claims.rate import Rate
from mcstudy.claims.theory import Relative, relative
from mcstudy.claims.value import Value

__all__ = [
    "Bound",
    "Claim",
    "Expectation",
    "Identity",
    "Law",
    "Rate",
    "Relative",
    "SameLaw",
    "Value",
    "claims_over",
    "control",
    "judge",
    "misprint",
    "profits",
    "relative",
    "spend",
]
