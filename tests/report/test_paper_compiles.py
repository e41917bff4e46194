"""A paper that takes all that there is for papers, through TeX where there is one.

An environment that is to have TeX sets MCSTUDY_TEX: there a missing one fails.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mcstudy.report.figures import write_claim
from mcstudy.report.paper import bibtex, inches, software_bibtex

PAPER = r"""\documentclass{article}
\usepackage{amsmath,amssymb,array,longtable,booktabs,siunitx,graphicx}
\input{macros}
\input{macros}
\begin{document}
The rate is \mcsLinearizationTwoDRateEstimate, \mcsLinearizationTwoDRateVerdict:
\num{\mcsLinearizationTwoDRateValue} and \num{\mcsLinearizationTwoDRateError}, between
\num{\mcsLinearizationTwoDRateLow} and \num{\mcsLinearizationTwoDRateHigh}, of
\num{\mcsLinearizationTwoDRateTheory} within \num{\mcsLinearizationTwoDRateMargin}
by \num{\mcsLinearizationTwoDRateReplicates} replicates~\cite{KEYS}.
\includegraphics{rate}
\input{tables/findings}
\input{tables/statements}
\input{tables/measures-displacement}
\bibliographystyle{plain}
\bibliography{refs}
\end{document}
"""


@pytest.fixture
def folder(written: Any, tmp_path: Path) -> Path:
    """Of a paper, with all that it takes."""
    if shutil.which("pdflatex") is None and not os.environ.get("MCSTUDY_TEX"):
        pytest.skip("there is no TeX here")
    shutil.copytree(written.out / "linearization", tmp_path / "paper")
    entries = bibtex(written.ledger) + bibtex(written.ledger, "2d.rate") + software_bibtex()
    keys = ",".join(re.findall(r"^@misc\{([^,]+),$", entries, re.MULTILINE))
    folder = tmp_path / "paper"
    (folder / "refs.bib").write_text(entries, encoding="utf-8")
    (folder / "paper.tex").write_text(PAPER.replace("KEYS", keys), encoding="utf-8")
    write_claim(written.ledger["2d.rate"], folder / "rate", inches("3.3in"))
    return folder


def typeset(folder: Path, program: str, *options: str) -> str:
    """Run a program of TeX's; what it says."""
    done = subprocess.run([program, *options, "paper"], cwd=folder, capture_output=True, check=False)
    said = done.stdout.decode("latin-1")
    assert done.returncode == 0, said[-2000:]
    return said


def test_a_paper_takes_everything_and_nothing_is_too_wide(folder: Path) -> None:
    options = ("-interaction=nonstopmode", "-halt-on-error")
    typeset(folder, "pdflatex", *options)
    assert "warning" not in typeset(folder, "bibtex").lower()
    typeset(folder, "pdflatex", *options)
    said = typeset(folder, "pdflatex", *options)
    # Three points are a third of the space between two columns.
    assert [
        float(width) for width in re.findall(r"Overfull \\hbox \(([\d.]+)pt", said) if float(width) > 3.0
    ] == []
    assert "undefined" not in said
    assert (folder / "paper.pdf").stat().st_size > 10_000
