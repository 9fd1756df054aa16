"""What the explorer shows, and what is told of one module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional, Tuple  # noqa: UP035 -- the documented annotations, which may be read at run time

SCHEMES = {"dark": "torchgraph-dark", "light": "torchgraph-light"}
"""The two words for a colour scheme, beside the names of Textual's own themes."""


@dataclass
class ExplorerConfig:
    """How a model is shown, in the explorer and in summaries.

    ``compact_view`` folds repeated layers from the start (``0-31: Block ×32``); ``color_scheme`` is ``"dark"``,
    ``"light"`` or the name of a theme of Textual; ``max_depth`` is how deep modules are told, all by default.
    """

    show_parameter_counts: bool = True
    show_shapes: bool = True
    show_timing: bool = True
    show_memory: bool = True
    compact_view: bool = False
    color_scheme: str = "dark"
    max_depth: Optional[int] = None  # noqa: UP045 -- documented so

    def __post_init__(self) -> None:
        self.check()

    def check(self) -> None:
        """Raise ``ValueError`` for a value that means nothing."""
        depth = self.max_depth
        if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 0):
            raise ValueError(f"max_depth={depth!r}: expected how deep modules are shown, such as 2, or None for all")
        if not (isinstance(self.color_scheme, str) and self.color_scheme):
            raise ValueError(f"color_scheme={self.color_scheme!r}: expected 'dark', 'light' or a theme of Textual")


@dataclass
class ModuleInfo:
    """What is known of one module, everything inside it counted.

    ``name`` is its path, ``shapes`` those of its own parameters and buffers, ``memory_usage`` bytes of all parameters
    and buffers. ``timing_stats`` are those of :func:`~pytest_torchgraph.explorer.stats.get_forward_stats`, in seconds.
    """

    name: str
    module_type: str
    parameter_count: int
    shapes: Dict[str, Tuple[int, ...]]  # noqa: UP006 -- documented so
    timing_stats: Optional[Dict[str, float]] = None  # noqa: UP006, UP045
    memory_usage: Optional[int] = None  # noqa: UP045
