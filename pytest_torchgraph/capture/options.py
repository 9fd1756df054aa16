"""The options of a trace, and which of them exclude each other."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_torchgraph.capture.agreement import PATIENCE
from pytest_torchgraph.capture.compiling.options import CompileOptions, options_of
from pytest_torchgraph.capture.recording import refuse_both
from pytest_torchgraph.capture.step import Backward, Stepping
from pytest_torchgraph.capture.world import World
from pytest_torchgraph.recorded.compilation import Backend


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of :func:`trace`; with ``lines``, operations know which line of the source asked for them."""

    warmup: int = 0
    restore: bool = True
    backward: Backward = None
    optimizer: Stepping = None
    verify: bool = False
    timing: int = 0
    allocator: bool = False
    world_size: int | None = None
    rank: int = 0
    lines: bool = True
    rank_timeout: float = PATIENCE
    fake: bool = False
    compiled: bool | Backend | CompileOptions = False

    @property
    def compiler(self) -> CompileOptions | None:
        """How the model is to be compiled; ``None`` where it runs eagerly."""
        return options_of(self.compiled)

    def __post_init__(self) -> None:
        if self.fake:
            refuse_with_fake(self)
        if self.world is None and self.rank:
            raise ValueError(f"rank={self.rank}: of how many? Pass world_size= as well")
        refuse_both(verify=self.verify, timing=self.timing)
        if self.compiler is not None:
            self._refuse_with_compiled()
        if self.allocator and not self.restore:
            raise ValueError("allocator=True runs the model a second time from the same state: it needs restore=True")

    def _refuse_with_compiled(self) -> None:
        others = ("verify", "timing", "allocator", "fake", "world_size")
        given = [name for name in others if getattr(self, name)]
        if given:
            raise ValueError(
                f"compiled= excludes {given[0]}=: a compiled model is recorded as it runs, here and for real"
            )

    @property
    def world(self) -> World | None:
        """The ranks of which this process stands for one; ``None`` where it stands for itself."""
        return None if self.world_size is None else World(self.world_size, self.rank)


def refuse_with_fake(options: Options) -> None:
    """Raise ``ValueError`` for an option that asks for what a fake run does not have."""
    asked = [name for name in ("verify", "timing", "allocator") if getattr(options, name)]
    if asked:
        raise ValueError(f"fake=True computes nothing, so there is nothing for {asked[0]}= to look at")
    if not options.restore:
        raise ValueError("fake=True puts fake tensors in the place of the model's own, and back: it needs restore=True")
