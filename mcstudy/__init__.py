"""Monte Carlo studies that put theory to the test.

A study says what is drawn, over which scenarios, and what theory claims about it. `run` draws it in parallel and
reproducibly, and returns a ledger: for every claim an estimate, an interval and one of three verdicts.
"""

import lazy_loader

# The public names and their homes stand in ``__init__.pyi``, for type checkers and for this module alike; each is
# imported when it is first asked for, so that ``mcstudy --help`` and the workers import no more than they use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
