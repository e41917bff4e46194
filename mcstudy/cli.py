"""The command line: arguments in, exit code out.

Exit codes: 0 every verdict as expected; 1 a verdict is not; 2 usage; 3 failed replicates; 130 interrupted.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mcstudy._version import __version__
from mcstudy.defaults import EXECUTOR, OUT, PROFILES, SEED
from mcstudy.exceptions import McstudyError

if TYPE_CHECKING:
    from mcstudy.engine.source import Origin
    from mcstudy.ledger import Ledger
    from mcstudy.study import Study

__all__ = ["command", "main"]


def command(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return _guarded(list(sys.argv[1:] if arguments is None else arguments), None)


def main(study: Study) -> None:
    """Run one study as a script: ``python studies/NAME.py`` is ``mcstudy run NAME``."""
    from mcstudy.engine.modules import is_loading

    if not is_loading():  # `mcstudy run FILE` imports a file that may call main without looking at its name
        sys.exit(_guarded(["run", *sys.argv[1:]], study))


def _guarded(arguments: list[str], study: Study | None) -> int:
    """Run a command; turn errors of use and interruptions into exit codes."""
    own, given = _split(arguments)
    parser = _parser(script=study is not None)
    options = parser.parse_args(own)
    if given and not options.takes_study_options:
        parser.error(f"unrecognized arguments: --{given[0][0]}")
    options.study_object, options.given = study, given
    try:
        return int(options.command(options))
    except McstudyError as error:
        print(f"mcstudy: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        again = shlex.join(["mcstudy", *arguments] if study is None else ["python", *sys.argv])
        print(f"\nmcstudy: interrupted; everything finished is kept. Resume with: {again}", file=sys.stderr)
        return 130


def _parser(*, script: bool = False) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mcstudy",
        description="Monte Carlo studies that put theory to the test.",
        epilog="Exit codes: 0 every verdict as expected, 1 a verdict is not, 2 usage, 3 failures, 130 interrupted.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"mcstudy {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    run = commands.add_parser("run", help="run studies and write their reports", allow_abbrev=False)
    if script:
        run.set_defaults(studies=[])
    else:
        run.add_argument(
            "studies", nargs="*", metavar="STUDY", help="a name in ./studies or a file; default: all"
        )
    run.add_argument("--profile", choices=PROFILES, default=PROFILES[0], help="default: %(default)s")
    run.add_argument("--jobs", type=int, metavar="N", help="worker processes; default: all cores")
    run.add_argument("--seed", type=int, default=SEED, metavar="N", help="default: %(default)s")
    run.add_argument(
        "--executor", default=EXECUTOR, metavar="NAME", help="joblib or serial; default: %(default)s"
    )
    run.add_argument("--out", default=OUT, metavar="DIR", help="default: %(default)s")
    run.add_argument("--fresh", action="store_true", help="drop what was drawn before instead of resuming")
    run.set_defaults(command=_run, takes_study_options=True)

    listing = commands.add_parser("list", help="list the studies in ./studies", allow_abbrev=False)
    listing.set_defaults(command=_list, takes_study_options=False)

    report = commands.add_parser("report", help="write reports again from their ledgers", allow_abbrev=False)
    report.add_argument("studies", nargs="*", metavar="STUDY", help="names; default: all that have a ledger")
    report.add_argument("--out", default=OUT, metavar="DIR", help="default: %(default)s")
    report.set_defaults(command=_report, takes_study_options=False)

    replay = commands.add_parser("replay", help="draw one block again, in this process", allow_abbrev=False)
    replay.add_argument("study", metavar="STUDY", help="a name in ./studies or a file")
    replay.add_argument(
        "block", metavar="BLOCK", help="scenario:block or scenario:block:index, from a report"
    )
    replay.add_argument("--seed", type=int, default=SEED, metavar="N", help="default: %(default)s")
    replay.set_defaults(command=_replay, takes_study_options=True)
    return parser


OWN_OPTIONS = {"--profile", "--jobs", "--seed", "--executor", "--out", "--fresh", "--help", "--version"}


def _split(arguments: list[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Separate the options of studies, ``--name VALUE`` or ``--name=VALUE``, from those of mcstudy."""
    own: list[str] = []
    given: list[tuple[str, str]] = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if not name.startswith("--") or name == "--" or name in OWN_OPTIONS:
            own.append(argument)
        elif equals:
            given.append((name[2:], value))
        else:
            given.append((name[2:], next(rest, "")))
    return own, given


def _studies(options: argparse.Namespace, names: list[str]) -> list[Origin]:
    from mcstudy.engine.loading import apply_options, check_names, find_studies, load_study, of_script

    script = options.study_object
    studies = (
        [of_script(script)] if script is not None else [load_study(path) for path in find_studies(names)]
    )
    check_names(studies)
    return apply_options(studies, options.given)


def _run(options: argparse.Namespace) -> int:
    from mcstudy.engine.progress import progress_for
    from mcstudy.engine.run import run
    from mcstudy.report.terminal import print_ledger

    codes = []
    for origin in _studies(options, options.studies):
        ledger = run(
            origin.study,
            profile=options.profile,
            seed=options.seed,
            jobs=options.jobs,
            executor=options.executor,
            out=options.out,
            fresh=options.fresh,
            progress=progress_for(sys.stderr),
            arguments=origin.arguments,
        )
        print_ledger(ledger)
        print(f"report: {options.out}/{origin.study.name}.html", flush=True)
        codes.append(_code(ledger))
    return max(codes)


def _code(ledger: Ledger) -> int:
    if ledger.run.failures:
        return 3
    return 0 if ledger.as_expected else 1


def _list(options: argparse.Namespace) -> int:
    from mcstudy.report.terminal import print_table

    rows = [_listed(origin.study) for origin in _studies(options, [])]
    print_table("Studies in ./studies", ("study", "question", "claims", "scenarios"), rows)
    return 0


def _listed(study: Study) -> tuple[str, ...]:
    claims = sum(len(experiment.claims) for experiment in study.experiments)
    scenarios = sum(len(experiment.of_profile("full")) for experiment in study.experiments)
    return study.name, study.question, str(claims), str(scenarios)


def _report(options: argparse.Namespace) -> int:
    from pathlib import Path

    from mcstudy.report import rebuild

    for page in rebuild(Path(options.out), options.studies):
        print(page)
    return 0


def _replay(options: argparse.Namespace) -> int:
    from mcstudy.engine.replay import replay
    from mcstudy.report.terminal import print_replay

    (origin,) = _studies(options, [options.study])
    replayed = replay(origin, options.block, options.seed)
    print(replayed.heading)
    print_replay(replayed.columns, replayed.failures)
    return 3 if replayed.failures else 0


if __name__ == "__main__":
    sys.exit(command())
