"""Bytes of live storages, step by step."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Logical bytes of live storages, counted at dispatch; the same on every machine, unlike an allocator's figures.

    ``peak`` includes parameters, buffers and inputs (``resident``). ``peak_operation`` is the position of the
    operation after which the peak was first reached, ``None`` when the run starts at its peak.
    ``timeline[i]`` is what was live right after operation ``i``. ``alive_at_peak`` are storage positions.
    """

    resident: int
    peak: int
    peak_operation: int | None
    timeline: tuple[int, ...]
    parameter_bytes: int
    buffer_bytes: int
    input_bytes: int
    alive_at_peak: tuple[int, ...] = ()


def KiB(count: float) -> int:  # noqa: N802 -- the unit is spelled so
    """*count* times 1024 bytes."""
    return round(count * 1024)


def MiB(count: float) -> int:  # noqa: N802 -- the unit is spelled so
    """*count* times 1024 * 1024 bytes."""
    return round(count * 1024**2)
