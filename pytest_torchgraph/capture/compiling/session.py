"""One compilation of a model from a clean start, and the compiler as if it had not happened afterwards."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from pytest_torchgraph.capture.release import RELEASE


class NotCompiled(RuntimeError):
    """PyTorch compiled nothing of the model, or cannot be watched while it runs what it compiled."""


def plain(model: Any) -> Any:
    """The model behind what ``torch.compile`` made of it; any other as it is."""
    inner = getattr(model, "_orig_mod", None)
    if isinstance(model, nn.Module) and isinstance(inner, nn.Module):
        return inner
    return getattr(model, "_torchdynamo_orig_callable", model)


def require_compiler() -> None:
    """Raise ``NotCompiled`` where nothing would be compiled, or not while operations are watched."""
    import torch._dynamo

    if not hasattr(TorchDispatchMode, "ignore_compile_internals"):
        raise NotCompiled(
            f"PyTorch {torch.__version__} runs no compiled code while its operations are watched: "
            "recording a compiled model needs a later one"
        )
    if torch._dynamo.config.disable:
        raise NotCompiled("nothing is compiled here: TORCH_COMPILE_DISABLE or torch._dynamo.config.disable is set")
    stance = getattr(getattr(torch._dynamo.eval_frame, "_stance", None), "stance", "default")
    if stance not in ("default", "fail_on_recompile"):
        raise NotCompiled(f"nothing is compiled here: torch.compiler.set_stance({stance!r}) is in force")


@contextmanager
def clean_compiler() -> Iterator[None]:
    """Let PyTorch's compiler begin anew, and forget what it made in the context afterwards.

    Whatever was compiled before is compiled once more when it is next called: it cannot be put back. Put back are what
    ``reset`` drops without need: registered callbacks, and the graph breaks and counts that were collected.
    """
    import torch._dynamo
    import torch._functorch.config

    functorch: Any = torch._functorch.config
    with ExitStack() as stack:
        # Where warnings are errors, those of the compiler itself would end it in the middle of a function.
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", r"Dynamo |The \.grad attribute of a Tensor that is not a leaf", UserWarning)
        stack.enter_context(kept_records())
        torch._dynamo.reset()
        stack.callback(torch._dynamo.reset)
        # With a warm cache on disk, the compiler would hand over no graph at all.
        stack.enter_context(functorch.patch(enable_autograd_cache=False))
        stack.enter_context(settings(torch._dynamo.config, automatic_dynamic_local_pgo=False))
        stack.enter_context(guards_made_as_checked())
        yield


@contextmanager
def settings(config: Any, **wanted: Any) -> Iterator[None]:
    """Those of the *wanted* settings that this PyTorch has."""
    with config.patch(**{name: value for name, value in wanted.items() if hasattr(config, name)}):
        yield


@contextmanager
def guards_made_as_checked() -> Iterator[None]:
    """Let the guards of tensors be made under a dispatch mode, as they are checked, while the context is open.

    A PyTorch before 2.10 makes them without one and then counts the mode as another kind of tensor: each call would be
    compiled again.
    """
    import torch._dynamo.convert_frame
    import torch._dynamo.guards

    if RELEASE >= (2, 10):
        yield
        return
    places: tuple[tuple[Any, str], ...] = (
        (torch._dynamo.guards.CheckFunctionManager, "__init__"),
        (torch._dynamo.convert_frame, "get_and_maybe_log_recompilation_reasons"),
    )
    plain = [getattr(*place) for place in places]
    try:
        for (owner, name), function in zip(places, plain, strict=True):
            setattr(owner, name, under_a_mode(function))
        yield
    finally:
        for (owner, name), function in zip(places, plain, strict=True):
            setattr(owner, name, function)


def under_a_mode(function: Callable[..., Any]) -> Callable[..., Any]:
    """*function*, run under a dispatch mode that lets everything pass."""

    def run(*args: Any, **kwargs: Any) -> Any:
        with Passing():
            return function(*args, **kwargs)

    return run


class Passing(TorchDispatchMode):
    """Lets every operation pass."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """What *func* returns."""
        return func(*args, **(kwargs or {}))


@contextmanager
def kept_records() -> Iterator[None]:
    """Put back, when the context closes, what the compiler had collected and who listens to it."""
    from torch._dynamo import callback, utils

    handler: Any = getattr(callback, "callback_handler", None)
    names = ("start_callbacks", "end_callbacks")
    lists = [*(getattr(handler, name, None) for name in names), getattr(utils, "graph_break_reasons", None)]
    known = [(one, list(one)) for one in lists if isinstance(one, list)]
    counters: Any = getattr(utils, "counters", {})
    counted = {name: dict(values) for name, values in counters.items()}
    try:
        yield
    finally:
        for one, before in known:
            one[:] = before
        counters.clear()
        for name, values in counted.items():
            counters[name].update(values)


@contextmanager
def compiled_by_nobody(modules: list[tuple[str, nn.Module]]) -> Iterator[None]:
    """Take away what ``module.compile()`` put in the place of the calls of *modules*, while the context is open."""
    held = [(one, call) for _, one in modules if (call := getattr(one, "_compiled_call_impl", None)) is not None]
    try:
        for module, _ in held:
            module._compiled_call_impl = None
        yield
    finally:
        for module, call in held:
            module._compiled_call_impl = call


def compiled(function: Callable[..., Any], backend: Any, **options: Any) -> Callable[..., Any]:
    """*function* as ``torch.compile`` has it."""
    made: Callable[..., Any] = torch.compile(function, backend=backend, **options)
    return made
