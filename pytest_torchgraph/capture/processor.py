"""What the processor can do, by which PyTorch and oneDNN choose kernels."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

import torch

EXTENSIONS = (("vnni", "avx512_vnni"), ("bf16", "avx512_bf16"), ("fp16", "avx512_fp16"), ("amx", "amx_tile"))
"""What decides between kernels for small types, and how PyTorch's list of capabilities calls it."""
PROBES = {
    "avx512_vnni": "_is_vnni_supported",
    "avx512_bf16": "_is_avx512_bf16_supported",
    "amx_tile": "_is_amx_tile_supported",
}
"""Functions that tell the same in versions of PyTorch without that list."""
LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")


@lru_cache(maxsize=1)
def capability() -> str:
    """``avx512_vnni_bf16``: what PyTorch's own kernels use, what oneDNN finds, and a limit that was set for it."""
    own = torch.backends.cpu.get_cpu_capability().lower()
    found = [word for word, name in EXTENSIONS if has(name)]
    limits = [f"onednn_{os.environ[name].lower()}" for name in LIMITS if os.environ.get(name)]
    return "_".join(["".join(filter(is_plain, word)) for word in (own, *found, *limits[:1])])


def has(name: str) -> bool:
    """Whether the processor has the extension *name*."""
    cpu: Any = torch.cpu
    if hasattr(cpu, "get_capabilities"):
        return bool(cpu.get_capabilities().get(name, False))
    probe = getattr(cpu, PROBES.get(name, ""), None)
    return probe is not None and bool(probe())


def is_plain(character: str) -> bool:
    """Whether *character* may stand in a file's name and in a list of words."""
    return character.isalnum() or character == "_"
