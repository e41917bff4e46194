"""Results in the hands of their owner: ledgers as tables and figures, draws as data frames, files for other programs."""

from mcstudy.results.results import Results, load, run

__all__ = ["Results", "load", "run"]
