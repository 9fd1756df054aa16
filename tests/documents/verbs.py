"""The page that has every command with all its options: ``python -m tests.documents.verbs`` writes it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_torchgraph.cli.main import parser
from tests.documents.reader import DOCS

PAGE = DOCS / "reference" / "verbs.md"
ABOUT = """\
# Every command and its options

What `torchgraph COMMAND -h` prints, on one page; [Commands](commands.md) shows how they are used.
`python -m tests.documents.verbs` writes this page.

**Exit codes**: 0 nothing differs, or what was asked for is done; 2 the command could not do its work (wrong arguments,
a file that cannot be read, a model that does not run), with one message on stderr; 130 it was interrupted. These
return 1:

"""
ONES = {
    "diff": "a graph differs in what is compared",
    "check": "the model does other work than the snapshot says",
    "review": "something still waits",
    "pre-commit": "something must not be committed",
    "explore": "with `--review`, something still waits",
    "report diff": "anything differs",
    "ops diff": "operations, or facts of them, differ",
}
"""What exit code 1 means, where there is one."""


@dataclass(frozen=True, slots=True)
class Verb:
    """A command with the *parser* of its words; *about* is what the list of commands says of it."""

    name: str
    about: str
    parser: argparse.ArgumentParser

    @property
    def description(self) -> str:
        """What it does; where that has lines of its own, as they are printed."""
        text = self.parser.description or f"{self.about[0].upper()}{self.about[1:]}."
        if self.parser.formatter_class is argparse.HelpFormatter:
            return _cell(text)
        return f"```text\n{text.strip()}\n```"

    @property
    def section(self) -> str:
        """What the page says of it."""
        words = [action for action in self.parser._actions if "--help" not in action.option_strings]
        table = ["", "| word | is |", "|---|---|", *map(_row, words)] if words else []
        return "\n".join(["", f"## torchgraph {self.name}", "", self.description, *table, ""])


def verbs() -> list[Verb]:
    """Each command; ``report merge`` in the place of ``report``, and without those that git alone calls."""
    return [*_inside("", parser())]


def _inside(name: str, found: argparse.ArgumentParser) -> Iterator[Verb]:
    for action in found._actions:
        if isinstance(action, argparse._SubParsersAction):
            for listed in action._choices_actions:
                verb = Verb(f"{name} {listed.dest}".strip(), listed.help or "", action.choices[listed.dest])
                yield from [*_inside(verb.name, verb.parser)] or [verb]


def page() -> str:
    """The text of the page."""
    ones = "".join(f"- `torchgraph {name}`: {meaning}\n" for name, meaning in ONES.items())
    return ABOUT + ones + "".join(verb.section for verb in verbs())


def _row(action: argparse.Action) -> str:
    named = action.option_strings or [""]
    values = _values(action)
    shown = ", ".join(f"`{' '.join(filter(None, (name, values)))}`" for name in named)
    return f"| {_cell(shown)} | {_cell((action.help or '') % {'default': action.default, 'prog': 'torchgraph'})} |"


def _values(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    choices = "|".join(map(str, action.choices)) if action.choices else ""
    name = choices or str(action.metavar or action.dest.upper())
    return {"?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} ..."}.get(str(action.nargs), name)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
