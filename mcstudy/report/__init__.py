"""Turns a ledger into pages, tables and figures. Knows no engine: what it needs is in the ledger."""

from mcstudy.report.citation import bibtex
from mcstudy.report.mathematics import check_latex, check_text
from mcstudy.report.mathml import to_mathml
from mcstudy.report.page import answer, read_ledger, rebuild, write_index, write_report

__all__ = [
    "answer",
    "bibtex",
    "check_latex",
    "check_text",
    "read_ledger",
    "rebuild",
    "to_mathml",
    "write_index",
    "write_report",
]
