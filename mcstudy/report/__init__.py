"""Turns a ledger into pages, tables and figures. Knows no engine: what it needs is in the ledger."""

from mcstudy.report.mathematics import check_latex, check_text
from mcstudy.report.page import read_ledger, rebuild, write_index, write_report
from mcstudy.report.paper import bibtex
from mcstudy.report.verdicts import answer

__all__ = [
    "answer",
    "bibtex",
    "check_latex",
    "check_text",
    "read_ledger",
    "rebuild",
    "write_index",
    "write_report",
]
