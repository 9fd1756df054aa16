"""Selective checkpointing: what is kept and what runs again follows the policy, and a packet is told as such."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 -- as PyTorch's documents import it
from torch.utils import checkpoint as module
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

from pytest_torchgraph import compare, trace
from pytest_torchgraph.capture.policy import policies_seen
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.verdict.budget import check_budget
from pytest_torchgraph.verdict.measure import BudgetUnreadable

SAVE, AGAIN = CheckpointPolicy.MUST_SAVE, CheckpointPolicy.PREFER_RECOMPUTE
ADDMM, GELU = torch.ops.aten.addmm, torch.ops.aten.gelu
SAVED = [ADDMM]
LAYERS = 3
Choice: TypeAlias = "Callable[..., Any] | list[Any]"


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(32, 128), nn.Linear(128, 32)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(x))) * 2


class Model(nn.Module):
    def __init__(self, policy: Choice | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.context: dict[str, Any] = (
            {} if policy is None else {"context_fn": partial(create_selective_checkpoint_contexts, policy)}
        )

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False, **self.context)
        return x


def traced(policy: Choice | None) -> Graph:
    return trace(Model(policy), torch.ones(16, 32), backward=True)


def again(graph: Graph) -> dict[str, int]:
    found = graph.select(recomputed=True, allow_empty=True)
    return {name: found.op_counts[name] // LAYERS for name in ("aten.addmm", "aten.gelu", "aten.mul")}


def saves_addmm(_: Any, op: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
    return SAVE if op == torch.ops.aten.addmm.default else AGAIN


def saves_gelu(_: Any, op: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
    return SAVE if op is GELU.default else AGAIN


def saves_both(_: Any, op: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
    return SAVE if op in (ADDMM.default, GELU.default) else AGAIN


def saves_all(_: Any, op: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
    return SAVE


def saves_none(_: Any, op: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
    return AGAIN


def asks_for_packets(_: Any, op: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
    return SAVE if op.overloadpacket == torch.ops.aten.addmm else AGAIN


def by_packet(_: Any, op: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
    return SAVE if op == torch.ops.aten.addmm else AGAIN


def by_list(_: Any, op: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
    return SAVE if op in SAVED else AGAIN


def closing_over(packets: Any) -> Callable[..., Any]:
    def closed(_: Any, op: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
        return SAVE if op in packets else AGAIN

    return closed


def given(packets: Any, _: Any, op: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
    return SAVE if op in packets else AGAIN


POLICIES: dict[str, tuple[Choice, dict[str, int], bool]] = {
    "saves_addmm": (saves_addmm, {"aten.addmm": 0, "aten.gelu": 1, "aten.mul": 0}, False),
    "saves_gelu": (saves_gelu, {"aten.addmm": 1, "aten.gelu": 0, "aten.mul": 0}, False),
    "saves_both": (saves_both, {"aten.addmm": 0, "aten.gelu": 0, "aten.mul": 0}, False),
    "saves_all": (saves_all, {"aten.addmm": 0, "aten.gelu": 0, "aten.mul": 0}, False),
    "saves_none": (saves_none, {"aten.addmm": 1, "aten.gelu": 1, "aten.mul": 0}, False),
    "a list": ([torch.ops.aten.addmm.default], {"aten.addmm": 0, "aten.gelu": 1, "aten.mul": 0}, False),
    "asks_for_packets": (asks_for_packets, {"aten.addmm": 0, "aten.gelu": 1, "aten.mul": 0}, False),
    "by_packet": (by_packet, {"aten.addmm": 1, "aten.gelu": 1, "aten.mul": 0}, True),
    "by_list": (by_list, {"aten.addmm": 1, "aten.gelu": 1, "aten.mul": 0}, True),
    "closed": (closing_over({ADDMM}), {"aten.addmm": 1, "aten.gelu": 1, "aten.mul": 0}, True),
    "given": (partial(given, (ADDMM,)), {"aten.addmm": 1, "aten.gelu": 1, "aten.mul": 0}, True),
}


@pytest.mark.parametrize("name", POLICIES)
def test_what_runs_again_follows_the_policy_and_a_packet_in_it_is_told(name: str) -> None:
    policy, expected, told = POLICIES[name]
    graph = traced(policy)
    assert again(graph) == expected
    sentence = (
        f"the checkpoint policy {name} names torch.ops.aten.addmm, which equals no operation: {LAYERS} aten.addmm "
        "run again (what runs is torch.ops.aten.addmm.default)"
    )
    assert graph.notes == ((sentence,) if told else ())


@pytest.mark.parametrize(("before", "after"), [("saves_addmm", "by_packet"), ("a list", "by_list")])
def test_a_policy_that_keeps_less_is_told_by_what_runs_again(before: str, after: str) -> None:
    text = str(compare(traced(POLICIES[before][0]), traced(POLICIES[after][0])))
    assert "run again in the backward pass, no longer kept: addmm (+3 operations)" in text.splitlines()[0]


def test_what_runs_again_has_budgets() -> None:
    graph = traced(saves_none)
    assert check_budget(graph, {"recomputed.matmuls": LAYERS, "recomputed.aten.gelu": LAYERS}) == []
    (finding,) = check_budget(graph, {"recomputed.matmuls": 0})
    assert finding.title == f"recomputed.matmuls {LAYERS}, budget at most 0"
    assert finding.details == (f"blocks.*.up ×{LAYERS}: {LAYERS}",)
    assert check_budget(traced(saves_all), {"recomputed.ops": 0}) == []


def test_a_budget_on_what_runs_again_needs_a_backward_pass() -> None:
    with pytest.raises(BudgetUnreadable, match=r"no backward phase"):
        check_budget(trace(Block(), torch.ones(2, 32)), {"recomputed.ops": 0})


def test_the_class_that_takes_policies_is_as_before_afterwards() -> None:
    plain = module._CachingTorchDispatchMode.__init__
    traced(by_packet)
    assert module._CachingTorchDispatchMode.__init__ is plain


def test_without_that_class_nothing_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(module, "_CachingTorchDispatchMode")
    with policies_seen() as seen:
        pass
    assert seen == []
