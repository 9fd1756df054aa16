"""A tiny language for canonical graphs, so that tests show only what matters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pytest_torchgraph.canonical.alive import Place
from pytest_torchgraph.canonical.program import (
    Given,
    Input,
    Item,
    Leaf,
    ModuleCall,
    Operand,
    Program,
    Reading,
    Result,
    Semantic,
    Work,
)
from pytest_torchgraph.canonical.run import Run
from pytest_torchgraph.recorded.tensor import Geometry, TensorSpec, contiguous_stride


def f32(*shape: int, dtype: str = "float32", stride: tuple[int, ...] | None = None) -> TensorSpec:
    """A strided tensor on the CPU, contiguous unless *stride* says otherwise."""
    return TensorSpec(dtype, shape, Geometry(shape, stride or contiguous_stride(shape)))


def read(operand: Operand, *shape: int, stride: tuple[int, ...] | None = None, offset: int = 0) -> Operand:
    """The same value through another geometry."""
    return Operand(operand.reference, Reading(Geometry(shape, stride or contiguous_stride(shape), offset)))


def leaf(path: str) -> Operand:
    """A parameter of the scope."""
    return Operand(Leaf(path))


class Body:
    """Collects the items of one scope; each call returns the operand that reads what it made."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.leaves: list[tuple[str, TensorSpec]] = []
        self.exports: list[Result] = []

    def _add(self, item: Item) -> Operand:
        self.items.append(item)
        return Operand(Result(len(self.items) - 1))

    def given(self, name: str, spec: TensorSpec) -> Operand:
        return self._add(Given("input", name, spec))

    def constant(self, spec: TensorSpec) -> Operand:
        return self._add(Given("constant", "", spec))

    def op(self, name: str, *arguments: Any, out: TensorSpec | None = None, **keywords: Any) -> Operand:
        full = name if name.count(".") > 1 else f"aten.{name}.default"
        outcomes = () if out is None else (out,)
        source = len(self.items) + 100
        return self._add(Work(full, arguments, tuple(sorted(keywords.items())), outcomes, source=source))

    def scope(self, name: str, class_name: str, *inputs: Operand, of: Callable[..., None], call: int = 1) -> Operand:
        """A module call whose body *of* writes, given its builder and its inputs."""
        inner = Body()
        of(inner, *(Operand(Input(number)) for number in range(len(inputs))))
        return self._add(inner.block(name, class_name, inputs, call))

    def sdpa(self, *arguments: Operand, out: TensorSpec, backend: str = "_flash", **keywords: Any) -> Operand:
        count = len(arguments) + sum(isinstance(value, Operand) for value in keywords.values())
        inner = Body()
        inner.op(backend, *(Operand(Input(number)) for number in range(count)), out=out)
        call = Semantic(
            "scaled_dot_product_attention",
            arguments,
            tuple(sorted(keywords.items())),
            tuple(inner.items),
            (Result(0),),
            source=len(self.items) + 200,
        )
        return self._add(call)

    def block(self, name: str, class_name: str, inputs: tuple[Operand, ...] = (), call: int = 1) -> ModuleCall:
        exports = self.exports or ([Result(len(self.items) - 1)] if self.items else [])
        return ModuleCall(
            name=name,
            call=call,
            class_name=class_name,
            inputs=inputs,
            leaves=tuple(self.leaves),
            items=tuple(self.items),
            exports=tuple(exports),
        )


EVAL = Run("eager", "eval", "no_grad", "cpu")


def program(
    of: Callable[[Body], Operand | None],
    *,
    run: Run = EVAL,
    peak_at: str = "",
) -> Program:
    """A whole graph whose root body *of* writes; it returns the output."""
    body = Body()
    output = of(body)
    outputs = (("", output),) if output is not None else ()
    root = replace(body.block("", "Model"), exports=())
    return Program(run=run, metrics=(), peak_at=Place.read(peak_at) if peak_at else None, root=root, outputs=outputs)


def mlp(body: Body, x: Operand, *, act: str = "relu", width: int = 64, extra: str | None = None) -> None:
    """Linear, activation, linear; *extra* is one more operation between them."""
    body.leaves += [("fc1.weight", f32(width, 16)), ("fc2.weight", f32(16, width))]
    hidden = body.op("mm", x, leaf("fc1.weight"), out=f32(2, width))
    if extra is not None:
        hidden = body.op(extra, hidden, out=f32(2, width))
    hidden = body.op(act, hidden, out=f32(2, width))
    body.op("mm", hidden, leaf("fc2.weight"), out=f32(2, 16))


def layers(
    count: int, *, prefix: str = "layers", change: Callable[[int], dict[str, Any]] = lambda _: {}, **metrics: int
) -> Program:
    """A stack of *count* residual MLP layers; *change* gives the keywords of the n-th layer."""

    def root(body: Body) -> Operand:
        x = body.given("x", f32(2, 16))
        for number in range(count):
            keywords = change(number)
            x = body.scope(f"{prefix}.{number}", "Mlp", x, of=lambda b, i, k=keywords: mlp(b, i, **k))
        return x

    return replace(program(root), metrics=tuple(metrics.items()))


def attention(count: int, *, mask: bool = False, backend: str = "_flash", **keywords: Any) -> Program:
    """Layers that project, and call attention; *keywords* go to the call, causal unless they say otherwise."""

    def layer(body: Body, x: Operand) -> None:
        body.leaves.append(("qkv.weight", f32(48, 16)))
        qkv = body.op("mm", x, leaf("qkv.weight"), out=f32(2, 48))
        q, k, v = (read(qkv, 2, 16, stride=(48, 1), offset=16 * number) for number in range(3))
        given = {"is_causal": True, **keywords}
        if mask:
            given["attn_mask"] = body.op("ones", (2, 2), out=f32(2, 2, dtype="bool"))
        body.sdpa(q, k, v, out=f32(2, 16), backend=backend, **given)

    def root(body: Body) -> Operand:
        x = body.given("x", f32(2, 16))
        for number in range(count):
            x = body.scope(f"layers.{number}.attn", "Attention", x, of=layer)
        return x

    return program(root)
