"""What stands in the way of a picture, each told in one line."""

from __future__ import annotations

from importlib.util import find_spec

EXTRA = "pip install 'pytest-torchgraph[drawing]'"


class CannotDraw(ValueError):
    """A picture that this graph, or these arguments, cannot give; the message says what can be asked for."""


class ExtraMissing(ImportError):
    """A library that draws is not installed; the message names the command that installs it."""


def require(*libraries: str) -> None:
    """Raise :class:`ExtraMissing` unless all *libraries* can be imported."""
    missing = [library for library in libraries if find_spec(library) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise ExtraMissing(f"{' and '.join(missing)} {verb} not installed, and this picture needs it: {EXTRA}")


def require_known(what: str, given: str, known: tuple[str, ...]) -> None:
    """Raise :class:`CannotDraw` with the *known* values unless *given* is one of them."""
    if given not in known:
        raise CannotDraw(f"unknown {what} {given!r}: choose one of {', '.join(known)}")
