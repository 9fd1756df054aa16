"""What an optimizer keeps on the host, wherever its parameters are: reading it waits for no device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.optim import ASGD

if TYPE_CHECKING:
    from torch.optim.optimizer import Optimizer

KEPT = frozenset({"step", "mu_product"})
"""State that every optimizer of PyTorch but `ASGD` makes on the host, unless it is capturable or fused."""


def kept_on_host(optimizer: Optimizer) -> Iterator[tuple[Tensor, bool]]:
    """State and settings that *optimizer* may keep on the host, and whether it is known that they lie there.

    Of other state only how it was made can tell. Where a setting lies that is a tensor (``lr``), its user decided: on
    the host where the parameters do not.
    """
    for group in optimizer.param_groups:
        settings = [tensor for key, value in group.items() if key != "params" for tensor in scalars_in(value)]
        for parameter in group["params"]:
            if parameter.device.type != "cpu":
                yield from ((tensor, True) for tensor in settings if is_number_on_host(tensor))
            for key, value in optimizer.state.get(parameter, {}).items():
                if isinstance(value, Tensor) and keeps_on_host(optimizer, group, parameter, value):
                    yield value, key in KEPT or parameter.device.type != "cpu"


def keeps_on_host(optimizer: Optimizer, group: dict[str, Any], parameter: Tensor, value: Tensor) -> bool:
    """Whether *optimizer* keeps *value*, state of *parameter*, on the host.

    Where the parameter lies on the host too, a zero-dimensional tensor is taken to be kept there unless the optimizer
    is capturable or fused, or is known to make them where its parameters are. That is wrong for optimizers of other
    libraries that do so: on a CPU, ``device=p.device`` leaves no trace.
    """
    if not is_number_on_host(value):
        return False
    if parameter.device.type != "cpu":
        return True
    return not (group.get("capturable") or group.get("fused") or isinstance(optimizer, ASGD))


def is_number_on_host(value: Tensor) -> bool:
    """Whether *value* is a single number that lies on the host here."""
    return not value.dim() and value.device.type == "cpu"


def scalars_in(value: Any) -> Iterator[Tensor]:
    """The tensors in a setting: ``lr``, or both of ``betas``."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from scalars_in(part)
