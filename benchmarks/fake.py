"""What it costs to record a training step of a model that fits on no machine, under fake tensors.

    python -m benchmarks.fake          prints the table and writes it to benchmarks/RESULTS.md

Each shape of Llama is recorded in a process of its own: forward, backward and a step of AdamW, in bfloat16, for one
sequence of 2048 words; once as one rank of eight that share every layer (FSDP2), peak and parameters are that rank's.
Time is CPU time of one thread from the call of ``trace`` to the graph, its canonical form and
its text included; memory is the most that the process had resident, the libraries' own third of a GiB included.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass

from benchmarks.sections import put

TITLE = "A training step under fake tensors"
LENGTH = 2048


@dataclass(frozen=True)
class Shape:
    """The sizes of one Llama."""

    width: int
    inner: int
    layers: int
    heads: int


SHAPES = {
    "8B": Shape(4096, 14336, 32, 32),
    "70B": Shape(8192, 28672, 80, 64),
    "405B": Shape(16384, 53248, 126, 128),
}
TARGETS = {"8B": "4 s", "70B": "8 s", "405B": "14 s"}
"""CPU time that a step may take to be traced."""
RANKS = 8
SHARDED = ("70B sharded",)


def measured(name: str) -> dict[str, float]:
    """Seconds, bytes and what was counted, of the shape *name* in this process."""
    shape_name, _, sharded = name.partition(" ")
    import torch
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    from transformers import LlamaConfig, LlamaForCausalLM

    from pytest_torchgraph import trace
    from pytest_torchgraph.snapshot.writer import write

    shape = SHAPES[shape_name]
    config = LlamaConfig(
        vocab_size=128256,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=8,
        max_position_embeddings=8192,
        use_cache=False,
    )
    begun = time.process_time()

    def build() -> torch.nn.Module:
        model = LlamaForCausalLM(config).to(torch.bfloat16)
        if sharded:
            mesh = init_device_mesh("cpu", (RANKS,))
            for part in (*model.model.layers, model):
                fully_shard(part, mesh=mesh)
        return model

    graph = trace(
        build,
        lambda: torch.zeros(1, LENGTH, dtype=torch.long),
        fake=True,
        world_size=RANKS if sharded else None,
        backward=lambda output: output.logits.float().mean(),
        optimizer=lambda model: torch.optim.AdamW(model.parameters()),
    )
    traced = time.process_time() - begun
    text = write(graph.canonical, test="giant", recorded="here")
    written = time.process_time() - begun
    return {
        "traced": traced,
        "written": written,
        "resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "operations": len(graph.operations),
        "lines": len(text.splitlines()),
        "parameters": graph.memory.parameter_bytes / 2,
        "peak": graph.memory.peak,
        "saved": graph.memory.saved_for_backward,
        "flops": graph.flops.at_least,
    }


def in_own_process(name: str) -> dict[str, float]:
    """The same, in a process that has done nothing else."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fake", name],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def row(name: str, found: dict[str, float]) -> str:
    """One line of the table."""
    cells = [
        f"Llama {name}",
        f"{found['parameters'] / 1e9:.1f} G",
        f"{found['operations']:.0f}",
        f"{found['traced']:.1f} s",
        f"{found['written']:.1f} s",
        TARGETS.get(name, ""),
        f"{found['resident'] / 2**30:.2f} GiB",
        f"{found['peak'] / 2**30:.0f} GiB",
        f"{found['saved'] / 2**30:.1f} GiB",
        f"{found['flops'] / 1e15:.2f} P",
        f"{found['lines']:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure every shape, print the table, and put it into the results."""
    columns = (
        "model, parameters, operations, traced, and written, target, resident, peak, saved, FLOPs, lines of the file"
    )
    names = columns.split(", ")
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    lines += [row(name, in_own_process(name)) for name in (*SHAPES, *SHARDED)]
    explained = (__doc__ or "").strip().splitlines()[4:]
    print("\n".join(lines))
    put(TITLE, [*explained, "", *lines])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measured(sys.argv[1])))
    else:
        main()
