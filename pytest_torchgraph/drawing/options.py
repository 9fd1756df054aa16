"""What can be asked of a picture, the same for every renderer."""

from __future__ import annotations

from pytest_torchgraph.diff.same import Same
from pytest_torchgraph.drawing.errors import require_known
from pytest_torchgraph.drawing.measure import COLOUR_BY, SIZE_BY
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.quick import dataclass

RENDERERS = ("plotly", "matplotlib")
PICTURES = ("graph", "memory", "icicle", "compare")
FORMATS = ("html", "png", "svg", "pdf", "dot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """See :func:`pytest_torchgraph.drawing.draw`."""

    picture: str = "graph"
    by: str | None = None
    unfold: bool = False
    depth: int | None = None
    before: Graph | None = None
    same: Same | None = None
    dark: bool = False
    title: str | None = None

    def __post_init__(self) -> None:
        """Unknown words are refused before anything is drawn."""
        require_known("picture", self.picture, PICTURES)
        if self.by is not None:
            require_known("measure", self.by, SIZE_BY if self.picture == "icicle" else COLOUR_BY)
