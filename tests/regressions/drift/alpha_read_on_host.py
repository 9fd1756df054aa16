"""``sub(..., alpha=tensor)`` reads a number back for each parameter in the optimizer's step: Advanced_Optimizers#5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="host-sync", module="optimizer")


def run(update: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Run:
    class Descent(torch.optim.Optimizer):
        @torch.no_grad()
        def step(self, closure: Any = None) -> Any:
            for group in self.param_groups:
                rate = group["rate"]
                for parameter in group["params"]:
                    parameter.copy_(update(parameter, parameter.grad, rate))

    model = nn.Sequential(*(nn.Linear(WIDTH, WIDTH) for _ in range(3)))
    optimizer = Descent(model.parameters(), {"rate": torch.tensor(0.1)})
    return Run(model=model, args=torch.randn(2, WIDTH), backward=torch.mean, optimizer=optimizer)


def before() -> Run:
    def update(parameter: Tensor, grad: Tensor, rate: Tensor) -> Tensor:
        return parameter.sub(grad * rate)

    return run(update)


def after() -> Run:
    def update(parameter: Tensor, grad: Tensor, rate: Tensor) -> Tensor:
        return parameter.sub(grad, alpha=rate)  # type: ignore[arg-type]  # here

    return run(update)
