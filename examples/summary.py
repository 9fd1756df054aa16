"""What one forward and backward pass of a model does and costs.

python examples/summary.py
"""

import torch
from torch import nn

from pytest_torchgraph.tracking import track_computational_graph_execution

layer = nn.TransformerEncoderLayer(d_model=64, nhead=4, dim_feedforward=256, dropout=0.0, batch_first=True)
model = nn.TransformerEncoder(layer, num_layers=4)
inputs = torch.randn(8, 32, 64)

# The model runs three times; parameters, gradients and random state are afterwards as they were.
tracker = track_computational_graph_execution(model, inputs, repeats=3)

summary = tracker.get_graph_summary()
print(f"{summary['operations']} operations in {summary['module_calls']} module calls")
print(f"{summary['execution_time'] * 1000:.1f} ms, peak memory {summary['peak_memory'] / 2**20:.1f} MiB")
print()
print(tracker.table(depth=2))
