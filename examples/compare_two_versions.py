"""Two versions of a model that compute the same numbers, compared by what they do.

python examples/compare_two_versions.py
"""

import torch
from torch import Tensor, nn

from pytest_torchgraph import compare, trace


class Attention(nn.Module):
    """Self-attention with four heads."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(64, 192)
        self.out = nn.Linear(64, 64)

    def heads(self, part: Tensor) -> Tensor:
        """The heads of queries, keys or values."""
        return part.unflatten(-1, (4, 16)).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Attend."""
        query, key, value = map(self.heads, self.qkv(x).chunk(3, dim=-1))
        attended = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(attended.transpose(1, 2).flatten(2))


class CopyingAttention(Attention):
    """The same numbers, by way of copies that nobody needs."""

    def heads(self, part: Tensor) -> Tensor:
        """The heads, each in memory of its own."""
        return super().heads(part).contiguous()


x = torch.randn(2, 16, 64)
before, after = Attention().eval(), CopyingAttention().eval()
after.load_state_dict(before.state_dict())

torch.testing.assert_close(before(x), after(x))
print("The numbers are the same. What is done is not:")
print()
print(compare(trace(before, x), trace(after, x)))
