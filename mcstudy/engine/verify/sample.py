"""Which blocks are drawn again, and what that shows: a sample that the digest of the draws itself chooses."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from mcstudy.draws import Block
from mcstudy.ledger import Ledger

__all__ = ["BLOCKS", "chance_of_detection", "sample"]

# Where one block of a hundred is forged, a sample of 300 misses all of them with a chance of 0.99**300 = 4.9 %.
BLOCKS = 300
FORGED = 0.01


def sample(ledger: Ledger, number: int | None) -> dict[Block, str]:
    """Blocks of a ledger with their digests, as many as wanted, in the order of the ledger.

    Nobody chooses them: they follow from the digest of the draws and their number, so a forger does not know them
    before the forgery is done. Who tries many forgeries may still find one that this sample misses; another number
    gives another sample.

    Parameters
    ----------
    ledger : Ledger
    number : int or None
        None means all.
    """
    everything = [
        (Block(drawn.scenario, number, drawn.experiment), digest)
        for drawn in ledger.blocks
        for number, digest in enumerate(drawn)
    ]
    if number is None or number >= len(everything):
        return dict(everything)
    seed = hashlib.sha256(f"{ledger.digests['draws']}:{number}".encode()).digest()
    rng = np.random.Generator(np.random.PCG64(int.from_bytes(seed, "big")))
    chosen = rng.choice(len(everything), size=number, replace=False)
    return dict(everything[index] for index in sorted(chosen))


def chance_of_detection(blocks: int, drawn: int, forged: float = FORGED) -> float:
    """The chance that a sample without replacement holds a forged block.

    Parameters
    ----------
    blocks, drawn : int
        All blocks, and those that were drawn again.
    forged : float
        The share that is forged, rounded up to whole blocks.

    Examples
    --------
    >>> round(chance_of_detection(100_000, 300), 3), chance_of_detection(64, 64)
    (0.951, 1.0)
    """
    bad = max(1, math.ceil(forged * blocks - 1e-9)) if blocks else 0
    if drawn + bad > blocks:
        return 1.0 if blocks else 0.0
    return 1.0 - math.exp(sum(math.log1p(-drawn / (blocks - index)) for index in range(bad)))
