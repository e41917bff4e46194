from __future__ import annotations

import unicodedata
from xml.etree import ElementTree

import pytest

from mcstudy.exceptions import InputError
from mcstudy.mathml import to_mathml

SHEET = [
    r"\mathbb{E}\,\hat L_n = \frac{\|\Delta\|^2}{2L}",
    r"\operatorname{Var} \hat L_n = \frac{\|\Delta\|^4}{2 L^2 n}",
    r"\frac{2Ln\hat L_n}{\|\Delta\|^2} \sim \chi^2_n",
    r"W_{k+1}^\top \dot W_{k+1} = \dot W_k W_k^\top",
    r"\dot W = \frac1L \sum_{k=1}^L [WW^\top]^{(L-k)/L} (W^* - W) [W^\top W]^{(k-1)/L}",
    r"t = \left[ \frac{s^{1-p}}{s^* (1-p)} \, {}_2F_1(1, 1-p; 2-p; s/s^*) \right]_{s_0}^{s}",
    r"\sup_{\lVert W - W_0 \rVert \le R} |f - f_0| \Big/ \frac{\beta R^2 \lVert x \rVert^2}{2 \sqrt{m}} \to 1",
    r"\nabla f(W) = D a x^T, \quad D = \operatorname{diag} \sigma'(w_j^T x)",
    r"f_{\text{trained}} - f_{\text{linearization, trained as long}} \propto m^{-1}",
    r"f_0(W) = f(W_0) + \langle \nabla f(W_0),\, W - W_0 \rangle",
    r"\lambda_{\max} \to (1 + \sqrt{d^2/n})^2, \dots",
    r"\lvert x \rvert = \begin{cases} x & \text{if } x \ge 0 \\ -x & \text{otherwise} \end{cases}",
]
SYMBOLS = """
    alpha beta gamma delta varepsilon theta lambda mu xi pi sigma tau phi varphi chi psi omega Gamma Delta Theta
    Lambda Sigma Phi Omega ne ll gg sim simeq approx equiv propto prec succ lesssim perp in notin subset subseteq
    pm mp times cdot circ oplus otimes cup cap to leftarrow Rightarrow mapsto sum prod int infty partial nabla
    forall exists emptyset ell Re Im dagger cdots langle rangle lfloor rceil Vert
"""
UNKNOWN_TO_MATPLOTLIB = {"ge": "≥", "le": "≤", "iff": "⟺"}
CHILDREN = {
    "mfrac": 2,
    "msub": 2,
    "msup": 2,
    "mover": 2,
    "munder": 2,
    "mroot": 2,
    "msubsup": 3,
    "munderover": 3,
}


def tree(latex: str) -> ElementTree.Element:
    return ElementTree.fromstring(to_mathml(latex))


def text(latex: str) -> str:
    """What is read, without the selector that asks for one of two shapes of a character."""
    return "".join(tree(latex).itertext()).replace("\N{VARIATION SELECTOR-1}", "")


@pytest.mark.parametrize("latex", SHEET)
def test_formulas_of_the_sheet_are_whole(latex: str) -> None:
    for display in ("inline", "block"):
        root = ElementTree.fromstring(to_mathml(latex, display))
        tags = {element.tag for element in root.iter()}
        assert root.tag == "math"
        assert "merror" not in tags
        assert "\\" not in "".join(root.itertext())
        assert all(len(element) == CHILDREN.get(element.tag, len(element)) for element in root.iter())
        assert all(element.text for element in root.iter() if element.tag in {"mi", "mn", "mo", "mtext"})


@pytest.mark.parametrize("macro", sorted({*SYMBOLS.split(), *UNKNOWN_TO_MATPLOTLIB}))
def test_symbols_against_matplotlib(macro: str) -> None:
    from matplotlib._mathtext_data import tex2uni

    assert text(rf"\{macro}") == (UNKNOWN_TO_MATPLOTLIB.get(macro) or chr(tex2uni[macro]))


@pytest.mark.parametrize(
    ("latex", "name"),
    [
        (r"\mathbb E", "MATHEMATICAL DOUBLE-STRUCK CAPITAL E"),
        (r"\mathbb{R}", "DOUBLE-STRUCK CAPITAL R"),
        (r"\mathcal L", "SCRIPT CAPITAL L"),
        (r"\mathcal N", "MATHEMATICAL SCRIPT CAPITAL N"),
        (r"\mathfrak{g}", "MATHEMATICAL FRAKTUR SMALL G"),
        (r"\mathbf 1", "MATHEMATICAL BOLD DIGIT ONE"),
    ],
)
def test_alphabets_are_characters_which_browsers_draw(latex: str, name: str) -> None:
    assert text(latex) == unicodedata.lookup(name)


def test_primes_stand_in_the_row() -> None:
    assert to_mathml(r"\sigma'") == "<math><mrow><mi>σ</mi><mo>′</mo></mrow></math>"
    assert to_mathml("f''") == "<math><mrow><mi>f</mi><mo>″</mo></mrow></math>"
    assert to_mathml("x_1'") == to_mathml("x'_1")
    assert [element.tag for element in tree("x'_1").iter()] == ["math", "msub", "mrow", "mi", "mo", "mn"]
    assert {"msup", "mo"} <= {element.tag for element in tree("W^*").iter()}  # a star is a script


def test_accents_keep_their_distance() -> None:
    for latex in (r"\dot W", r"\hat L_n", r"\bar x", r"\widehat{AB}", r"\overline{x + y}", r"\vec v"):
        assert "padding-bottom" in to_mathml(latex)
    for latex in (r"\overset{!}{=}", r"\sum^n"):
        assert "padding-bottom" not in to_mathml(latex)


def test_slashes_do_not_stretch() -> None:
    assert to_mathml(r"a \Big/ b") == to_mathml("a / b")
    assert "stretchy" in to_mathml(r"\Big| b")


def test_a_function_has_one_thin_space_before_its_argument() -> None:
    for latex in (r"\sin x", r"\log_{10} n", r"\operatorname{sd} f"):
        widths = [
            element.get(side) for element in tree(latex).iter() for side in ("lspace", "rspace", "width")
        ]
        assert [width for width in widths if width] == ["0.1667em"]
    assert "em" not in to_mathml(r"\operatorname{sd}(f)")


def test_a_colon_belongs_to_what_stands_before_it() -> None:
    (colon,) = (element for element in tree(r"f \colon X") if element.text == ":")
    assert (colon.get("lspace"), colon.get("rspace")) == ("0", "0.1667em")


def test_limits_stand_below_where_there_is_room() -> None:
    assert "<munder>" in to_mathml(r"\sup_x f", "block")
    assert "<msub>" in to_mathml(r"\sup_x f")


@pytest.mark.parametrize(
    ("latex", "message"),
    [
        (
            r"x + \foo",
            r"`latex` must be LaTeX .*got 'x .*: character 5: unknown command .*\\operatorname\{foo\}",
        ),
        (r"\newcommand{\x}{1}", r"\\newcommand belongs to a document; leave it out"),
        (r"x \label{a}", r"\\label belongs to a document"),
        (r"\eqref{a}", r"\\eqref belongs to a document"),
        (r"\begin{align*} a \end{align*}", r"\\begin\{align\*\} belongs to a document"),
        (r"\begin{foo} a \end{foo}", 'unknown environment "foo"; write pmatrix'),
        (r"\begin{cases} a", r"reached end of input; see that .*\\begin and \\end are complete"),
        ("a & b", r'found "&".*; write \\& if meant'),
        ("#1", r"macro parameter .*; write \\# if meant"),
        ("{x", r'expected closing token "\}"'),
        ("x}", r'unmatched closing token: "\}"'),
        (r"\frac{1}", "expected argument but reached end of input"),
        ("x_", "expected argument"),
        ("x_1_2", "character 4: duplicate subscript or superscript; mend it there"),
        (r"\left( x", r'expected closing token "\\right"'),
        (r"\text{a \le b}", r"not valid in text mode; end \\text\{...\} before"),
        ("$x$", r'unexpected "\$"'),
        ("", "it shows nothing; write a formula or words"),
        (r"\quad{}", "it shows nothing"),
    ],
)
def test_what_cannot_be_shown_is_refused(latex: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        to_mathml(latex)


@pytest.mark.parametrize("latex", ["50 % x_1", "%", r"x \text{ off by 3 % at most}", r"a \\% b"])
def test_a_comment_is_refused_that_would_hide_the_rest(latex: str) -> None:
    with pytest.raises(InputError, match=r"% starts a comment in LaTeX; write \\% if meant"):
        to_mathml(latex)


@pytest.mark.parametrize("character", ["\x00", "\x01", "\x1b", "\ufffe", "\udc80"])
@pytest.mark.parametrize("formula", ["x{}", "f'{}", r"\text{{a{}}}"])
def test_characters_that_xml_forbids_are_refused(character: str, formula: str) -> None:
    with pytest.raises(InputError, match="character that no page may; leave that out"):
        to_mathml(formula.format(character))


def test_a_per_cent_sign_is_shown() -> None:
    assert text(r"50\% \text{ or 5\%}") == "50% or 5%".replace(" ", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", r"\text{<img src=x>}", r"a < b > c \& d"])
def test_mathematics_is_escaped(hostile: str) -> None:
    written = to_mathml(hostile)
    assert "<script" not in written
    assert "<img" not in written
    ElementTree.fromstring(written)
