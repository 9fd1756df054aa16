"""The processor's capability is noted, because kernels are chosen by it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from pytest_torchgraph import trace
from pytest_torchgraph.capture import processor
from pytest_torchgraph.snapshot.recorded import recorded_line, recorder_of


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    processor.capability.cache_clear()
    yield
    processor.capability.cache_clear()


def test_a_graph_and_its_file_say_what_the_processor_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(processor, "has", lambda name: name in ("avx512_vnni", "amx_tile"))
    graph = trace(torch.sin, torch.ones(2))
    assert graph.origin.processor == "avx512_vnni_amx"
    assert ", cpu avx512_vnni_amx, flops" in recorded_line(graph)
    assert recorder_of(recorded_line(graph)).processor == "avx512_vnni_amx"


def test_a_limit_that_is_set_for_onednn_is_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert processor.capability().endswith("_onednn_avx2")


def test_what_is_found_here_may_stand_in_the_name_of_a_file() -> None:
    assert processor.capability().replace("_", "").isalnum()
