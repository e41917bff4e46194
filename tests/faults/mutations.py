"""What chance and malice make of files: of bytes, of JSON, of databases, of tables."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["EVIL", "damaged", "hostile", "misshapen", "places", "resealed"]

# Each is run, shown or loaded by one of the programs that read what mcstudy writes.
EVIL = (
    "\\mcsEvil{}",
    "x\n\\mcsEvil{}",
    "x\r\\mcsEvil{}",
    "}\\mcsEvil{",
    "$\\mcsEvil$",
    "<mcsevil>",
    '"><mcsevil x="',
    "]]><mcsevil>",
    "=mcsEvil()",
    "\t=mcsEvil()",
    "../../mcsevil",
    "/mcsevil",
    "{{ mcsevil }}",
    "javascript:mcsevil()",
    "mcs\udc80evil",
    "mcs\x00evil",
    "mcs\x1b[2Jevil",
    "mcs\uffffevil",
    "$f'\x01$mcsevil",
    "$(mcsevil)",
    "'; mcsevil; '",
    '"mcsevil',
)
STRANGE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**400,
    2**64,
    -(10**30),
    1e308,
    5e-324,
    "nan",
    "-inf",
    "",
    [],
    {},
    [[]],
    {"": {}},
    [None],
    "x" * 5000,
)
DEEP = 100_000  # levels: more than any reader has a stack for

Place = tuple[Any, ...]


def damaged(rng: random.Random, content: bytes) -> bytes:
    """Bytes of which some are lost, added or changed."""
    changed = bytearray(content)
    place = rng.randrange(len(changed))
    match rng.randrange(5):
        case 0:
            for _ in range(rng.choice((1, 1, 1, 5))):
                changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        case 1:
            del changed[place:]
        case 2:
            del changed[place : place + rng.randrange(1, 200)]
        case 3:
            changed[place:place] = rng.randbytes(rng.randrange(1, 20))
        case _:
            other = rng.randrange(len(changed))
            changed[place : place + 50] = changed[other : other + 50]
    return bytes(changed)


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """The places of a JSON value, itself first."""
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*place, key))


def misshapen(rng: random.Random, text: str, document: Any, known: list[Place]) -> str:
    """A JSON document of which a value is another one, missing, there twice, or deeper than anything."""
    changed = copy.deepcopy(document)
    for _ in range(rng.choice((1, 1, 1, 3))):
        place = rng.choice(known[1:])
        parent = _at(changed, place[:-1])
        if parent is not None:
            _change(rng, parent, place[-1])
    match rng.randrange(12):
        case 0:
            return text[:-2] + rng.choice((',"a":' * 1000, "[" * DEEP, '{"a":' * DEEP))
        case 1:
            return text.replace("{", '{"findings": [], "schema": 2, ', 1)
        case 2:
            return text.replace("0.", rng.choice(("NaN", "Infinity", "1e999", "9" * 5000, "0x1.")), 1)
        case 3:
            return text.replace("}", "," + '"deep":' + "[" * DEEP + "]" * DEEP + "}", 1)
        case 4:
            changed["provenance"] = _nested(rng.choice((50, 300, 900)))
    return resealed(changed)


def _nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {"deep": value}
    return value


def _at(value: Any, place: Place) -> Any:
    """What stands at a place; None where an earlier change took it away."""
    try:
        for key in place:
            value = value[key]
    except (KeyError, IndexError, TypeError):
        return None
    return value


def _change(rng: random.Random, parent: Any, key: Any) -> None:
    try:
        match rng.randrange(4):
            case 0:
                del parent[key]
            case 1:
                parent[key] = rng.choice(STRANGE)
            case 2:
                parent[key] = rng.choice(EVIL)
            case _:
                parent[key] = [parent[key]]
    except (KeyError, IndexError, TypeError):  # an earlier change was there
        return


def hostile(rng: random.Random, document: Any, chosen: list[Place]) -> Any:
    """A document with an evil text in the place of each of these."""
    changed = copy.deepcopy(document)
    for place in chosen:
        _at(changed, place[:-1])[place[-1]] = rng.choice(EVIL)
    return changed


def resealed(document: Any) -> str:
    """A document with digests that fit, as far as it has any: whoever means harm writes them too."""
    from mcstudy.seal import SEAL, digests_of_findings, seal, source_digest

    attempts: list[Callable[[], object]] = [
        lambda: document["digests"].update(
            source=source_digest(source["text"] for source in document["sources"])
        ),
        lambda: document["digests"].update(
            findings=digests_of_findings(document["findings"], document.get("measures", []))[0]
        ),
        lambda: SEAL in document and document.update({SEAL: seal(document)}),
    ]
    for attempt in attempts:
        try:
            attempt()
        except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
            continue  # nothing fits what has no shape
    return json.dumps(document, ensure_ascii=False)
