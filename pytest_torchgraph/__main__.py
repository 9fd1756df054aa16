"""``python -m pytest_torchgraph``: the command ``torchgraph``, where no environment is active."""

from __future__ import annotations

import sys

from pytest_torchgraph.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
