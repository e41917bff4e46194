"""Runs a study: plan, streams, workers, journal, ledger."""
