"""The page of the documents that has an example of every cause: ``python -m tests.regressions.page`` writes it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from textwrap import dedent

from pytest_torchgraph.comparison import Comparison
from pytest_torchgraph.report.terminal import render
from pytest_torchgraph.verdict.causes.cause import CAUSES, MEANINGS
from tests.regressions.examples import EXAMPLES
from tests.regressions.pair import FOLDER, MARK, Pair, pairs_in

PAGE = FOLDER.parents[1] / "docs" / "reference" / "causes-by-example.md"
MESSAGES = FOLDER.parent / "verdict" / "messages"
ABOUT = """\
# Causes by example

An example of every [cause](../causes.md): an edit, what a failing test says of it, and what it says of the way back.
The models are those of the tests, and the messages are what is printed; `python -m tests.regressions.page`
writes this page.
"""
ONE_KERNEL = """\
A processor has one fused kernel for attention, so no edit of a model shows it there. It is told where a snapshot is
compared on the kind of machine that it was recorded on:
"""
PLACEMENT = """\
-    "layers.1.up": ColwiseParallel(),
-    "layers.1.down": RowwiseParallel(),
+    "layers.1.up": ColwiseParallel(output_layouts=Replicate()),
+    "layers.1.down": RowwiseParallel(input_layouts=Replicate()),
"""
WITHOUT_HEAD = """\
-    "head": ColwiseParallel(output_layouts=Replicate()),
"""
LET_GO = """\
-    fully_shard(part, reshard_after_forward=False)
+    fully_shard(part, reshard_after_forward=True)
"""
EDITS = {
    "another kernel": (ONE_KERNEL, ""),
    "another placement": ("Tensor parallelism over four ranks:\n", PLACEMENT),
    "a head on every rank": ("Tensor parallelism over four ranks:\n", WITHOUT_HEAD),
    "let go of after the forward pass": ("Parameters sharded over four ranks:\n", LET_GO),
}
"""What is said of the edits of stored messages, and their lines."""
CHOSEN = (
    "causal_mask_passed",
    "attention_by_hand",
    "mask_expanded",
    "keys_repeated",
    "heads_made_contiguous",
    "weights_moved_each_call",
    "logits_upcast_before_slicing",
    "types_gathered",
    "masks_of_queries_broadcast",
    "written_out_of_place",
    "any_as_bool",
    "gathered_when_alone",
    "head_called_again",
    "loss_computed_twice",
    "checkpointing_not_handed_on",
    "checkpointing_nested",
    "checkpointing_reentrant",
    "encoder_detached",
    "validation_with_grad",
    "frozen_in_name_only",
    "half_logits_kept_alive",
    "mask_buffer_registered",
    "dimension_counted_from_behind",
    "input_renamed",
    "activation_of_its_own",
    "line_put_into_module",
    "projections_reordered",
    "modules_in_another_order",
)
"""The regressions and harmless changes that are shown; what they do not show, the examples do."""


@dataclass(frozen=True, slots=True)
class Section:
    """One example: the causes that it shows, and its text."""

    causes: tuple[str, ...]
    text: str


def pairs() -> list[Pair]:
    """All that are shown."""
    known = {**pairs_in("drift"), **pairs_in("harmless")}
    return [*(known[name] for name in CHOSEN), *EXAMPLES.values()]


def section(pair: Pair) -> Section:
    """What is told of one edit."""
    forth, back = (comparison.verdict.findings[0].cause for comparison in (pair.comparison, pair.reverse))
    causes = tuple(dict.fromkeys((forth, back)))
    parts = [
        titled(causes),
        block("diff", difference(pair)),
        *context(pair),
        block("text", message(pair, pair.comparison)),
    ]
    return Section(causes, "\n".join([*parts, "The other way round:\n", block("text", message(pair, pair.reverse))]))


def titled(causes: tuple[str, ...]) -> str:
    """The heading of a section, and what its causes mean."""
    means = "".join(f"- `{cause}`: {CAUSES[cause]}\n" for cause in causes)
    return f"## {', '.join(causes)}\n\n{means}"


def message(pair: Pair, comparison: Comparison) -> str:
    """What is printed of a comparison."""
    test = f"test_model.py::test_{pair.name}"
    accept = f"pytest {test} --torchgraph-update" if comparison.drifted else ""
    return render(comparison.outline(test, accept)) + "\n"


def block(language: str, text: str) -> str:
    """A fenced block."""
    return f"```{language}\n{text}```\n"


def difference(pair: Pair) -> str:
    """What an edit changes, with a line around it."""
    before, after = map(body, (pair.before, pair.after))
    lines = [line for line in unified_diff(before, after, lineterm="", n=1) if not line.startswith(("---", "+++"))]
    return "".join(f"{'…' if line.startswith('@@') else line.rstrip()}\n" for line in lines).removeprefix("…\n")


def body(side: object) -> list[str]:
    """The lines of a function's body, without marks for tests and linters."""
    _, _, inside = dedent(inspect.getsource(side)).partition("Run:\n")  # type: ignore[arg-type]  # a function
    return [plain(line) for line in dedent(inside).rstrip().splitlines()]


def plain(line: str) -> str:
    """*line* without what tells tests and linters something."""
    return re.sub(r"  # (here|noqa|type: ignore).*$", "", line)


def context(pair: Pair) -> Iterator[str]:
    """Where the edit is a flag: the function that it decides about."""
    if any(MARK in inspect.getsource(side) for side in (pair.before, pair.after)) or not pair.marked:
        return
    path, number = marked(pair)
    lines = path.read_text("utf-8").splitlines()
    first = next(at for at in range(number, -1, -1) if re.match(r" *def ", lines[at]))
    indent = len(lines[first]) - len(lines[first].lstrip())
    last = next((at for at in range(first + 1, len(lines)) if outdented(lines[at], indent)), len(lines))
    yield f"where\n\n{block('python', dedent(chr(10).join(map(plain, lines[first:last]))).rstrip() + chr(10))}"


def outdented(line: str, indent: int) -> bool:
    """Whether *line* is no part of a function that is indented that far."""
    return bool(line.strip()) and len(line) - len(line.lstrip()) <= indent


def marked(pair: Pair) -> tuple[Path, int]:
    """The file of a pair, and its first marked line, from 0."""
    name, _, number = pair.marked[0].partition(":")
    (path,) = FOLDER.glob(f"*/{name}")
    return path, int(number) - 1


def stored(shown: set[str]) -> Iterator[Section]:
    """Examples of the causes that nothing else shows: the reviewed messages of the tests of causes."""
    texts = {path.stem: path.read_text("utf-8") for path in sorted(MESSAGES.glob("*.txt"))}
    for cause, meaning in MEANINGS.items():
        if cause in shown:
            continue
        causes = tuple(dict.fromkeys((cause, *meaning.mirrors)))
        shown.update(causes)
        name = next(name for name, text in texts.items() if any(f"[{each}]" in text for each in causes))
        yield Section(causes, "\n".join([titled(causes), *edit(name), *messages(texts[name])]))


def edit(name: str) -> Iterator[str]:
    """What the edit of a stored message is."""
    about, lines = EDITS.get(name, (f"The edit: {name}.\n", ""))
    yield about
    if lines:
        yield block("diff", lines)


def messages(text: str) -> list[str]:
    """Two stored messages, there and back."""
    forth, _, back = text.partition("\n\n")
    return [block("text", f"{forth.strip()}\n"), "The other way round:\n", block("text", f"{back.strip()}\n")]


def sections() -> list[Section]:
    """Every example, in the order in which causes are told."""
    order = list(MEANINGS)
    found = [*map(section, pairs())]
    found += stored({cause for one in found for cause in one.causes})
    return sorted(found, key=lambda one: order.index(one.causes[0]))


def page(found: list[Section]) -> str:
    """The text of the page."""
    return "\n".join([ABOUT, *(one.text for one in found)])


if __name__ == "__main__":
    PAGE.write_text(page(sections()), encoding="utf-8")
