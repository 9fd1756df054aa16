"""What the canonical graph keeps, and what it forgets."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from pytest_torchgraph import trace
from pytest_torchgraph.canonical.program import Block, Given, Item, Leaf, Operand, Result, Work
from pytest_torchgraph.graph import Graph, expanded
from pytest_torchgraph.snapshot.writer import write
from tests.capture.small import Calls, example

X = example(4, 8)
Run = Callable[[Tensor], Any]


def graph(function: Run, x: Tensor = X, **children: nn.Module) -> Graph:
    """What *function* does, as the forward of a module."""
    return trace(Calls(lambda module, x: function(x), **children), x)


def text(found: Graph) -> str:
    """The snapshot of a graph."""
    return write(found.canonical, test="tests/test_it.py::test_it", recorded="torch 2")


class Naming(nn.Module):
    """Reads its weight under the name it was given."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.register_parameter(name, nn.Parameter(torch.ones(8)))

    def forward(self, x: Tensor) -> Any:
        return x * getattr(self, self.name)


def out_of_place(x: Tensor) -> Tensor:
    return torch.add(x, 1)


def into_memory(x: Tensor) -> Tensor:
    memory = torch.empty_like(x)
    torch.add(x, 1, out=memory)
    return memory


def as_complex(x: Tensor) -> Tensor:
    return torch.view_as_complex(x.view(4, 4, 2))


def one_name(x: Tensor) -> Tensor:
    x = x.sin() + x
    return x.cos()


def other_names(x: Tensor) -> Tensor:
    total = x.sin() + x
    result = total.cos()
    return result  # noqa: RET504 -- the name is what is tested


def attend(**keywords: Any) -> Run:
    return lambda x: scaled_dot_product_attention(*(x.view(1, 1, 4, 8),) * 3, **keywords)


APART: dict[str, tuple[Run, Run]] = {
    "another slice": (lambda x: x[:2] + 1, lambda x: x[2:] + 1),
    "another step": (lambda x: x[::2] + 1, lambda x: x[:2] + 1),
    "order of operands": (lambda x: x.sin() - x, lambda x: x - x.sin()),
    "order of operations": (lambda x: (x.sin(), x.cos()), lambda x: (x.cos(), x.sin())),
    "order of outputs": (lambda x: (x.sin(), x), lambda x: (x, x.sin())),
    "an output less": (lambda x: (x.sin(), x.cos()), lambda x: (x.sin(), x.cos())[0]),
    "another name of an output": (lambda x: {"a": x.sin()}, lambda x: {"b": x.sin()}),
    "another geometry of an output": (lambda x: x.sin(), lambda x: x.sin().T),
    "a scalar": (lambda x: x.clamp(min=0.5), lambda x: x.clamp(min=0.25)),
    "a keyword": (nn.functional.gelu, lambda x: nn.functional.gelu(x, approximate="tanh")),
    "one and one point nought": (lambda x: x * 1, lambda x: x * 1.0),
    "nought and minus nought": (lambda x: x + 0.0, lambda x: x + -0.0),
    "true and one": (lambda x: x + True, lambda x: x + 1),
    "written into memory": (out_of_place, into_memory),
    "in place": (lambda x: x.sin().add_(1), lambda x: x.sin().add(1)),
    "a hidden copy": (lambda x: x.sin(), lambda x: x.clone().sin()),
    "a hidden copy by contiguous": (lambda x: x.T.sin(), lambda x: x.T.contiguous().sin()),
    "a sync": (lambda x: x.sin(), lambda x: x.sin() if x.sum() < 1e9 else x),
    "a cast and back": (lambda x: x.sin(), lambda x: x.double().float().sin()),
    "a dtype": (lambda x: x.to(torch.float16).sin(), lambda x: x.to(torch.bfloat16).sin()),
    "a mask": (attend(), attend(attn_mask=torch.zeros(4, 4))),
    "causal": (attend(), attend(is_causal=True)),
    "a scale": (attend(), attend(scale=0.5)),
    "a device spelled": (lambda x: torch.ones(2), lambda x: torch.ones(2, device="meta")),
    "read twice or made twice": (lambda x: (y := x.sin()) + y, lambda x: x.sin() + x.sin()),
    "the bytes read as another type": (
        lambda x: x.view(torch.int32) + 1,
        lambda x: x.to(torch.int32) + 1,
    ),
    "conjugated": (lambda x: as_complex(x) * 2, lambda x: as_complex(x).conj() * 2),
    "the real and the imaginary part": (lambda x: as_complex(x).real + 1, lambda x: as_complex(x).imag + 1),
}

ALIKE: dict[str, tuple[Run, Run]] = {
    "view and reshape": (lambda x: x.view(2, 16) + 1, lambda x: x.reshape(2, 16) + 1),
    "view and flatten": (lambda x: x.view(32) + 1, lambda x: x.flatten() + 1),
    "view and unflatten": (lambda x: x.view(4, 2, 4) + 1, lambda x: x.unflatten(1, (2, 4)) + 1),
    "squeeze and unsqueeze": (lambda x: x.sin(), lambda x: x[None].unsqueeze(-1).squeeze(0).squeeze(-1).sin()),
    "none in an index": (lambda x: x.unsqueeze(1) + 1, lambda x: x[:, None] + 1),
    "chunk and slices": (lambda x: torch.mul(*x.chunk(2, 1)), lambda x: x[:, :4] * x[:, 4:]),
    "split and chunk": (lambda x: torch.mul(*x.split(4, 1)), lambda x: torch.mul(*x.chunk(2, 1))),
    "unbind and select": (lambda x: x.unbind()[1] + 1, lambda x: x.select(0, 1) + 1),
    "transposed in three ways": (lambda x: x.T + 1, lambda x: x.transpose(0, 1) + 1),
    "permuted": (lambda x: x.T + 1, lambda x: x.permute(1, 0) + 1),
    "transposed twice": (lambda x: x + 1, lambda x: x.T.mT + 1),
    "narrow and slice": (lambda x: x.narrow(0, 1, 2) + 1, lambda x: x[1:3] + 1),
    "a slice of a slice": (lambda x: x[1:][:2] + 1, lambda x: x[1:3] + 1),
    "the whole as a slice": (lambda x: x[:][...] + 1, lambda x: x + 1),
    "diagonal and strides": (lambda x: x.diagonal() + 1, lambda x: x.as_strided((4,), (9,)) + 1),
    "expand and broadcast": (lambda x: x[:1].expand(4, 8) + 1, lambda x: x[:1].broadcast_to(4, 8) + 1),
    "detached": (lambda x: x.sin().cos(), lambda x: x.sin().detach().cos()),
    "contiguous where it is": (lambda x: x.sin(), lambda x: x.contiguous().sin()),
    "a cast to the same type": (lambda x: x.sin(), lambda x: x.float().to("cpu").sin()),
    "dropout in eval": (lambda x: x.sin(), lambda x: nn.functional.dropout(x, 0.5, training=False).sin()),
    "in-place geometry": (lambda x: x.sin().T.cos(), lambda x: x.sin().t_().cos()),
    "variables": (one_name, other_names),
}


@pytest.mark.parametrize("pair", APART)
def test_other_work_is_another_graph(pair: str) -> None:
    before, after = (graph(function) for function in APART[pair])
    assert before != after
    assert text(before) != text(after)


@pytest.mark.parametrize("pair", ALIKE)
def test_the_same_work_is_the_same_graph(pair: str) -> None:
    before, after = (graph(function) for function in ALIKE[pair])
    assert before == after
    assert hash(before) == hash(after)
    assert text(before) == text(after)


INPUTS = {
    "batch": (X, example(5, 8)),
    "stride": (X, example(8, 4).T),
    "dtype": (X, X.double()),
    "device": (X, X.to("meta")),
    "layout": (X, X.to_sparse()),
    "expanded": (X, X[:1].expand(4, 8)),
}


@pytest.mark.parametrize("pair", INPUTS)
def test_other_inputs_are_another_graph(pair: str) -> None:
    before, after = INPUTS[pair]
    assert graph(lambda x: x * 2, before) != graph(lambda x: x * 2, after)


def test_where_an_input_lies_in_its_storage_is_not_kept() -> None:
    assert graph(lambda x: x * 2, example(6, 8)[2:]).canonical.root == graph(lambda x: x * 2, X).canonical.root


MODELS: dict[str, tuple[nn.Module, nn.Module]] = {
    "width": (nn.Linear(8, 8), nn.Linear(8, 9)),
    "a module renamed": (nn.ModuleDict({"a": nn.Linear(8, 8)}), nn.ModuleDict({"b": nn.Linear(8, 8)})),
    "a parameter renamed": (Naming("weight"), Naming("scale")),
    "a class renamed": (nn.Sequential(nn.Linear(8, 8)), nn.Sequential(type("Dense", (nn.Linear,), {})(8, 8))),
    "training": (nn.Dropout(), nn.Dropout().eval()),
    "training of a model without dropout": (nn.Linear(8, 8), nn.Linear(8, 8).eval()),
    "statistics": (nn.BatchNorm1d(8), nn.BatchNorm1d(8, track_running_stats=False)),
    "a layer more": (nn.Sequential(nn.ReLU(), nn.Tanh()), nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Tanh())),
    "a layer nested": (nn.Sequential(nn.ReLU()), nn.Sequential(nn.Sequential(nn.ReLU()))),
    "tied weights": (nn.Sequential(tied := nn.Linear(8, 8), nn.Linear(8, 8)), nn.Sequential(tied, tied)),
}


def called(model: nn.Module) -> Graph:
    if isinstance(model, nn.ModuleDict):
        (inner,) = model.values()
        return trace(Calls(lambda module, x: inner(x), model=model), X)
    return trace(model, X)


@pytest.mark.parametrize("pair", MODELS)
def test_another_model_is_another_graph(pair: str) -> None:
    before, after = MODELS[pair]
    assert called(before) != called(after)


def test_grad_mode_is_compared() -> None:
    model = nn.Linear(8, 8)
    with torch.no_grad():
        without = trace(model, X)
    assert trace(model, X) != without
    assert [operation.name for operation in trace(model, X).operations] == [entry.name for entry in without.operations]


def test_weights_and_values_are_not_kept() -> None:
    assert trace(nn.Linear(8, 8), X) == trace(nn.Linear(8, 8), torch.zeros(4, 8))


def test_modules_that_do_no_work_are_forgotten() -> None:
    plain = nn.Sequential(nn.Linear(8, 8), nn.ReLU())
    padded = nn.Sequential(plain[0], plain[1], nn.Identity(), nn.Flatten(), nn.Dropout()).eval()
    assert trace(plain.eval(), X) == trace(padded, X)


def test_scopes_in_which_no_work_is_done_are_forgotten() -> None:
    root = trace(nn.Sequential(nn.Identity(), nn.Sequential(nn.Flatten()), nn.ReLU()), X).canonical.root
    assert [item.name for item in root.items if isinstance(item, Block)] == ["2"]


def test_views_that_cross_scopes_are_told_by_the_value_they_read() -> None:
    class Split(nn.Module):
        def forward(self, x: Tensor) -> Any:
            return x.sin().split(4, 1)

    root = graph_of_parts(Split()).canonical.root
    block, work = (item for item in root.items if isinstance(item, (Block, Work)))
    assert isinstance(block, Block)
    assert block.exports == (Result(0, 0),)
    assert isinstance(work, Work)
    left, right = work.arguments
    assert isinstance(left, Operand)
    assert isinstance(right, Operand)
    assert left.reference == right.reference
    assert left.reading != right.reading


def graph_of_parts(split: nn.Module) -> Graph:
    return trace(Calls(lambda module, x: torch.mul(*module.split(x)), split=split), X)


def test_what_a_scope_reads_from_outside_are_its_inputs() -> None:
    other = example(4, 8)
    model = Calls(lambda module, x: module.inner(x.sin(), x), inner=Calls(lambda module, a, b: a + b * other))
    root = trace(model, X).canonical.root
    block = next(item for item in root.items if isinstance(item, Block))
    assert len(block.inputs) == 2
    assert [item.kind for item in block.items if isinstance(item, Given)] == ["constant"]


def test_a_constant_read_in_two_scopes_stands_around_both() -> None:
    table = example(8)
    model = nn.Sequential(Calls(lambda module, x: x + table), Calls(lambda module, x: x * table))
    root = trace(model, X).canonical.root
    assert sum(isinstance(item, Given) and item.kind == "constant" for item in root.items) == 1
    blocks = [item for item in root.items if isinstance(item, Block)]
    assert [sum(isinstance(item, Given) for item in block.items) for block in blocks] == [0, 0]


def test_a_constant_read_in_one_scope_stands_in_it() -> None:
    table = example(8)
    root = trace(nn.Sequential(Calls(lambda module, x: x + table)), X).canonical.root
    (block,) = (item for item in root.items if isinstance(item, Block))
    assert any(isinstance(item, Given) for item in block.items)


def test_leaves_are_named_from_their_scope_and_absolutely_beyond_it() -> None:
    owner, borrower = nn.Linear(8, 8), nn.Linear(8, 8)
    borrower.weight = owner.weight
    model = Calls(lambda module, x: module.inner(x), inner=owner)
    borrowed = Calls(lambda module, x: module.borrower(x), owner=owner, borrower=borrower)
    (own,) = blocks(trace(model, X).canonical.root.items)
    (other,) = blocks(trace(borrowed, X).canonical.root.items)
    assert {path for path, _ in own.leaves} == {"weight", "bias"}
    assert {path for path, _ in other.leaves} == {"/owner.weight", "bias"}
    assert Leaf("/owner.weight") in [
        argument.reference
        for item in other.items
        if isinstance(item, Work)
        for argument in item.arguments
        if isinstance(argument, Operand)
    ]


def blocks(items: tuple[Item, ...]) -> list[Block]:
    return [item for item in items if isinstance(item, Block)]


def test_equality_is_that_of_the_canonical_graph() -> None:
    one = trace(nn.Linear(8, 8), X)
    assert one == expanded(one.canonical)
    assert one != "a graph"
    assert len({one, trace(nn.Linear(8, 8), X)}) == 1


# Other processes.

SCRIPT = """
import sys, threading, torch
from torch import nn
from pytest_torchgraph import trace
from pytest_torchgraph.snapshot.writer import write
torch.set_num_threads(int(sys.argv[1]))
layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
model = nn.Sequential(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.GRU(16, 8))
graph = trace(model, torch.randn(2, 5, 16))
sets = trace(lambda x: {"b": {x + 1}, "a": x.unique(), **{name: x * 2 for name in {"p", "q"} & {"p"}}}, torch.ones(3))
for found in (graph, sets):
    sys.stdout.write(write(found.canonical, test="tests/test_it.py::test_it", recorded="torch 2"))
"""


def test_another_process_writes_the_same_bytes() -> None:
    root = str(Path(__file__).parents[2])
    running = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, threads],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": root},
            stdout=subprocess.PIPE,
        )
        for seed, threads in (("1", "1"), ("2", "3"))
    ]
    texts = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert len(texts[0]) > 1000
    assert texts[0] == texts[1]
