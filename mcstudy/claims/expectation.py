"""What a claim is expected to come out as, and why: theory is confirmed, misprints and controls are refuted."""

from __future__ import annotations

from dataclasses import dataclass

from mcstudy.exceptions import ClaimError
from mcstudy.findings import Role, Verdict
from mcstudy.words import said

__all__ = ["Expectation", "control", "misprint"]


@dataclass(frozen=True)
class Expectation:
    """A verdict with the role that the claim plays and the reason for it."""

    verdict: Verdict
    role: Role
    because: str

    def __post_init__(self) -> None:
        reason = isinstance(self.because, str) and self.because.strip()
        if self.role is not Role.THEORY and not reason:
            msg = f"`because` must say why the {self.role} is expected to be refuted, got {said(self.because)}; write {self.role}('...')"
            raise ClaimError(msg)


def control(because: str) -> Expectation:
    """Expect a claim to be refuted because it was made false: it shows that the study can tell.

    Parameters
    ----------
    because : str
        What was changed; text with mathematics between dollar signs.

    Raises
    ------
    ClaimError
        If there is no reason.

    Examples
    --------
    >>> control("a constant 10 % too small").role
    <Role.CONTROL: 'control'>
    """
    return Expectation(Verdict.REFUTED, Role.CONTROL, because)


def misprint(because: str) -> Expectation:
    """Expect a claim to be refuted because its source is wrong as printed.

    Parameters
    ----------
    because : str
        What is wrong, and what it must read; text with mathematics between dollar signs.

    Raises
    ------
    ClaimError
        If there is no reason.
    """
    return Expectation(Verdict.REFUTED, Role.MISPRINT, because)
