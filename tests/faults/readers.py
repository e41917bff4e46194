"""The readers of files, each with a sound file, what is made of it, and what reads it."""

from __future__ import annotations

import io
import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mcstudy as mc
from mcstudy.engine.reading import reading
from mcstudy.engine.sources import source_at
from mcstudy.engine.verify.intact import intact
from mcstudy.engine.verify.source import options_in
from mcstudy.engine.verify.target import Target
from mcstudy.exceptions import JournalError
from mcstudy.ledger import Ledger
from mcstudy.models.data import read_square_csv
from mcstudy.report import answer, bibtex, write_index, write_report
from mcstudy.report.paper import write_macros, write_tex_table
from mcstudy.report.tables import write_tables
from mcstudy.results.citation import csl, text
from mcstudy.results.results import Results
from mcstudy.results.status import status
from mcstudy.statistics.performance import summarise
from tests.faults.mutations import damaged, hostile, misshapen, places, resealed
from tests.faults.watched import check_page, check_tables, check_tex

__all__ = ["READERS", "Bench", "Reader"]

VERSION_0_1 = Path(__file__).parents[1] / "data" / "schema1.json"


@dataclass(frozen=True)
class Bench:
    """A reader at work in a folder.

    Attributes
    ----------
    sound : bytes
        A file as it is written.
    mutate : callable
        Makes another of it.
    read : callable
        Reads one, and makes all of it that is made of such files.
    """

    sound: bytes
    mutate: Callable[[random.Random], bytes]
    read: Callable[[bytes], None]


@dataclass(frozen=True)
class Reader:
    """A reader of files.

    Attributes
    ----------
    name : str
    share : int
        Its part of all inputs.
    bench : callable
        Sets it up in a folder.
    """

    name: str
    share: int
    bench: Callable[[Path], Bench]


READERS: dict[str, Reader] = {}


def reader(share: int) -> Callable[[Callable[[Path], Bench]], Callable[[Path], Bench]]:
    """Enter a reader, under the name of its function."""

    def enter(bench: Callable[[Path], Bench]) -> Callable[[Path], Bench]:
        READERS[bench.__name__] = Reader(bench.__name__, share, bench)
        return bench

    return enter


def _simulate(rng: np.random.Generator, size: int, *, n: int) -> dict[str, Any]:
    x = rng.normal(size=size)
    failure = ["too large" if value > 2.5 else "" for value in x]
    return {"x": x / n, "bound": np.full(size, 9.0), "failure": failure}


def _study() -> mc.Study:
    return mc.Study(
        name="toy",
        title="A toy",
        question="Is the mean zero?",
        source="nowhere",
        answer="The mean is {mean}.",
        authors=("Ada Lovelace", "Bell Labs and Sons"),
        url="https://example.org/toy",
        simulate=_simulate,
        scenarios=mc.grid(n=(1, 2, 4)),
        block=16,
        replicates=mc.Replicates(first=64, quick=64, full=64),
        claims=[
            mc.Value("mean", "the mean is $0$", of=mc.mean("x"), equals=0.0, margin=2.5, allowed_failures=9),
            mc.Bound(
                "bound", "x < 9", column="x", at_most="bound", expected=mc.control("not"), allowed_failures=9
            ),
            mc.Rate("rate", "s", of=mc.sd("x"), against="n", exponent=-1.0, margin=3.0, allowed_failures=9),
        ],
        measures=[mc.Measure("spread", of=mc.sd("x"), over="n")],
    )


def _drawn(folder: Path) -> Path:
    """The folder of a study that was run."""
    if not (folder / "sound").exists():
        mc.run(_study(), executor="serial", out=folder / "sound")
    return folder / "sound" / "toy"


@reader(350)
def ledger_bytes(folder: Path) -> Bench:
    """Ledgers of which bytes are damaged."""
    sound = (_drawn(folder) / "ledger.json").read_bytes()
    return Bench(sound, lambda rng: damaged(rng, sound), _Ledgers(folder).describe)


@reader(60)
def ledger_values(folder: Path) -> Bench:
    """Ledgers with other values, sealed again, and all that is made of them but pages."""
    return _of_values(folder, (_drawn(folder) / "ledger.json").read_text(encoding="utf-8"))


@reader(20)
def ledger_of_0_1(folder: Path) -> Bench:
    """The same, of the form of version 0.1."""
    return _of_values(folder, VERSION_0_1.read_text(encoding="utf-8"))


def _of_values(folder: Path, sound: str) -> Bench:
    document = json.loads(sound)
    known = list(places(document))
    return Bench(
        sound.encode(),
        lambda rng: misshapen(rng, sound, document, known).encode(errors="surrogatepass"),
        _Ledgers(folder).write,
    )


@reader(1)
def ledger_texts(folder: Path) -> Bench:
    """Ledgers with evil texts in the place of many, sealed again, and their pages."""
    ledgers = _Ledgers(folder)
    sound = (_drawn(folder) / "ledger.json").read_bytes()
    document = json.loads(sound)
    texts = [place for place in places(document) if isinstance(_value(document, place), str)]
    free = [place for place in texts if _is_free(document, place)]

    def mutate(rng: random.Random) -> bytes:
        chosen = rng.sample(free, rng.randrange(1, 9))
        return resealed(hostile(rng, document, chosen)).encode(errors="surrogatepass")

    return Bench(sound, mutate, ledgers.show)


def _value(document: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        document = document[key]
    return document


def _is_free(document: Any, place: tuple[Any, ...]) -> bool:
    """Whether a text may be any: an evil one is not refused."""
    try:
        Ledger.from_document(json.loads(resealed(hostile(random.Random(1), document, [place]))))
    except mc.exceptions.McstudyError:
        return False
    return True


class _Ledgers:
    """Whatever reads ledgers, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.out = folder / "out"
        self.file = self.out / "toy" / "ledger.json"
        self.file.parent.mkdir(parents=True, exist_ok=True)

    def describe(self, content: bytes) -> None:
        """Load and describe."""
        self.look(content)

    def look(self, content: bytes) -> Results:
        """What is loaded."""
        self.file.write_bytes(content)
        results = mc.load(self.file.parent)
        answer(results)
        return results

    def write(self, content: bytes) -> None:
        """Make tables, TeX and citations."""
        results = self.look(content)
        status(self.out)
        made = self.file.parent / "made"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        write_tables(results, made)
        write_tex_table(results, made / "findings.tex")
        write_macros(results, made / "macros.tex")
        check_tables(made)
        for path in made.glob("*.tex"):
            check_tex(path.read_text(encoding="utf-8"))
        for claim in ("", *(finding.id for finding in results.findings)):
            check_tex(bibtex(results, claim))
        csl(results)
        text(results)
        results.frame()
        results.to_json()
        target = Target(self.file)
        target.study_file(results.study.name, results.run.command)
        options_in(results.run.command)

    def show(self, content: bytes) -> None:
        """Make the page, and the index."""
        self.write(content)
        results = mc.load(self.file.parent)
        check_page(write_report(results, self.out).read_text(encoding="utf-8"))
        write_index(self.out)
        intact(Target(self.file))
        check_page((self.out / "index.html").read_text(encoding="utf-8"))


@reader(200)
def journal(folder: Path) -> Bench:
    """Journals of which bytes are damaged, or that are other databases."""
    sound = (_drawn(folder) / "draws.sqlite").read_bytes()
    other = _foreign(folder / "foreign.sqlite")
    path = folder / "journal" / "toy" / "draws.sqlite"
    path.parent.mkdir(parents=True)
    study = _study()

    def read(content: bytes) -> None:
        path.write_bytes(content)
        with reading(path) as blocks:
            blocks.failed()
            blocks.analyses()
            blocks.key_digest()
            for scenario in study.experiments[0].of_profile("quick"):
                with_all = all(("", scenario.key, number) in blocks.done() for number in range(4))
                if with_all:
                    blocks.names("", scenario, 64)
                    list(blocks.failures_of("", scenario, 64))
                    list(blocks.arrays("", scenario, 4))
                    blocks.failures({("", scenario): 64})

    return Bench(sound, lambda rng: damaged(rng, rng.choice((sound, sound, sound, other))), read)


def _foreign(path: Path) -> bytes:
    """A database that has our tables, with columns and values of its own."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 1835234164")
        connection.execute("PRAGMA user_version = 3")
        connection.execute("CREATE TABLE keys (experiment, parts)")
        connection.execute("CREATE TABLE blocks (experiment, scenario, number)")
        connection.execute("INSERT INTO keys VALUES (x'00ff', 1e300)")
        connection.execute("INSERT INTO blocks VALUES (NULL, '../../x', 'many')")
        connection.commit()
    return path.read_bytes()


@reader(150)
def part(folder: Path) -> Bench:
    """Parts of a study, as a merge reads them."""
    sound = (_drawn(folder) / "draws.sqlite").read_bytes()
    path = folder / "part" / "toy" / "draws.sqlite"
    path.parent.mkdir(parents=True)

    def read(content: bytes) -> None:
        path.write_bytes(content)
        source = source_at("part", path)
        _ = source.study, source.seed, source.options
        for row in source.rows():
            _ = row.is_sound and (row.columns, row.is_quarantined)

    return Bench(sound, lambda rng: damaged(rng, sound), read)


@reader(170)
def table(folder: Path) -> Bench:
    """CSV of a matrix, and of estimates to be summarised."""
    rng = np.random.default_rng(1)
    sound = "\n".join(",".join(f"{x:.6g}" for x in row) for row in rng.normal(size=(6, 6))).encode()
    path = folder / "matrix.csv"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        read_square_csv(path)

    return Bench(sound, lambda rng: damaged(rng, sound), read)


@reader(49)
def estimates(folder: Path) -> Bench:
    """CSV of estimates, which pandas reads and `summarise` is asked about."""
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"method": ["a", "b"] * 10, "x": rng.normal(size=20), "se": np.full(20, 1.0)})
    sound = frame.to_csv(index=False).encode()

    def read(content: bytes) -> None:
        try:
            found = pd.read_csv(io.BytesIO(content))
        except Exception as error:  # pandas' own, of which it has many
            raise JournalError(str(error)) from error
        summarise(found, estimate="x", se="se", truth=0.0, by=("method",))

    return Bench(sound, lambda rng: damaged(rng, sound), read)
