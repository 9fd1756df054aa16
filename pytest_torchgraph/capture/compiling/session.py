"""One compilation of a model from a clean start, and the compiler as if it had not happened afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from pytest_torchgraph.capture.compiling.graphs import Graphs

NEEDED = "ignore_compile_internals"


class NotCompiled(RuntimeError):
    """PyTorch compiled nothing of the model, or cannot be watched while it does."""


def require_compiler() -> None:
    """Raise ``NotCompiled`` where this PyTorch does not run compiled code while operations are watched."""
    from torch.utils._python_dispatch import TorchDispatchMode

    if not hasattr(TorchDispatchMode, NEEDED):
        raise NotCompiled(
            f"PyTorch {torch.__version__} runs no compiled code while its operations are watched: "
            "recording a compiled model needs a later one"
        )


def plain(model: Any) -> Any:
    """The model behind what ``torch.compile`` made of it; any other as it is."""
    inner = getattr(model, "_orig_mod", None)
    if isinstance(model, nn.Module) and isinstance(inner, nn.Module):
        return inner
    return getattr(model, "_torchdynamo_orig_callable", model)


def compiled(function: Callable[..., Any], graphs: Graphs, options: dict[str, Any]) -> Callable[..., Any]:
    """*function* as ``torch.compile`` has it, every graph going to *graphs*."""
    made: Callable[..., Any] = torch.compile(function, backend=graphs, **options)
    return made


@contextmanager
def clean_compiler() -> Iterator[None]:
    """Let PyTorch's compiler begin anew, and forget what it made in the context afterwards.

    Whatever was compiled before is compiled once more when it is next called: it cannot be put back. Put back are what
    ``reset`` drops without need: registered callbacks, and the graph breaks and counts that were collected.
    """
    import torch._dynamo
    import torch._functorch.config

    with ExitStack() as stack:
        stack.enter_context(kept_records())
        torch._dynamo.reset()
        stack.callback(torch._dynamo.reset)
        functorch: Any = torch._functorch.config
        stack.enter_context(functorch.patch(enable_autograd_cache=False))
        stack.enter_context(settings(torch._dynamo.config, automatic_dynamic_local_pgo=False))
        yield


@contextmanager
def settings(config: Any, **wanted: Any) -> Iterator[None]:
    """Those of the *wanted* settings that this PyTorch has."""
    known = {name: value for name, value in wanted.items() if hasattr(config, name)}
    with config.patch(**known):
        yield


@contextmanager
def kept_records() -> Iterator[None]:
    """Put back, when the context closes, what the compiler had collected and who listens to it."""
    from torch._dynamo import callback, utils

    handler: Any = getattr(callback, "callback_handler", None)
    lists = [
        *(getattr(handler, name, None) for name in ("start_callbacks", "end_callbacks")),
        getattr(utils, "graph_break_reasons", None),
    ]
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
    held = [(module, module._compiled_call_impl) for _, module in modules if module._compiled_call_impl is not None]
    try:
        for module, _ in held:
            module._compiled_call_impl = None
        yield
    finally:
        for module, implementation in held:
            module._compiled_call_impl = implementation


def switched_off() -> str:
    """Why nothing would be compiled in this process; empty where it would."""
    from torch._dynamo import eval_frame

    if torch._dynamo.config.disable:
        return "the compiler is switched off (TORCHDYNAMO_DISABLE, TORCH_COMPILE_DISABLE or torch._dynamo.config.disable)"
    stance = getattr(getattr(eval_frame, "_stance", None), "stance", "default")
    return "" if stance in ("default", "fail_on_recompile") else f"torch.compiler.set_stance({stance!r}) is in force"


def require_switched_on() -> None:
    """Raise ``NotCompiled`` where nothing would be compiled."""
    import torch._dynamo  # noqa: F401

    why = switched_off()
    if why:
        raise NotCompiled(f"nothing can be recorded of a compiled model: {why}")


def options_of(*, dynamic: bool | None, fullgraph: bool) -> dict[str, Any]:
    """The options of ``torch.compile``."""
    return {"dynamic": dynamic, "fullgraph": fullgraph}


