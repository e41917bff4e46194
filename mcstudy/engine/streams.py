"""Random streams by content: (seed, study, experiment, scenario, block) -> Generator.

A block's stream depends on what it draws for, never on when, where or after what it is drawn. Adding a level
to a factor, reordering the grid or asking for more replicates changes no existing block.
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

import numpy as np

from mcstudy.draws import Block

__all__ = ["generator", "spawn_key"]


def spawn_key(study: str, block: Block, common: tuple[str, ...] = ()) -> tuple[int, ...]:
    """The key of a block's stream: eight 32-bit words of a sha256, and the block's number.

    Parameters
    ----------
    study : str
        The study's name.
    block : Block
    common : tuple of str
        Factors left out of the key.

    Returns
    -------
    tuple of nine ints below 2**32
    """
    # An unnamed experiment leaves no trace: its streams are those of version 0.1.
    content: list[Any] = [study, block.experiment] if block.experiment else [study]
    content.append(dict(block.scenario.without(*common)))
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    words = struct.unpack(">8I", hashlib.sha256(text.encode()).digest())
    return (*words, block.number)


def generator(seed: int, study: str, block: Block, common: tuple[str, ...] = ()) -> np.random.Generator:
    """The generator of one block: SFC64, seeded through NumPy's SeedSequence.

    Examples
    --------
    >>> from mcstudy.scenarios import Scenario
    >>> first, second = (generator(1, "pi", Block(Scenario(n=8), number)) for number in (0, 1))
    >>> first.random() == second.random()
    False
    """
    sequence = np.random.SeedSequence(seed, spawn_key=spawn_key(study, block, common))
    return np.random.Generator(np.random.SFC64(sequence))
