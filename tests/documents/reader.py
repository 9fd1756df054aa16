"""Somebody who follows a page: writes its files, makes its edits, types its commands, and compares what is printed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DOCS = PROJECT / "docs"
COMMANDS = {
    "pytest": (sys.executable, "-m", "pytest", "-p", "syrupy", "-p", "pytest_torchgraph.plugin.hooks"),
    "torchgraph": (sys.executable, "-m", "pytest_torchgraph.cli.main"),
    "git": ("git", "-c", "user.name=Reader", "-c", "user.email=reader@example.com", "-c", "init.defaultBranch=main"),
}
_SHOWN = re.compile(r"<text [^>]*>([^<]*)</text>")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Fence:
    """One fenced block of a page."""

    language: str
    text: str

    @property
    def file(self) -> str:
        """The file that a block of Python says it is, in its first line; ``""`` where it is none."""
        found = re.match(r"# (\w+\.py)\n", self.text)
        return found[1] if found else ""


def fences(page: Path) -> list[Fence]:
    """The blocks of *page* in order."""
    return [Fence(language, text) for language, text in _BLOCK.findall(page.read_text("utf-8"))]


@dataclass
class Reader:
    """A reader in an empty *folder*; ``printed`` is what the last commands printed."""

    folder: Path
    printed: str = ""
    ran: list[str] = field(default_factory=list)

    def follow(self, fence: Fence) -> None:
        """Do what one block says. Raises ``AssertionError`` where the page does not say what is so."""
        match fence.language:
            case "python" if fence.file:
                (self.folder / fence.file).write_text(fence.text, encoding="utf-8")
            case "diff":
                self._edit(fence.text)
            case "console":
                lines = [line.removeprefix("$ ") for line in fence.text.splitlines() if line.startswith("$ ")]
                self.printed = "\n".join(map(self.type, lines))
            case "text" if self.ran:
                missing = [line for line in fence.text.splitlines() if line.strip() not in self.printed]
                assert not missing, f"the page shows {missing}; printed was:\n{self.printed}"
            case _:
                pass

    def type(self, line: str) -> str:
        """What the command *line* prints."""
        self.ran.append(line)
        word, *rest = shlex.split(line, comments=True)
        done = subprocess.run(
            [*COMMANDS[word], *rest],
            cwd=self.folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout

    def _edit(self, text: str) -> None:
        """Replace what the block takes away by what it adds, in the one file that has it."""
        gone = "".join(f"{line[1:]}\n" for line in text.splitlines() if line.startswith("-"))
        come = "".join(f"{line[1:]}\n" for line in text.splitlines() if line.startswith("+"))
        (file,) = (path for path in self.folder.glob("*.py") if gone in path.read_text("utf-8"))
        file.write_text(file.read_text("utf-8").replace(gone, come, 1), encoding="utf-8")


def pictured(page: Path) -> Iterator[tuple[Fence, Path]]:
    """The terminal pictures of *page*, each behind the block of commands that it shows."""
    text = page.read_text("utf-8")
    for found in re.finditer(r"^!\[[^\]]*\]\((pictures/terminal-[\w-]+\.svg)\)$", text, re.MULTILINE):
        commands = [words for language, words in _BLOCK.findall(text[: found.start()]) if language == "console"]
        yield Fence("console", commands[-1]), page.parent / found[1]


def words_of(picture: Path) -> str:
    """All that a terminal picture shows, without spaces."""
    shown = "".join(map(unescape, _SHOWN.findall(picture.read_text("utf-8"))))
    return "".join(shown.split())


def environment() -> dict[str, str]:
    """The variables of a process that a reader starts: none of this session, and this checkout as the package."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "CI", "GITHUB_"))}
    more = {"PYTHONPATH": str(PROJECT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "HF_HUB_OFFLINE": "1", "COLUMNS": "200"}
    return {**kept, **more}
