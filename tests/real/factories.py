"""Models of public libraries with random weights, small: nothing is downloaded.

Every function returns an :class:`~tests.models.example.Example` in eval mode. Keyword arguments make a model deeper or
wider; the defaults are for tests.
"""

from __future__ import annotations

from copy import copy
from inspect import signature
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from tests.models.example import Example

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS = 256


def words(batch: int, length: int, below: int = WORDS) -> Tensor:
    """Token numbers."""
    return torch.randint(0, below, (batch, length))


def bert(layers: int = 2, width: int = 64, length: int = 16) -> Example:
    """An encoder with a pooler, and a padded batch."""
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=WORDS,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=4 * width,
        max_position_embeddings=max(64, length),
    )
    mask = torch.ones(2, length, dtype=torch.long)
    mask[1, length // 2 :] = 0
    batch = {"input_ids": words(2, length), "token_type_ids": torch.zeros(2, length).long(), "attention_mask": mask}
    return Example(BertModel(config).eval(), batch)


def gpt2(layers: int = 2, width: int = 64, length: int = 16) -> Example:
    """A decoder whose head is tied to its embedding."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=WORDS,
        n_embd=width,
        n_layer=layers,
        n_head=4,
        n_positions=max(64, length),
        bos_token_id=0,
        eos_token_id=0,
        use_cache=False,
    )
    return Example(GPT2LMHeadModel(config).eval(), words(2, length))


def _llama(layers: int) -> nn.Module:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=WORDS,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
    )
    return LlamaForCausalLM(config).eval()


def llama(layers: int = 2) -> Example:
    """A decoder with grouped queries and rotary places, no cache."""
    return Example(_llama(layers), words(2, 16), {"use_cache": False})


def llama_prefill(layers: int = 2) -> Example:
    """The same, filling a cache that it returns."""
    return Example(_llama(layers), words(2, 16), {"use_cache": True})


class Decode(nn.Module):
    """One step of decoding; every call begins with the same filled cache."""

    def __init__(self, model: nn.Module, prompt: Tensor) -> None:
        super().__init__()
        self.model = model
        # "cache" since transformers 5.24.
        self.name = "cache" if "cache" in signature(model.forward).parameters else "past_key_values"
        with torch.no_grad():
            self.cache = model(prompt, use_cache=True)[self.name]

    def forward(self, word: Tensor) -> Any:
        cache = copy(self.cache)
        # A step puts longer tensors in the place of those of each layer and writes none.
        cache.layers = [copy(layer) for layer in cache.layers]
        return self.model(word, **{self.name: cache})


def llama_decode(layers: int = 2) -> Example:
    """The same, one word after sixteen that are in the cache."""
    return Example(Decode(_llama(layers), words(2, 16)).eval(), words(2, 1))


def mixtral(layers: int = 2) -> Example:
    """A decoder with four experts, two for each word."""
    from transformers import MixtralConfig, MixtralForCausalLM

    config = MixtralConfig(
        vocab_size=WORDS,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        num_local_experts=4,
        num_experts_per_tok=2,
        max_position_embeddings=64,
        use_cache=False,
    )
    return Example(MixtralForCausalLM(config).eval(), words(1, 16))


def t5(layers: int = 2) -> Example:
    """Encoder and decoder with relative places."""
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(vocab_size=WORDS, d_model=64, d_kv=16, d_ff=128, num_layers=layers, num_heads=4)
    config.decoder_start_token_id = 0
    batch = {"input_ids": words(2, 12), "decoder_input_ids": words(2, 6), "use_cache": False}
    return Example(T5ForConditionalGeneration(config).eval(), batch)


def whisper(layers: int = 2) -> Example:
    """Convolutions over a spectrogram, encoder, decoder."""
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    config = WhisperConfig(
        vocab_size=WORDS,
        d_model=64,
        encoder_layers=layers,
        decoder_layers=layers,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        num_mel_bins=16,
        max_source_positions=32,
        max_target_positions=16,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
        decoder_start_token_id=0,
    )
    batch = {"input_features": torch.randn(1, 16, 64), "decoder_input_ids": words(1, 6), "use_cache": False}
    return Example(WhisperForConditionalGeneration(config).eval(), batch)


def vit(layers: int = 2) -> Example:
    """An image as sixteen patches."""
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(
        hidden_size=64,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=128,
        image_size=32,
        patch_size=8,
    )
    config.num_labels = 10
    return Example(ViTForImageClassification(config).eval(), torch.randn(1, 3, 32, 32))


def mamba(layers: int = 2) -> Example:
    """A state space model, its scan written in torch."""
    from transformers import MambaConfig, MambaForCausalLM

    config = MambaConfig(vocab_size=WORDS, hidden_size=32, state_size=4, num_hidden_layers=layers, use_cache=False)
    return Example(MambaForCausalLM(config).eval(), words(1, 8))


def clip(layers: int = 2) -> Example:
    """A tower for images and one for texts."""
    from transformers import CLIPConfig, CLIPModel

    tower = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": layers, "num_attention_heads": 4}
    text = {**tower, "vocab_size": WORDS, "max_position_embeddings": 16, "bos_token_id": 0, "eos_token_id": 1}
    config = CLIPConfig(text_config=text, vision_config={**tower, "image_size": 32, "patch_size": 8}, projection_dim=32)
    batch = {"input_ids": words(3, 10), "pixel_values": torch.randn(2, 3, 32, 32)}
    return Example(CLIPModel(config).eval(), batch)


def _x_transformer(layers: int, **shape: Any) -> Example:
    from x_transformers import Decoder, TransformerWrapper

    decoder = Decoder(dim=64, depth=layers, heads=4, attn_dim_head=32, **shape)
    return Example(TransformerWrapper(num_tokens=WORDS, max_seq_len=32, attn_layers=decoder).eval(), words(2, 16))


def x_plain(layers: int = 2) -> Example:
    """x-transformers as it comes: learned places, attention by einsum."""
    return _x_transformer(layers)


def x_rotary(layers: int = 2) -> Example:
    """x-transformers with rotary places and flash attention."""
    return _x_transformer(layers, rotary_pos_emb=True, rotary_emb_dim=32, attn_flash=True)


def x_alibi(layers: int = 2) -> Example:
    """x-transformers with a bias by distance, which it keeps from the first call on."""
    return _x_transformer(layers, alibi_pos_bias=True, alibi_num_heads=2)


def x_gqa(layers: int = 2) -> Example:
    """x-transformers with one key for every two queries."""
    return _x_transformer(layers, attn_kv_heads=2, attn_flash=True)


def _graph() -> tuple[Tensor, Tensor]:
    """Features of six nodes and their edges."""
    edges = torch.tensor([[0, 1, 2, 3, 4, 5, 0, 2], [1, 2, 3, 4, 5, 0, 3, 5]])
    return torch.randn(6, 16), edges


def gcn(layers: int = 3) -> Example:
    """Graph convolutions."""
    from torch_geometric.nn import GCN

    return Example(GCN(16, 32, layers, 4).eval(), _graph())


def gat(layers: int = 2) -> Example:
    """Attention over neighbours."""
    from torch_geometric.nn import GAT

    return Example(GAT(16, 32, layers, 4, v2=True, heads=4).eval(), _graph())


FACTORIES: dict[str, Callable[[], Example]] = {
    factory.__name__: factory
    for factory in (
        *(bert, gpt2, llama, llama_prefill, llama_decode, mixtral, t5, whisper, vit, mamba, clip),
        *(x_plain, x_rotary, x_alibi, x_gqa),
        *(gcn, gat),
    )
}
