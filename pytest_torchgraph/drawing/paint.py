"""What colour everything in a picture has, and the legend that says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import log10

from pytest_torchgraph.drawing.colour import KIND_COLOURS, MARK_COLOURS, MARK_SIGNS, Theme, ink_on, mix, on_scale
from pytest_torchgraph.drawing.layout import Box, Scene
from pytest_torchgraph.drawing.measure import MEANING, MEASURES, total, written
from pytest_torchgraph.quick import dataclass

DECADES = 3


@dataclass(frozen=True, slots=True)
class Look:
    """The colours of one box."""

    fill: str
    border: str
    ink: str
    muted: str


@dataclass(frozen=True, slots=True)
class Legend:
    """Names with their colours, or a *scale*: values by their place between 0 and 1."""

    title: str
    entries: tuple[tuple[str, str, str], ...] = ()
    scale: tuple[tuple[float, str], ...] = ()


class Painter:
    """Colours the boxes of a picture; *costs* are what the operations of each lane cost."""

    def __init__(self, by: str, theme: Theme, costs: Sequence[Sequence[float | None]], scene: Scene) -> None:
        self.by = by
        self.theme = theme
        self.costs = costs
        leaves = [box for box in scene.boxes if not box.is_group]
        self.largest = max((self.cost(box) for box in leaves), default=0.0) if by in MEASURES else 0.0
        self.legend = self._legend(leaves)

    def cost(self, box: Box) -> float:
        """What the operations of *box* cost together, as far as it is known."""
        return total(self.costs[box.lane], box.node.operations)[0]

    def look(self, box: Box) -> Look:
        """The colours of *box*."""
        if box.is_group:
            return self._group(box)
        if box.node.role in {"input", "output"}:
            return self._tinted(self.theme.muted, 0.06)
        if self.by in MEASURES:
            return self._heat(box)
        if self.by == "change":
            return self._tinted(MARK_COLOURS[box.node.mark], 0.45) if box.node.mark else self._plain()
        return self._tinted(KIND_COLOURS[box.node.kind], self.theme.tint) if box.node.kind else self._plain()

    def is_marked(self, box: Box) -> bool:
        """Whether *box* stands out by what changed in it."""
        return self.by == "change" and bool(box.node.mark) and box.depth > 0

    def _group(self, box: Box) -> Look:
        colour = self.theme.phases.get(box.node.phase, self.theme.muted)
        fill = mix(colour, self.theme.paper, 0.035 + 0.025 * min(box.depth, 5))
        look = Look(fill, mix(colour, self.theme.paper, 0.35), self.theme.text, self.theme.muted)
        return replace(look, border=MARK_COLOURS["altered"]) if self.is_marked(box) else look

    def _plain(self) -> Look:
        return Look(self.theme.plain, mix(self.theme.line, self.theme.paper, 0.5), self.theme.text, self.theme.muted)

    def _tinted(self, colour: str, share: float) -> Look:
        muted = self.theme.muted if share < 0.4 else self.theme.text
        return Look(mix(colour, self.theme.paper, share), colour, self.theme.text, muted)

    def _heat(self, box: Box) -> Look:
        fill = on_scale(place(self.cost(box), self.largest))
        ink = ink_on(fill)
        return Look(fill, mix(fill, self.theme.line, 0.6), ink, mix(ink, fill, 0.75))

    def _scale(self) -> Iterator[tuple[float, str]]:
        for step in range(DECADES + 1):
            value = self.largest / 10**step
            yield 1 - step / DECADES, f"{'≤ ' if step == DECADES else ''}{written(self.by, value)}"

    def _legend(self, boxes: Sequence[Box]) -> Legend:
        """What the colours of *boxes* mean; only what is there."""
        if self.by in MEASURES:
            return Legend(MEANING[self.by], scale=tuple(self._scale()))
        leaves = [box.node for box in boxes]
        if self.by == "change":
            seen = {node.mark for node in leaves}
            marks = ((f"{MARK_SIGNS[mark]} {mark}", mark) for mark in MARK_COLOURS if mark in seen)
            entries = [
                (name, mix(MARK_COLOURS[mark], self.theme.paper, 0.45), MARK_COLOURS[mark]) for name, mark in marks
            ]
            plain = self._plain()
            return Legend("change", (*entries, ("unchanged", plain.fill, plain.border)))
        seen = {node.kind for node in leaves}
        looks = ((kind, self._tinted(colour, self.theme.tint)) for kind, colour in KIND_COLOURS.items() if kind in seen)
        return Legend("kind", tuple((kind, look.fill, look.border) for kind, look in looks))


def place(value: float, largest: float) -> float:
    """Where *value* lies between :data:`DECADES` powers of ten below *largest* (0, or less) and *largest* (1)."""
    return max(0.0, 1 + log10(value / largest) / DECADES) if value > 0 else 0.0


def caption(box: Box) -> str:
    """The first line in *box*, with the sign of what changed."""
    sign = MARK_SIGNS.get(box.node.mark, "") if not box.is_group else ""
    return f"{sign} {box.node.title}".strip()
