"""``python -m mcstudy`` is ``mcstudy``."""

import sys

from mcstudy.cli import command

if __name__ == "__main__":
    sys.exit(command())
