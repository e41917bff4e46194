"""What came of a run, as an exit code says it."""

from __future__ import annotations

from mcstudy.claims import beyond
from mcstudy.draws import QUARANTINED
from mcstudy.ledger import Ledger
from mcstudy.study import Study

__all__ = ["code_of", "is_lost"]


def is_lost(study: Study, ledger: Ledger) -> bool:
    """Whether more replicates were lost than the claims allow, a block was quarantined, or nobody allows any."""
    claims = {claim.id: claim for experiment in study.experiments for claim in experiment.claims}
    lost = any(beyond(claims[finding.id], cell) for finding in ledger.findings for cell in finding.cells)
    quarantined = any(failure.reason.startswith(QUARANTINED) for failure in ledger.failures)
    return lost or quarantined or (ledger.run.failures > 0 and not ledger.findings)


def code_of(study: Study, ledger: Ledger) -> int:
    """The exit code of a run; failures that every claim about them allows count for nothing."""
    return 3 if is_lost(study, ledger) else 0 if ledger.as_expected else 1
