from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mcstudy.report.kinds as package
from mcstudy.claims import Identity, Value
from mcstudy.exceptions import InputError
from mcstudy.report.kinds import capital, evidence_of, file_name, kind_of, leading, varying
from mcstudy.statistics import mean

KINDS = sorted(path.stem for path in Path(package.__path__[0]).glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_says_how_it_is_shown(name: str) -> None:
    kind = kind_of(name)
    assert len(kind.headings) == 3
    assert len(kind.decided) == 2
    assert kind.columns
    assert kind.cell in {"cell", "line"}


@pytest.mark.parametrize("name", ["nonsense", "../value", "Value", "value.x", "", "os"])
def test_unknown_kind_is_refused_by_name(name: str) -> None:
    with pytest.raises(
        InputError, match=f"`kind` must be a kind of claim that the report can show, got {name!r}"
    ):
        kind_of(name)


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a kind whose own file imports what does not exist."""
    (tmp_path / "broken_kind.py").write_text("import does_not_exist\n", encoding="utf-8")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    return "broken_kind"


def test_a_fault_in_a_kinds_own_file_is_not_hidden(broken: str) -> None:
    with pytest.raises(ModuleNotFoundError, match="does_not_exist"):
        kind_of(broken)


def test_leading_cells_are_the_deciding_one_and_those_nearest_to_the_edge(make: Any) -> None:
    (finding,) = make.judged(
        Value("1", "x", of=mean("x"), equals=0.0, margin=2.0), make.normals(0.0, 1.5, 0.3, 0.9)
    )
    assert finding.deciding == 1
    assert leading(finding, 2) == [1, 3]
    assert leading(finding, 9) == [0, 1, 2, 3]
    assert finding.ranked == [1, 3, 2, 0]


def test_evidence_of_a_kind_without_any_is_none(make: Any) -> None:
    (value,) = make.judged(Value("1", "x", of=mean("x"), equals=0.0, margin=2.0), make.normals(0.0))
    assert evidence_of(value) is None
    (identity,) = make.judged(
        Identity("1a", "W", column="residual", tolerance=1.0), make.residuals(1e-3, 1e-2)
    )
    assert evidence_of(identity).largest == identity.estimate
    assert evidence_of(identity, 0).largest < identity.estimate


def test_varying_factors_tell_true_from_one() -> None:
    assert varying([{"a": True, "b": 2}, {"a": 1, "b": 2}]) == ["a"]


@pytest.mark.parametrize(
    "name", ["2d.worst", "../../etc/passwd", "a b", "ü", "..", "<script>", "a/b", "", "x" * 300]
)
def test_file_names_are_safe_and_apart(name: str) -> None:
    stem = file_name("claim", name)
    assert all(char.isascii() and (char.isalnum() or char in "._-") for char in stem)
    assert len(f"{stem}-points.csv") < 255  # of most file systems
    assert len({file_name("claim", f"{name}{suffix}") for suffix in ("", " ", "/", "_")}) == 4


def test_a_kind_without_a_second_panel_has_none(make: Any) -> None:
    (finding,) = make.judged(Value("1", "x", of=mean("x"), equals=0.0, margin=2.0), make.normals(0.0))
    kind = kind_of("value")
    assert len(kind.heights(finding)) == 1
    with pytest.raises(NotImplementedError):
        kind.draw_below(make.axes(), finding)


@pytest.mark.parametrize(
    ("text", "begun"),
    [
        ("the mean is far", "The mean is far"),
        ("n = 20 is enough", "n = 20 is enough"),
        ("n=20", "n=20"),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_but_not_in_place_of_a_factor(text: str, begun: str) -> None:
    assert capital(text) == begun
