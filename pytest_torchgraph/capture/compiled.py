"""Compiled callables while a model is recorded: they run eagerly, which is noted of each."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import nn

from pytest_torchgraph.capture.capability import DYNAMO, eager_stance

CONTEXT = "_callback_from_stance"
HIGHER_ORDER = "torch._higher_order_ops."
MODULE_CALLS = frozenset({"_call_impl", "_wrapped_call_impl"})


class Eagerly:
    """Lets compiled callables run eagerly from the moment that PyTorch's compiler is there, and notes their names."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.taken = False
        self.names: dict[str, None] = {}

    def take(self) -> None:
        """Take the stance if there is a compiler by now; a run may load it, as ``flex_attention`` does."""
        if not self.taken and DYNAMO in sys.modules:
            self.taken = True
            self.stack.enter_context(eager_stance())
            self.stack.enter_context(noting_calls(self.names))

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence on each compiled callable that was called."""
        return tuple(
            f"compiled, but recorded as it runs eagerly: {name}; "
            "the graph says nothing of what torch.compile makes of it"
            for name in self.names
        )


@contextmanager
def run_eagerly() -> Iterator[Eagerly]:
    """Let compiled callables run eagerly while the context is open."""
    with ExitStack() as stack:
        eagerly = Eagerly(stack)
        eagerly.take()
        yield eagerly


@contextmanager
def noting_calls(names: dict[str, None]) -> Iterator[None]:
    """Note the name of every compiled callable that is called; PyTorch asks one function what its stance means."""
    module: Any = sys.modules[f"{DYNAMO}.eval_frame"]
    plain = getattr(module, CONTEXT, None)
    if plain is None:
        yield
        return

    def callback_from_stance(callback: Any) -> Any:
        if callable(callback):
            caller = sys._getframe(1)
            if caller.f_code.co_name == "compile_wrapper":
                name = name_of(caller.f_locals.get("fn"))
                if name:
                    names[name] = None
        return plain(callback)

    setattr(module, CONTEXT, callback_from_stance)
    try:
        yield
    finally:
        setattr(module, CONTEXT, plain)


def name_of(function: Callable[..., Any] | None) -> str:
    """What a user calls a compiled callable; empty for what PyTorch compiles for itself: its higher-order operators."""
    function = None if function is None else inspect.unwrap(function)
    if isinstance(function, nn.Module):
        return type(function).__name__
    owner, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
    if name in MODULE_CALLS or name == "forward":
        return type(owner).__name__
    module = str(getattr(function, "__module__", ""))
    is_own = module.startswith(HIGHER_ORDER) or (name.startswith("_") and module.startswith("torch."))
    return "" if is_own else name or type(function).__name__
