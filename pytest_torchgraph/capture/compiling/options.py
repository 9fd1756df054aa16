"""How a model is to be compiled, and with what it is to be called."""

from __future__ import annotations

from typing import Any, TypeAlias

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.compilation import BACKENDS, Backend

Arguments: TypeAlias = "tuple[tuple[Any, ...], dict[str, Any]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileOptions:
    """The options of ``torch.compile``.

    ``kernels`` lets inductor generate code in one more run. ``others`` are inputs that the model is called with after
    its own: they may need graphs of their own.
    """

    backend: Backend = "aot_eager"
    dynamic: bool | None = None
    fullgraph: bool = False
    kernels: bool = False
    others: tuple[Arguments, ...] = ()

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise ValueError(f"backend={self.backend!r}: expected one of {', '.join(map(repr, BACKENDS))}.")

    @property
    def for_torch(self) -> dict[str, Any]:
        """What ``torch.compile`` takes, the backend apart."""
        return {"dynamic": self.dynamic, "fullgraph": self.fullgraph}


def options_of(compiled: bool | Backend | CompileOptions) -> CompileOptions | None:  # noqa: FBT001 -- an option's value
    """What ``compiled=`` asks for; raises ``ValueError`` for a backend that there is not."""
    if isinstance(compiled, CompileOptions):
        return compiled
    if isinstance(compiled, bool):
        return CompileOptions() if compiled else None
    return CompileOptions(backend=compiled)
