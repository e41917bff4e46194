"""The house: every import points down, no file and no function outgrows itself, kinds of claims have rooms."""

from __future__ import annotations

import ast
import math
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

import mcstudy

PACKAGE = Path(mcstudy.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
REPORT = PACKAGE / "report"

# A room may import from itself and from rooms on lower floors.
FLOORS = {
    "_version": 0, "defaults": 0, "exceptions": 0, "checks": 0, "words": 0, "output": 0, "signals": 0,
    "factors": 1, "fills": 1, "mathml": 1, "drawing": 1, "one_by_one": 1, "schema1": 1,
    "models": 2, "statistics": 2,
    "replicates": 3, "scenarios": 3,
    "codec": 4, "draws": 4,
    "evidence": 5, "jsontext": 5, "measured": 5,
    "findings": 6, "seal": 6,
    "timings": 7,
    "ledger": 8,
    "claims": 9, "measure": 9, "report": 9,
    "answer": 10, "experiment": 10,
    "naming": 11,
    "study": 12,
    "engine": 13,
    "results": 14, "new": 14,
    "arguments": 15,
    "cli": 16,
    "__main__": 17,
}  # fmt: skip


def room_of(module: str) -> str:
    return module.split(".")[1]


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(tree: ast.AST) -> Iterator[str]:
    """The modules of the package that a file imports, anywhere in its text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("mcstudy."))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("mcstudy"):
            if node.module == "mcstudy":
                yield from (f"mcstudy.{alias.name}" for alias in node.names)
            else:
                yield node.module


def upwards(module: str, tree: ast.AST) -> list[str]:
    own = room_of(module)
    return [
        f"{module} imports {imported}"
        for imported in imports_of(tree)
        if room_of(imported) != own and FLOORS[room_of(imported)] >= FLOORS[own]
    ]


def test_every_room_has_its_floor() -> None:
    rooms = {room_of(module_of(path)) for path in FILES if path.parent != PACKAGE or path.stem != "__init__"}
    assert rooms == set(FLOORS)


def test_every_import_points_down() -> None:
    found = [line for path in FILES[1:] for line in upwards(module_of(path), tree_of(path))]
    assert FILES[0] == PACKAGE / "__init__.py"
    assert found == []


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("mcstudy.draws", "from mcstudy.ledger import Ledger"),
        ("mcstudy.claims.rate", "def late():\n    import mcstudy.engine.run"),
        ("mcstudy.report.page", "from mcstudy.claims import Rate"),  # neighbours on one floor
        ("mcstudy.report.page", "from mcstudy import study"),
    ],
)
def test_an_import_that_points_up_would_be_seen(module: str, text: str) -> None:
    assert len(upwards(module, ast.parse(text))) == 1


@pytest.mark.parametrize(("name", "besides"), [("models", {"fills"}), ("statistics", {"factors", "words"})])
def test_mathematics_knows_errors_and_checks_only(name: str, besides: set[str]) -> None:
    """Each can be used alone; models draw, and the truth of a statistic may be a function of factors."""
    known = {name, "exceptions", "checks"} | besides
    for path in (PACKAGE / name).rglob("*.py"):
        foreign = {room_of(module) for module in imports_of(tree_of(path))} - known
        assert not foreign, f"{path.name} imports {foreign}"


def test_the_report_reads_ledgers_only() -> None:
    for path in REPORT.rglob("*.py"):
        foreign = {room_of(module) for module in imports_of(tree_of(path))} & {"study", "claims", "engine"}
        assert not foreign, f"{path.name} imports {foreign}"


def test_the_report_is_a_small_room() -> None:
    among = [
        m for path in REPORT.rglob("*.py") for m in set(imports_of(tree_of(path))) if room_of(m) == "report"
    ]
    assert len(list(REPORT.rglob("*.py"))) <= 20
    assert len(among) <= 50


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize(("file", "most"), [("claims/claim.py", 199), ("study.py", 229)])
def test_what_had_grown_stays_small(file: str, most: int) -> None:
    assert lines_of(PACKAGE / file) <= most


def test_no_file_is_too_long() -> None:
    lengths = {module_of(path): lines_of(path) for path in FILES}
    assert {module for module, length in lengths.items() if length > 400} == set()
    assert 100 <= statistics.median(lengths.values()) <= 200


def length_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end, without the docstring."""
    first = function.body[0]
    described = ast.get_docstring(function, clean=False) is not None
    documentation = (first.end_lineno or 0) - first.lineno + 1 if described else 0
    return (function.end_lineno or 0) - function.lineno + 1 - documentation


def functions_of(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def test_the_length_of_a_function() -> None:
    (function,) = functions_of(
        ast.parse('def f(\n    x,\n):\n    """One.\n\n    Two.\n    """\n    return x\n')
    )
    assert length_of(function) == 4


def test_functions_are_short() -> None:
    """Nine of ten have at most 20 lines."""
    lengths = sorted(length_of(function) for path in FILES for function in functions_of(tree_of(path)))
    assert lengths[math.ceil(0.9 * len(lengths)) - 1] <= 20


# Names by which findings, claims and their cells go.
SPEAKERS = {"finding", "claim", "self", "item", "row"}


def names_kind(node: ast.AST) -> bool:
    """Whether an expression is the kind of a finding: ``finding.kind``, ``finding["kind"]``."""
    if isinstance(node, ast.Attribute):
        return node.attr == "kind" and isinstance(node.value, ast.Name) and node.value.id in SPEAKERS
    key = node.slice if isinstance(node, ast.Subscript) else None
    return isinstance(key, ast.Constant) and key.value == "kind"


def asks(node: ast.AST) -> bool:
    """Whether a node compares a kind, matches it, or looks it up."""
    if isinstance(node, ast.Compare):
        return any(map(names_kind, (node.left, *node.comparators)))
    if isinstance(node, ast.Match):
        return names_kind(node.subject)
    return isinstance(node, ast.Subscript) and names_kind(node.slice)


def dispatches(tree: ast.AST) -> list[int]:
    """The lines that hang on a kind."""
    return [node.lineno for node in ast.walk(tree) if isinstance(node, (ast.expr, ast.stmt)) and asks(node)]


@pytest.mark.parametrize(
    "text",
    [
        'finding.kind == "rate"',
        '"rate" == finding["kind"]',
        'claim.kind in ("law", "same_law")',
        "DRAWERS[finding.kind]",
        'match finding.kind:\n    case "rate":\n        pass',
    ],
)
def test_a_question_for_the_kind_would_be_seen(text: str) -> None:
    assert dispatches(ast.parse(text))


def test_nobody_asks_for_the_kind_of_a_claim() -> None:
    """The rooms of the kinds know; schema 1 is read by its own table, which is closed for ever.

    The `kind` of a contrast is its author's word for a difference or a ratio.
    """
    knowing = {PACKAGE / "schema1.py", PACKAGE / "claims" / "contrast.py", *(REPORT / "kinds").glob("*.py")}
    asking = {
        module_of(path): lines
        for path in FILES
        if path not in knowing
        if (lines := dispatches(tree_of(path)))
    }
    assert asking == {}
