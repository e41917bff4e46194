"""The command line: arguments in, exit code out.

Exit codes: 0 every verdict as expected; 1 a verdict is not; 2 usage; 3 replicates lost beyond what claims allow, or
files that can't be read; 130 interrupted, 143 or 129 ended by SIGTERM or SIGHUP.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mcstudy.arguments import OPTIONS, Command, parser_for, split
from mcstudy.exceptions import McstudyError
from mcstudy.output import lasting_output
from mcstudy.signals import Ended, ended_like_ctrl_c
from mcstudy.words import nearest

if TYPE_CHECKING:
    from pathlib import Path

    from mcstudy.engine.progress import Progress
    from mcstudy.engine.source import Origin
    from mcstudy.ledger import Ledger
    from mcstudy.study import Study

__all__ = ["command", "main"]

KEPT = "what was drawn is kept, so run the same command again once this is mended"
# What the dynamic linker says where there is no memory for a library.
UNMAPPED = ("failed to map segment", "cannot allocate memory", "Cannot allocate memory")


def command(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return _guarded(list(sys.argv[1:] if arguments is None else arguments), None)


def main(study: Study) -> None:
    """Run one study as a script: ``python studies/NAME.py`` is ``mcstudy run NAME``."""
    from multiprocessing import parent_process

    from mcstudy.engine.modules import is_loading

    # A file that calls main without looking at its name is imported by `mcstudy run FILE`, and by the processes that
    # `simulate` starts.
    if not is_loading() and parent_process() is None:
        sys.exit(_guarded(["run", *sys.argv[1:]], study))


def _guarded(arguments: list[str], study: Study | None) -> int:
    """Run a command; turn errors of use and interruptions into exit codes."""
    with lasting_output(), ended_like_ctrl_c():
        return _coded(arguments, study)


def _coded(arguments: list[str], study: Study | None) -> int:
    try:
        return _dispatched(arguments, study)
    except McstudyError as error:
        print(f"mcstudy: error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        # A full disk, a file that may not be written: no more is to be said than what the system says.
        print(f"mcstudy: error: {error}; {KEPT}", file=sys.stderr)
        return 2
    except (MemoryError, ImportError) as error:
        if not _is_of_memory(error):
            raise
        print(
            f"mcstudy: error: memory has run out ({str(error) or 'no more is known'}); {KEPT}",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt as end:
        again = shlex.join(["mcstudy", *arguments] if study is None else ["python", *sys.argv])
        how = f"ended by {end}" if isinstance(end, Ended) else "interrupted"
        print(f"\nmcstudy: {how}; everything finished is kept. Resume with: {again}", file=sys.stderr)
        return end.code if isinstance(end, Ended) else 130


def _is_of_memory(error: MemoryError | ImportError) -> bool:
    """Whether it comes of too little memory, as that of a library which could not be mapped does."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in UNMAPPED)


def _dispatched(arguments: list[str], study: Study | None) -> int:
    words, own, given = split(arguments)
    shown = _options_of(words[1:], study) if "run" in words[:1] and {"-h", "--help"} & set(own) else ""
    parser = parser_for(COMMANDS, script=study is not None, studies_options=shown)
    options = parser.parse_args([*words, *own])
    if not hasattr(options, "command"):
        parser.print_help()
        return 0
    if given and not options.takes_study_options:
        name = f"--{given[0][0]}"
        parser.error(f"unrecognized arguments: {name}; {nearest(name, OPTIONS)}".rstrip("; "))
    options.study_object, options.given = study, given
    return int(options.command(options))


def _options_of(names: list[str], study: Study | None) -> str:
    """The options of the studies that a command line names, for its help."""
    from mcstudy.engine.loading import find_studies, load_study

    studies = (
        [study] if study is not None else [load_study(path) for path in find_studies(names)] if names else []
    )
    lines = [
        f"  --{option.name} {option.metavar}  {option.help}"
        for chosen in studies
        for option in chosen.options
    ]
    return "\n".join(["options of the study itself:", *lines]) if lines else ""


def _studies(options: argparse.Namespace, names: list[str]) -> list[Origin]:
    from mcstudy.engine.loading import (
        apply_options,
        check_names,
        find_studies,
        load_study,
        named_by_values,
        of_script,
    )

    if options.study_object is not None:
        return apply_options([of_script(options.study_object)], options.given, OPTIONS)
    if perhaps := [load_study(path) for path in named_by_values(names, options.given)]:
        apply_options(perhaps, options.given, OPTIONS)  # refuses --freesh in `mcstudy run --freesh toy.py`
    studies = [load_study(path) for path in find_studies(names)]
    check_names(studies)
    return apply_options(studies, options.given, OPTIONS)


def _written(options: argparse.Namespace) -> list[str]:
    """The names of the studies that a command is about, where it reads what runs have written."""
    from pathlib import Path

    from mcstudy.engine.loading import names_of

    return names_of(options.studies, Path(options.out))


def _run(options: argparse.Namespace) -> int:
    from mcstudy.engine.pages import pages_beside

    origins = _studies(options, options.studies)
    if len(origins) == 1:
        return _run_one(options, origins[0])
    with pages_beside() as pages:
        return max([_run_one(options, origin, pages) for origin in origins])


def _run_one(
    options: argparse.Namespace, origin: Origin, pages: Callable[[Ledger, Path], None] | None = None
) -> int:
    from mcstudy.engine.run import run

    ledger = run(
        origin,
        fresh=options.fresh,
        until=options.until,
        at_most=options.at_most,
        replicates=options.replicates,
        retry_failures=options.retry_failures,
        pages=pages,
        **_drawing(options),
    )
    return _shown(ledger, origin.study, options.out)


def _drawing(options: argparse.Namespace) -> dict[str, Any]:
    """What is said alike of everything that draws."""
    names = ("profile", "seed", "jobs", "executor", "out", "block_timeout")
    return {name: getattr(options, name) for name in names} | {"progress": _progress(options)}


def _progress(options: argparse.Namespace) -> Progress:
    from mcstudy.engine.progress import Progress, progress_for

    return Progress() if options.quiet else progress_for(sys.stderr)


def _shown(ledger: Ledger, study: Study, out: str) -> int:
    """Print what was found; the exit code."""
    from pathlib import Path

    from mcstudy.engine.outcome import LOST, again_after, code_of
    from mcstudy.report.terminal import print_ledger

    print_ledger(ledger, page=Path(out) / f"{study.name}.html")
    code = code_of(study, ledger)
    if ledger.failures:
        first = ledger.failures[0]
        reason = first.reason.partition("\n")[0].rstrip(": ")
        told = f"first failure: {reason}; see it again with: {ledger.run.replay} {first.token}"
        print(told if code != LOST else f"{told}; once its cause is gone, {again_after(ledger, out)}")
    return code


def _shard(options: argparse.Namespace) -> int:
    from mcstudy.engine.shards import Shard, shard

    if options.until is not None:
        return _share(options)
    part, codes = Shard.parse(options.part), []
    for origin in _studies(options, options.studies):
        drawn = shard(
            origin,
            part,
            fresh=options.fresh,
            replicates=options.replicates,
            retry_failures=options.retry_failures,
            **_drawing(options),
        )
        print(drawn.sentence)
        codes.append(3 if drawn.quarantined else 0)
    return max(codes)


def _share(options: argparse.Namespace) -> int:
    from mcstudy.engine.sharing import check_shared, share

    names = [options.part, *options.studies] if options.part else []
    check_shared(options.part, fresh=options.fresh, replicates=options.replicates)
    origins = _studies(options, names)
    return max([_shown(share(one, **_drawing(options)), one.study, options.out) for one in origins])


def _merge(options: argparse.Namespace) -> int:
    from mcstudy.engine.merge import merge
    from mcstudy.engine.sources import sources_by_study

    progress, codes = _progress(options), []
    for sources in sources_by_study(options.parts, options.out, progress):
        merged = merge(
            sources,
            out=options.out,
            profile=options.profile,
            replicates=options.replicates,
            files=options.study,
            fresh=options.fresh,
            progress=progress,
        )
        print(merged.sentence)
        if merged.ledger is not None:
            codes.append(_shown(merged.ledger, merged.origin.study, options.out))
        if merged.missing is not None:
            print(*merged.missing.lines(), sep="\n")
            codes.append(3)
    return max(codes)


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

    for page in rebuild(Path(options.out), _written(options)):
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


def _status(options: argparse.Namespace) -> int:
    from pathlib import Path

    from mcstudy.report.terminal import print_table
    from mcstudy.results.status import HEADER, status

    found = status(Path(options.out), _written(options))
    print_table(f"Studies in {options.out}", HEADER, [study.row() for study in found])
    return 0 if all(study.readable for study in found) else 3


def _export(options: argparse.Namespace) -> int:
    from pathlib import Path

    from mcstudy.results import load
    from mcstudy.results.tables import export

    for name in _written(options):
        folder = Path(options.out) / name
        for path in export(load(folder), folder, options.format):
            print(path)
    return 0


def _compare(options: argparse.Namespace) -> int:
    from mcstudy.report.terminal import print_table
    from mcstudy.results.compare import HEADER, compare_places

    found = compare_places(options.one, options.other)
    for name, differences in found.items():
        title = f"{options.one} and {options.other}: {name}"
        print_table(title, HEADER, [difference.row() for difference in differences])
    return 0 if all(one.same_verdict for differences in found.values() for one in differences) else 1


def _verify(options: argparse.Namespace) -> int:
    from pathlib import Path

    from mcstudy.engine.verify import targets, verify
    from mcstudy.engine.verify.sample import BLOCKS

    codes = []
    for target in targets(options.ledgers, Path(options.out)):
        number = None if options.all else BLOCKS if options.blocks is None else options.blocks
        found = verify(target, number=number, jobs=options.jobs)
        print(*found.lines(), found.sentence, found.write() or "nothing could be written there", sep="\n")
        codes.append(found.code)
    return 1 if 1 in codes else max(codes)


def _cite(options: argparse.Namespace) -> int:
    from pathlib import Path

    from mcstudy.results.citation import cite, figure

    if options.figure is None:
        print(cite(options.study, Path(options.out), options.format, anyway=options.anyway), end="")
    else:
        print(
            *figure(options.study, Path(options.out), options.figure, options.width, anyway=options.anyway),
            sep="\n",
        )
    return 0


def _publish(options: argparse.Namespace) -> int:
    from pathlib import Path

    from mcstudy.engine.verify import targets
    from mcstudy.results.publish import publish

    found = targets(options.studies, Path(options.source))
    print(publish(found, Path(options.out), license_url=options.license))
    return 0


def _new(options: argparse.Namespace) -> int:
    from pathlib import Path

    from mcstudy.engine.loading import STUDIES
    from mcstudy.new import write_new

    path = write_new(options.name, options.kind, STUDIES if STUDIES.is_dir() else Path())
    print(f"{path}\nrun it with: mcstudy run {options.name if path.parent == STUDIES else path}")
    return 0


COMMANDS: dict[str, Command] = {
    "run": _run,
    "new": _new,
    "shard": _shard,
    "merge": _merge,
    "list": _list,
    "status": _status,
    "report": _report,
    "replay": _replay,
    "export": _export,
    "compare": _compare,
    "verify": _verify,
    "cite": _cite,
    "publish": _publish,
}

if __name__ == "__main__":
    sys.exit(command())
