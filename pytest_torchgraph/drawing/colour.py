"""Colours that colour-blind readers tell apart (Okabe and Ito's palette, and cividis), on light and on dark."""

from __future__ import annotations

from pytest_torchgraph.drawing.kind import KINDS
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.memory import CATEGORIES
from pytest_torchgraph.recorded.phase import BACKWARD, FORWARD, OPTIMIZER

KIND_COLOURS = dict(
    zip(KINDS, ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#B3A100", "#56B4E9"), strict=True)
)
CATEGORY_COLOURS = dict(
    zip(
        CATEGORIES,
        ("#0072B2", "#56B4E9", "#999999", "#E69F00", "#CC79A7", "#009E73", "#D55E00", "#6b6b6b"),
        strict=True,
    )
)
MARK_COLOURS = {"added": "#009E73", "removed": "#D55E00", "altered": "#E69F00", "moved": "#CC79A7"}
MARK_SIGNS = {"added": "+", "removed": "−", "altered": "~", "moved": "→"}  # noqa: RUF001 -- as wide as the plus
CIVIDIS = ("#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838")


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours that mean nothing."""

    paper: str
    text: str
    muted: str
    line: str
    grid: str
    plain: str
    tint: float
    phases: dict[str, str]


LIGHT = Theme(
    paper="#ffffff", text="#1f2328", muted="#59636e", line="#818b98", grid="#e4e8ec", plain="#eef1f4", tint=0.16,
    phases={FORWARD: "#0969da", BACKWARD: "#bc4c00", OPTIMIZER: "#1a7f37"},
)  # fmt: skip
DARK = Theme(
    paper="#0d1117", text="#e6edf3", muted="#9198a1", line="#7d8590", grid="#262c36", plain="#21262d", tint=0.32,
    phases={FORWARD: "#58a6ff", BACKWARD: "#f0883e", OPTIMIZER: "#3fb950"},
)  # fmt: skip


def theme(*, dark: bool) -> Theme:
    """The light theme or the dark one."""
    return DARK if dark else LIGHT


def rgb(colour: str) -> tuple[int, int, int]:
    """``(255, 0, 0)`` for ``#ff0000``."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mix(colour: str, other: str, share: float) -> str:
    """*share* of *colour*, the rest *other*."""
    parts = (round(a * share + b * (1 - share)) for a, b in zip(rgb(colour), rgb(other), strict=True))
    return "#" + "".join(f"{part:02x}" for part in parts)


def on_scale(share: float) -> str:
    """The colour of a place between 0 and 1: dark blue is little, yellow is much."""
    place = min(max(share, 0.0), 1.0) * (len(CIVIDIS) - 1)
    low = min(int(place), len(CIVIDIS) - 2)
    return mix(CIVIDIS[low + 1], CIVIDIS[low], place - low)


def ink_on(colour: str) -> str:
    """The text colour that is read best on *colour* (relative luminance as in WCAG 2, without its gamma)."""
    red, green, blue = rgb(colour)
    return "#10151b" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 125 else "#ffffff"
