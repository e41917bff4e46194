"""The two keys of a run: what the draws of an experiment depend on, and the rest, which only their analysis does."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

import numpy as np

from mcstudy.defaults import ALPHA
from mcstudy.engine.drawkey import Part, describe
from mcstudy.engine.drawkey.syntax import parsed
from mcstudy.engine.kept import is_ours
from mcstudy.engine.settings import Settings
from mcstudy.exceptions import StudyError
from mcstudy.experiment import Experiment
from mcstudy.scenarios import Scenario, factors_of
from mcstudy.study import Study

__all__ = ["analysis_of", "draw_key", "reaches_sets"]

# Which generator a block gets, and how it is seeded: raised when mcstudy changes that.
STREAMS = "SFC64, version 1"


def draw_key(settings: Settings, experiment: Experiment) -> dict[str, Part]:
    """What the draws of an experiment depend on, part by part.

    Parameters
    ----------
    settings : Settings
    experiment : Experiment

    Returns
    -------
    dict from str to Part
        Study, experiment, seed, block size, common factors, options; the code and the values that `simulate`
        reaches, declared inputs, versions of packages, the processor and its BLAS.

    Raises
    ------
    StudyError
        If `simulate` uses a value that can't be hashed.
    """
    study = settings.study
    plain = {
        "study": study.name,
        "experiment": experiment.name,
        "seed": str(settings.seed),
        "block size": str(study.block_size),
        "common factors": ", ".join(experiment.common),
        "options": " ".join(settings.origin.arguments),
        "streams": STREAMS,
    }
    # Names of settings end in a word that no name of a function or a global does.
    parts = {f"{name} of the run": Part("setting", value, value) for name, value in plain.items()}
    state = settings.origin.state
    if raising := [entry[:4] for entry in state.filters if entry[0] == "error"]:
        text = "; ".join(map(_filter, raising))
        parts["warnings that raise"] = Part("setting", text, text)
    with np.errstate(**state.floating_point):  # those that raise are part of the machine
        described = describe(experiment.simulate, inputs=experiment.inputs, loaded=settings.origin.texts)
    return parts | dict(described.parts)


def _filter(entry: tuple[Any, ...]) -> str:
    """A warning filter in words: its patterns may be compiled or not."""
    _, message, category, module = entry
    patterns = (getattr(pattern, "pattern", pattern) for pattern in (message, module))
    return f"{category.__name__} {' '.join(map(str, patterns))}"


def reaches_sets(parts: Mapping[str, Part]) -> bool:
    """Whether code or values of a draw key hold sets, whose order is another one in each process.

    Those of mcstudy itself draw nothing: its tests compare digests under several orders.
    """
    studied = (part for part in parts.values() if part.kind in ("code", "class", "value") and not part.ours)
    return any(map(_has_set, studied))


def _has_set(part: Part) -> bool:
    try:
        nodes = list(ast.walk(parsed(part.text)))
    except SyntaxError:  # a value that is shown shortened; a mapping has colons
        return "set(" in part.text or (part.text.startswith("{") and ":" not in part.text)
    return any(
        isinstance(node, (ast.Set, ast.SetComp))
        or (isinstance(node, ast.Name) and node.id in ("set", "frozenset"))
        for node in nodes
    )


def analysis_of(study: Study) -> dict[str, str]:
    """What a study makes of its draws: its scenarios, its replicates, and all that its claims state, as text.

    Returns
    -------
    dict from str to str
        "claim 2d.worst, margin" -> "0.02", "scenarios" -> "64", ...; without the fields that were left at their
        defaults: an option that a later version adds is no change of an analysis that does not use it.
    """
    found = {"replicates": _text(study.replicates)}
    if study.alpha != ALPHA:
        found["alpha"] = repr(study.alpha)
    for experiment in study.experiments:
        place = f"experiment {experiment.name}, " if experiment.name else ""
        found[f"{place}scenarios"] = _grid(experiment.of_profile("full"))
        if experiment.missing:
            found[f"{place}missing"] = ", ".join(experiment.missing)
        for claim in experiment.claims:
            if experiment.name:
                found[f"claim {claim.id}, experiment"] = experiment.name
            found |= {f"claim {claim.id}, {name}": text for name, text in _fields(claim).items()}
    return found


def _grid(scenarios: Sequence[Scenario]) -> str:
    """Scenarios in a line: how many, the levels, and a digest, for not every grid has all combinations."""
    levels = {
        factor: list(dict.fromkeys(scenario[factor] for scenario in scenarios))
        for factor in factors_of(scenarios)
    }
    shown = "; ".join(f"{factor} {_few([str(level) for level in levels[factor]])}" for factor in levels)
    digest = hashlib.sha256("".join(sorted(scenario.key for scenario in scenarios)).encode()).hexdigest()
    return f"{len(scenarios)} ({shown}; {digest[:8]})"


def _few(texts: list[str]) -> str:
    return ", ".join(texts if len(texts) <= SHOWN else [*texts[: SHOWN - 2], "...", texts[-1]])


SHOWN = 8  # levels of a factor

# What is read, and judges nothing.
WORDS = ("id", "statement", "title", "group", "source", "because")


def _fields(claim: Any) -> dict[str, str]:
    own = "" if is_ours(type(claim)) else f" {_digest(type(claim))}"
    return {"kind": f"{claim.kind}{own}"} | _stated(claim, WORDS)


def _stated(value: Any, words: tuple[str, ...]) -> dict[str, str]:
    """The fields of a dataclass that differ from their defaults."""
    texts = {field: _text(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return {
        field.name: text
        for field, text in texts.items()
        if field.name not in words and (field.default is dataclasses.MISSING or text != _text(field.default))
    }


def _text(value: Any) -> str:
    """A value in words that are the same in every run: a function by what it does, as is a class of the study's own."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        ours = is_ours(type(value))
        stated = (f"{name}={text}" for name, text in _stated(value, WORDS if ours else ()).items())
        shown = f"{type(value).__name__.lstrip('_')}({', '.join(stated)})"
        return shown if ours else f"{shown} {_digest(type(value))}"
    if isinstance(value, Enum):
        return str(value)
    if callable(value) or not _is_plain(value):
        return _digest(value)
    return repr(value)


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value if not isinstance(value, Mapping) else dict(value))
    except (TypeError, ValueError):
        return False
    return True


def _digest(value: Callable[..., Any] | Any) -> str:
    """A short digest of a function or an object, without what the machine adds to a draw key."""
    try:
        parts = describe(value).parts if callable(value) else describe(lambda: value).parts
    except StudyError:
        return f"a {type(value).__name__}"
    kept = sorted(part.digest for part in parts.values() if part.kind not in ("version", "machine"))
    return f"{type(value).__name__} {'+'.join(digest[:8] for digest in kept)}"
