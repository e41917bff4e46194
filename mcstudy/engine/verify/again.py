"""The third level: whether the draws come out again, and say again what the ledger says."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mcstudy._version import __version__
from mcstudy.codec import plain
from mcstudy.draws import Block
from mcstudy.engine.blocks import ENVIRONMENT, Blocks, block_digest, digest_of_keys
from mcstudy.engine.executors import Executor
from mcstudy.engine.journal import Journal
from mcstudy.engine.reading import reading
from mcstudy.engine.source import Origin
from mcstudy.engine.verify.drawing import Drawing
from mcstudy.engine.verify.equivalence import compare_cells
from mcstudy.engine.verify.intact import counts_of
from mcstudy.engine.verify.levels import Level, Outcome
from mcstudy.engine.verify.sample import chance_of_detection, sample
from mcstudy.engine.verify.source import changed_parts
from mcstudy.engine.verify.target import Target
from mcstudy.engine.worker import BlockResult
from mcstudy.exceptions import McstudyError
from mcstudy.ledger import Ledger
from mcstudy.report.numbers import plural
from mcstudy.scenarios import Scenario

__all__ = ["drawn_again"]

NAME = "drawn again"
SEEDS = 2**32


def drawn_again(
    target: Target, ledger: Ledger, origin: Origin, executor: Executor, *, number: int | None, journal: bool
) -> Level:
    """Draw blocks again and compare their bits; judge again where all draws are at hand.

    Parameters
    ----------
    target : Target
    ledger : Ledger
    origin : Origin
    executor : Executor
    number : int or None
        How many blocks; None means all.
    journal : bool
        Whether the journal beside the ledger has its very draws.
    """
    if not ledger.blocks:
        return Level(NAME, Outcome.UNKNOWN, "the ledger has no digests of its blocks")
    if origin.study.block_size != ledger.design.block_size:
        text = f"the study has blocks of {origin.study.block_size} replicates now, the ledger of {ledger.design.block_size}"
        return Level(NAME, Outcome.UNKNOWN, text)
    drawing = Drawing(origin, ledger, executor, ledger.run.seed)
    wanted = sample(ledger, number)
    total = sum(map(len, ledger.blocks))
    try:
        with origin.active(), TemporaryDirectory(prefix="mcstudy-verify-") as folder:
            unlike, faults = _compared(
                drawing, wanted, total, Path(folder), target.journal if journal else None
            )
            if unlike:
                return _otherwise(drawing, target, unlike, len(wanted), number, Path(folder))
    except McstudyError as error:
        return Level(NAME, Outcome.UNKNOWN, str(error))
    return _same_bits(len(wanted), total, faults)


def _compared(
    drawing: Drawing, wanted: dict[Block, str], total: int, folder: Path, kept: Path | None
) -> tuple[list[Block], list[str] | None]:
    """The blocks that come out otherwise, and what is judged otherwise; None where not all draws are at hand."""
    counts = counts_of(drawing.ledger)
    if len(wanted) == total:
        with Journal(folder / "draws.sqlite", drawing.ledger.design.block_size) as journal:
            unlike = _unlike(drawing.into(journal, counts), wanted)
            return unlike, None if unlike else _judged_otherwise(drawing, journal)
    unlike = _unlike(drawing.blocks(list(wanted)), wanted)
    if unlike or kept is None:
        return unlike, None
    with reading(kept) as blocks:
        return [], _judged_otherwise(drawing, blocks)


def _unlike(results: Iterable[BlockResult], wanted: dict[Block, str]) -> list[Block]:
    return [
        result.block
        for result in results
        if block_digest(result.block, result.failures, result.data) != wanted[result.block]
    ]


def _judged_otherwise(drawing: Drawing, blocks: Blocks) -> list[str]:
    """What the draws say that the ledger does not: exactly in the ledger's environment, by verdict in another."""
    ledger = drawing.ledger
    findings, measures = drawing.judged(blocks, counts_of(ledger))
    exact = _same_environment(drawing) and ledger.provenance.get("mcstudy") == __version__
    written = {finding.id: finding for finding in ledger.findings}
    judged = {finding.id: finding for finding in findings}
    faults = [
        f"claim {name}"
        for name in dict.fromkeys([*written, *judged])
        if name not in written
        or name not in judged
        or written[name].verdict is not judged[name].verdict
        or (exact and plain(written[name]) != plain(judged[name]))
    ]
    faults += ["the measures"] if exact and plain(measures) != plain(ledger.measures) else []
    return faults + [name for name, (found, told) in _numbers(drawing, blocks).items() if found != told]


def _numbers(drawing: Drawing, blocks: Blocks) -> dict[str, tuple[Any, Any]]:
    """What else the draws and the study say, each beside what the ledger does."""
    ledger, counts = drawing.ledger, counts_of(drawing.ledger)
    failed = sum(blocks.block_size if failure.index is None else 1 for failure in blocks.failures(counts))
    return {
        "the digest of the draws": (blocks.digests(counts)[0], ledger.digests["draws"]),
        "the number of replicates": (sum(counts.values()), ledger.run.replicates),
        "the number of failures": (failed, ledger.run.failures),
        "alpha": (drawing.origin.study.alpha, ledger.run.alpha),
    }


def _same_environment(drawing: Drawing) -> bool:
    return digest_of_keys(drawing.keys) == drawing.ledger.digests.get("key")


def _same_bits(drawn: int, total: int, faults: list[str] | None) -> Level:
    text = f"{drawn:,} of {plural(total, 'block')}, bit for bit"
    if drawn < total:
        chance = math.floor(1000.0 * chance_of_detection(total, drawn)) / 10.0
        text += f"; blocks forged to a share of 1 % would be seen with a chance of {chance:g} %"
    if faults:
        return Level(
            NAME, Outcome.DIFFERS, f"{text}; but judged again differ: {', '.join(faults[:8])}", tuple(faults)
        )
    return Level(
        NAME,
        Outcome.VERIFIED,
        text if faults is None else f"{text}; judged again, all findings and measures are as written",
    )


def _otherwise(
    drawing: Drawing, target: Target, unlike: Sequence[Block], drawn: int, number: int | None, folder: Path
) -> Level:
    """What to say of blocks that come out otherwise: in another environment they may.

    Who forges may claim another environment as well; then every cell is held against independent draws.
    """
    text = f"{len(unlike):,} of {plural(drawn, 'block')} came out otherwise"
    details = tuple(f"block {block.token}" for block in unlike[:8])
    if _same_environment(drawing):
        first = f"the first is {unlike[0].token}"
        return Level(
            NAME,
            Outcome.DIFFERS,
            f"{text} where the ledger was made, in this very environment; {first}",
            details,
        )
    recipe = digest_of_keys(drawing.keys, without=ENVIRONMENT)
    if recipe != drawing.ledger.digests.get("recipe"):
        changes = changed_parts(target, drawing.ledger, drawing.keys)
        return Level(
            NAME, Outcome.DIFFERS, f"{text}, for what is drawn is something else now", (*details, *changes)
        )
    return _at_another_seed(drawing, number, folder)


def _at_another_seed(drawing: Drawing, number: int | None, folder: Path) -> Level:
    """Draw independently of the ledger, and compare every cell."""
    ledger = drawing.ledger
    seed = (ledger.run.seed + 1) % SEEDS
    other = replace(drawing, seed=seed)
    counts = _fewer(drawing, number)
    with Journal(folder / "other.sqlite", ledger.design.block_size) as journal:
        for _ in other.into(journal, counts):
            pass
        findings, _ = other.judged(journal, counts)
    found = compare_cells(ledger.findings, findings)
    drawn = f"in another environment, {plural(sum(counts.values()), 'replicate')} at seed {seed}"
    if found.contradictions:
        text = f"{drawn}: {len(found.contradictions)} of {plural(found.cells, 'cell')} contradict the ledger"
        return Level(NAME, Outcome.DIFFERS, text, found.contradictions)
    if found.open:
        text = f"{drawn}: no cell of {found.cells} contradicts the ledger, but {len(found.open)} need more draws; verify with --all"
        return Level(NAME, Outcome.UNKNOWN, text, found.open)
    return Level(
        NAME, Outcome.VERIFIED, f"{drawn}: all {plural(found.cells, 'cell')} are equivalent to the ledger's"
    )


def _fewer(drawing: Drawing, number: int | None) -> dict[tuple[str, Scenario], int]:
    """The replicates to draw: the ledger's, or with a number of blocks about as many over all scenarios."""
    counts, size = counts_of(drawing.ledger), drawing.ledger.design.block_size
    if number is None:
        return counts
    first = math.ceil(drawing.origin.study.replicates.first / size)
    each = max(math.ceil(number / len(counts)), first) * size
    return {place: min(count, each) for place, count in counts.items()}
