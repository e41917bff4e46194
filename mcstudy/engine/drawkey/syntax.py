"""Syntax trees without what changes no draw: comments, docstrings, formatting, hints, positions."""

from __future__ import annotations

import ast

__all__ = ["dump", "parsed", "stripped"]

# Empty fields are left out as well: each version of Python adds some (`type_params` in 3.12).
_SKIPPED = ("ctx", "kind", "type_comment", "type_ignores")


def parsed(text: str | bytes) -> ast.Module:
    """The tree of a module's text.

    Raises
    ------
    SyntaxError, ValueError
        Where it is none.

    Examples
    --------
    >>> dump(parsed("pass"))
    'Module(body=[Pass()])'
    """
    try:
        return ast.parse(text)
    except SystemError:
        # While it makes a tree CPython may collect garbage, of which something may log a traceback, for which another
        # tree is made: it loses count of its recursion, says so, and can go on (issue 106905 of python/cpython).
        return ast.parse(text)


def stripped(node: ast.AST) -> ast.AST:
    """Take docstrings, bare constants, `pass` and the hints of undecorated functions out of a tree, in place.

    Hints stay where something may act on them: under a decorator, and in the body of a class.
    """
    tree: ast.AST = _Stripper().visit(node)
    return tree


class _Stripper(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        return None

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        if not node.decorator_list:
            node.returns = None
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self.visit_FunctionDef(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        kept = [entry for entry in node.body if isinstance(entry, ast.AnnAssign)]
        self.generic_visit(node)
        node.body = _with_hints(node.body, kept)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if node.value is None:
            return node
        return ast.copy_location(ast.Assign([node.target], node.value), node)


def _with_hints(body: list[ast.stmt], kept: list[ast.AnnAssign]) -> list[ast.stmt]:
    """The body of a class with its annotated fields as they were: a dataclass is made from them."""
    by_target = {id(entry.target): entry for entry in kept}
    return [
        by_target.get(id(entry.targets[0]), entry) if isinstance(entry, ast.Assign) else entry
        for entry in body
    ]


def dump(node: object) -> str:
    """Write a tree as a text that is the same under every version of Python.

    Examples
    --------
    >>> dump(ast.parse("x  =  (1)  # one").body[0])
    "Assign(targets=[Name(id='x')],value=Constant(1))"
    """
    if isinstance(node, ast.Constant):
        return f"Constant({node.value!a})"
    if isinstance(node, ast.AST):
        fields = ((name, getattr(node, name, None)) for name in node._fields if name not in _SKIPPED)
        filled = (f"{name}={dump(value)}" for name, value in fields if value is not None and value != [])
        return f"{type(node).__name__}({','.join(filled)})"
    if isinstance(node, list):
        return f"[{','.join(map(dump, node))}]"
    return ascii(node)
