"""Libraries that not everybody has."""

from __future__ import annotations

from importlib import import_module
from typing import Any

INSTALLED_BY = {
    "torch": "torch",
    "networkx": "'pytest-torchgraph[tracking]'",
    "pandas": "'pytest-torchgraph[tracking]'",
    "plotly": "'pytest-torchgraph[drawing]'",
    "matplotlib": "'pytest-torchgraph[drawing]'",
}
"""What pip is asked for to get a library."""


def required(library: str, purpose: str) -> Any:
    """The module of a *library*; raises ``ImportError`` with the command that installs it."""
    try:
        return import_module(library)
    except ModuleNotFoundError as error:
        if error.name != library:
            raise
        raise ModuleNotFoundError(
            f"{purpose} needs {library}: pip install {INSTALLED_BY[library]}", name=library
        ) from None
