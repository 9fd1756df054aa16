"""What kind of block a line begins, and the block that is made of its body."""

from __future__ import annotations

import re

from pytest_torchgraph.canonical.naming import scope_text, turn_from
from pytest_torchgraph.canonical.program import (
    AnyBlock,
    Block,
    ModuleCall,
    ParameterLoop,
    PhaseBlock,
    RecomputedCall,
)
from pytest_torchgraph.canonical.scope import Turn
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.words.quoting import name_of


@dataclass(frozen=True, slots=True)
class Begun:
    """A block of which the first line is read."""

    kind: type[AnyBlock]
    name: str
    turn: Turn
    class_name: str

    @property
    def text(self) -> str:
        """What it is called in the body around."""
        return scope_text(self.name, self.turn)

    def block(self, held: Block, parameters: tuple[str, ...]) -> AnyBlock:
        """The block, which has the body of *held*; *parameters* are those of a loop."""
        number, inputs, leaves = self.turn.number, held.inputs, held.leaves
        if self.kind is ParameterLoop:
            return ParameterLoop(
                name="each" if self.name == "each" else "all",
                call=number,
                parameters=parameters,
                inputs=inputs,
                leaves=leaves,
                items=held.items,
                exports=held.exports,
            )
        kind = PhaseBlock if self.kind is PhaseBlock else ModuleCall if self.kind is ModuleCall else RecomputedCall
        return kind(
            name=self.name,
            call=number,
            class_name=self.class_name,
            inputs=inputs,
            leaves=leaves,
            items=held.items,
            exports=held.exports,
        )


def begun(line: re.Match[str]) -> Begun | None:
    """The block that *line* begins, if it begins one; raises ``ValueError`` where its call has no number."""
    found = _begun(line)
    if found is not None and found.turn.number < 1:
        raise ValueError("calls are counted from 1")
    return found


def _begun(line: re.Match[str]) -> Begun | None:
    if line["loop"]:
        return Begun(ParameterLoop, line["loop"], turn_from(line["loop_call"]), "")
    if line["phase"]:
        return Begun(PhaseBlock, line["phase"], turn_from(line["phase_call"]), name_of(line["title"] or ""))
    if line["scope"] is None:
        return None
    turn = turn_from(line["call"])
    return Begun(RecomputedCall if turn.again else ModuleCall, name_of(line["scope"]), turn, name_of(line["class"]))
