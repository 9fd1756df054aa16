"""Operations of a device that works for itself, timed where they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from pytest_torchgraph.recorded.timing import Span


class Device:
    """Times operations where they run, by events in the device's own queue: the host does not wait for it."""

    def __init__(self, make: Callable[[], Any], wait: Callable[[], None], name: str = "cuda") -> None:
        self.make = make
        self.wait = wait
        self.name = name
        self.first: Any = None
        self.pairs: list[tuple[Any, Any] | None] = []

    def start(self) -> None:
        """Begin the run when all that was asked for before is done."""
        self.wait()
        self.first = self.mark()

    def mark(self) -> Any:
        """Queue an event."""
        event = self.make()
        event.record()
        return event

    def note(self, began: Any, values: Any) -> None:
        """Note that an operation was asked for; one whose tensors are all elsewhere is not timed here."""
        here = any(one.device.type == self.name for one in tensors_in(values))
        self.pairs.append((began, self.mark()) if here else None)

    def keep_only(self, positions: list[int]) -> None:
        """Forget the operations at other *positions*."""
        self.pairs = [self.pairs[position] for position in positions]

    def spans(self, on_host: tuple[Span, ...]) -> tuple[Span, ...]:
        """The spans of operations by the device, or as the host saw them; asked when the device has done everything."""
        return tuple(
            host if pair is None else Span(self._between(self.first, pair[0]), self._between(*pair))
            for pair, host in zip(self.pairs, on_host, strict=True)
        )

    def _between(self, before: Any, after: Any) -> float:
        milliseconds: float = before.elapsed_time(after)
        return milliseconds / 1000


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """Every tensor in *value*, lists and tuples of them included."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from tensors_in(part)


def device() -> Device | None:
    """Events of the CUDA device, where the process uses one."""
    if not torch.cuda.is_initialized():
        return None
    return Device(lambda: torch.cuda.Event(enable_timing=True), torch.cuda.synchronize)
