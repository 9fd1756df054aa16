"""Libraries that not everybody has."""

from __future__ import annotations

from importlib import import_module
from typing import Any

EXTRAS = {"networkx": "tracking", "pandas": "tracking", "plotly": "drawing", "matplotlib": "drawing"}
"""Which extra of this package brings which library."""


def required(library: str, purpose: str) -> Any:
    """The module of a *library*; raises ``ImportError`` with the command that installs it."""
    try:
        return import_module(library)
    except ModuleNotFoundError as error:
        if error.name != library:
            raise
        raise ModuleNotFoundError(
            f"{purpose} needs {library}: pip install 'pytest-torchgraph[{EXTRAS[library]}]'", name=library
        ) from None
