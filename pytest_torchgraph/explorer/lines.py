"""The first and the last line of the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_torchgraph.explorer.block import Span, Spans
from pytest_torchgraph.explorer.formatting import bytes_text, count_text, flops_text, time_text
from pytest_torchgraph.explorer.widgets.bar import Bar
from pytest_torchgraph.words.counting import times
from pytest_torchgraph.words.printable import printable

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.loading import Job
    from pytest_torchgraph.explorer.search import Found
    from pytest_torchgraph.explorer.subject import Subject

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
HINTS: Spans = tuple(
    span
    for key, meaning in (
        ("/", "search"),
        ("m", "measure"),
        ("Tab", "panel"),
        ("w", "to the panel"),
        ("?", "keys"),
        ("e", "export"),
        ("q", "quit"),
    )
    for span in ((f" {key} ", "accent"), (f"{meaning} ", "faint"))
)


def head_of(subject: Subject) -> Spans:
    """The title and the totals that are known."""
    tree = subject.tree
    word = "numbers held" if subject.known == "file" else "params"
    parts = [f"{count_text(tree.parameters)} {word}", bytes_text(tree.parameter_bytes)]
    graph = subject.graph
    if graph is not None:
        operations, flops = subject.work
        parts.append(times(operations, "operation", ","))
        if subject.known == "run":
            parts.append(flops_text(flops))
        if graph.timing is not None:
            parts.append(time_text(graph.timing.total))
        parts.append(f"peak {bytes_text(graph.memory.peak)}")
        origin = graph.origin
        parts.append(f"{origin.training}, {origin.device}, torch {origin.torch.partition('+')[0]}")
    status: tuple[Span, ...] = ()
    if subject.comparison is not None:
        verdict = subject.comparison.verdict
        status = (("  ", ""), (printable(verdict.headline), "bad" if verdict.fails else "good"))
    return ((f" {printable(subject.title)}", "head"), *status, ("  " + " · ".join(parts), "faint"))


class Foot(Bar):
    """What is done at the moment, what a search found, or the keys that are used most."""

    def __init__(self) -> None:
        super().__init__("foot", HINTS)
        self.job: Job | None = None
        self.found: Found | None = None
        self.said = ""
        self._turn = 0

    def working(self, job: Job | None) -> None:
        """Show what *job* does."""
        if job is not None or self.job is not None:
            self.job = job
            self._turn += 1
            self.show(self._spans())

    def told(self, found: Found | None) -> None:
        """Show what was *found*."""
        self.found, self.said = found, ""
        self.show(self._spans())

    def say(self, text: str) -> None:
        """Show *text* until something else is to be said."""
        self.said = text
        self.show(self._spans())

    def _spans(self) -> Spans:
        if self.job is not None:
            seen = self.job.seen()
            told = f"{self.job.doing}{f' {seen}' if seen else ''}"
            return (
                (f" {SPINNER[self._turn % len(SPINNER)]} ", "accent"),
                (printable(told), ""),
                ("  Esc gives up", "faint"),
            )
        if self.said:
            return ((f" {printable(self.said)}", "warn"),)
        if self.found is not None:
            if self.found.error:
                return ((f" {printable(self.found.error)}", "warn"),)
            count = len(self.found.matched)
            return (
                (f" {times(count, 'module')}", "number" if count else "warn"),
                (" found", ""),
                ("   n next  Enter keeps  Esc clears", "faint"),
            )
        return HINTS
