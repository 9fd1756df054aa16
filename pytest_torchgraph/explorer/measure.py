"""What modules can be measured by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from pytest_torchgraph.analysis.cost import STEPS, scaled
from pytest_torchgraph.analysis.tally import Total
from pytest_torchgraph.explorer.formatting import bytes_text, format_param_count, time_text
from pytest_torchgraph.explorer.module import Held, Module, walked
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from pytest_torchgraph.analysis.layer import Layer
    from pytest_torchgraph.explorer.subject import Subject


@dataclass(frozen=True, slots=True)
class Amount:
    """A number, ``None`` where nothing is known of it; ``more`` where a part is unknown."""

    value: float | None
    more: bool = False

    @property
    def size(self) -> float:
        """The number, 0 where there is none."""
        return self.value or 0.0


UNKNOWN = Amount(None)


@dataclass(frozen=True, slots=True)
class Measure:
    """``name`` is how a search calls it, ``head`` the head of its column, ``meaning`` what it is."""

    name: str
    head: str
    meaning: str
    of: Callable[[Subject, Sequence[Module]], Amount]
    written: Callable[[float], str]

    def amount(self, subject: Subject, modules: Sequence[Module]) -> Amount:
        """What *modules* have of it, worked out once."""
        key = self.name, modules[0].path, len(modules)
        if key not in subject.amounts:
            subject.amounts[key] = self.of(subject, modules)
        found: Amount = subject.amounts[key]
        return found

    def text(self, amount: Amount) -> str:
        """``25.6M``, ``≥25.6M``, ``?``."""
        if amount.value is None or (amount.more and not amount.value):
            return "?"
        return f"{'≥' if amount.more else ''}{self.written(amount.value)}"


def held_by(modules: Sequence[Module]) -> list[Held]:
    """All that *modules* and those inside hold, a shared tensor once."""
    found = {one.identity: one for module in modules for inner in walked(module) for one in inner.held}
    return list(found.values())


def parameters(_: Subject, modules: Sequence[Module]) -> Amount:
    """How many parameters there are."""
    if len(modules) == 1:
        return amount_of(modules[0].parameters)
    counts = [one.elements for one in held_by(modules) if one.kind != "buffer"]
    return Amount(sum(count or 0 for count in counts), None in counts)


def held_bytes(_: Subject, modules: Sequence[Module]) -> Amount:
    """Bytes of parameters and buffers."""
    if len(modules) == 1:
        both = modules[0].parameter_bytes, modules[0].buffer_bytes
        return Amount(sum(one.at_least for one in both), any(one.unknown for one in both))
    counts = [one.bytes for one in held_by(modules)]
    return Amount(sum(count or 0 for count in counts), None in counts)


def amount_of(total: Total) -> Amount:
    """A total as an amount."""
    return Amount(total.at_least, bool(total.unknown))


def of_layers(part: Callable[[Layer], float | Total | None]) -> Callable[[Subject, Sequence[Module]], Amount]:
    """The sum of a *part* of the layers of modules; what only holds others costs what they do."""

    def of(subject: Subject, modules: Sequence[Module]) -> Amount:
        root = subject.layers.get("")
        if root is None or amount(part(root)).value is None:
            return UNKNOWN
        found = [amount(part(layer)) for module in modules for layer in called(subject, module)]
        return Amount(sum(one.size for one in found), any(one.more or one.value is None for one in found))

    def amount(value: float | Total | None) -> Amount:
        return amount_of(value) if isinstance(value, Total) else Amount(value)

    return of


def called(subject: Subject, module: Module) -> Iterator[Layer]:
    """The layer of *module*, or those of the nearest modules inside that were called."""
    layer = subject.layers.get(module.path)
    if layer is not None:
        yield layer
        return
    for child in module.children:
        yield from called(subject, child)


def flops(subject: Subject, modules: Sequence[Module]) -> Amount:
    """FLOPs; a file holds none."""
    return UNKNOWN if subject.known == "file" else FLOPS(subject, modules)


def moved(subject: Subject, modules: Sequence[Module]) -> Amount:
    """Bytes read and written; of a file, whose operations do not tell what they write, they are not known."""
    return UNKNOWN if subject.known == "file" else MOVED(subject, modules)


def changes(subject: Subject, modules: Sequence[Module]) -> Amount:
    """How many changes there are."""
    if subject.comparison is None:
        return UNKNOWN
    return Amount(float(sum(subject.changes.get(module.path, 0) for module in modules)))


FLOPS = of_layers(lambda layer: layer.flops)
MOVED = of_layers(lambda layer: layer.bytes_moved)


def whole(value: float) -> str:
    """``1,024``."""
    return f"{value:,.0f}"


MEASURES = (
    Measure("params", "params", "parameters", parameters, lambda value: format_param_count(round(value))),
    Measure("bytes", "held", "bytes of parameters and buffers", held_bytes, lambda value: bytes_text(round(value))),
    Measure("time", "forward", "seconds of forward operations", of_layers(lambda one: one.forward_seconds), time_text),
    Measure(
        "backward", "backward", "seconds of backward operations", of_layers(lambda one: one.backward_seconds), time_text
    ),
    Measure("flops", "FLOPs", "FLOPs", flops, lambda value: scaled(Total(round(value)), STEPS, 1000)),
    Measure("moved", "moved", "bytes read and written", moved, lambda value: bytes_text(round(value))),
    Measure("ops", "ops", "operations that do work", of_layers(lambda one: one.operations), whole),
    Measure(
        "peak",
        "at peak",
        "bytes alive at the peak",
        of_layers(lambda one: one.peak_bytes),
        lambda v: bytes_text(round(v)),
    ),
    Measure("calls", "calls", "module calls", of_layers(lambda one: one.calls), whole),
    Measure("changes", "changes", "changes", changes, whole),
)
BY_NAME = {measure.name: measure for measure in MEASURES}


def known_measures(subject: Subject) -> list[Measure]:
    """The measures of which something is known."""
    return [measure for measure in MEASURES if measure.amount(subject, [subject.tree]).value is not None]


def share_of(subject: Subject, measure: Measure, modules: Sequence[Module]) -> float | None:
    """The share of the whole."""
    total, part = measure.amount(subject, [subject.tree]), measure.amount(subject, modules)
    if part.value is None or not total.value:
        return None
    return min(part.value / total.value, 1.0)
