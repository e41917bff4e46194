"""From a name or a path to a study."""

from __future__ import annotations

import difflib
import importlib.machinery
import importlib.util
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import CodeType

from mcstudy.engine.source import Origin
from mcstudy.exceptions import InputError, McstudyError, StudyError
from mcstudy.study import Study

__all__ = ["STUDIES", "apply_options", "check_names", "find_studies", "load_study"]

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


def _find(name: str) -> Path:
    path = Path(name)
    if path.suffix == ".py" or len(path.parts) > 1:
        if not path.is_file():
            msg = f"`STUDY` must be a study's name or file, got {name!r}: no such file"
            raise InputError(msg)
        return path
    path = STUDIES / f"{name}.py"
    if path.is_file():
        return path
    known = [known.stem for known in _here()]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known) or 'none'}"
    msg = f"`STUDY` must be a study in ./{STUDIES} or a path, got {name!r}; {hint}"
    raise InputError(msg)


class _SourceLoader(importlib.machinery.SourceFileLoader):
    """Compiles a study from its source, always: bytecode could be older, and would litter the folder."""

    def get_code(self, fullname: str) -> CodeType:
        """The code of the file as it is now."""
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def load_study(path: Path) -> Study:
    """Import a study file and return its `study`.

    Raises
    ------
    StudyError
        If the file can't be imported, or defines no `study`.
    """
    name = f"mcstudy_study_{path.stem}"
    loader = _SourceLoader(name, str(path.resolve()))
    module = importlib.util.module_from_spec(importlib.machinery.ModuleSpec(name, loader, origin=loader.path))
    module.__file__ = loader.path
    sys.modules[name] = module
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)  # a study may import its neighbours, as a script may
    try:
        loader.exec_module(module)
    except McstudyError:
        raise
    except (Exception, SystemExit) as error:
        msg = f"{path} can't be imported: {type(error).__name__}: {error}"
        raise StudyError(msg) from error
    study = getattr(module, "study", None)
    if not isinstance(study, Study):
        msg = f"{path} is not a study: it must define `study = Study(...)`, got {type(study).__name__}"
        raise StudyError(msg)
    return replace(study, file=path.resolve())


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


def apply_options(studies: list[Study], given: list[tuple[str, str]]) -> list[Origin]:
    """Apply command-line options to the studies that have them.

    Parameters
    ----------
    studies : list of Study
    given : list of (option's name without dashes, value)

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
    for name, value in given:
        if not value or value.startswith("--"):
            msg = f"--{name} needs a value, got {value or 'none'}; write --{name} VALUE"
            raise InputError(msg)
        if not any(option.name == name for study in studies for option in study.options):
            known = sorted({f"--{option.name}" for study in studies for option in study.options})
            msg = (
                f"unknown option --{name}; the studies chosen have {', '.join(known) or 'none of their own'}"
            )
            raise InputError(msg)
        origins = [_apply(origin, name, value) for origin in origins]
    return origins


def _apply(origin: Origin, name: str, value: str) -> Origin:
    for option in origin.study.options:
        if option.name == name:
            return Origin(option.apply(origin.study, value), (*origin.arguments, f"--{name}", value))
    return origin
