"""Findings of an earlier run that nothing has changed of: they stand, and nothing is loaded to judge them again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from mcstudy.claims.claim import Claim
from mcstudy.codec import plain
from mcstudy.engine.blocks import Counts
from mcstudy.engine.drawkey import Part
from mcstudy.engine.journal import Journal
from mcstudy.exceptions import InputError
from mcstudy.experiment import Experiment
from mcstudy.factors import call_with_factors
from mcstudy.findings import Finding
from mcstudy.jsontext import pieces
from mcstudy.ledger import LONG, finding_from
from mcstudy.scenarios import Scenario
from mcstudy.statistics import Statistic

__all__ = ["KeptFindings", "is_ours"]


class KeptFindings:
    """The findings that a journal keeps, with what each depends on.

    A finding is a function of its claim, its share of alpha, the code and the libraries that judge, and the draws.
    Draws are known by what they depend on and by the checksums of their blocks. Of theory, the values in the claim's
    scenarios are compared, not the functions, which may read anything. A claim through which code of the study itself sees the draws
    - a statistic, a kind of claim or a distribution of its own - is judged each time.

    Parameters
    ----------
    journal : Journal
    keys : mapping from str to mapping
        The draw keys of the experiments.
    """

    def __init__(self, journal: Journal, keys: Mapping[str, Mapping[str, Part]]) -> None:
        self._journal = journal
        self._kept = journal.findings()
        self._draws = {
            name: [(part, parts[part].digest) for part in sorted(parts)] for name, parts in keys.items()
        }
        self._rules: dict[str, str] = {}

    def knows(self, claim: Claim, scenarios: Sequence[Scenario]) -> bool:
        """Whether this very claim has been judged here over these scenarios, at whatever draws."""
        rule, *_ = self._kept.get(claim.id, ("",))
        return bool(rule) and rule == self._rule(claim, scenarios)

    def get(
        self, claim: Claim, experiment: Experiment, counts: Counts, share: float, tuned: float
    ) -> Finding | None:
        """The finding, if all that it depends on is as it was."""
        if not self.knows(claim, _of(experiment, counts)):
            return None
        _, basis, content = self._kept[claim.id]
        if basis != self._basis(claim, experiment, counts, share, tuned):
            return None
        try:
            return finding_from(json.loads(_unpacked(content)))
        except (InputError, ValueError, zlib.error):  # damaged: judge again, and keep what comes of it
            del self._kept[claim.id]
            return None

    def put(
        self,
        found: Iterable[tuple[Claim, Experiment, Finding]],
        counts: Counts,
        shares: Mapping[str, float],
        tuned: float,
    ) -> None:
        """Keep the findings of a run in the place of those of the run before."""
        self._journal.keep_findings(
            (claim.id, rule, basis, self._content(claim, rule, basis, finding))
            for claim, experiment, finding in found
            if (rule := self._rule(claim, _of(experiment, counts)))
            for basis in [self._basis(claim, experiment, counts, shares[claim.id], tuned)]
        )

    def _content(self, claim: Claim, rule: str, basis: str, finding: Finding) -> str:
        """A finding as it is kept; the text is there already where it is one that was kept."""
        *known, content = self._kept.get(claim.id, ("", "", ""))
        return content if known == [rule, basis] else _packed(pieces(plain(finding, longest=LONG)))

    def _rule(self, claim: Claim, scenarios: Sequence[Scenario]) -> str:
        """A digest of all that a claim says of its scenarios; empty for one that can't be known again."""
        if claim.id not in self._rules:
            try:
                self._rules[claim.id] = _digest(package_digest(), "".join(_said(claim, scenarios)))
            except _Unknown:
                self._rules[claim.id] = ""
        return self._rules[claim.id]

    def _basis(self, claim: Claim, experiment: Experiment, counts: Counts, share: float, tuned: float) -> str:
        cells = [
            [(list(scenario.items()), *self._drawn(experiment.name, scenario, counts)) for scenario in group]
            for group in claim.groups(_of(experiment, counts))
        ]
        drawn = (self._draws[experiment.name], experiment.name, experiment.common, experiment.missing)
        planned = len(claim.groups(experiment.of_profile("full")))  # which share alpha
        return _digest(repr((cells, planned, drawn, share, tuned)))

    def _drawn(self, experiment: str, scenario: Scenario, counts: Counts) -> tuple[int, str]:
        """How many draws there are of a scenario, and in which state: blocks may have been drawn again."""
        count = counts[experiment, scenario]
        return count, self._journal.state(experiment, scenario, count)


def _packed(texts: Iterable[str]) -> str:
    """A text that comes in pieces, in a quarter of its letters: that of 100,000 cells has fifty million."""
    packer = zlib.compressobj(level=1)
    packed = [packer.compress(text.encode()) for text in texts]
    return b64encode(b"".join([*packed, packer.flush()])).decode()


def _unpacked(content: str) -> bytes:
    return zlib.decompress(b64decode(content))


class _Unknown(Exception):  # noqa: N818 - no error: what it ends is a search
    """Something that can't be known again."""


def _of(experiment: Experiment, counts: Counts) -> tuple[Scenario, ...]:
    return tuple(scenario for name, scenario in counts if name == experiment.name)


def _said(claim: Claim, scenarios: Sequence[Scenario]) -> Iterator[str]:
    """What a claim says of each of its scenarios, and for them all."""
    if not is_ours(type(claim)):
        raise _Unknown
    groups = claim.groups(scenarios)
    yield repr((type(claim).__qualname__, groups))
    own = [scenario for group in groups for scenario in group]
    for field in dataclasses.fields(claim):
        if field.name != "where":  # it has chosen the scenarios
            yield f"{field.name}={_over(own, getattr(claim, field.name))}, "


def _over(scenarios: Sequence[Scenario], value: Any) -> str:
    """What a field of a claim is in each of the scenarios; once where that is the same object."""
    if not callable(value) and not isinstance(value, (Statistic, Mapping)):
        return _fixed(value)
    values = [_at(value, scenario) for scenario in scenarios]
    return _fixed(value if all(one is value for one in values) else values)


def _at(value: Any, scenario: Scenario) -> Any:
    """What a field of a claim is in a scenario: functions of factors become their values."""
    if isinstance(value, Statistic):
        return value.at(scenario)
    if isinstance(value, Mapping):
        return {name: _at(item, scenario) for name, item in value.items()}
    if not callable(value) or _is_known_function(value):
        return value
    try:
        return call_with_factors(value, scenario)
    except Exception as error:  # it is the author's function: the judge says what is wrong with it
        raise _Unknown from error


def _fixed(value: Any) -> str:
    """A value in full, of which no part is code of the study."""
    kind = type(value)
    if isinstance(value, np.generic):
        return repr(value.item())
    if isinstance(value, Enum) or kind in (type(None), bool, int, float, complex, str, bytes):
        return repr(value)
    if kind in (tuple, list):
        return repr([_fixed(item) for item in value])
    if isinstance(value, Mapping):
        return repr([(_fixed(key), _fixed(item)) for key, item in value.items()])
    if dataclasses.is_dataclass(kind) and is_ours(kind):
        fields = (f"{field.name}={_fixed(getattr(value, field.name))}" for field in dataclasses.fields(value))
        return f"{kind.__module__}.{kind.__qualname__}({', '.join(fields)})"
    if kind is partial:
        return f"partial({_fixed([value.func, value.args, value.keywords])})"
    if _is_known_function(value):
        name = getattr(value, "__qualname__", value.__name__)  # which ufuncs have from NumPy 2.1 on
        return f"{getattr(value, '__module__', 'numpy')}.{name}"
    return _fixed_law(value)


def _fixed_law(value: Any) -> str:
    """A frozen distribution of SciPy, by its name and its parameters."""
    if not (type(value).__module__.startswith("scipy.stats.") and hasattr(value, "dist")):
        raise _Unknown
    law = value.dist
    standard: Any = getattr(sys.modules["scipy.stats"], law.name or "", None)
    if type(standard) is not type(law):
        raise _Unknown  # one of a histogram or of listed values has more to it than parameters
    return f"{law.name}({_fixed([law.a, law.b, value.args, value.kwds])})"


def is_ours(kind: type) -> bool:
    """Whether a class is one of mcstudy's own, whose code is in the digest of the package."""
    return kind.__module__.startswith("mcstudy.")


def _is_known_function(value: Callable[..., Any]) -> bool:
    """Whether a function is NumPy's, or stands in a module of mcstudy under its name."""
    if isinstance(value, np.ufunc):
        return getattr(np, value.__name__, None) is value
    module, name = getattr(value, "__module__", None) or "", getattr(value, "__qualname__", "")
    return module.startswith("mcstudy.") and getattr(sys.modules.get(module), name, None) is value


@cache
def package_digest() -> str:
    """A digest of mcstudy's own code, which may change without its version, and of the libraries that it judges with."""
    folder = Path(__file__).parents[1]
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py"))]
    return _digest(*map(version, ("numpy", "scipy", "statsmodels")), *texts)


def _digest(*texts: str) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(f"{len(text)} {text}".encode())
    return digest.hexdigest()
