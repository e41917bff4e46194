"""Turns a ledger into pages, tables and figures."""
