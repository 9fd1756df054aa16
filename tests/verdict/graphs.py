"""A recorded graph made by hand: three layers that each multiply and copy, with one attention call."""

from __future__ import annotations

from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.memory import Memory
from pytest_torchgraph.recorded.module import Scope
from pytest_torchgraph.recorded.operation import Call, Operation
from pytest_torchgraph.recorded.origin import Origin
from pytest_torchgraph.recorded.tensor import Storage
from tests.diff.programs import f32

ORIGIN = Origin(
    torch="2.13.0",
    python="3.11",
    system="linux",
    architecture="x86_64",
    device="cpu",
    grad_mode="no_grad",
    training="eval",
)
KNOWN = frozenset({"aten.mm", "aten.clone", "aten.relu"})


def graph(*, copies: int = 2, flops: int | None = 1000, layers: int = 3) -> Graph:
    """*layers* layers of one ``mm`` and *copies* ``clone``, the last layer with one more; ``head`` multiplies too."""
    names = [
        (number + 1, name)
        for number in range(layers)
        for name in ["aten.mm.default"] + ["aten.clone.default"] * (copies + (number == layers - 1))
    ]
    operations = tuple(
        Operation(
            index=at,
            name=name,
            arguments=(),
            keywords=(),
            results=(),
            writes=(),
            scope=scope,
            flops=flops if name == "aten.mm.default" else 0,
        )
        for at, (scope, name) in enumerate([*names, (layers + 1, "aten.mm.default")])
    )
    scopes = (
        Scope(0, None, "", "Model", False, (0, len(operations))),
        *(Scope(number + 1, 0, f"layers.{number}", "Layer", False, (0, 0)) for number in range(layers)),
        Scope(layers + 1, 0, "head", "Linear", False, (0, 0)),
    )
    storages = (
        Storage(0, "parameter", 2**20, f32(512, 512), "layers.0.weight"),
        Storage(1, "parameter", 2**21, f32(512, 1024), "head.weight"),
        Storage(2, "result", 2**22, f32(1024, 1024), producer=0),
    )
    memory = Memory(
        resident=3 * 2**20,
        peak=7 * 2**20,
        peak_operation=0,
        timeline=(),
        parameter_bytes=3 * 2**20,
        buffer_bytes=0,
        input_bytes=0,
        alive_at_peak=(0, 1, 2),
    )
    calls = (Call(0, "scaled_dot_product_attention", (), (), 1),)
    return Graph(operations, storages, scopes, calls, memory, ORIGIN, (), (), vocabulary=lambda: KNOWN)
