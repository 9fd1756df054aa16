"""Look at values: what modules return, parameters, and the gradients that reach them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.nn.parameter import is_lazy

from pytest_torchgraph.capture.binding import as_call, tensors_in
from pytest_torchgraph.capture.contents import has_contents
from pytest_torchgraph.capture.exported import is_exported, made_runnable
from pytest_torchgraph.capture.options import Options
from pytest_torchgraph.capture.step import Backward, Step
from pytest_torchgraph.capture.target import Target, holdings_of, target_of
from pytest_torchgraph.capture.tracing import runs_of
from pytest_torchgraph.recorded.activation import Activation, ParameterValues, Picture, Statistics, Values
from pytest_torchgraph.recorded.tensor import SHORT_DTYPES

ROWS, COLUMNS = 16, 48
"""The largest picture of a tensor."""


def values(
    model: Callable[..., Any], args: Any = (), kwargs: Mapping[str, Any] | None = None, *, backward: Backward = None
) -> Values:
    """Run *model* once more and tell of its values; *args*, *backward* and what is put back are as in ``trace``.

    Gradients are those of this run alone.
    """
    if is_exported(model):
        model, args, kwargs, _ = made_runnable(model, args, kwargs)
    target = target_of(model)
    positional, keywords = as_call(args, kwargs)
    step = Watched(backward, target=target)
    with runs_of(target, positional, keywords, step, Options()) as runs:
        runs.recording()
    return step.seen.values()


def parameters(model: nn.Module) -> Values:
    """The values of the parameters alone; nothing is run."""
    seen = Seen({})
    with unseen():
        for name, parameter in model.named_parameters():
            seen.leaf(name, parameter, with_gradient=False)
    return seen.values()


@dataclass(slots=True)
class Seen:
    """What was looked at."""

    paths: dict[int, str]
    activations: list[Activation] = field(default_factory=list)
    parameters: list[ParameterValues] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    untold: int = 0
    went_backward: bool = False

    def output(self, module: nn.Module, output: Any) -> None:
        """Look at what *module* returned."""
        path = self.paths.get(id(module))
        if path is None:
            return
        self.calls[path] = self.calls.get(path, 0) + 1
        found = list(tensors_in(output))
        for name, tensor in found:
            statistics = statistics_of(tensor)
            if statistics is None:
                self.untold += 1
            else:
                only = name if len(found) > 1 else ""
                self.activations.append(
                    Activation(
                        path=path,
                        call=self.calls[path],
                        output=only,
                        text=text_of(tensor),
                        statistics=statistics,
                        picture=picture_of(tensor),
                    )
                )

    def leaf(self, name: str, parameter: Tensor, *, with_gradient: bool = True) -> None:
        """Look at a parameter and its gradient."""
        statistics = None if is_lazy(parameter) else statistics_of(parameter)
        if statistics is None:
            self.untold += 1
            return
        grad = parameter.grad if with_gradient else None
        gradient = None if grad is None else statistics_of(grad)
        self.parameters.append(
            ParameterValues(
                name=name,
                text=text_of(parameter),
                norm=norm_of(parameter),
                statistics=statistics,
                gradient=gradient,
                gradient_norm=None if grad is None or gradient is None else norm_of(grad),
            )
        )

    def values(self) -> Values:
        """Everything."""
        return Values(
            activations=tuple(self.activations),
            parameters=tuple(self.parameters),
            untold=self.untold,
            went_backward=self.went_backward,
        )


@dataclass(frozen=True)
class Watched(Step):
    """A step whose values are looked at."""

    target: Target = field(kw_only=True)
    seen: Seen = field(default_factory=lambda: Seen({}), init=False)

    def run(self, call: Callable[[], Any]) -> Any:
        """The output of *call*."""
        holdings = holdings_of(self.target.roots)
        self.seen.paths.update((id(module), path) for path, module in holdings.modules)
        leaves = [(name, tensor) for kind, name, tensor in holdings.leaves if kind == "parameter"]
        for _, leaf in leaves:
            if leaf.is_leaf:
                leaf.grad = None
        with outputs_of_modules(self.seen):
            output = super().run(call)
        with unseen():
            for name, leaf in leaves:
                self.seen.leaf(name, leaf)
                self.seen.went_backward |= leaf.grad is not None
        return output


@contextmanager
def outputs_of_modules(seen: Seen) -> Iterator[None]:
    """Let *seen* look at what each module returns while the context is open."""

    def hook(module: nn.Module, _: Any, output: Any) -> None:
        with unseen():
            seen.output(module, output)

    handle = register_module_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def unseen() -> Iterator[None]:
    """Work on tensors that neither autograd nor any mode sees."""
    with torch.no_grad(), torch._C._DisableTorchDispatch(), torch._C.DisableTorchFunction():
        yield


def text_of(tensor: Tensor) -> str:
    """``f32[2,16]``."""
    dtype = str(tensor.dtype).removeprefix("torch.")
    return f"{SHORT_DTYPES.get(dtype, dtype)}[{','.join(map(str, tensor.shape))}]"


def numbers_of(tensor: Tensor) -> Tensor | None:
    """*tensor* as real numbers that are precise enough to be summed; ``None`` where it has none."""
    if not has_contents(tensor) or tensor.layout is not torch.strided or tensor.is_nested:
        return None
    try:
        plain = tensor.detach()
        plain = plain.dequantize() if plain.is_quantized else plain
        return plain.abs().double() if plain.is_complex() else plain.double()
    except (RuntimeError, NotImplementedError, TypeError):  # packed formats and subclasses without such an operation
        return None


def statistics_of(tensor: Tensor) -> Statistics | None:
    """The statistics of *tensor*; ``None`` where it has no numbers to look at."""
    numbers = numbers_of(tensor)
    if numbers is None:
        return None
    nans, infs = int(numbers.isnan().sum()), int(numbers.isinf().sum())
    finite = numbers if not (nans or infs) else numbers[numbers.isfinite()]
    known = finite.numel() > 0
    return Statistics(
        elements=numbers.numel(),
        zeros=int((numbers == 0).sum()),
        nans=nans,
        infs=infs,
        mean=float(finite.mean()) if known else None,
        deviation=float(finite.std(correction=0)) if known else None,
        minimum=float(finite.min()) if known else None,
        maximum=float(finite.max()) if known else None,
    )


def norm_of(tensor: Tensor) -> float:
    """The L2 norm."""
    numbers = numbers_of(tensor)
    return float("nan") if numbers is None else float(numbers.norm())


def picture_of(tensor: Tensor) -> Picture:
    """The first sample of *tensor* in at most ``ROWS`` times ``COLUMNS`` averages; empty where there is none."""
    numbers = numbers_of(tensor)
    if numbers is None or not numbers.numel():
        return ()
    plane = plane_of(numbers)
    rows, columns = min(ROWS, plane.shape[0]), min(COLUMNS, plane.shape[1])
    small = nn.functional.adaptive_avg_pool2d(plane[None, None], (rows, columns))[0, 0]
    finite = small[small.isfinite()]
    low, high = (float(finite.min()), float(finite.max())) if finite.numel() else (0.0, 0.0)
    return tuple(tuple(level(value, low, high) for value in row) for row in small.tolist())


def plane_of(numbers: Tensor) -> Tensor:
    """The first sample as rows and columns: an image is averaged over its channels."""
    while numbers.ndim > 4:
        numbers = numbers[0]
    if numbers.ndim == 4:
        return numbers[0].mean(0)
    if numbers.ndim == 3:
        return numbers[0]
    return numbers if numbers.ndim == 2 else numbers.reshape(1, -1)


def level(value: float, low: float, high: float) -> float | None:
    """Where *value* is between *low* and *high*."""
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 -- NaN alone differs from itself
        return None
    return (value - low) / (high - low) if high > low else 0.5
