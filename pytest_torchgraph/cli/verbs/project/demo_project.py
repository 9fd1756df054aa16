"""The files of the demonstration project, and the edit that makes its model worse."""

from __future__ import annotations

from importlib.util import find_spec

SETTINGS = "[pytest]\n"

TRANSFORMERS_MODEL = '''\
"""GPT-2 from transformers, with the attention function of this project."""

from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, GPT2Config, GPT2LMHeadModel


def attention(module, query, key, value, attention_mask, **options):
    output = scaled_dot_product_attention(query, key, value, is_causal=True)
    return output.transpose(1, 2), None


AttentionInterface.register("project", attention)


def build():
    config = GPT2Config(
        n_layer=4, n_embd=64, n_head=4, n_positions=64, vocab_size=512, bos_token_id=0, eos_token_id=0,
        use_cache=False, attn_implementation="project",
    )
    return GPT2LMHeadModel(config).eval()


def logits(output):
    return output.logits
'''

PLAIN_MODEL = '''\
"""A small transformer decoder."""

from torch import arange, nn
from torch.nn.functional import scaled_dot_product_attention

WIDTH, HEADS, LAYERS, WORDS, PLACES = 64, 4, 4, 512, 64


def attention(query, key, value):
    output = scaled_dot_product_attention(query, key, value, is_causal=True)
    return output.transpose(1, 2)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        batch, length, _ = x.shape
        heads = [part.view(batch, length, HEADS, -1).transpose(1, 2) for part in self.qkv(x).chunk(3, -1)]
        return self.out(attention(*heads).reshape(batch, length, WIDTH))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(WIDTH), Attention()
        self.norm2 = nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, WIDTH), nn.Embedding(PLACES, WIDTH)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.head = nn.Linear(WIDTH, WORDS, bias=False)

    def forward(self, tokens):
        x = self.words(tokens) + self.places(arange(tokens.shape[1]))
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


def build():
    return Decoder().eval()


def logits(output):
    return output
'''

TEST = """\
from pathlib import Path

import torch

from model import build, logits

TOKENS = torch.arange(32).view(2, 16)


def test_graph(torch_graph):
    torch_graph.check(build(), TOKENS)


def test_numbers():
    torch.manual_seed(0)
    with torch.no_grad():
        now = logits(build()(TOKENS))
    reference = Path(__file__).with_name("logits.pt")
    if not reference.exists():
        torch.save(now, reference)
    assert torch.equal(now, torch.load(reference))
"""

BEFORE = "    output = scaled_dot_product_attention("
ADDED = "    query, key, value = query.contiguous(), key.contiguous(), value.contiguous()\n"


def has_transformers() -> bool:
    """Whether the demonstration can use GPT-2 from transformers."""
    return find_spec("transformers") is not None


def model_text(*, worse: bool = False) -> str:
    """The project's ``model.py``; *worse* copies query, key and value before attention, in every layer."""
    text = TRANSFORMERS_MODEL if has_transformers() else PLAIN_MODEL
    return text.replace(BEFORE, ADDED + BEFORE) if worse else text


def files() -> dict[str, str]:
    """File name and text of every file of the project."""
    return {"pytest.ini": SETTINGS, "model.py": model_text(), "test_model.py": TEST}
