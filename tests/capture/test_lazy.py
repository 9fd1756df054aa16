"""Tensors of the lazy backend are refused: reading their memory would end the process."""

from __future__ import annotations

import subprocess
import sys
import textwrap

SCRIPT = """
    import torch
    import torch._lazy.ts_backend
    from torch import nn
    from pytest_torchgraph import record, trace
    from pytest_torchgraph.capture.lazy import LazyTensor

    torch._lazy.ts_backend.init()
    lazy = torch.ones(2, 4).to("lazy")


    class Moves(nn.Module):
        def forward(self, x):
            return (x.to("lazy") + 1).cpu()


    def recorded():
        with record():
            lazy + 1


    cases = {
        "input": lambda: trace(nn.ReLU(), lazy),
        "parameter": lambda: trace(nn.Linear(4, 2).to("lazy"), torch.ones(2, 4)),
        "inside": lambda: trace(Moves(), torch.ones(2, 4)),
        "record": recorded,
    }
    for name, run in cases.items():
        try:
            run()
        except LazyTensor as error:
            assert "'lazy'" in str(error)
            print(name, "refused", flush=True)
    print(len(trace(nn.ReLU(), torch.ones(2, 4)).operations), "operation on the CPU", flush=True)
"""


def test_a_lazy_tensor_is_refused_in_one_sentence_and_ends_no_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT)], capture_output=True, text=True, timeout=120, check=False
    )
    told = ["input refused", "parameter refused", "inside refused", "record refused", "1 operation on the CPU"]
    assert done.stdout.splitlines() == told, done.stderr[-2000:]
    assert done.returncode == 0
