"""A training step around a model's call: the loss, its backward pass, and the optimizer's step."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from pytest_torchgraph.capture.binding import tensors_in

if TYPE_CHECKING:
    from torch.optim.optimizer import Optimizer

Stepping: TypeAlias = "Optimizer | Callable[[Any], Optimizer] | None"
"""An optimizer, or what makes one of a model that is built for the recording."""
Backward: TypeAlias = "bool | Literal['auto'] | Callable[[Any], Tensor] | None"


@dataclass(frozen=True)
class Step:
    """What follows the model's call: nothing, a backward pass, or that and a step of an optimizer.

    ``backward`` is ``True`` for the sum of all floating-point outputs, ``"auto"`` for the same where one of them
    requires grad, or a callable that makes the loss of the model's output.
    """

    backward: Backward = None
    optimizer: Optimizer | None = None

    def __post_init__(self) -> None:
        is_word = self.backward is None or isinstance(self.backward, bool) or str(self.backward) == "auto"
        if not (is_word or callable(self.backward)):
            raise TypeError(
                "backward is True, for the sum of all floating-point outputs, 'auto', for the same where one requires "
                "grad, or a callable that takes the model's output and returns the loss; "
                f"not {type(self.backward).__name__}"
            )
        if self.optimizer is None:
            return
        if not callable(getattr(self.optimizer, "step", None)) or not hasattr(self.optimizer, "param_groups"):
            raise TypeError(
                f"optimizer is a torch.optim.Optimizer over the model's parameters, not {type(self.optimizer).__name__}"
            )
        if not self.backward:
            raise TypeError("an optimizer needs gradients: pass backward=True or backward=loss as well")

    def require_over(self, roots: Iterable[nn.Module]) -> None:
        """Raise ``ValueError`` when the optimizer updates none of the parameters that *roots* hold."""
        if self.optimizer is None:
            return
        own = {id(parameter) for root in roots for parameter in root.parameters()}
        if own and not any(id(one) in own for one in parameters_of(self.optimizer)):
            raise ValueError(
                "the optimizer updates none of the model's parameters: "
                "make it over model.parameters() of this very model"
            )

    def run(self, call: Callable[[], Any]) -> Any:
        """The output of *call*, after everything that follows it."""
        if not self.backward:
            return call()
        if self.optimizer is not None and needs_closure(self.optimizer):
            return self._in_closure(call, self.optimizer)
        output = call()
        if self.backward == "auto" and not any(tensor.requires_grad for _, tensor in tensors_in(output)):
            return output
        # The loss lives until after the step, as it does in a loop that prints it.
        loss = self.loss(output)
        loss.backward()
        if self.optimizer is not None:
            self.optimizer.step()
        return output

    def _in_closure(self, call: Callable[[], Any], optimizer: Optimizer) -> Any:
        outputs: list[Any] = []

        def closure() -> Tensor:
            optimizer.zero_grad()
            outputs[:] = [call()]
            loss = self.loss(outputs[0])
            loss.backward()
            return loss

        step: Any = optimizer.step
        step(closure)
        return outputs[0]

    def loss(self, output: Any) -> Tensor:
        """The loss of *output*; raises ``ValueError`` when there is none that could be differentiated."""
        loss = self.backward(output) if callable(self.backward) else sum_of(output)
        if not isinstance(loss, Tensor):
            raise TypeError(
                f"backward returned {type(loss).__name__}: it takes the model's output and returns the loss"
            )
        if loss.numel() != 1:
            raise ValueError(
                f"backward returned a tensor of shape {list(loss.shape)}: a loss is one number, such as a mean or a sum"
            )
        if loss.requires_grad:
            return loss
        raise ValueError(
            "there is nothing to go backward through: "
            + (
                "gradients are switched off here (torch.no_grad)"
                if not torch.is_grad_enabled()
                else "no parameter or input that the loss depends on requires grad"
            )
        )


def parameters_of(optimizer: Optimizer | None) -> list[Tensor]:
    """Every parameter that *optimizer* updates."""
    return [] if optimizer is None else [one for group in optimizer.param_groups for one in group["params"]]


def needs_closure(optimizer: Optimizer) -> bool:
    """Whether the optimizer computes the loss itself, as often as it wants to (LBFGS)."""
    closure = inspect.signature(optimizer.step).parameters.get("closure")
    return closure is not None and closure.default is inspect.Parameter.empty


def sum_of(output: Any) -> Tensor:
    """The sum of every floating-point tensor in *output* that requires grad."""
    parts = [tensor.sum() for _, tensor in tensors_in(output) if tensor.is_floating_point() and tensor.requires_grad]
    return reduce(torch.add, parts) if parts else torch.zeros(())
