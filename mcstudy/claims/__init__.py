"""What theory says, and how data answers."""

from mcstudy.claims.bound import Bound
from mcstudy.claims.claim import Cell, Claim, Finding, Relative, Verdict, Zone, relative
from mcstudy.claims.identity import Identity
from mcstudy.claims.law import Law, SameLaw
from mcstudy.claims.ledger import Ledger, claims_over, judge
from mcstudy.claims.rate import Rate
from mcstudy.claims.value import Value

__all__ = [
    "Bound",
    "Cell",
    "Claim",
    "Finding",
    "Identity",
    "Law",
    "Ledger",
    "Rate",
    "Relative",
    "SameLaw",
    "Value",
    "Verdict",
    "Zone",
    "claims_over",
    "judge",
    "relative",
]
