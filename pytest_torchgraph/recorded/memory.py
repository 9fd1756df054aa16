"""Bytes of live storages, step by step and by category."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import field
from itertools import accumulate
from typing import Literal, TypeAlias

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.phase import FORWARD

Category: TypeAlias = Literal[
    "parameters", "buffers", "inputs", "saved", "gradients", "optimizer state", "temporaries", "other"
]
CATEGORIES: tuple[Category, ...] = (
    "parameters",
    "buffers",
    "inputs",
    "saved",
    "gradients",
    "optimizer state",
    "temporaries",
    "other",
)
CUDA_BLOCK = 512
"""Bytes that PyTorch's CUDA allocator rounds every block up to (``kMinBlockSize`` in ``CUDACachingAllocator.cpp``)."""


@dataclass(frozen=True, slots=True)
class Life:
    """A storage in one category and of one size: right after operations ``born`` up to, not with, ``died``.

    ``storage`` is a position in ``Graph.storages``, ``made_in`` the phase of the operation that made it; ``born`` is -1
    and ``made_in`` forward for what was there before the run, ``died`` is ``None`` for what outlived it.
    """

    storage: int
    category: Category
    bytes: int
    born: int
    died: int | None
    made_in: str = FORWARD

    def alive(self, at: int) -> bool:
        """Whether it is alive right after operation *at*; -1 is before the first."""
        return self.born <= at and (self.died is None or at < self.died)


@dataclass(frozen=True, slots=True)
class AllocatorPeak:
    """What PyTorch's allocator held at most above the start of the run, and what is counted of it, in bytes.

    ``allocated`` is from the profiler's allocation events of a second, unrecorded run; it depends on the machine, the
    build and the number of threads.
    """

    allocated: int
    counted: int

    @property
    def workspace(self) -> int:
        """What kernels took for themselves at the peak: no operator returns it."""
        return self.allocated - self.counted

    def __str__(self) -> str:
        share = f" ({self.workspace / self.allocated:.0%})" if self.allocated else ""
        return (
            f"the allocator's peak is {self.allocated} bytes above the start, {self.counted} of them are counted: "
            f"{self.workspace}{share} are work space of kernels"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Logical bytes of live storages, counted at dispatch; the same on every machine, unlike an allocator's figures.

    ``peak`` includes parameters, buffers and inputs (``resident``). ``peak_operation`` is the position of the
    operation after which the peak was first reached, ``None`` when the run starts at its peak.
    ``timeline[i]`` is what was live right after operation ``i``. ``alive_at_peak`` are storage positions. ``lives`` say
    what every byte of it belongs to: *saved* is what the forward pass kept for the backward one, *temporaries* what
    comes and goes, *other* tensors that were made outside the run and are no input. A graph read from a file has no
    ``lives``. ``saved`` is what the forward pass kept for a backward one, ``None`` where that is not known: without a
    backward pass, only what outlives a call that was traced is known to be kept. ``allocator`` is there when the trace
    was asked for it.
    """

    resident: int
    peak: int
    peak_operation: int | None
    timeline: tuple[int, ...] = field(repr=False)
    parameter_bytes: int
    buffer_bytes: int
    input_bytes: int
    alive_at_peak: tuple[int, ...] = field(default=(), repr=False)
    lives: tuple[Life, ...] | None = field(default=None, repr=False)
    saved: int | None = None
    allocator: AllocatorPeak | None = None

    def by_category(self, at: int | None = None) -> dict[str, int]:
        """Bytes by category right after operation *at* (-1 is before the first), at the peak when it is not given."""
        found: Counter[str] = Counter(dict.fromkeys(CATEGORIES, 0))
        for life in self.alive(at):
            found[life.category] += life.bytes
        return dict(found)

    def alive(self, at: int | None = None) -> list[Life]:
        """What is alive right after operation *at* (-1 is before the first), at the peak when it is not given.

        Raises :class:`LivesUnknown` for a graph that was read from a file.
        """
        moment = self.peak_at if at is None else at
        return [life for life in self.known_lives() if life.alive(moment)]

    def total(self, category: Category) -> int:
        """Bytes of all storages that were ever of *category*, each counted once."""
        largest: dict[int, int] = {}
        for life in self.known_lives():
            if life.category == category:
                largest[life.storage] = max(largest.get(life.storage, 0), life.bytes)
        return sum(largest.values())

    def known_lives(self) -> tuple[Life, ...]:
        """``lives``; raises :class:`LivesUnknown` for a graph that was read from a file."""
        if self.lives is None:
            raise LivesUnknown
        return self.lives

    @property
    def peak_at(self) -> int:
        """The operation at the peak, -1 when the run starts at it."""
        return -1 if self.peak_operation is None else self.peak_operation

    @property
    def saved_for_backward(self) -> int:
        """Bytes that the forward pass kept for the backward one; what checkpointing makes again is not among them."""
        if self.saved is None:
            raise SavedUnknown
        return self.saved

    def peak_in_blocks(self, block: int = CUDA_BLOCK) -> int:
        """The peak when every storage takes whole blocks of *block* bytes, as PyTorch's CUDA allocator gives them."""
        return max(_levels(self.known_lives(), block))

    @property
    def over_start(self) -> int:
        """How far the peak lies above what was live before the run."""
        return self.over_start_in_blocks(1)

    def over_start_in_blocks(self, block: int = CUDA_BLOCK) -> int:
        """:attr:`over_start` when every storage takes whole blocks of *block* bytes."""
        lives = self.known_lives()
        return max(_levels(lives, block)) - sum(_in_blocks(life.bytes, block) for life in lives if life.born < 0)


def _levels(lives: tuple[Life, ...], block: int) -> list[int]:
    """Bytes in whole blocks whenever they change, in order; 0 before anything."""
    steps: Counter[int] = Counter()
    for life in lives:
        whole = _in_blocks(life.bytes, block)
        steps[life.born] += whole
        if life.died is not None:
            steps[life.died] -= whole
    return list(accumulate((steps[at] for at in sorted(steps)), initial=0))


def _in_blocks(count: int, block: int) -> int:
    return -(-count // block) * block


class LivesUnknown(LookupError):
    """The graph was read from a file, which holds totals only."""

    def __str__(self) -> str:
        return "a snapshot file holds the peak and totals, not what was live step by step: trace the model for that"


class SavedUnknown(LookupError):
    """Nothing tells what was kept for a backward pass."""

    def __str__(self) -> str:
        return (
            "what the forward pass kept is known of a call that was traced, and of a run with a backward pass; "
            "not of a recorded block without one, nor of a snapshot that does not say it"
        )


def saved_in(lives: Iterable[Life]) -> int:
    """Bytes that the forward pass kept for the backward one, each storage counted once."""
    return sum({life.storage: life.bytes for life in lives if is_saved(life)}.values())


def is_saved(life: Life) -> bool:
    """Whether the forward pass kept it for the backward one."""
    return life.category == "saved" and life.made_in == FORWARD


def KiB(count: float) -> int:  # noqa: N802 -- the unit is spelled so
    """*count* times 1024 bytes."""
    return round(count * 1024)


def MiB(count: float) -> int:  # noqa: N802 -- the unit is spelled so
    """*count* times 1024 * 1024 bytes."""
    return round(count * 1024**2)
