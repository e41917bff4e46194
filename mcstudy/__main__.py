"""``python -m mcstudy`` is ``mcstudy``."""

import sys

from mcstudy.cli import main

if __name__ == "__main__":
    sys.exit(main())
