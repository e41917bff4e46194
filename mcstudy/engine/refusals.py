"""What is refused before anything is drawn."""

from __future__ import annotations

from mcstudy.checks import is_count, is_positive
from mcstudy.defaults import PROFILES
from mcstudy.exceptions import InputError
from mcstudy.study import Study

__all__ = ["check_arguments", "check_words"]


def check_arguments(profile: str, seed: int, block_timeout: float | None = None) -> None:
    """Refuse what is no profile, no seed, or no time.

    Raises
    ------
    InputError
    """
    if profile not in PROFILES:
        msg = f"`profile` must be one of {', '.join(PROFILES)}, got {profile!r}"
        raise InputError(msg)
    if not is_count(seed, at_least=0):
        msg = f"`seed` must be a non-negative whole number, got {seed!r}"
        raise InputError(msg)
    if block_timeout is not None and not is_positive(block_timeout):
        msg = f"`block_timeout` must be positive, in seconds, got {block_timeout!r}; leave it out to wait for every block"
        raise InputError(msg)


def check_words(study: Study) -> None:
    """Refuse mathematics that the report could not show.

    Raises
    ------
    InputError
    """
    from mcstudy.report import check_latex, check_text

    check_text(study.question, "question")
    check_text(study.source, "source")
    for overlay in study.overlays:
        check_text(overlay.caption, f"caption of overlay {overlay.id}")
    for experiment in study.experiments:
        check_text(experiment.source, f"source of experiment {experiment.name}")
        check_text(experiment.group, f"group of experiment {experiment.name}")
        for name, meaning in experiment.columns.items():
            check_text(meaning, f"meaning of {name} in experiment {experiment.name}")
        for claim in experiment.claims:
            check_latex(claim.statement, f"statement of claim {claim.id}")
            for word in ("title", "group", "source"):
                check_text(getattr(claim, word), f"{word} of claim {claim.id}")
            check_text(claim.expectation.because, f"because of claim {claim.id}")
