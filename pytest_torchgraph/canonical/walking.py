"""Where the body of a block stands: its module, its scope, the forward call that it stands for."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_torchgraph.canonical.paths import absolute
from pytest_torchgraph.canonical.program import (
    AnyBlock,
    ModuleCall,
    ParameterLoop,
    PhaseBlock,
    RecomputedCall,
)
from pytest_torchgraph.words.closed import assert_never


def module_path(block: AnyBlock, around: Sequence[str]) -> str:
    """Path of the module whose body *block* is; *around* are those of the blocks around, innermost first."""
    match block:
        case ModuleCall() | RecomputedCall():
            return absolute(block.name, around)
        case PhaseBlock() | ParameterLoop():
            return around[0]
        case _:
            assert_never(block)
