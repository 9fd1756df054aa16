"""Where a graph came from: versions, machine and mode."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pytest_torchgraph.quick import dataclass

GradMode: TypeAlias = Literal["grad", "no_grad"]
Training: TypeAlias = Literal["train", "eval", "mixed", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Versions, machine and mode of one run.

    ``training`` is ``"none"`` for a plain callable without modules and ``"mixed"`` when modules disagree.
    ``inference_mode`` notes that the user's code asked for it; the trace ran it as ``no_grad``. ``compiled`` notes that
    a compiled callable was called; the trace ran it eagerly. ``fake`` notes that fake tensors stood in for real ones: a
    library that asks whether it is traced may have computed otherwise. ``processor`` is what it can do
    (``avx512_vnni_bf16``), by which kernels are chosen; empty where that is not known. ``rank`` is that of the process
    among ``world_size``.
    """

    torch: str
    python: str
    libraries: tuple[tuple[str, str], ...] = ()
    system: str
    architecture: str
    processor: str = ""
    device: str
    grad_mode: GradMode
    training: Training
    inference_mode: bool = False
    compiled: bool = False
    fake: bool = False
    mkldnn: bool = True
    rank: int = 0
    world_size: int = 1


UNKNOWN = "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """What recorded a graph, as far as a file notes it; :data:`UNKNOWN` is what it does not."""

    torch: str = UNKNOWN
    python: str = UNKNOWN
    libraries: tuple[tuple[str, str], ...] = ()
    system: str = UNKNOWN
    architecture: str = UNKNOWN
    processor: str = ""
    rank: int = 0
    world_size: int = 1
