"""One process that stands for one rank of many: a sharded model is built and run in a group that sends nothing."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, distributed, nn

from pytest_torchgraph.capture.pipeline import let_start, stages_of
from pytest_torchgraph.capture.target import contents_of
from pytest_torchgraph.quick import dataclass

FAKE = "fake"
"""PyTorch's backend whose collectives return at once."""


class GroupInUse(RuntimeError):
    """A process group is initialised where a fake one is asked for: nobody's group is ever put aside."""


@dataclass(frozen=True, slots=True)
class World:
    """``size`` ranks, of which this process is ``rank``; raises ``ValueError`` where there is no such rank."""

    size: int
    rank: int = 0

    def __post_init__(self) -> None:
        if not all(type(number) is int for number in (self.size, self.rank)) or self.size < 1:
            raise ValueError(f"world_size={self.size!r}, rank={self.rank!r}: expected whole numbers, such as 8 and 0")
        if not 0 <= self.rank < self.size:
            raise ValueError(f"rank={self.rank}: the ranks of world_size={self.size} are 0 to {self.size - 1}")


@contextmanager
def in_world(world: World) -> Iterator[None]:
    """Inside, ``torch.distributed`` is initialised for *world*, and its collectives send nothing; outside, as before.

    Raises :class:`GroupInUse` where a process group is initialised already.
    """
    if not distributed.is_available():
        raise RuntimeError("world_size= needs torch.distributed, and this PyTorch was built without it")
    if distributed.is_initialized():
        raise GroupInUse(
            f"world_size={world.size} records one rank of a process group that is not there, and a real one is: "
            f"backend {distributed.get_backend()!r}, {distributed.get_world_size()} ranks. Leave world_size out to "
            "record this rank of it, or call torch.distributed.destroy_process_group() first."
        )
    from torch.testing._internal.distributed.fake_pg import FakeStore

    hook = sys.excepthook  # which a process group puts its rank before, and leaves so
    distributed.init_process_group(FAKE, store=FakeStore(), rank=world.rank, world_size=world.size)
    try:
        yield
    finally:
        leave()
        sys.excepthook = hook


def leave() -> None:
    """Take down the groups, unless the model has done so itself."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def built(factory: Any) -> Any:
    """The model that *factory* builds, ready to run in a fake world; raises ``TypeError`` where it is no factory."""
    if isinstance(factory, nn.Module) or not callable(factory):
        raise TypeError(
            f"world_size= needs a function that builds the sharded model, such as lambda: shard(Model()), and was "
            f"given {type(factory).__name__}: what is sharded before knows another process group"
        )
    require_no_arguments(factory)
    try:
        model = factory()
    except RuntimeError as error:
        if "data is not allocated yet" not in str(error):
            raise
        raise TypeError(
            "fake=True builds a sharded model of fake tensors, and what it is wrapped in reads their memory, as the "
            "C++ reducer of DistributedDataParallel does: leave fake=True out, or shard with fully_shard"
        ) from error
    if not callable(model):
        raise TypeError(f"world_size=: the function that builds the model returned {type(model).__name__}, no model")
    for module in model.modules() if isinstance(model, nn.Module) else ():
        if isinstance(module, nn.parallel.DistributedDataParallel):
            let_reduce(module)
    around = contents_of(getattr(model, "__closure__", None) or ())
    for stage in stages_of([getattr(model, "__self__", None), *around]):
        let_start(stage)
    return model


def require_no_arguments(factory: Callable[..., Any]) -> None:
    """Raise ``TypeError`` where *factory* asks for arguments, as a model does."""
    try:
        inspect.signature(factory).bind()
    except TypeError as error:
        name = getattr(factory, "__name__", type(factory).__name__)
        raise TypeError(
            "world_size= needs a function without arguments that builds the sharded model, "
            f"and {name}() is none: {error}"
        ) from None
    except ValueError:  # Python cannot tell
        return


def made(value: Any) -> Any:
    """What *value* makes where it is a function, such as inputs that are sharded; else *value* itself."""
    is_function = callable(value) and not isinstance(value, (Tensor, nn.Module))
    return value() if is_function else value


def optimizer_of(model: Any, optimizer: Any) -> Any:
    """The optimizer that the function *optimizer* makes over *model*; raises ``TypeError`` where it is no function."""
    if optimizer is None:
        return None
    if isinstance(optimizer, torch.optim.Optimizer) or not callable(optimizer):
        raise TypeError(
            "world_size= builds the model, and its optimizer after it: "
            "pass optimizer=lambda model: torch.optim.AdamW(model.parameters())"
        )
    return optimizer(model)


def let_reduce(module: Any) -> None:
    """Let *module* reduce its gradients from Python: the C++ reducer waits for a group that answers (comm.cpp)."""
    if not module._comm_hooks:
        module.register_comm_hook(None, lambda state, bucket: averaged(bucket))  # noqa: ARG005 -- DDP asks for both


def averaged(bucket: Any) -> torch.futures.Future[Tensor]:
    """What the reducer does with a bucket: a division, and one all-reduce."""
    total = bucket.buffer()
    total.div_(distributed.get_world_size())
    distributed.all_reduce(total)
    future: torch.futures.Future[Tensor] = torch.futures.Future()
    future.set_result(total)
    return future
