"""What the tracker costs, by what it is asked to tell.

    python -m benchmarks.trackers

CPU time of one thread: a run of BERT (12 layers, width 64) forward and backward, its nodes and its summary; the least
of five.
"""

from __future__ import annotations

import gc
import time

import torch

from benchmarks.subjects import SUBJECTS
from pytest_torchgraph.tracking import track_computational_graph_execution

ASKED = {
    "everything": {},
    "no times": {"track_timing": False},
    "no operations": {"track_tensor_ops": False},
    "no operations, no times": {"track_tensor_ops": False, "track_timing": False},
    "no operations, no times, no memory": {
        "track_tensor_ops": False,
        "track_timing": False,
        "track_memory": False,
    },
}


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    subject = SUBJECTS["bert"]()
    print("| asked for | run and record | nodes and summary |\n|---|---|---|")
    for name, options in ASKED.items():
        figures = []
        for _ in range(5):
            gc.collect()
            begun = time.thread_time()
            tracker = track_computational_graph_execution(subject.model, subject.args, **options)
            tracked = time.thread_time()
            tracker.get_graph_summary()
            figures.append((tracked - begun, time.thread_time() - tracked))
        cells = (f"{min(each) * 1e3:.0f} ms" for each in zip(*figures, strict=True))
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
