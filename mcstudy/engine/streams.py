"""Random streams by content: (seed, study, scenario, block) -> Generator.

A block's stream depends on what it draws for, never on when, where or after what it is drawn. Adding a level
to a factor, reordering the grid or asking for more replicates changes no existing block.
"""

from __future__ import annotations

import hashlib
import json
import struct

import numpy as np

from mcstudy.draws import Scenario

__all__ = ["generator", "spawn_key"]


def spawn_key(study: str, scenario: Scenario, block: int, common: tuple[str, ...] = ()) -> tuple[int, ...]:
    """The key of a block's stream: eight 32-bit words of a sha256, and the block's number.

    Parameters
    ----------
    study : str
        The study's name.
    scenario : Scenario
    block : int
        The block's number within its scenario, from 0.
    common : tuple of str
        Factors left out of the key.

    Returns
    -------
    tuple of nine ints below 2**32
    """
    content = json.dumps([study, dict(scenario.without(*common))], sort_keys=True, separators=(",", ":"))
    words = struct.unpack(">8I", hashlib.sha256(content.encode()).digest())
    return (*words, block)


def generator(
    seed: int, study: str, scenario: Scenario, block: int, common: tuple[str, ...] = ()
) -> np.random.Generator:
    """The generator of one block: SFC64, seeded through NumPy's SeedSequence.

    Examples
    --------
    >>> generator(1, "pi", Scenario(n=8), 0).random() == generator(1, "pi", Scenario(n=8), 1).random()
    False
    """
    sequence = np.random.SeedSequence(seed, spawn_key=spawn_key(study, scenario, block, common))
    return np.random.Generator(np.random.SFC64(sequence))
