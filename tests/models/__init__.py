"""Small models, one file each, named by the trait that makes them worth a test.

``MODELS`` maps every trait to the function that builds an :class:`~tests.models.example.Example`; ``UNREPEATABLE`` are
the models that cannot be recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from tests.models.example import Example

UNREPEATABLE = ("never_repeats", "raises")


def _examples() -> dict[str, Callable[[], Example]]:
    """Every file of this folder but tests and this one's own parts."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    traits = [name for name in names if name not in {"__init__", "example"} and not name.startswith("test_")]
    return {name: import_module(f"{__name__}.{name}").example for name in traits if name not in UNREPEATABLE}


MODELS = _examples()
