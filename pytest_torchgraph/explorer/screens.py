"""What comes up over the explorer: the keys, and where to write a summary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from pytest_torchgraph.explorer.export import SUFFIXES, TREES
from pytest_torchgraph.explorer.keys import KEYS
from pytest_torchgraph.snapshot.saving import write_whole

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from pytest_torchgraph.explorer.subject import Subject


class Help(ModalScreen[None]):
    """The keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter", "dismiss", "Close", show=False)]

    def compose(self) -> ComposeResult:
        """The dialog."""
        text = Text()
        for title, keys in KEYS:
            text.append(f"{title}\n", "bold underline")
            for key, meaning in keys:
                text.append(f"  {key:<16}", "bold")
                text.append(f"{meaning}\n")
        text.rstrip()
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = "keys"
            dialog.border_subtitle = "Esc closes"
            yield Static(text, id="help-text")


class Export(ModalScreen["str | None"]):
    """Asks where to write a summary; its result says what was written."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Close", show=False)]

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.subject = subject

    def compose(self) -> ComposeResult:
        """The dialog."""
        name = "".join(char if char.isalnum() else "-" for char in self.subject.tree.class_name) or "model"
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = "export"
            dialog.border_subtitle = "Enter writes, Esc closes"
            yield Static("The end of the name tells the form: .txt, .json or .html", classes="faint")
            yield Input(f"{name}.txt", id="path", select_on_focus=False)
            yield Static("", id="fault", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Write."""
        event.stop()
        try:
            self.dismiss(written(self.subject, event.value.strip()))
        except (ValueError, OSError) as error:
            told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self.query_one("#fault", Static).update(Text(f"{event.value}: {told}", "bold red"))


def written(subject: Subject, path: str) -> str:
    """Write the summary of *subject* to *path*; says so. Raises ``ValueError`` for a name without a known end."""
    form = SUFFIXES.get(Path(path).suffix.lower())
    if form is None:
        raise ValueError(f"expected a name that ends in {', '.join(SUFFIXES)}")
    write_whole(Path(path), TREES[form](subject.tree, subject.config, subject.stats))
    return f"{path}: written"
