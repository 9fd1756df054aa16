"""What a command prints on: a terminal, a pipe or a file, of any encoding, or nothing at all."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from pathlib import Path

from pytest_torchgraph.words.printable import printable_lines


def prepare() -> None:
    """Let stdout and stderr take any character, and stand in for the streams that whoever called has closed."""
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  open until the end
        elif isinstance(stream, TextIOWrapper) and name != "stdin":
            stream.reconfigure(errors="backslashreplace")


def is_flushed() -> bool:
    """Whether what was printed has arrived; why not is told."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        silence()
        complain(f"torchgraph: not all could be printed: {error.strerror}.\n")
        return False
    return True


def silence() -> None:
    """Throw away what stdout still holds: the reader of the pipe is gone, and Python would complain at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(text: str) -> None:
    """Print words, names of others among them, with nothing in them that a terminal would obey."""
    sys.stdout.write(printable_lines(text))


def complain(text: str) -> None:
    """The same on stderr."""
    sys.stderr.write(printable_lines(text))


def put(text: str) -> None:
    """Print what is the content of a file: in a pipe as the file would be, UTF-8 with its own line ends."""
    raw = getattr(sys.stdout, "buffer", None)
    if raw is None or sys.stdout.isatty():
        say(text)
        return
    sys.stdout.flush()
    raw.write(text.encode("utf-8", errors="backslashreplace"))


def wants_colour() -> bool:
    """Whether stdout is a terminal that has colours; ``NO_COLOR`` says no, ``FORCE_COLOR`` yes, the former first."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")
