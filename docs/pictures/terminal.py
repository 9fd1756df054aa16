"""The terminal pictures of the tutorial: ``python -m docs.pictures.terminal`` follows it, and keeps what is printed.

A picture belongs to the block of commands that it stands below; its name says which.
"""

from __future__ import annotations

import os
import re
import subprocess
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.documents.reader import COMMANDS, DOCS, Reader, environment, fences

HERE = Path(__file__).parent
WIDTH = 118
PICTURES = {
    "terminal-recorded": "$ pytest -q --torchgraph-update\n",
    "terminal-shown": "$ torchgraph show snapshots/test_model/test_next_word.torchgraph\n",
    "terminal-drifted": "$ pytest -q\n",
    "terminal-review": "$ torchgraph review --list\n",
}
"""What is typed before each; a command that is typed several times is kept the last time that it is before the next."""
FRAME = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""
"""Rich's own frame without the font that it fetches, and without cutting off what hangs below the last line."""


def coloured(reader: Reader, command: str) -> str:
    """What *command* prints on a terminal with colours."""
    word, *rest = command.split()
    more = ["--color=yes"] if word == "pytest" else []
    done = subprocess.run(
        [*COMMANDS[word], *rest, *more],
        cwd=reader.folder,
        env={**environment(), "FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout.replace(os.fspath(reader.folder), "~/model")


def picture(command: str, printed: str) -> str:
    """The screen after *command*, as SVG."""
    console = Console(width=WIDTH, record=True, file=StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
    console.print(Text.from_ansi(re.sub(r" in \d+\.\d+s", "", printed.rstrip())))
    return console.export_svg(title=command, theme=MONOKAI, code_format=FRAME, unique_id="t")


def main() -> None:
    """Follow the tutorial, and take the pictures."""
    waiting = dict(PICTURES)
    with TemporaryDirectory() as folder:
        reader = Reader(Path(folder))
        for fence in fences(DOCS / "tutorial.md"):
            name = next((name for name, typed in waiting.items() if typed == fence.text and is_due(name, reader)), None)
            if name is not None:
                command = waiting.pop(name).removeprefix("$ ").rstrip()
                (HERE / f"{name}.svg").write_text(picture(command, coloured(reader, command)), encoding="utf-8")
            reader.follow(fence)


def is_due(name: str, reader: Reader) -> bool:
    """Whether it is the time for a picture: a test drifts after it was recorded and committed."""
    return name != "terminal-drifted" or any(line.startswith("git commit") for line in reader.ran)


if __name__ == "__main__":
    main()
