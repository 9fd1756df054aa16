"""Stages of a pipeline: the part of a model that one rank runs, and what it asks of its neighbours."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor


class NoNeighbour(RuntimeError):
    """What is recorded needs an answer of another rank, and this process stands for one alone."""


def stages_of(values: Iterable[Any]) -> Iterator[Any]:
    """The stages of the pipeline schedules among *values*."""
    module: Any = sys.modules.get("torch.distributed.pipelining.stage")
    for schedule in values if module else ():
        stages = getattr(schedule, "_stages", None) or [getattr(schedule, "_stage", None)]
        yield from (stage for stage in stages if isinstance(stage, module._PipelineStageBase))


def let_start(stage: Any) -> None:
    """Let *stage* believe that its neighbours were told their shapes as it was: there is no neighbour to ask."""
    ask, hear = getattr(stage, "_warmup_forward_vote", None), getattr(stage, "_warmup_backward_result", None)
    mode = getattr(sys.modules[type(stage).__module__], "InferenceMode", None)
    if ask is None or hear is None or mode is None:
        refuse_to_ask(stage)
        return

    def asked(has_backward: bool, received_acc: Tensor | None = None) -> Any:  # noqa: FBT001 -- the stage's own
        if mode.needs_dynamic(stage._user_meta, has_backward):
            train = " (with DTensors also input_grads= and output_grads=)" if has_backward else ""
            raise NoNeighbour(f"{unanswered(stage)}{train}")
        return ask(has_backward, received_acc=received_acc)

    def heard(received_result: Tensor | None = None) -> Tensor:
        return torch.ones_like(hear(received_result=received_result))

    stage._warmup_forward_vote, stage._warmup_backward_result = asked, heard


def refuse_to_ask(stage: Any) -> None:
    """Let *stage*, of a PyTorch before 2.13, say what to give it where it would receive shapes of another rank."""
    infer = getattr(stage, "_shape_inference", None)
    if infer is None or stage.is_first:
        return

    def inferred(args: Any, kwargs: Any = None) -> Any:
        if stage.stage_index_to_group_rank[stage.stage_index - 1] != stage.group_rank:
            raise NoNeighbour(unanswered(stage))
        return infer(args, kwargs)

    stage._shape_inference = inferred


def unanswered(stage: Any) -> str:
    """What to give *stage* so that it need not ask."""
    return (
        f"stage {stage.stage_index} of the pipeline asks its neighbours for shapes, and this process has none: "
        "give PipelineStage(...) input_args= and output_args="
    )
