"""Exit codes of ``torchgraph``, and the error that ends it."""

from __future__ import annotations

SAME = 0
"""Nothing that is compared differs; what was asked for is done."""

DRIFT = 1
"""The graphs differ in what is compared."""

WRONG = 2
"""The command could not do its work: wrong arguments, a file that cannot be read, a model that does not run."""


class Wrong(Exception):
    """Ends the command with one message on stderr and exit code :data:`WRONG`."""
