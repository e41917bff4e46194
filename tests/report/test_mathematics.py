from __future__ import annotations

import pytest

from mcstudy.exceptions import InputError
from mcstudy.mathml import to_mathml
from mcstudy.report.mathematics import (
    Piece,
    check_latex,
    check_text,
    plain_text,
    statement_html,
    statement_pieces,
    text_html,
    text_pieces,
)


def words(statement: str) -> list[str]:
    return [piece.content for piece in statement_pieces(statement) if not piece.mathematics]


def formulas(statement: str) -> list[str]:
    return [piece.content for piece in statement_pieces(statement) if piece.mathematics]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (r"x \le 1", [(r"x \le 1", True)]),
        ("off by 3 % at most", [("off by 3 % at most", False)]),
        (r"so that $x = 1$", [("so that ", False), ("x = 1", True)]),
        (r"costs \$5, $n$ times", [("costs $5, ", False), ("n", True), (" times", False)]),
        (r"x \text{ is large}", [("x", True), (" is large", False)]),
        (r"for $x \text{ is large}$", [("for ", False), ("x", True), (" is large", False)]),
    ],
)
def test_words_and_mathematics_are_told_apart(statement: str, expected: list[tuple[str, bool]]) -> None:
    assert statement_pieces(statement) == [Piece(*piece) for piece in expected]


def test_words_beside_a_relation_leave_its_space() -> None:
    statement = r"\text{dual value} \le 2 \times \text{error of both}"
    assert formulas(statement) == [r"{} \le 2 \times {}"]
    assert words(statement) == ["dual value", "error of both"]
    assert 'lspace="0"' not in to_mathml(r"{} \le 2")  # which is what the atom is for:
    assert 'lspace="0"' in to_mathml(r"\le 2")


@pytest.mark.parametrize(
    "formula",
    [
        r"f_{\text{trained as long}} = 1",
        r"f_\text{trained as long} = 1",
        r"\sqrt{x \text{ is large}}",
        r"\left\{ x \text{ is large} \right\}",
        r"\begin{cases} a & \text{if it is} \\ b \end{cases}",
        r"x \text{bound}",
        r"\text{a bound}\quad",
    ],
)
def test_words_stay_where_a_formula_would_fall_apart(formula: str) -> None:
    assert statement_pieces(formula) == [Piece(formula, mathematics=True)]
    assert statement_html(formula) == to_mathml(formula)


def test_only_words_outside_of_structures_are_taken_out() -> None:
    statement = r"f_{\text{trained as long}} = 1 \text{ for all } \sqrt{\text{sizes of } n}"
    assert words(statement) == [" for all "]
    assert formulas(statement) == [r"f_{\text{trained as long}} = 1", r"\sqrt{\text{sizes of } n}"]


@pytest.mark.parametrize(
    "statement",
    [
        r"D_k \text{ is constant, integrated with tolerance } 10^{-12}",
        r"U_k = V_{k+1} \text{ up to signs} \text{, at } t = 0",
        r"\log_{10} \text{ of the violation is } -3 \pm 1",
        r"\lvert \mathbb{E} \lambda - \text{edge, centred for } n \rvert \propto n^{-2/3}",
    ],
)
def test_every_piece_can_be_shown(statement: str) -> None:
    assert all(piece.content.strip("{} ") for piece in statement_pieces(statement))
    assert statement_html(statement).count("<math") == len(formulas(statement)) > 0
    assert statement_html(statement, display=True).count(' displaystyle="true"') == len(formulas(statement))


def test_a_block_takes_a_line_to_itself() -> None:
    assert 'display="block"' in statement_html("x = 1", display=True)
    assert 'display="block"' not in statement_html("so that $x = 1$", display=True)
    assert "display" not in statement_html("so that $x = 1$")


def test_text_is_escaped() -> None:
    assert text_html("<b> & $x$") == "&lt;b&gt; &amp; <math><mi>x</mi></math>"
    assert statement_html(r"x \text{ is <large>}") == "<math><mi>x</mi></math> is &lt;large&gt;"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (r"\foo", r'`statement` must be LaTeX that a page can show, got .*unknown command "\\foo"'),
        (r"for $\foo$", r'unknown command "\\foo"'),
        (r"for $50 % x$", "% starts a comment"),
        (
            "costs $5",
            r"`statement` must have its dollar signs in pairs, got 'costs \$5'; write \\\$ for a dollar",
        ),
        (r"\frac12 of $x$", r"`statement` must have its mathematics between dollar signs.*put \\frac there"),
        ("", "it shows nothing"),
        ("so $ $ is", "it shows nothing"),
    ],
)
def test_statements_that_are_refused(statement: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_latex(statement)


def test_texts_that_are_refused() -> None:
    check_text(r"plain text with a \backslash, 5 % and \$5")
    with pytest.raises(InputError, match=r'`because of claim 2c` must be LaTeX.*unknown command "\\foo"'):
        check_text(r"since $\foo$", "because of claim 2c")
    with pytest.raises(InputError, match=r"`because` must have its dollar signs in pairs"):
        check_text("since $x", "because")


def test_an_empty_text_has_no_pieces() -> None:
    assert text_pieces("") == []
    assert text_html("") == ""


def test_long_formulas_can_break_before_their_relations() -> None:
    latex = r"\sum_{k=1}^L \left[ a_k = b_k \right] = \dot W_1 + \dot W_2 + \dot W_3 \le \frac{1}{2L} \|\Delta\|^2"
    html = statement_html(latex, display=True)
    assert html.count("<math") == 3  # not inside of brackets or scripts
    assert 'display="block"' not in html
    assert html.startswith('<math displaystyle="true">')
    assert statement_html("x = y = z", display=True).count("<math") == 1


def test_a_formula_that_cannot_break_is_marked() -> None:
    longer = " + ".join(["x_{12}"] * 12)
    assert statement_html(longer).startswith('<span class="long"><math>')
    assert "long" not in statement_html("x_{12} + x_{12}")


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("no mathematics, 3 %", "no mathematics, 3 %"),
        (r"as $m^{-0.4984 \pm 0.0007}$", "as m^(-0.4984 ± 0.0007)"),
        (r"$n^{-1}$ and $w_{0,j}$", "n^-1 and w_0,j"),
        (r"by $3\times 10^{-4}$", "by 3×10^-4"),
        (r"$\sqrt{m} \le \infty$", "√(m) ≤ ∞"),
        (r"$\leq$", r"\leq"),  # another macro than \le
        (r"$x \text{ is large}$ for \$5", "x is large for $5"),
    ],
)
def test_mathematics_for_a_terminal(text: str, characters: str) -> None:
    assert plain_text(text) == characters
