from __future__ import annotations

import unicodedata
from xml.etree import ElementTree

import pytest

from mcstudy.exceptions import InputError
from mcstudy.report import check_latex, check_text, to_mathml
from mcstudy.report.latex import FUNCTIONS, SYMBOLS
from mcstudy.report.prose import statement_html, text_html

SHEET = [
    r"\mathbb{E}\,\hat L_n = \frac{\|\Delta\|^2}{2L}",
    r"\operatorname{Var} \hat L_n = \frac{\|\Delta\|^4}{2 L^2 n}",
    r"\frac{2Ln\hat L_n}{\|\Delta\|^2} \sim \chi^2_n",
    r"W_{k+1}^\top \dot W_{k+1} = \dot W_k W_k^\top",
    r"\dot W_k = \frac1L V_{k+1} \Sigma^{L-k} U_L^\top (W^* - U_L \Sigma^L V_1^\top) V_1 \Sigma^{k-1} V_k^\top",
    r"\dot W = \frac1L \sum_{k=1}^L [WW^\top]^{(L-k)/L} (W^* - W) [W^\top W]^{(k-1)/L}",
    r"|f(W) - f_0(W)| \le \frac{\beta}{2\sqrt m}\,\|W - W_0\|^2 \|x\|^2",
    r"\sup_{\|W-W_0\|\le R} |f(W) - f_0(W)| \propto m^{-1/2}",
    r"f_0(W) = f(W_0) + \langle \nabla f(W_0),\, W - W_0 \rangle",
    r"t_{1/2} \asymp s_0^{-(1-2/L)} \quad\text{as } s_0 \to 0, \ L \ge 3",
    r"\lambda_{\max} \to (1 + \sqrt{d^2/n})^2, \dots",
]
# Where latex2mathml and matplotlib differ, and latex2mathml is right: TeX's own glyphs, not look-alikes.
OTHER_GLYPHS = {
    "bullet": "•",
    "cdot": "·",
    "epsilon": "ϵ",
    "hbar": "ℏ",
    "preceq": "⪯",
    "succeq": "⪰",
    "ast": "*",
}
UNKNOWN_TO_MATPLOTLIB = {"ge": "≥", "le": "≤", "gets": "←", "iff": "⟺", "implies": "⟹"}
UNKNOWN_TO_MATPLOTLIB |= {"lvert": "|", "rvert": "|", "lVert": "‖", "rVert": "‖"}


def tree(latex: str) -> ElementTree.Element:
    return ElementTree.fromstring(to_mathml(latex))


def shape(latex: str) -> list[tuple[str, str]]:
    return [(element.tag, element.text or "") for element in tree(latex).iter() if not len(element)]


@pytest.mark.parametrize("statement", SHEET)
def test_statements_of_the_sheet(statement: str) -> None:
    check_latex(statement)
    for display in ("inline", "block"):
        root = ElementTree.fromstring(to_mathml(statement, display))
        assert root.tag == "math"
        assert "\\" not in "".join(root.itertext())


@pytest.mark.parametrize("macro", sorted(set(SYMBOLS.split()) - {"setminus", "sim"}))
def test_symbols_against_matplotlib(macro: str) -> None:
    from matplotlib._mathtext_data import tex2uni

    expected = OTHER_GLYPHS | UNKNOWN_TO_MATPLOTLIB
    wanted = expected.get(macro) or chr(tex2uni[macro])
    assert "".join(tree(f"\\{macro}").itertext()) == wanted


def test_symbols_that_are_repaired() -> None:
    assert shape(r"X \sim Y") == [("mi", "X"), ("mo", "∼"), ("mi", "Y")]
    assert shape(r"A \setminus B")[1][0] == "mo"
    assert shape(r"\pm 1") == [("mo", "±"), ("mn", "1")]
    assert shape(r"W^\top") == [("mi", "W"), ("mi", "⊤")]
    assert shape(r"\bigl\langle x \bigr\|") == [("mo", "⟨"), ("mi", "x"), ("mo", "‖")]


@pytest.mark.parametrize("function", sorted(FUNCTIONS.split()))
def test_functions_are_operators_with_their_name(function: str) -> None:
    name, argument = shape(rf"\{function} x")
    assert name[0] == "mo"
    assert name[1].replace("\u2006", "") == function
    assert argument == ("mi", "x")


@pytest.mark.parametrize(
    ("latex", "name"),
    [
        (r"\mathbb E", "MATHEMATICAL DOUBLE-STRUCK CAPITAL E"),
        (r"\mathbb{R}", "DOUBLE-STRUCK CAPITAL R"),
        (r"\mathcal L", "SCRIPT CAPITAL L"),
        (r"\mathcal N", "MATHEMATICAL SCRIPT CAPITAL N"),
        (r"\mathfrak{g}", "MATHEMATICAL FRAKTUR SMALL G"),
        (r"\mathbf 1", "MATHEMATICAL BOLD DIGIT ONE"),
        (r"\boldsymbol\Sigma", "MATHEMATICAL BOLD ITALIC CAPITAL SIGMA"),
    ],
)
def test_alphabets_are_characters_not_attributes(latex: str, name: str) -> None:
    assert "".join(tree(latex).itertext()) == unicodedata.lookup(name)
    assert "mathvariant" not in to_mathml(latex)


def test_upright_letters_stay_upright() -> None:
    assert shape(r"\mathrm{d}t") == [("mtext", "d"), ("mi", "t")]
    assert tree(r"\Delta")[0].get("mathvariant") == "normal"
    assert tree(r"\delta")[0].get("mathvariant") is None


def test_bars_have_no_space_of_an_operator() -> None:
    for latex in (r"\|x\|", r"|x|", r"\lvert x \rvert"):
        bars = [element for element in tree(latex) if element.tag == "mo"]
        assert [bar.get("lspace") for bar in bars] == ["0", "0"]
    stretched = tree(r"\left\| x \right\|")[0]
    assert [bar.get("stretchy") for bar in stretched if bar.tag == "mo"] == ["true", "true"]


@pytest.mark.parametrize(
    ("latex", "message"),
    [
        (r"\foo", r"`statement`: \\foo can't be shown.*\\operatorname\{foo\}"),
        (r"\tr A", r"\\operatorname\{tr\}"),
        (r"\newcommand{\x}{1}", r"\\newcommand can't be shown"),
        (r"\href{http://a.example}{b}", r"\\href can't be shown"),
        (r"\color{red} x", r"\\color can't be shown"),
        (r"\begin{align} a \end{align}", r"an environment must be one of .*pmatrix.*; got 'align'"),
        (r"\begin{cases} a", r"\\begin and \\end must come in pairs"),
        ("a & b", r"& has no meaning here"),
        ("50 % x_1", r"% has no meaning here; write \\% if meant"),
        ("#1", r"# has no meaning here"),
        ("{x", "an opening brace has no closing one"),
        ("x}", "a closing brace has no opening one"),
        (r"\frac{1}", "argument is missing|numerator|denominator"),
        ("x_", "missing super script or subscript"),
        ("x_1_2", "double subscripts"),
        (r"\left( x", "extra left or missing right"),
        (r"\operatorname*{argmax}", r"\\operatorname must be followed by letters in braces"),
        (r"\text{a \le b}", "a macro stands where none can be read"),
        ("", "must say something in LaTeX"),
        ("costs $5", r"dollar signs must come in pairs.*write \\\$ for a dollar"),
        (r"\frac12 of $x$", r"mathematics must stand between dollar signs, not so \\frac"),
        (r"for $\foo$", r"\\foo can't be shown"),
    ],
)
def test_rejected(latex: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_latex(latex)


def test_rejected_text() -> None:
    check_text(r"plain text with a \backslash and \$5")
    with pytest.raises(InputError, match=r"`because`: \\foo can't be shown"):
        check_text(r"since $\foo$", "because")
    with pytest.raises(InputError, match=r"`because`: dollar signs must come in pairs"):
        check_text("since $x", "because")


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", r"\text{<img src=x>}", "a < b > c \\& d"])
def test_mathematics_is_escaped(hostile: str) -> None:
    html = to_mathml(hostile)
    assert "<script" not in html
    assert "<img" not in html
    ElementTree.fromstring(html)


def test_text_is_escaped_and_words_wrap() -> None:
    assert text_html("<b> & $x$") == "&lt;b&gt; &amp; <math><mi>x</mi></math>"
    assert statement_html(r"x \text{ is <large>}") == "<math><mi>x</mi></math> is &lt;large&gt;"
    assert 'display="block"' in statement_html("x = 1", display=True)
    assert 'display="block"' not in statement_html("so that $x = 1$", display=True)
