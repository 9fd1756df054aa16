"""Hypothesis strategies: random canonical graphs, whole and valid, with all that trips naive formats."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from hypothesis import strategies as st

from pytest_torchgraph.canonical.alive import Alive, Place, What
from pytest_torchgraph.canonical.operands import flat
from pytest_torchgraph.canonical.program import (
    Argument,
    Block,
    Given,
    Inner,
    Input,
    Item,
    Leaf,
    ModuleCall,
    Operand,
    Outcome,
    Program,
    Reading,
    RecomputedCall,
    Reference,
    Result,
    Semantic,
    Work,
)
from pytest_torchgraph.canonical.run import COMPILERS, read_run
from pytest_torchgraph.recorded.compilation import (
    BACKENDS,
    CodeLine,
    Compilation,
    CompiledGraph,
    GraphBreak,
    Recompilation,
)
from pytest_torchgraph.recorded.operation import Literal, Opaque, Word
from pytest_torchgraph.recorded.tensor import Geometry, TensorSpec, contiguous_stride
from pytest_torchgraph.snapshot.calls import WAITS

NAMES = [
    "layers.0",
    "layers.1",
    "self_attn",
    "x",
    "fc1",
    "in0",
    "0",
    "a b",
    "T",
    "p.T",
    "p.view",
    'q"t',
    "é",
    "add",
    "/up.x",
    "../up",
    "../../0.x",
    "{i}",
    "a | b",
]
PATHS = [
    "weight",
    "bias",
    "running_mean",
    "0.weight",
    "None",
    "inf",
    "torch.x",
    "/embed.weight",
    "../scale",
    "../../0.w",
    "w.T",
    "f32",
    "a b",
    "x×2",
    "$w",
    "é",
]
OPERATIONS = [
    "aten.add.Tensor",
    "aten.add.Scalar",
    "aten.add.default",
    "aten.addmm.default",
    "aten.mul.Tensor",
    "aten.cat.default",
    "aten.in0.default",
    "aten.copy_.default",
    "prims.convert.default",
    "mylib.op.default",
    "aten.x",
    "odd name(",
    "add.Tensor",
    "aten.a.b.c",
]
SEMANTICS = [
    "scaled_dot_product_attention",
    "torch.nn.functional.softmax",
    "sdpa",
    "odd name",
    "F.scaled_dot_product_attention",
]
CLASSES = ["Linear", "LlamaDecoderLayer", "<lambda>", "Foo[int]", "f", "Ünï", "A ×3"]
DTYPES = ["float32", "float32", "float32", "float16", "int64", "bool", "complex64", "float8_e4m3fn", "f32", "Odd.t"]
LITERALS: list[Literal] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2**63,
    0.0,
    -0.0,
    1.0,
    1e-05,
    1e300,
    float("inf"),
    float("-inf"),
    complex(0.0, -0.0),
    complex(float("inf"), 1.5),
    "none",
    "it's",
    'a "b" \\ c',
    "line\nbreak\r\t\x85\u2028",
    " as layers.0",
    " -> none, f32[2] × {i} | ",
    "",
    Word("torch.float32"),
    Word("torch.channels_last"),
    Word("odd word"),
    Opaque("Generator"),
    Opaque("odd <type>"),
]


@dataclass
class _Body:
    """A body in the making: its items and what an operand may name, with what is known of it."""

    inputs: list[TensorSpec]
    leaves: dict[str, TensorSpec] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    made: list[tuple[Result, TensorSpec]] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)


def programs(largest: int = 8) -> st.SearchStrategy[Program]:
    """Whole programs; bodies have up to *largest* items."""
    return st.randoms(use_true_random=False).map(lambda chance: random_program(chance, largest))


def random_program(chance: random.Random, largest: int = 8) -> Program:
    """One valid program from *chance*."""
    body = _Body([])
    for _ in range(chance.randrange(3)):
        _add_given(chance, body)
    _fill(chance, body, largest, depth=0)
    outputs = tuple(
        (chance.choice(["", "logits", "layers.0.keys", "a b", "%x", "x="]), _output(chance, body))
        for _ in range(chance.randrange(3))
    )
    leaves = _first_reads(body, [operand for _, operand in outputs])
    root = ModuleCall(
        name="",
        class_name=chance.choice(CLASSES),
        leaves=leaves,
        items=tuple(body.items),
        exports=_exports(chance, body, chance.randrange(2)),
    )
    metrics: list[tuple[str, int]] = [("ops", count_works(root.items)), ("copies", chance.randrange(9))]
    if chance.random() < 0.5:
        metrics.append(("peak", chance.randrange(10**9)))
    modes = [mode for mode in ("eager", "train", "no_grad", "cpu", "odd mode") if chance.random() < 0.7]
    peak_at = chance.choice(["", "mlp.fc2: addmm", " odd ", "é\n"])
    alive = tuple(
        Alive(
            chance.randrange(10**6),
            chance.randrange(1, 4),
            What.read(chance.choice(["state", "×2 odd", " é\n", "saved a: mul f32[2]", "other backward a: b f32"])),
        )
        for _ in range(chance.randrange(3))
    )
    compilation = random_compilation(chance) if chance.random() < 0.3 else None
    if compilation is not None:
        modes = [COMPILERS[compilation.backend], *(mode for mode in modes if mode != "eager")]
        metrics += [*compilation.counts, ("uncompiled", compilation.uncompiled)]
    return Program(
        run=read_run(modes),
        metrics=tuple(metrics),
        peak_at=Place.read(peak_at) if peak_at else None,
        alive=alive,
        compilation=compilation,
        root=root,
        outputs=outputs,
    )


TEXTS = ("", "forward", "layers.0.attn", "a b", "<lambda>", "é: \n", 'if x == "a":  # \\', "- in", " odd ", "dynamic")
"""What lines of code, names and reasons may be."""


def random_compilation(chance: random.Random) -> Compilation:
    """One compilation from *chance*."""

    def line() -> CodeLine:
        return CodeLine(chance.choice(TEXTS), chance.choice(TEXTS), chance.choice(TEXTS))

    def graph(number: int) -> CompiledGraph:
        backward = chance.choice([None, 0, 12])
        return CompiledGraph(
            number=number,
            module=chance.choice(TEXTS),
            line=line(),
            forward=chance.randrange(99),
            backward=backward,
            recomputed=0 if backward is None else chance.randrange(3),
            dynamic=tuple(chance.choice(TEXTS) for _ in range(chance.randrange(3))),
            runs=chance.randrange(3),
        )

    def broken() -> GraphBreak:
        name, reason = chance.choice(["", "GB0170"]), chance.choice(TEXTS)
        return GraphBreak(id=name, reason=reason, module=chance.choice(TEXTS), line=line())

    def again() -> Recompilation:
        return Recompilation(guard=chance.choice(TEXTS), module=chance.choice(TEXTS), line=line())

    return Compilation(
        backend=chance.choice(BACKENDS),
        graphs=tuple(graph(number) for number in range(1, chance.randrange(4))),
        breaks=tuple(broken() for _ in range(chance.randrange(3))),
        recompiles=tuple(again() for _ in range(chance.randrange(3))),
        uncompiled=chance.randrange(9),
    )


def count_works(items: tuple[Item, ...]) -> int:
    """How many operations do work, at every depth."""
    return sum(1 if isinstance(one, Work) else 0 if isinstance(one, Given) else count_works(one.items) for one in items)


def _fill(chance: random.Random, body: _Body, largest: int, depth: int) -> None:
    for _ in range(chance.randint(0 if depth else 1, largest)):
        kind = chance.random()
        if kind < 0.2 and depth < 3:
            _add_block(chance, body, largest, depth)
        elif kind < 0.3 and depth < 3:
            _add_layers(chance, body, largest, depth)
        elif kind < 0.4:
            _add_semantic(chance, body, depth)
        elif kind < 0.45:
            _add(body, Given("constant", chance.choice(["", "", "x"]), random_spec(chance)))
        else:
            _add(body, _work(chance, body))


def _add(body: _Body, item: Item, exported: list[TensorSpec] | None = None) -> None:
    position = len(body.items)
    body.items.append(item)
    specs: list[Any] = exported or []
    if isinstance(item, Work):
        specs = _flat(item.outcomes)
    elif isinstance(item, Given):
        specs = [item.spec]
    body.made += [(Result(position, index), spec) for index, spec in enumerate(specs) if isinstance(spec, TensorSpec)]


def _add_given(chance: random.Random, body: _Body) -> None:
    _add(
        body,
        Given("input", chance.choice(["x", "input_ids", "past.layers.0.keys", "in0", "a b", ""]), random_spec(chance)),
    )


def _work(chance: random.Random, body: _Body, name: str | None = None) -> Work:
    arguments = tuple(_argument(chance, body) for _ in range(chance.randrange(4)))
    keywords = tuple((word, _argument(chance, body)) for word in ("dtype", "out") if chance.random() < 0.2)
    outcomes = tuple(_outcome(chance, body) for _ in range(chance.choice([0, 1, 1, 1, 2])))
    made = [place for place, one in enumerate(flat(outcomes)) if isinstance(one, TensorSpec)]
    becomes = tuple((place, chance.choice(PATHS)) for place in made if chance.random() < 0.1)
    wait = chance.choice(WAITS) if chance.random() < 0.1 else None
    return Work(name or chance.choice(OPERATIONS), arguments, keywords, outcomes, becomes, wait)


def _argument(chance: random.Random, body: _Body, depth: int = 0) -> Argument:
    kind = chance.random()
    if kind < 0.6:
        return _operand(chance, body)
    if kind < 0.75 and depth < 2:
        return tuple(_argument(chance, body, depth + 1) for _ in range(chance.randrange(3)))
    return chance.choice(LITERALS)


def _outcome(chance: random.Random, body: _Body, depth: int = 0) -> Outcome:
    kind = chance.random()
    if kind < 0.75:
        return random_spec(chance)
    if kind < 0.85:
        return _operand(chance, body)
    if kind < 0.95 and depth < 2:
        return tuple(_outcome(chance, body, depth + 1) for _ in range(chance.randrange(3)))
    return chance.choice(LITERALS)


def _operand(chance: random.Random, body: _Body) -> Operand:
    kinds: list[tuple[Reference, TensorSpec]] = [
        *body.made[-6:],
        *((Input(i), spec) for i, spec in enumerate(body.inputs)),
    ]
    if not kinds or chance.random() < 0.25:
        path = chance.choice(PATHS)
        if path not in body.leaves:
            body.leaves[path] = random_spec(chance)
        kinds = [(Leaf(path), body.leaves[path])]
    reference, spec = chance.choice(kinds)
    return Operand(reference, random_reading(chance, spec) if chance.random() < 0.4 else None)


def random_spec(chance: random.Random) -> TensorSpec:
    """Mostly an ordinary tensor; now and then strided oddly, offset, on another device, sparse or lazy."""
    shape = tuple(chance.choice([1, 2, 2, 3, 4, 8]) for _ in range(chance.randrange(5)))
    geometry = Geometry(shape, contiguous_stride(shape))
    if chance.random() < 0.3:
        geometry = random_geometry(chance, geometry)
    odd = chance.random() < 0.1
    return TensorSpec(
        dtype=chance.choice(DTYPES),
        shape=geometry.shape,
        geometry=None if odd and chance.random() < 0.4 else geometry,
        device=chance.choice(["cuda:0", "meta", "odd device"]) if odd else "cpu",
        layout=chance.choice(["strided", "sparse_coo", "odd layout"]) if odd else "strided",
        conj=odd and chance.random() < 0.3,
        neg=odd and chance.random() < 0.3,
    )


def random_reading(chance: random.Random, spec: TensorSpec) -> Reading:
    """A reading of a value of *spec*: mostly a chain of views, now and then bytes as another type, or lazy bits."""
    base = spec.geometry or Geometry(spec.shape, contiguous_stride(spec.shape))
    geometry = random_geometry(chance, Geometry(base.shape, base.stride)) if chance.random() < 0.9 else None
    odd = chance.random() < 0.1
    dtype = chance.choice(["int32", "float32", "uint8", "odd one"]) if odd else None
    return Reading(geometry, dtype, odd and chance.random() < 0.5, odd and chance.random() < 0.5)


def random_geometry(chance: random.Random, base: Geometry) -> Geometry:
    """What a few views make of *base*."""
    geometry = base
    for _ in range(chance.randint(1, 3)):
        geometry = chance.choice(_VIEWS)(chance, geometry)
    return geometry.normalised()


def _slice(chance: random.Random, geometry: Geometry) -> Geometry:
    if not geometry.shape or 0 in geometry.shape:
        return geometry
    axis = chance.randrange(len(geometry.shape))
    start = chance.randrange(geometry.shape[axis])
    step = chance.choice([1, 1, 2])
    size = chance.randint(1, 1 + (geometry.shape[axis] - 1 - start) // step)
    shape, stride = list(geometry.shape), list(geometry.stride)
    offset = geometry.offset + start * stride[axis]
    shape[axis], stride[axis] = size, stride[axis] * step
    if chance.random() < 0.3:
        del shape[axis], stride[axis]
    return Geometry(tuple(shape), tuple(stride), offset)


def _permute(chance: random.Random, geometry: Geometry) -> Geometry:
    axes = list(range(len(geometry.shape)))
    chance.shuffle(axes)
    return Geometry(tuple(geometry.shape[a] for a in axes), tuple(geometry.stride[a] for a in axes), geometry.offset)


def _reshape(chance: random.Random, geometry: Geometry) -> Geometry:
    if not geometry.is_contiguous:
        return geometry
    sizes = [size for size in geometry.shape if size != 1 or chance.random() < 0.5]
    if len(sizes) > 1 and chance.random() < 0.5:
        sizes[:2] = [sizes[0] * sizes[1]]
    if sizes and sizes[-1] % 2 == 0 and chance.random() < 0.5:
        sizes[-1:] = [sizes[-1] // 2, 2]
    return Geometry(tuple(sizes), contiguous_stride(tuple(sizes)), geometry.offset)


def _expand(chance: random.Random, geometry: Geometry) -> Geometry:
    shape, stride = [chance.choice([1, 2]), *geometry.shape], [0, *geometry.stride]
    for axis, size in enumerate(shape):
        if size == 1 and chance.random() < 0.5:
            shape[axis], stride[axis] = 3, 0
    return Geometry(tuple(shape), tuple(stride), geometry.offset)


def _anything(chance: random.Random, geometry: Geometry) -> Geometry:
    shape = tuple(chance.choice([0, 1, 2, 3]) for _ in range(chance.randrange(3)))
    return Geometry(shape, tuple(chance.randrange(5) for _ in shape), chance.randrange(4))


_VIEWS = [_slice, _slice, _permute, _permute, _reshape, _reshape, _expand, _anything]


def _add_block(chance: random.Random, body: _Body, largest: int, depth: int) -> None:
    inputs = tuple(_operand(chance, body) for _ in range(chance.randrange(3)))
    if chance.random() < 0.5:
        inputs = tuple({one.reference: Operand(one.reference) for one in inputs}.values())
    inner = _Body([random_spec(chance) if one.reading else _spec_of(one.reference, body) for one in inputs])
    if chance.random() < 0.4:
        _add(inner, _work(chance, inner))
    else:
        _fill(chance, inner, largest // 2, depth + 1)
    _add_scope(chance, body, chance.choice(NAMES), chance.choice(CLASSES), inputs, inner)


def _add_layers(chance: random.Random, body: _Body, largest: int, depth: int) -> None:
    """Layers of one body, each reading the one before; now and then one of them deviates."""
    first = _operand(chance, body)
    side = _operand(chance, body)
    inner = _Body([_spec_of(first.reference, body), _spec_of(side.reference, body)])
    _fill(chance, inner, largest, depth + 1)
    if not inner.made:
        return
    exports = (inner.made[-1][0],)
    leaves = _first_reads(inner, [])
    carried: Reference = first.reference
    count = chance.randint(2, 5)
    odd = chance.randrange(2 * count)
    for index in range(count):
        items = list(inner.items)
        works = [(place, item) for place, item in enumerate(items) if isinstance(item, Work)]
        if index == odd and works:
            place, work = chance.choice(works)
            items[place] = replace(work, name="aten.clone.default", arguments=(Operand(Input(0)),), keywords=())
        taken = (Operand(carried), Operand(side.reference))
        name = f"blocks.{index}"
        body.calls[name] = call = body.calls.get(name, 0) + 1
        block = ModuleCall(
            name=name, call=call, class_name="Layer", inputs=taken, leaves=leaves, items=tuple(items), exports=exports
        )
        _add(body, block, [inner.made[-1][1]])
        carried = Result(len(body.items) - 1)
        if chance.random() < 0.2:
            _add(body, Work("aten.add.Tensor", (Operand(carried), 1), (), (inner.made[-1][1],)))
            carried = Result(len(body.items) - 1)


def _add_scope(
    chance: random.Random, body: _Body, name: str, class_name: str, inputs: tuple[Operand, ...], inner: _Body
) -> None:
    again = chance.random() < 0.1
    name = chance.choice(["", name]) if again else name
    key = f"again {name}" if again else name
    body.calls[key] = call = body.calls.get(key, 0) + 1
    exports = _exports(chance, inner, chance.choice([1, 1, 1, 0, 2]))
    specs = [dict(inner.made)[one] for one in exports]
    leaves = _first_reads(inner, [])
    if chance.random() < 0.1:
        leaves = tuple(reversed(leaves))
    block = (RecomputedCall if again else ModuleCall)(
        name=name,
        call=call,
        class_name=class_name,
        inputs=inputs,
        leaves=leaves,
        items=tuple(inner.items),
        exports=exports,
    )
    _add(body, block, specs)


def _add_semantic(chance: random.Random, body: _Body, depth: int) -> None:
    arguments = tuple(_argument(chance, body) for _ in range(chance.randrange(4)))
    keywords = (("is_causal", True),) if chance.random() < 0.5 else ()
    operands = [one for one in _flat(arguments) if isinstance(one, Operand)]
    inner = _Body([random_spec(chance) for _ in operands], leaves={})
    for _ in range(chance.randrange(3)):
        _add(inner, _work(chance, inner))
    body.leaves.update({path: spec for path, spec in inner.leaves.items() if path not in body.leaves})
    exports = _exports(chance, inner, chance.randrange(2))
    specs = [dict(inner.made)[one] for one in exports]
    _add(body, Semantic(chance.choice(SEMANTICS), arguments, keywords, tuple(inner.items), exports), specs)


def _exports(chance: random.Random, body: _Body, count: int) -> tuple[Result, ...]:
    results = [result for result, _ in body.made]
    return tuple(chance.sample(results, min(count, len(results))))


def _spec_of(reference: Reference, body: _Body) -> TensorSpec:
    if isinstance(reference, Input):
        return body.inputs[reference.index]
    if isinstance(reference, Leaf):
        return body.leaves[reference.path]
    assert isinstance(reference, Result)
    return dict(body.made)[reference]


def _output(chance: random.Random, body: _Body) -> Operand:
    """What the caller reads: a value of the root body, or one inside its scopes."""
    inner = _inside(chance, tuple(body.items)) if chance.random() < 0.5 else None
    return _operand(chance, body) if inner is None else Operand(inner)


def _inside(chance: random.Random, items: tuple[Item, ...], steps: tuple[int, ...] = ()) -> Inner | None:
    """A value that some operation inside the scopes among *items* made."""
    scopes = [at for at, item in enumerate(items) if isinstance(item, (Block, Semantic))]
    if scopes and (not steps or chance.random() < 0.5):
        at = chance.choice(scopes)
        scope = items[at]
        assert isinstance(scope, (Block, Semantic))
        return _inside(chance, scope.items, (*steps, at))
    works = [(at, item) for at, item in enumerate(items) if isinstance(item, Work) and item.outcomes]
    if not steps or not works:
        return None
    at, work = chance.choice(works)
    flat_outcomes = list(flat(work.outcomes))
    made = [place for place, outcome in enumerate(flat_outcomes) if isinstance(outcome, TensorSpec)]
    return Inner((*steps, at), chance.choice(made)) if made else None


def _first_reads(body: _Body, outputs: list[Operand]) -> tuple[tuple[str, TensorSpec], ...]:
    paths = dict.fromkeys([*_paths(tuple(body.items)), *_paths(tuple(outputs))])
    return tuple((path, body.leaves[path]) for path in paths if path in body.leaves)


def _paths(values: tuple[Any, ...]) -> list[str]:
    found: list[str] = []
    for value in values:
        if isinstance(value, Operand) and isinstance(value.reference, Leaf):
            found.append(value.reference.path)
        elif isinstance(value, tuple):
            found += _paths(value)
        elif isinstance(value, Block):
            found += _paths(value.inputs)
        elif isinstance(value, (Work, Semantic)):
            after = value.outcomes if isinstance(value, Work) else value.items
            found += _paths((value.arguments, tuple(one for _, one in value.keywords), after))
    return found


def _flat(values: tuple[Any, ...]) -> list[Any]:
    return [inner for one in values for inner in (_flat(one) if isinstance(one, tuple) else [one])]


def altered(chance: random.Random, record: Any, *, is_literal: bool = False) -> Any:
    """*record* with one thing in it changed, of the type that stands there; it may name what is not there."""
    if is_dataclass(record) and not isinstance(record, type):
        name = chance.choice([one.name for one in fields(record) if one.compare])
        return replace(
            record, **{name: altered(chance, getattr(record, name), is_literal=name in {"arguments", "keywords"})}
        )
    if isinstance(record, tuple):
        if not record or chance.random() < 0.15:
            return (*record, *record[-1:])
        index = chance.randrange(len(record))
        return (*record[:index], altered(chance, record[index], is_literal=is_literal), *record[index + 1 :])
    return _other(chance, record, is_literal=is_literal)


def _other(chance: random.Random, record: Any, *, is_literal: bool) -> Any:
    if isinstance(record, bool):
        return int(record) if is_literal and chance.random() < 0.5 else not record
    if isinstance(record, int):
        return float(record) if is_literal and abs(record) < 2**50 and chance.random() < 0.5 else record + 1
    if isinstance(record, str):
        return chance.choice([record + "x", record + "_1", record.upper() + " ", record[1:]])
    return -record if isinstance(record, float) else record
