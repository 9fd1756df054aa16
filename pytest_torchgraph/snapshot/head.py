"""The head of a snapshot: format, owner, modes and metrics, readable without the graph beneath."""

from __future__ import annotations

import re

from pytest_torchgraph.canonical.alive import Alive, Place, What
from pytest_torchgraph.canonical.run import Run, read_run
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.compilation import Compilation
from pytest_torchgraph.snapshot.compilation import Made, compilation_lines
from pytest_torchgraph.snapshot.errors import shortened, unreadable
from pytest_torchgraph.words.quoting import QUOTED, name_of, quote, rest_of, rest_text, unquote

VERSION = 2
OLDEST = 1
ROOT = "forward"
_WORD = r"[A-Za-z_][\w./-]*"
_METRIC = re.compile(rf"(?P<name>{_WORD}|{QUOTED}) (?P<value>-?\d+)(?: at (?P<at>.+))?", re.ASCII)
_MODE = re.compile(rf"({_WORD}|{QUOTED})(?:, (?=.)|$)", re.ASCII)
_ALIVE = re.compile(r"alive (\d+)(?: ×(\d+))? (.+)", re.ASCII)
_PEAK = "peak"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a snapshot says of itself. ``lines`` is how many lines of the file it takes, ``version`` its format."""

    test: str
    recorded: str
    run: Run
    metrics: tuple[tuple[str, int], ...]
    peak_at: Place | None
    alive: tuple[Alive, ...] = ()
    compilation: Compilation | None = None
    version: int = VERSION
    lines: int = 0


def head_lines(head: Head) -> list[str]:
    """The first lines of a snapshot, one metric a line."""
    modes = ", ".join(mode if _is_word(mode) else quote(mode) for mode in head.run.words)
    lines = [
        f"torchgraph {VERSION}",
        f"test {rest_text(head.test)}",
        f"recorded {rest_text(head.recorded)}",
        f"run {modes}".rstrip(),
    ]
    peak_at = str(head.peak_at or "")
    for name, value in head.metrics:
        line = f"{name if _is_word(name) and name != ROOT else quote(name)} {value}"
        if name == _PEAK and peak_at:
            line, peak_at = f"{line} at {rest_text(peak_at)}", ""
        lines.append(line)
    lines += [f"peak at {rest_text(peak_at)}"] if peak_at else []
    return [*lines, *map(alive_line, head.alive), *compilation_lines(head.compilation)]


def alive_line(alive: Alive) -> str:
    """``alive 32768 ×4 saved layers.*.mlp: mul f32[2,16,64]``."""
    count = "" if alive.count == 1 else f" ×{alive.count}"
    what = str(alive.what)
    return f"alive {alive.bytes}{count} {quote(what) if what.startswith('×') else rest_text(what)}"


def read_head(lines: list[str], path: str) -> Head:
    """The head of the file of *lines*; raises ``SnapshotUnreadable`` where it is none of this format."""
    version = _version(lines, path)
    values = [_field(lines, index, word, path) for index, word in ((1, "test"), (2, "recorded"), (3, "run"))]
    metrics: list[tuple[str, int]] = []
    alive: list[Alive] = []
    made = Made()
    peak_at = ""
    number = 4
    while number < len(lines) and not lines[number].startswith((f"{ROOT} ", f"\\{ROOT} ")):
        line = lines[number]
        number += 1
        if _take_alive(line, alive) or made.take(line):
            continue
        found = _METRIC.fullmatch(line)
        if found:
            name = found["name"]
            metrics.append((unquote(name) if name.startswith('"') else name, int(found["value"])))
        elif not line.startswith("peak at "):
            raise unreadable(path, number, "this line is neither a metric nor the beginning of the graph", line)
        at = found["at"] if found else line.removeprefix("peak at ")
        peak_at = rest_of(at) if at else peak_at
    run = read_run(_modes(values[2], path))
    return Head(
        test=rest_of(values[0]),
        recorded=rest_of(values[1]),
        run=run,
        metrics=tuple(metrics),
        peak_at=Place.read(peak_at) if peak_at else None,
        alive=tuple(alive),
        compilation=_compilation(made, run, dict(metrics), path),
        version=version,
        lines=number,
    )


def _take_alive(line: str, alive: list[Alive]) -> bool:
    """Take in *line* where it tells what is alive at the peak; whether it does."""
    found = _ALIVE.fullmatch(line)
    if found:
        alive.append(Alive(int(found[1]), int(found[2] or 1), What.read(rest_of(found[3]))))
    return found is not None


def _compilation(made: Made, run: Run, metrics: dict[str, int], path: str) -> Compilation | None:
    backend = run.backend
    if backend is None and not made.anything:
        return None
    if backend is None:
        raise unreadable(path, 4, "the head tells of compiled graphs, and 'run' of no compiler", ", ".join(run.words))
    compilation = made.by(backend, metrics.get("uncompiled", 0))
    for name, found in compilation.counts:
        if metrics.get(name, found) != found:
            raise unreadable(path, 4, f"the head counts {name} {metrics[name]}, and tells of {found}")
    return compilation


def _modes(text: str, path: str) -> tuple[str, ...]:
    modes: list[str] = []
    position = 0
    while position < len(text):
        found = _MODE.match(text, position)
        if found is None:
            raise unreadable(path, 4, "modes, separated by commas, were expected after 'run'", text)
        modes.append(name_of(found[1]))
        position = found.end()
    return tuple(modes)


def _version(lines: list[str], path: str) -> int:
    first = lines[0] if lines else ""
    word, _, number = first.partition(" ")
    if word != "torchgraph" or not number.isascii() or not number.isdecimal():
        what = "this is no torchgraph snapshot" if first.strip() else "this snapshot is empty"
        raise unreadable(path, 1, what, first)
    # Compared as text, because Python refuses to make a number of thousands of digits.
    written = {str(version): version for version in range(OLDEST, VERSION + 1)}
    if number in written:
        return written[number]
    if number.startswith("0"):
        raise unreadable(path, 1, f"no format {shortened(number)} was ever written", first)
    raise unreadable(
        path,
        1,
        f"this snapshot has format {shortened(number)}, and this pytest-torchgraph reads formats {OLDEST} to {VERSION}",
        advice="Upgrade pytest-torchgraph, or record the snapshot again with this one: pytest --torchgraph-update",
    )


def _field(lines: list[str], index: int, word: str, path: str) -> str:
    line = lines[index] if index < len(lines) else ""
    found, _, value = line.partition(" ")
    if found != word:
        raise unreadable(path, index + 1, f"the head of a snapshot has the line '{word} ...' here", line)
    return value


def _is_word(text: str) -> bool:
    return re.fullmatch(_WORD, text, re.ASCII) is not None
