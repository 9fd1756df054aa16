"""Makes the pictures of the README: ``python docs/pictures/graphs.py``."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import GPT2Config, GPT2LMHeadModel

from pytest_torchgraph import trace
from pytest_torchgraph.drawing import save

FOLDER = Path(__file__).parent
IDS = torch.zeros(2, 16, dtype=torch.long)


class Attention(nn.Module):
    """Causal attention; *copies* makes its keys and values contiguous, which changes no number."""

    def __init__(self, *, copies: bool) -> None:
        super().__init__()
        self.qkv, self.proj, self.copies = nn.Linear(64, 192), nn.Linear(64, 64), copies

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What attends."""
        q, k, v = (part.view(2, 16, 4, 16).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        if self.copies:
            k, v = k.contiguous(), v.contiguous()
        mixed = scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(mixed.transpose(1, 2).reshape(2, 16, 64))


class Block(nn.Module):
    """Attention with a norm and a residual."""

    def __init__(self, *, copies: bool) -> None:
        super().__init__()
        self.norm, self.attn = nn.LayerNorm(64), Attention(copies=copies)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The block's output."""
        return x + self.attn(self.norm(x))


def blocks(*, copies: bool) -> nn.Module:
    """Six blocks."""
    return nn.Sequential(*(Block(copies=copies) for _ in range(6))).eval()


def main() -> None:
    """Write every picture beside this file."""
    model = GPT2LMHeadModel(GPT2Config(n_layer=4, n_embd=64, n_head=4, use_cache=False, vocab_size=1000))
    optimizer = torch.optim.AdamW(model.parameters())
    inputs = {"input_ids": IDS, "labels": IDS}
    step = trace(model, inputs, backward=lambda output: output.loss, optimizer=optimizer)
    x = torch.randn(2, 16, 64)
    before, after = trace(blocks(copies=False), x), trace(blocks(copies=True), x)
    save(step, FOLDER / "graph.png", depth=2, title="GPT-2, one training step")
    save(step, FOLDER / "memory.png", picture="memory", title="GPT-2, one training step: live memory")
    save(step, FOLDER / "icicle.png", picture="icicle", by="flops", title="GPT-2, one training step: FLOPs by module")
    save(after, FOLDER / "compare.png", picture="compare", before=before, title="Somebody added .contiguous()")
    for name in ("graph", "memory", "icicle", "compare"):
        shrink(FOLDER / f"{name}.png")


def shrink(path: Path) -> None:
    """Keep 128 colours: a reader sees no difference, and the file is a third as large."""
    with Image.open(path) as picture:
        smaller = picture.convert("RGB").quantize(128, dither=Image.Dither.NONE)
    smaller.save(path, optimize=True)


if __name__ == "__main__":
    main()
