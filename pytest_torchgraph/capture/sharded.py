"""Modules that FSDP2 shards: it swaps their parameters itself, and is asked to swap them back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn


class Sharding:
    """Which groups of parameters were gathered, and which were sharded.

    Their registries and what is gathered are FSDP's: put back by themselves they would contradict what it believes.
    """

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        self.states = list(states_of(modules))
        self.groups = [(group, group.is_unsharded) for state, _ in self.states for group in groups_of(state)]
        parameters = [one for group, _ in self.groups for one in group.fsdp_params]
        self.sharded: list[Tensor] = [one.sharded_param for one in parameters]
        gathered = [one._unsharded_param for one in parameters if hasattr(one, "_unsharded_param")]
        self.gathered: dict[int, Tensor] = {id(tensor): tensor for tensor in gathered}
        self.registries = frozenset(id(owner._parameters) for one in parameters for owner in owners_of(one))

    def restore(self) -> Iterator[Callable[[], None]]:
        """What lets every group be sharded or gathered as it was."""
        for state, module in self.states:
            if state._is_root and any(group._training_state.name != "IDLE" for group in groups_of(state)):
                # An exception came between: what FSDP was about to do is given up.
                yield getattr(module, "reset_iter_state", partial(give_up, state))
        for group, was_gathered in self.groups:
            if group.is_unsharded and not was_gathered:
                yield group.reshard
            elif was_gathered and not group.is_unsharded:
                yield partial(gather, group)


class FlatParameters(TypeError):
    """A training step of FSDP1 is to be repeated, whose parameters cannot be put back."""


def require_no_flat_parameters(roots: Iterable[nn.Module]) -> None:
    """Raise :class:`FlatParameters` where any module in *roots* is a ``FullyShardedDataParallel``."""
    module: Any = sys.modules.get("torch.distributed.fsdp")
    if module is not None and any(
        isinstance(one, module.FullyShardedDataParallel) for root in roots for one in root.modules()
    ):
        raise FlatParameters(
            "FullyShardedDataParallel (FSDP1) keeps parameters in one flat tensor that a training step takes apart, "
            "which cannot be put back: record a step of your own after a first one, with record(model), or "
            "shard with fully_shard (FSDP2)"
        )


def first_steps_of(modules: Iterable[nn.Module]) -> Iterator[Callable[[], None]]:
    """What notes again that a static graph of ``DistributedDataParallel`` has gone backward once.

    Its reducer knows that in C++ and is not put back; a flag that says otherwise ends the next backward pass.
    """
    parallel: Any = sys.modules.get("torch.nn.parallel")
    for module in modules:
        if parallel is not None and isinstance(module, parallel.DistributedDataParallel):
            flag = "_static_graph_delay_allreduce_enqueued"
            if getattr(module, flag, False):
                yield partial(setattr, module, flag, True)


def states_of(modules: Iterable[nn.Module]) -> Iterator[tuple[Any, Any]]:
    """FSDP's state of each of *modules* that it shards, once, and the module."""
    if "torch.distributed.fsdp" not in sys.modules:
        return
    from torch.distributed.fsdp import FSDPModule

    if not FSDPModule.__subclasses__():  # what is sharded becomes an instance of a class made for it
        return
    seen: set[int] = set()
    for module in modules:
        if isinstance(module, FSDPModule):
            state: Any = module._get_fsdp_state()
            if id(state) not in seen:
                seen.add(id(state))
                yield state, module


def groups_of(state: Any) -> list[Any]:
    """The groups of parameters of one state; PyTorch before 2.13 has one at most."""
    several = getattr(state, "_fsdp_param_groups", None)
    if several is not None:
        return list(several)
    return [] if state._fsdp_param_group is None else [state._fsdp_param_group]


def owners_of(parameter: Any) -> Iterator[nn.Module]:
    """The modules in whose registries *parameter* stands."""
    place = parameter._module_info
    yield place.module
    yield from place.shared_modules


def give_up(root: Any) -> None:
    """Let everything below *root* be at rest again, which older versions of PyTorch have no function for."""
    for state in (root, *root._state_ctx.all_states):
        state._training_state = type(state._training_state).IDLE
        for group in groups_of(state):
            group._training_state = type(group._training_state).IDLE
    root._state_ctx.iter_forward_root = None


def gather(group: Any) -> None:
    """Let *group* be gathered: a collective, which every rank makes."""
    group.unshard()
    group.wait_for_unshard()
