"""Claims on the equality of two laws, drawn against each other."""

from __future__ import annotations

from mcstudy.report.kinds.law import LawKind

__all__ = ["KIND", "SameLawKind"]


class SameLawKind(LawKind):
    """As for a law, with another sample in place of the claimed one."""

    axes_labels = ("probability under the second law", "first − second law")


KIND = SameLawKind()
