"""What may stand on a command line: commands, their options, and those of the studies themselves."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from mcstudy._version import __version__
from mcstudy.defaults import EXECUTOR, OUT, PROFILES, SEED
from mcstudy.new import KINDS
from mcstudy.words import nearest

__all__ = ["OPTIONS", "Command", "duration", "parser_for", "split"]

Command = Callable[[argparse.Namespace], int]

CODES = (
    "Exit codes: 0 every verdict as expected; 1 a verdict is not; 2 usage, or an error in a study's code outside of "
    "simulate; 3 failures beyond what claims allow, draws that are missing from a merge, or files that can't be read; 130 interrupted; "
    "143 or 129 ended by SIGTERM or SIGHUP."
)
FLAGS = ("--fresh", "--retry-failures", "--help", "--version", "--quiet", "--all", "--anyway")
VALUED = (
    "--profile",
    "--jobs",
    "--seed",
    "--executor",
    "--out",
    "--format",
    "--until",
    "--at-most",
    "--replicates",
    "--block-timeout",
    "--blocks",
    "--figure",
    "--width",
    "--from",
    "--license",
    "--kind",
    "--study",
)
OPTIONS = (*FLAGS, *VALUED)
WIDTH = "3.3in"  # of a column in a journal of two


class _Parser(argparse.ArgumentParser):
    """Suggests the nearest command where one is mistyped."""

    def error(self, message: str) -> NoReturn:
        """Exit with the usage, the message and what may have been meant."""
        _, choice, rest = message.partition("invalid choice: ")
        typed, _, known = rest.partition(" (choose from ")
        options = known.rstrip(")").replace("'", "").split(", ")
        hint = nearest(typed.strip("'"), options).rstrip() if choice else ""
        super().error(f"{message}; {hint}" if hint else message)


def split(arguments: Sequence[str]) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """Separate what stands by itself, the options of mcstudy, and the options of studies.

    Returns
    -------
    words : list of str
        The command, and what it is about.
    own : list of str
        The options of mcstudy, with their values.
    given : list of (name without dashes, value)
        The options of studies, ``--name VALUE`` or ``--name=VALUE``; whether a study has such an option is asked once
        the studies are loaded.

    Examples
    --------
    >>> split(["run", "--scale", "2", "toy", "--jobs", "4"])
    (['run', 'toy'], ['--jobs', '4'], [('scale', '2')])
    """
    words: list[str] = []
    own: list[str] = []
    given: list[tuple[str, str]] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        name, equals, value = argument.partition("=")
        if not name.startswith("-") or name in ("-", "--"):
            words.append(argument)
        elif name in VALUED:
            own += [argument] if equals or not rest else [argument, rest.pop(0)]
        elif name in FLAGS or not name.startswith("--"):
            own.append(argument)
        else:
            takes_next = not equals and rest and not rest[0].startswith("--")
            given.append((name[2:], rest.pop(0) if takes_next else value))
    return words, own, given


def parser_for(
    commands: Mapping[str, Command], *, script: bool = False, studies_options: str = ""
) -> argparse.ArgumentParser:
    """The parser of the command line.

    Parameters
    ----------
    commands : mapping from str to callable
        What each command does: namespace -> exit code.
    script : bool
        A study is run as a script: ``run`` names none.
    studies_options : str
        The options of the studies themselves, for the help of ``run``.
    """
    parser = _Parser(
        prog="mcstudy",
        description="Monte Carlo studies that put theory to the test.",
        epilog=CODES,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"mcstudy {__version__}")
    added = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, text: str, *, own_options: bool = False) -> argparse.ArgumentParser:
        sub = added.add_parser(
            name,
            help=text,
            description=text,
            allow_abbrev=False,
            epilog=studies_options or None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(command=commands[name], takes_study_options=own_options)
        return sub

    _add_run(command("run", "run studies and write their reports", own_options=True), script=script)
    command("list", "list the studies in ./studies")
    _add_shard(command("shard", "draw a part of studies, for others to draw the rest", own_options=True))
    _add_merge(command("merge", "join parts that were drawn apart, and judge them"))
    _add_folder(command("status", "what has been drawn and found, also while a run writes"))
    _add_folder(command("report", "write reports again from their ledgers"))
    _add_replay(command("replay", "draw one block again, in this process", own_options=True))
    _add_export(command("export", "write what was drawn as tables, one an experiment"))
    compare = command("compare", "compare two ledgers of a study, or two versions, verdict by verdict")
    for name in ("one", "other"):
        compare.add_argument(
            name, metavar=name.upper(), help="a ledger.json, its folder, or a folder of several"
        )
    _add_verify(command("verify", "verify ledgers: intact, from the same source, drawn again"))
    _add_cite(command("cite", "cite a study, one of its claims, or mcstudy itself"))
    _add_new(command("new", "write a small study that runs, to start from"))
    _add_publish(command("publish", "publish what the full profile has found, as a version that others cite"))
    return parser


def _add_new(new: argparse.ArgumentParser) -> None:
    new.add_argument("name", metavar="NAME", help="of the study: lower-case letters, digits, underscores")
    new.add_argument("--kind", choices=KINDS, default=KINDS[0], help="default: %(default)s")


def _add_publish(publish: argparse.ArgumentParser) -> None:
    publish.add_argument(
        "studies", nargs="*", metavar="STUDY", help="a name or a folder; default: all in --from"
    )
    publish.add_argument(
        "--from",
        dest="source",
        default=OUT,
        metavar="DIR",
        help="what runs have written; default: %(default)s",
    )
    publish.add_argument("--license", default="", metavar="URL", help="of the results; default: none")
    publish.add_argument("--out", required=True, metavar="DIR", help="a new folder, named by the version")


def _add_verify(verify: argparse.ArgumentParser) -> None:
    verify.epilog = (
        "Exit codes: 0 verified; 1 something differs; 2 usage; 3 something can't be read or drawn."
    )
    verify.add_argument(
        "ledgers",
        nargs="*",
        metavar="LEDGER",
        help="a ledger.json, a folder that has some, or a study in --out",
    )
    size = verify.add_mutually_exclusive_group()
    size.add_argument(
        "--blocks", type=int, metavar="N", help="blocks to draw again, which the digest chooses; default: 300"
    )
    size.add_argument("--all", action="store_true", help="draw all blocks again, and judge them")
    verify.add_argument("--jobs", type=int, metavar="N", help="worker processes; default: all cores")
    verify.add_argument("--out", default=OUT, metavar="DIR", help="default: %(default)s")


def _add_cite(cite: argparse.ArgumentParser) -> None:
    cite.add_argument(
        "study",
        nargs="?",
        metavar="STUDY[#CLAIM]",
        help="a study in --out, or a folder that has its ledger; default: the software",
    )
    cite.add_argument(
        "--format", choices=("bibtex", "csl", "text"), default="bibtex", help="default: %(default)s"
    )
    cite.add_argument("--figure", metavar="CLAIM", help="write the figure of a claim as PDF and SVG instead")
    cite.add_argument(
        "--width",
        default=WIDTH,
        metavar="WIDTH",
        help="of the figure: 3.3in, 84mm, 240pt; default: %(default)s",
    )
    cite.add_argument(
        "--anyway",
        action="store_true",
        help="cite also what should not be: quick, changed or unexpected results",
    )
    cite.add_argument("--out", default=OUT, metavar="DIR", help="default: %(default)s")


def _add_run(run: argparse.ArgumentParser, *, script: bool) -> None:
    if script:
        run.set_defaults(studies=[])
    else:
        run.add_argument(
            "studies", nargs="*", metavar="STUDY", help="a name in ./studies or a file; default: all"
        )
    _add_drawing(run)
    run.add_argument("--out", default=OUT, metavar="DIR", help="default: %(default)s")
    run.add_argument(
        "--until",
        choices=("decided",),
        help="go on beyond the profile's replicates until every claim is decided",
    )
    run.add_argument(
        "--at-most",
        type=duration,
        metavar="TIME",
        help="with --until, stop after 90s, 30m, 1h30m, ... a study",
    )


def _add_drawing(command: argparse.ArgumentParser) -> None:
    """The options of all that draw."""
    command.add_argument("--profile", choices=PROFILES, default=PROFILES[0], help="default: %(default)s")
    command.add_argument("--jobs", type=int, metavar="N", help="worker processes; default: all cores")
    command.add_argument("--seed", type=int, default=SEED, metavar="N", help="default: %(default)s")
    command.add_argument(
        "--executor",
        default=EXECUTOR,
        metavar="NAME",
        help="joblib, serial, dask, or a Dask scheduler's tcp://HOST:PORT; default: %(default)s",
    )
    command.add_argument(
        "--replicates", type=int, metavar="N", help="so many of every scenario, in place of the profile's"
    )
    command.add_argument(
        "--block-timeout", type=duration, metavar="TIME", help="give a block up as failed after 90s, 30m, ..."
    )
    command.add_argument(
        "--retry-failures", action="store_true", help="draw the blocks again in which replicates have failed"
    )
    command.add_argument(
        "--fresh", action="store_true", help="drop what was drawn before instead of resuming"
    )
    command.add_argument("--quiet", action="store_true", help="show no progress")


def _add_shard(shard: argparse.ArgumentParser) -> None:
    shard.add_argument(
        "part", nargs="?", default="", metavar="I/N", help="part I of N, from 1/N to N/N; not with --until"
    )
    shard.add_argument(
        "studies", nargs="*", metavar="STUDY", help="a name in ./studies or a file; default: all"
    )
    _add_drawing(shard)
    shard.add_argument(
        "--until",
        choices=("decided",),
        help="no part: draw, with all who do in this folder, until all is decided",
    )
    shard.add_argument(
        "--out",
        required=True,
        metavar="DIR",
        help="a folder of its own for each part; with --until one for all",
    )


def _add_merge(merge: argparse.ArgumentParser) -> None:
    merge.epilog = "Exit codes: as of run; 3 also where draws are missing."
    merge.add_argument(
        "parts", nargs="+", metavar="DIR", help="what `shard` or `run` has written; left as it is"
    )
    merge.add_argument(
        "--out", required=True, metavar="DIR", help="another folder, or one from an earlier merge"
    )
    merge.add_argument(
        "--profile", choices=PROFILES, help="what to judge; default: what the parts were to draw"
    )
    merge.add_argument("--replicates", type=int, metavar="N", help="so many of every scenario instead")
    merge.add_argument(
        "--study", action="append", default=[], metavar="FILE", help="a study that is not in ./studies"
    )
    merge.add_argument("--fresh", action="store_true", help="drop what was joined before")
    merge.add_argument("--quiet", action="store_true", help="show no progress")


def duration(text: str) -> float:
    """Seconds from hours, minutes and seconds.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is no duration, or none at all.

    Examples
    --------
    >>> duration("1h30m"), duration("45s")
    (5400.0, 45.0)
    """
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text)
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    if not (total := 3600.0 * hours + 60.0 * minutes + seconds):
        msg = f"must be a time like 90s, 30m or 1h30m, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return total


def _add_folder(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "studies", nargs="*", metavar="STUDY", help="a name or a file; default: all that are there"
    )
    command.add_argument("--out", default=OUT, metavar="DIR", help="default: %(default)s")


def _add_replay(replay: argparse.ArgumentParser) -> None:
    replay.add_argument("study", metavar="STUDY", help="a name in ./studies or a file")
    replay.add_argument(
        "block", metavar="BLOCK", help="scenario:block or scenario:block:index, from a report"
    )
    replay.add_argument("--seed", type=int, default=SEED, metavar="N", help="default: %(default)s")


def _add_export(export: argparse.ArgumentParser) -> None:
    export.add_argument(
        "studies", nargs="+", metavar="STUDY", help="the name or the file of a study that was run"
    )
    export.add_argument(
        "--format", choices=("csv", "parquet", "json"), default="csv", help="default: %(default)s"
    )
    export.add_argument("--out", default=OUT, metavar="DIR", help="default: %(default)s")
