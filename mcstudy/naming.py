"""What the parts of a study are called: names that are distinct and known, and texts that can be printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain

from mcstudy.exceptions import ClaimError, StudyError
from mcstudy.experiment import Experiment, check_printable
from mcstudy.ledger import Overlay
from mcstudy.replicates import Precision
from mcstudy.words import nearest

__all__ = ["check_ids", "check_names", "check_texts"]


def check_names(experiments: Sequence[Experiment]) -> None:
    """Refuse experiments that their names don't tell apart.

    Raises
    ------
    StudyError
    """
    names = [experiment.name for experiment in experiments]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        msg = f"`experiments` must have distinct names, got twice: {', '.join(map(repr, twice))}"
        raise StudyError(msg)
    if len(names) > 1 and "" in names:
        msg = f"`experiments` must have names where there are several, got {', '.join(map(repr, names))}"
        raise StudyError(msg)


def check_ids(
    experiments: Sequence[Experiment], overlays: Sequence[Overlay], until: Precision | None
) -> None:
    """Refuse ids of claims and measures that occur twice, and references to others.

    Raises
    ------
    StudyError, ClaimError
    """
    ids = [claim.id for experiment in experiments for claim in experiment.claims]
    measures = [measure.id for experiment in experiments for measure in experiment.measures]
    if not ids and not measures:
        msg = "`claims` must hold at least one claim, or `measures` a measure, got none"
        raise StudyError(msg)
    known = ids + measures
    if until is not None and (unknown := [name for name in until.of if name not in known]):
        msg = f"`until` must name measures or claims, got {unknown[0]!r}; {nearest(unknown[0], known)}there are: {', '.join(known)}"
        raise StudyError(msg)
    for part, names in (("claims", ids), ("measures", measures)):
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            msg = f"`{part}`: ids must be distinct over all experiments, got twice: {', '.join(twice)}"
            raise ClaimError(msg)
    for one in overlays:
        if unknown := [name for name in one.claims if name not in ids]:
            msg = f"overlay {one.id}: `claims` must name claims of the study, got {', '.join(unknown)}"
            raise ClaimError(msg)


def check_texts(
    words: Mapping[str, str],
    authors: Sequence[str],
    overlays: Sequence[Overlay],
    experiments: Sequence[Experiment],
) -> None:
    """Refuse texts that act on a terminal or turn the text around them; `words` are the study's own, by argument.

    Raises
    ------
    StudyError
    """
    if isinstance(authors, str) or not all(authors):
        msg = f'`authors` must be names, got {authors!r}; write authors=("Ada Lovelace",)'
        raise StudyError(msg)
    texts = [(f"`{name}`", text) for name, text in words.items()]
    texts += [("`authors`", name) for name in authors]
    texts += [(f"overlay {one.id}", f"{one.title} {one.caption}") for one in overlays]
    check_printable(chain(texts, *(experiment.texts() for experiment in experiments)))
