"""From a name or a path to a study."""

from __future__ import annotations

import sys
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mcstudy.engine.modules import (
    Source,
    StudyModules,
    by_file,
    is_installed,
    module_name,
    read_source,
)
from mcstudy.engine.source import Origin
from mcstudy.exceptions import InputError, McstudyError, StudyError
from mcstudy.study import Option, Study
from mcstudy.words import nearest

__all__ = [
    "STUDIES",
    "apply_options",
    "check_names",
    "find_studies",
    "load_study",
    "named_by_values",
    "names_of",
    "of_script",
]

STUDIES = Path("studies")


def find_studies(names: list[str]) -> list[Path]:
    """The files of the named studies; all of ``./studies`` where none is named.

    Parameters
    ----------
    names : list of str
        Names of studies in ``./studies``, or paths of study files.

    Raises
    ------
    InputError
        If there is no such study; the message suggests the nearest name.
    """
    if names:
        return [_find(name) for name in names]
    found = _here()
    if not found:
        msg = f"no study in ./{STUDIES}: name a study file, or change to a folder that has studies"
        raise InputError(msg)
    return found


def _here() -> list[Path]:
    return sorted(path for path in STUDIES.glob("*.py") if not path.name.startswith("_"))


def names_of(words: Sequence[str], out: Path) -> list[str]:
    """The names of studies, which a command line gives by their names or, as ``mcstudy run`` does, by their files.

    Parameters
    ----------
    words : sequence of str
        Names of studies that have a folder in `out` or a file in ``./studies``, or paths of study files.
    out : Path
        Where runs have written.

    Raises
    ------
    InputError
        If a path leads nowhere.
    StudyError
        If a file can't be imported, or defines no `study`.
    """
    # What has been written is found without its file, which may be gone.
    return [word if (out / word).is_dir() else _name_of(word) for word in words]


def _name_of(word: str) -> str:
    return load_study(_find(word)).name if _is_path(word) or _is_study(word) else word


def _is_path(word: str) -> bool:
    return Path(word).suffix == ".py" or len(Path(word).parts) > 1


def _find(name: str) -> Path:
    path = Path(name)
    if _is_path(name):
        if not path.is_file():
            beside = [str(path.with_name(found.name)) for found in sorted(path.parent.glob("*.py"))]
            hint = nearest(name, beside).rstrip()
            msg = f"`STUDY` must be a study's name or file, got {name!r}: no such file{hint and '; '}{hint}"
            raise InputError(msg)
        return path
    path = STUDIES / f"{name}.py"
    if path.is_file():
        return path
    known = [known.stem for known in _here()]
    hint = nearest(name, known, cutoff=0.4).rstrip() or f"known: {', '.join(known) or 'none'}"
    msg = f"`STUDY` must be a study in ./{STUDIES} or a path, got {name!r}; {hint}"
    raise InputError(msg)


def load_study(path: Path) -> Study:
    """Import a study file and return its `study`.

    Raises
    ------
    StudyError
        If the file can't be imported, or defines no `study`.
    """
    path = path.resolve()
    name = module_name(path)
    try:
        modules = StudyModules(path.parent, {name: Source(name, str(path), read_source(path))})
        module = modules.load(name)
    except McstudyError as error:
        msg = f"{error}{_place(error, path)}"
        raise type(error)(msg) from error
    except (Exception, SystemExit) as error:
        msg = f"{_shown(path)} can't be imported: {type(error).__name__}: {error}{_place(error, path)}"
        raise StudyError(msg) from error
    study = getattr(module, "study", None)
    if not isinstance(study, Study):
        msg = (
            f"{_shown(path)} is not a study: it must define `study = Study(...)`, got {type(study).__name__}"
        )
        raise StudyError(msg)
    by_file[path] = modules
    with modules.active():  # the checks that are made again call the study's functions
        return replace(study, file=path)


def of_script(study: Study) -> Study:
    """The study of the script that Python runs, loaded again as ``mcstudy run FILE`` loads it.

    So the script and the command draw the same in the same way. A study that is not the script's `study` stays as it is.
    """
    script = sys.modules["__main__"]
    file = getattr(script, "__file__", None)
    if file is None:
        return study
    if getattr(script, "study", None) is study:
        return load_study(Path(file))
    return replace(study, file=Path(file))


def _shown(path: Path) -> str:
    """A path as short as it goes from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _place(error: BaseException, path: Path) -> str:
    """The last line of the study's own that an error went through."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(frame.filename, path)]
    if not own:
        return ""
    return f" ({_shown(Path(own[-1].filename))}, line {own[-1].lineno}: {own[-1].line})"


def _is_own(file: str, path: Path) -> bool:
    """Whether a file belongs to the study at a path: packages may be installed below its folder."""
    return Path(file).is_relative_to(path.parent) and not is_installed(file)


def named_by_values(names: list[str], given: list[tuple[str, str]]) -> list[Path]:
    """The studies that a command line names if what follows an option is a study too, and not its value.

    Empty where nothing does: then every option of a study has a value.

    Parameters
    ----------
    names : list of str
        The studies that stand by themselves.
    given : list of (option's name without dashes, value)
    """
    also = [value for _, value in given if value and _is_study(value)]
    return [*(map(_find, names) if names else _here()), *map(_find, also)] if also else []


def _is_study(word: str) -> bool:
    return (Path(word).suffix == ".py" and Path(word).is_file()) or (STUDIES / f"{word}.py").is_file()


def check_names(studies: list[Study]) -> None:
    """Refuse two studies of one name: they would write to the same place.

    Raises
    ------
    InputError
    """
    for name, count in Counter(study.name for study in studies).items():
        if count > 1:
            files = ", ".join(Origin(study).handle for study in studies if study.name == name)
            msg = f"studies that run together must have distinct names, got {name!r} from {files}; run them one by one, each with its own --out"
            raise InputError(msg)


def apply_options(
    studies: list[Study], given: list[tuple[str, str]], usual: Sequence[str] = ()
) -> list[Origin]:
    """Apply command-line options to the studies that have them.

    Parameters
    ----------
    studies : list of Study
    given : list of (option's name without dashes, value)
    usual : sequence of str
        The options of every command, for whoever has mistyped one.

    Returns
    -------
    list of Origin
        The studies, each with the options that it took.

    Raises
    ------
    InputError
        If no study has the option.
    """
    origins = [Origin(study) for study in studies]
    known = {option.name: option for study in studies for option in study.options}
    for name, value in given:
        if name not in known:
            listed = ", ".join(f"--{option}" for option in sorted(known)) or "none of their own"
            hint = nearest(f"--{name}", [*usual, *(f"--{option}" for option in known)])
            msg = f"unknown option --{name}; {hint}the studies chosen have {listed}"
            raise InputError(msg)
        if not value:
            msg = f"--{name} needs a value, got none; write --{name} {known[name].metavar}"
            raise InputError(msg)
        origins = [_apply(origin, name, value) for origin in origins]
    return origins


def _apply(origin: Origin, name: str, value: str) -> Origin:
    for option in origin.study.options:
        if option.name == name:
            return Origin(_applied(option, origin, value), (*origin.arguments, f"--{name}", value))
    return origin


def _applied(option: Option, origin: Origin, value: str) -> Study:
    try:
        with origin.active():
            study: object = option.apply(origin.study, value)
    except McstudyError:
        raise
    except Exception as error:
        msg = f"--{option.name} {value}: {type(error).__name__}: {error}; {option.help}"
        raise InputError(msg) from error
    if not isinstance(study, Study):
        msg = f"`apply` of option --{option.name} must return a Study, got {type(study).__name__}; return dataclasses.replace(study, ...)"
        raise StudyError(msg)
    return study
