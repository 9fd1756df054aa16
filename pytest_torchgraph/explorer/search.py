r"""What is looked for in a model: ``conv``, ``/layers\.\d+/``, ``params>1M``, ``op:aten.clone``, ``changed``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from pytest_torchgraph.analysis.selection import chooser
from pytest_torchgraph.explorer.measure import BY_NAME
from pytest_torchgraph.explorer.module import Module
from pytest_torchgraph.explorer.subject import prefixes
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.words.nearest import nearest

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.subject import Subject

Test: TypeAlias = Callable[[Module], bool]
COMPARISONS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq}
COMPARED = re.compile(r"(\w+)(>=|<=|>|<|=)(.*)")
NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Zµμ]*)")
UNITS = {
    "": 1.0,
    **{unit: 1000.0**power for power, unit in enumerate(("k", "m", "g", "t", "p"), 1)},
    "b": 1e9,
    **{unit: 1024.0**power for power, unit in enumerate(("kib", "mib", "gib", "tib"), 1)},
    **{unit: 1000.0**power for power, unit in enumerate(("kb", "mb", "gb", "tb"), 1)},
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ns": 1e-9,
}
SPECIAL = re.compile(r"[\\^$*+?()\[\]{}|]")
NUMBERS_WANTED = "a number such as 1M, 64KiB or 2ms"
HINTS = "name, class or regular expression; params>1M  time>1ms  op:aten.clone  changed  sync"


class Unreadable(ValueError):
    """A word that cannot be searched for, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Found:
    """``matched`` are the paths of the modules that were found, ``shown`` those and all around them.

    ``marks`` are what to mark in names. ``error`` says what of the words could not be read; the others count.
    """

    text: str
    matched: frozenset[str] = frozenset()
    shown: frozenset[str] = frozenset()
    marks: tuple[re.Pattern[str], ...] = ()
    error: str = ""

    def marked(self, text: str) -> list[tuple[int, int]]:
        """Where in *text* something was found."""
        return [found.span() for mark in self.marks for found in mark.finditer(text) if found.end() > found.start()]


@dataclass(slots=True)
class Query:
    """The words of a search as tests; a module is found that passes all of them."""

    tests: list[Test] = field(default_factory=list)
    marks: list[re.Pattern[str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def search(subject: Subject, text: str) -> Found | None:
    """The modules that *text* finds; ``None`` where it says nothing."""
    words = text.split()
    if not words:
        return None
    query = Query()
    for word in words:
        try:
            add(query, subject, word)
        except Unreadable as unreadable:
            query.errors.append(str(unreadable))
    error = "; ".join(query.errors)
    if not query.tests:
        return Found(text, error=error, shown=frozenset(subject.modules), matched=frozenset())
    matched = frozenset(path for path, module in subject.modules.items() if all(test(module) for test in query.tests))
    shown = frozenset(around for path in matched for around in prefixes(path))
    return Found(text, matched, shown, tuple(query.marks), error)


def add(query: Query, subject: Subject, word: str) -> None:
    """Add what *word* asks for."""
    compared = COMPARED.fullmatch(word)
    if compared is not None:
        query.tests.append(comparison(subject, *compared.groups()))
    elif word.startswith("op:"):
        query.tests.append(operations(subject, word.removeprefix("op:")))
    elif word.startswith("class:"):
        mark = pattern(word.removeprefix("class:"))
        query.tests.append(lambda module: mark.search(module.class_name) is not None)
        query.marks.append(mark)
    elif word in FLAGS and FLAGS[word].is_known(subject):
        query.tests.append(FLAGS[word].test(subject))
    else:
        mark = pattern(word.strip('"') if len(word) > 1 else word)
        query.tests.append(lambda module: any(mark.search(part) for part in (module.path or module.name, module.title)))
        query.marks.append(mark)


@lru_cache(maxsize=64)
def pattern(word: str) -> re.Pattern[str]:
    """*word* wherever it stands, in capitals or not; as a regular expression where it has signs of one."""
    inner = word[1:-1] if len(word) > 2 and word.startswith("/") and word.endswith("/") else word
    if inner == word and not SPECIAL.search(word):
        return re.compile(re.escape(word), re.IGNORECASE)
    try:
        return re.compile(inner, re.IGNORECASE)
    except re.error as error:
        raise Unreadable(f"{word!r} is no regular expression: {error.msg}") from None


def comparison(subject: Subject, name: str, sign: str, number: str) -> Test:
    """Whether a measure of a module is larger or smaller than a number."""
    measure = BY_NAME.get(name.lower())
    if measure is None:
        raise Unreadable(f"there is no measure {name!r}{nearest(name, BY_NAME)} Measures: {', '.join(BY_NAME)}")
    wanted, compare = number_of(number), COMPARISONS[sign]
    if measure.amount(subject, [subject.tree]).value is None:
        raise Unreadable(f"{measure.name}: {measure.meaning} are not known here")

    def test(module: Module) -> bool:
        value = measure.amount(subject, [module]).value
        return value is not None and bool(compare(value, wanted))

    return test


def number_of(text: str) -> float:
    """``1M`` is 1,000,000, ``64KiB`` 65,536, ``2ms`` 0.002."""
    found = NUMBER.fullmatch(text)
    if found is None or found[2].lower() not in UNITS:
        raise Unreadable(f"{text!r} is not {NUMBERS_WANTED}")
    return float(found[1]) * UNITS[found[2].lower()]


def operations(subject: Subject, name: str) -> Test:
    """Whether an operation of the module itself is called *name*, or is of that group."""
    graph = subject.graph
    if graph is None:
        raise Unreadable("op: needs a run; no operation was recorded")
    if not name:
        raise Unreadable("op: expects the name of an operation (aten.clone, aten.*mm) or a group (copies)")
    whole = name if "." in name else f"aten.{name}"
    chosen = [chooser(name, graph.calls), chooser(whole, graph.calls)]
    paths = {
        graph.scopes[operation.scope].path
        for operation in graph.operations
        if any(is_chosen(operation) for is_chosen in chosen)
    }
    return lambda module: module.path in paths


@dataclass(frozen=True, slots=True)
class Flag:
    """A word that asks whether something is so, where that is known."""

    meaning: str
    is_known: Callable[[Subject], bool]
    test: Callable[[Subject], Test]


def _changed(subject: Subject) -> Test:
    inside = subject.changes
    return lambda module: inside[module.path] > sum(inside[child.path] for child in module.children)


def _waiting(subject: Subject) -> Test:
    paths = {subject.graph.scopes[one.scope].path for one in subject.graph.syncs} if subject.graph else set()
    return lambda module: module.path in paths


def _own(test: Callable[[Module], Iterable[bool]]) -> Callable[[Subject], Test]:
    return lambda _: lambda module: any(test(module))


def _trained(module: Module) -> Iterator[bool]:
    yield from (bool(one.trainable) for one in module.held if one.kind == "parameter")


def _frozen(module: Module) -> Iterator[bool]:
    yield from (one.trainable is False for one in module.held if one.kind == "parameter")


def has_model(subject: Subject) -> bool:
    """Whether the live model is here."""
    return subject.model is not None


FLAGS = {
    "changed": Flag("modules that changed", lambda subject: subject.comparison is not None, _changed),
    "sync": Flag(
        "modules whose own operations wait for the device", lambda subject: subject.graph is not None, _waiting
    ),
    "trained": Flag("modules with trained parameters", has_model, _own(_trained)),
    "frozen": Flag("modules with frozen parameters", has_model, _own(_frozen)),
    "shared": Flag(
        "modules that stand at several places", has_model, lambda _: lambda module: module.same_as is not None
    ),
}
