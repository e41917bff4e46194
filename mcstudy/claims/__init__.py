"""What theory says, and how data answers."""

from mcstudy.claims.bound import Bound
from mcstudy.claims.claim import Claim
from mcstudy.claims.contrast import Contrast
from mcstudy.claims.expectation import Expectation, control, misprint
from mcstudy.claims.identity import Identity
from mcstudy.claims.judging import assess, beyond, claims_over, conclude, judge, profits, spend
from mcstudy.claims.law import Law, SameLaw
from mcstudy.claims.one_sided import AtLeast, AtMost
from mcstudy.claims.rate import Rate
from mcstudy.claims.theory import Relative, relative
from mcstudy.claims.value import Value

__all__ = [
    "AtLeast",
    "AtMost",
    "Bound",
    "Claim",
    "Contrast",
    "Expectation",
    "Identity",
    "Law",
    "Rate",
    "Relative",
    "SameLaw",
    "Value",
    "assess",
    "beyond",
    "claims_over",
    "conclude",
    "control",
    "judge",
    "misprint",
    "profits",
    "relative",
    "spend",
]
