"""Every cause is found in both directions, named once, and told in a message that was reviewed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from pytest_torchgraph.canonical.program import Operand, Program
from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.plugin.settings import settings
from pytest_torchgraph.report.drift import outline_of
from pytest_torchgraph.report.terminal import render
from pytest_torchgraph.verdict.causes.cause import CAUSES
from pytest_torchgraph.verdict.compared import Compared
from pytest_torchgraph.verdict.drift import judge
from pytest_torchgraph.verdict.finding import Verdict
from tests.capture.small import Calls
from tests.diff.programs import Body, attention, f32, layers, leaf, program
from tests.regressions.examples import (
    AnglesByBroadcast,
    Example,
    GridOfProducts,
    LogitsForLabels,
    PaddingCounted,
    PositionsOfSines,
    pair_of,
)
from tests.regressions.pair import pairs_in
from tests.regressions.process_group import process_group, ranks
from tests.verdict.compilations import BREAK, RECOMPILE, compilation, compiled_graph, trained
from tests.verdict.edits import (
    SIZE,
    Rms,
    activation,
    by_hand,
    capped,
    cast_in,
    laid_out,
    masked,
    narrowed,
    normed,
    normed_around,
    rerun,
    routed,
    scale,
    tokened,
)
from tests.verdict.pairs import TOKENS, WIDTH, Decoder, graph_of, step_of
from tests.verdict.sharded import gathered, split, step

MESSAGES = Path(__file__).parent / "messages"
Side: TypeAlias = "Callable[[], Graph | Program]"


def adamw(*, foreach: bool) -> Callable[[Any], torch.optim.Optimizer]:
    return lambda parameters: torch.optim.AdamW(parameters, foreach=foreach)


def sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.1)


def nested(*, inside: bool) -> Graph:
    """Checkpointed layers in which a part may be checkpointed once more."""

    class Inner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up, self.down = nn.Linear(8, 16), nn.Linear(16, 8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.down(torch.nn.functional.gelu(self.up(x)))
            return found

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.inner = nn.LayerNorm(8), Inner()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            normed = self.norm(x)
            made = checkpoint(self.inner, normed, use_reentrant=False) if inside else self.inner(normed)
            found: torch.Tensor = x + made.sin()
            return found

    class Whole(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(Outer() for _ in range(2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for layer in self.layers:
                x = checkpoint(layer, x, use_reentrant=False)
            return x

    return trace(Whole().train(), torch.ones(2, 8), backward=True)


def linears(function: Callable[..., Any], *names: str) -> Graph:
    return trace(Calls(function, **{name: nn.Linear(4, 4) for name in names}), torch.ones(2, 4))


def headed(at: int) -> Graph:
    """A head that is given one token of what a layer made."""

    def run(model: Any, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = model.head(model.layer(x)[:, at])
        return found

    return trace(Calls(run, layer=nn.Linear(4, 4), head=nn.Linear(4, 2)), torch.ones(2, 8, 4))


def scanned(*, einsum: bool) -> Graph:
    """What a state space model sums over its chunks."""

    def run(_: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if einsum:
            return torch.einsum("blhn,bshn->bhls", x, y)
        return (x[:, :, None] * y[:, None]).sum(-1).permute(0, 3, 1, 2)

    return trace(Calls(run), (torch.ones(2, 4, 3, 5), torch.ones(2, 4, 3, 5)))


def heads(*, expand: bool) -> Graph:
    """Groups that are written out for each head."""

    def run(_: Any, x: torch.Tensor) -> torch.Tensor:
        wide = x[:, :, :, None]
        repeated = wide.expand(-1, -1, -1, 4, -1).reshape(2, 4, 8, 5) if expand else wide.repeat(1, 1, 1, 4, 1)
        return repeated.reshape(2, 4, 8, 5).sin()

    return trace(Calls(run), torch.ones(2, 4, 2, 5))


def scaled(*, wide: bool) -> Graph:
    """What the norm of a Llama ends with: its weight times a float32, which is narrowed before or after."""
    weight = torch.ones(8, dtype=torch.bfloat16)

    def run(_: Any, x: torch.Tensor) -> torch.Tensor:
        h = x.float()
        h = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True))
        return (weight.float() * h).bfloat16() if wide else weight * h.bfloat16()

    return trace(Calls(run), torch.ones(2, 8, dtype=torch.bfloat16))


def one(*arguments: object, dtype: str = "float32", name: str = "mul") -> Program:
    def root(body: Body) -> Operand:
        return body.op(name, body.given("x", f32(2, 16, dtype=dtype)), *arguments, out=f32(2, 16))

    return program(root)


def reads(name: str) -> Program:
    """Two parameters of which one may be read twice."""

    def root(body: Body) -> Operand:
        body.leaves += [("first", f32(16, 16)), ("second", f32(16, 16))]
        x = body.op("mm", body.given("x", f32(16, 16)), leaf("first"), out=f32(16, 16))
        y = body.op("mm", x, leaf(name), out=f32(16, 16))
        return body.op("add", y, leaf("second"), out=f32(16, 16))

    return program(root)


COMMUNICATION = ("communication", "communication-removed")


def chosen(*, listed: bool) -> Graph:
    """Rows that are found by their values, and read by number or by a list of numbers."""

    def run(x: torch.Tensor) -> torch.Tensor:
        (rows,) = torch.where(x[:, 0] > 0)
        return x[rows.tolist() if listed else rows].sin()

    return trace(run, torch.ones(4, 8))


def summed(*, together: bool) -> Graph:
    def run(_: Any, x: torch.Tensor) -> torch.Tensor:
        made = x + 1
        if together:
            torch.distributed.all_reduce(made)
        return made * 2

    with process_group():
        return trace(Calls(run), torch.ones(2, 4))


def reduced(operation: str = "SUM", among: int = 4) -> Graph:
    def run(_: Any, x: torch.Tensor) -> torch.Tensor:
        made = x + 1
        distributed: Any = torch.distributed
        distributed.all_reduce(made, getattr(distributed.ReduceOp, operation), group)
        return made * 2

    with ranks(4):
        group = torch.distributed.new_group(range(among))
        return trace(Calls(run), torch.ones(2, 4))


class Lowered(nn.Module):
    """What a compiler makes of a few lines, without one: as they are written, or as a compiled graph has them."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        match self.what:
            case "looked at":
                return x * 2 if bool((x > 0).all()) else x
            case "not looked at":
                return torch.where((x > 0).all(), x * 2, x)
            case "norm":
                return nn.functional.layer_norm(x, (4,))
            case "norm in parts":
                variance, mean = torch.var_mean(x, -1, keepdim=True, correction=0)
                return (x - mean) * (variance + 1e-5).rsqrt()
            case "twice":
                x = x.sin() * x.sin()
            case "once":
                x = (made := x.sin()) * made
            case "with something idle":
                x.sin()
        return x.cos()


def lowered(what: str, *, compiled: bool = False) -> Graph:
    graph = trace(Lowered(what), torch.ones(2, 4))
    return replace(graph, compilation=compilation()) if compiled else graph


def recorded(name: str, side: int) -> Graph:
    """One side of a pair of the regressions."""
    return pairs_in("drift")[name].graphs[side]


def biased(*dims: int) -> Graph:
    """Three layers with a bias, the first of which reads two dimensions exchanged."""
    layers = nn.Sequential(*(nn.Linear(4, 4) for _ in range(3)))
    return trace(Calls(lambda model, x: model.layers(x.transpose(*dims)), layers=layers), torch.ones(2, 3, 4))


def net(*, bias: bool = True, rate: float = 0.1, decay: float = 0.1) -> Graph:
    """A training step: images and tokens through layers that may have a bias, which *decay* otherwise."""
    torch.manual_seed(0)
    conv, dropout = nn.Conv2d(3, 4, 3, bias=bias), nn.Dropout(rate)
    model = nn.Sequential(conv, nn.BatchNorm2d(4), nn.Flatten(), dropout, nn.Linear(16, 4, bias=bias))
    parts = [[each for each in model.parameters() if (each.ndim > 1) is many] for many in (True, False)]
    groups: list[dict[str, Any]] = [{"params": parts[0]}, {"params": parts[1], "weight_decay": decay}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.1)
    return trace(model, torch.ones(2, 3, 4, 4), backward="auto", optimizer=optimizer)


def pooled(*, loop: bool) -> Graph:
    """A layer for each image at once, or for one after the other."""

    def forward(model: Any, x: torch.Tensor) -> torch.Tensor:
        if loop:
            return torch.stack([model.layer(one).relu().mean((1, 2)) for one in x])
        return model.layer(x).relu().mean((2, 3))

    return trace(Calls(forward, layer=nn.Conv2d(3, 4, 3)), torch.ones(4, 3, 6, 6), backward="auto")


def applied(*, scaled: bool = False, placed: bool = False, by: float | None = None) -> Graph:
    """Layers whose results may be scaled by a parameter or a number, or shifted by a parameter."""

    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up = nn.Linear(8, 8)
            self.gain = nn.Parameter(torch.ones(8)) if scaled else None
            self.place = nn.Parameter(torch.zeros(3, 8)) if placed else None

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            made = self.up(x)
            made = made if self.gain is None else made * self.gain
            made = made if self.place is None else made + self.place
            return x + (made if by is None else made * by)

    return trace(nn.Sequential(Layer(), Layer()), torch.ones(2, 3, 8), backward="auto")


def activated(activation: Callable[..., nn.Module]) -> Graph:
    """Two layers, each with an *activation* that writes over its operand, differentiated."""
    layers = (nn.Linear(4, 4), activation(inplace=True))
    return trace(nn.Sequential(*layers, *layers), torch.ones(2, 4), backward="auto")


def regression(name: str, cause: str, opposite: str) -> tuple[Side, Side, str, str]:
    return partial(recorded, name, 0), partial(recorded, name, 1), cause, opposite


def example(shown: type[Example]) -> tuple[Side, Side, str, str]:
    """One of the examples for the documents."""
    pair = pair_of(shown)
    return partial(pair.graph_of, pair.before), partial(pair.graph_of, pair.after), *shown.CAUSES


PAIRS: dict[str, tuple[Side, Side, str, str]] = {
    "a plain list": regression("layers_in_a_plain_list", "unregistered", "registered"),
    "a token in fewer dimensions": (
        partial(tokened, 1, 1, SIZE),
        partial(tokened, 1, SIZE),
        "other-dimensions",
        "other-dimensions",
    ),
    "a mask cast after it is expanded": regression("mask_cast_expanded", "expanded-before", "expanded-after"),
    "steps before the batch": (partial(biased, 0, 0), partial(biased, 0, 1), "bias-apart", "bias-within"),
    "a learned scale": (applied, partial(applied, scaled=True), "parameter-applied", "parameter-not-applied"),
    "a learned position": (applied, partial(applied, placed=True), "parameter-applied", "parameter-not-applied"),
    "a scale that is given": (applied, partial(applied, by=0.5), "other-scale", "other-scale"),
    "a layer without bias": (partial(net, bias=True), partial(net, bias=False), "bias-removed", "bias-added"),
    "an activation over its operand": (
        partial(activated, nn.ReLU),
        partial(activated, nn.SiLU),
        "operand-copied",
        "operand-not-copied",
    ),
    "part by part": (partial(pooled, loop=False), partial(pooled, loop=True), "looped", "batched"),
    "another rate of dropout": (partial(net, rate=0.1), partial(net, rate=0.3), "dropout", "dropout"),
    "a group of parameters": (
        partial(net, decay=0.1),
        partial(net, decay=0.0),
        "other-optimizer",
        "other-optimizer",
    ),
    "a number in a tensor": regression("number_in_a_tensor", "tensor-for-number", "number-for-tensor"),
    "a table in each call": regression("rotary_table_computed", "table-computed", "table-held"),
    "a gathered slice": regression("types_gathered", "looked-up", "lookup-removed"),
    "a grid of products": example(GridOfProducts),
    "positions of sines": example(PositionsOfSines),
    "logits for labels": example(LogitsForLabels),
    "padding that is counted": example(PaddingCounted),
    "angles by broadcast": example(AnglesByBroadcast),
    "a cast in the loss": regression("logits_cast_in_the_loss", "output-uncast", "output-cast"),
    "a graph break": (
        compiled_graph,
        partial(compiled_graph, graphs=2, breaks=(BREAK,), uncompiled=1),
        "graph-break",
        "break-removed",
    ),
    "a recompilation": (
        compiled_graph,
        partial(compiled_graph, graphs=2, recompiles=(RECOMPILE,)),
        "recompiled",
        "recompile-removed",
    ),
    "a symbolic size": (compiled_graph, partial(compiled_graph, dynamic=("x[0]",)), "dynamic-sizes", "dynamic-sizes"),
    "another branch when compiled": (
        partial(lowered, "looked at"),
        partial(lowered, "not looked at", compiled=True),
        "traced-branch",
        "traced-branch",
    ),
    "decomposed by a compiler": (
        partial(lowered, "norm"),
        partial(lowered, "norm in parts", compiled=True),
        "decomposed",
        "decomposed",
    ),
    "fused by a compiler": (
        partial(lowered, "norm in parts"),
        partial(lowered, "norm", compiled=True),
        "fused-in-graph",
        "fused-in-graph",
    ),
    "left out by a compiler": (
        partial(lowered, "with something idle"),
        partial(lowered, "", compiled=True),
        "dead-code",
        "dead-code",
    ),
    "computed again by a compiler": (
        trained,
        partial(trained, "again", compiled=True),
        "computed-again",
        "computed-again",
    ),
    "saved by a compiler": (
        partial(trained, "again"),
        partial(trained, compiled=True),
        "computed-again",
        "computed-again",
    ),
    "a gradient laid out by a compiler": (
        trained,
        partial(trained, "laid out", compiled=True),
        "gradient-laid-out",
        "gradient-laid-out",
    ),
    "computed once by a compiler": (
        partial(lowered, "twice"),
        partial(lowered, "once", compiled=True),
        "computed-once",
        "computed-once",
    ),
    "a mask for is_causal": (graph_of, partial(graph_of, "mask"), "attention-path", "attention-path"),
    "attention by hand": (graph_of, partial(graph_of, "by hand"), "attention-unfused", "attention-fused"),
    "a mask copied": (
        partial(graph_of, "mask"),
        partial(graph_of, "mask copied"),
        "mask-materialised",
        "mask-removed",
    ),
    "keys repeated": (
        partial(graph_of, kv=2),
        partial(graph_of, "repeat", kv=2),
        "repeated-keys",
        "keys-shared",
    ),
    "heads made contiguous": (graph_of, partial(graph_of, "contiguous"), "extra-copy", "copy-removed"),
    "weights copied in the call": (graph_of, partial(graph_of, "moved"), "moved-each-call", "moved-once"),
    "logits upcast": (
        partial(graph_of, dtype=torch.bfloat16),
        partial(graph_of, "upcast", dtype=torch.bfloat16),
        "upcast",
        "upcast-removed",
    ),
    "logits downcast": (graph_of, partial(graph_of, "downcast"), "downcast", "downcast-removed"),
    "a product in another type": (partial(scaled, wide=False), partial(scaled, wide=True), "upcast", "downcast"),
    "the model in half precision": (graph_of, partial(graph_of, dtype=torch.bfloat16), "downcast", "upcast"),
    "an activation by hand": (partial(graph_of, "silu"), partial(graph_of, "silu by hand"), "unfused", "fused"),
    "an optimizer one by one": (
        partial(step_of, optimizer=adamw(foreach=True)),
        partial(step_of, optimizer=adamw(foreach=False)),
        "unfused",
        "fused",
    ),
    "an activation out of place": (partial(graph_of, "in place"), graph_of, "out-of-place", "in-place"),
    "a sync in each layer": (graph_of, partial(graph_of, "sync"), "host-sync", "sync-removed"),
    "indices through a list": (
        partial(chosen, listed=False),
        partial(chosen, listed=True),
        "from-python",
        "from-tensors",
    ),
    "values from all ranks": (partial(summed, together=False), partial(summed, together=True), *COMMUNICATION),
    "another reduction": (reduced, partial(reduced, "MAX"), "reduction", "reduction"),
    "another group": (reduced, partial(reduced, among=2), "other-ranks", "other-ranks"),
    "another placement": (
        partial(step, split),
        partial(step, partial(split, extra=True)),
        "redistribution",
        "redistribution-removed",
    ),
    "a head on every rank": (partial(step, split), partial(step, partial(split, head=False)), "unsharded", "sharded"),
    "let go of after the forward pass": (
        partial(step, partial(gathered, again=False)),
        partial(step, gathered),
        "gathered-again",
        "gathered-once",
    ),
    "a projection twice": (graph_of, partial(graph_of, "twice"), "repeated-work", "repeat-removed"),
    "a projection for nothing": (graph_of, partial(graph_of, "unused"), "unused-result", "unused-removed"),
    "checkpointing": (
        partial(step_of, train=True),
        partial(step_of, "checkpoint", train=True),
        "checkpointing-on",
        "checkpointing-off",
    ),
    "checkpointing inside checkpointing": (
        partial(nested, inside=False),
        partial(nested, inside=True),
        "checkpointing-twice",
        "checkpointing-once",
    ),
    "no_grad dropped": (graph_of, partial(graph_of, grad=True), "grad-in-evaluation", "grad-off"),
    "eval dropped": (
        partial(graph_of, "dropout"),
        partial(graph_of, "dropout", train=True),
        "training-mode",
        "evaluation-mode",
    ),
    "a dropout rate": (
        partial(graph_of, train=True),
        partial(graph_of, "dropout", train=True),
        "dropout",
        "dropout",
    ),
    "more saved": (partial(layers, 1, saved=2**20), partial(layers, 1, saved=2**21), "saved-more", "saved-less"),
    "a longer life": (partial(layers, 1, peak=2**20), partial(layers, 1, peak=2**21), "kept-alive", "released-sooner"),
    "more parameters": (
        partial(layers, 1, parameters=2**20),
        partial(layers, 1, parameters=2**21),
        "state-bytes",
        "state-bytes",
    ),
    "a larger vocabulary": (
        graph_of,
        partial(graph_of, vocabulary=60),
        "other-configuration",
        "other-configuration",
    ),
    "another batch": (graph_of, partial(graph_of, tokens=TOKENS.repeat(2, 1)), "other-sizes", "other-sizes"),
    "inputs of another type": (partial(one, 2), partial(one, 2, dtype="float64"), "other-inputs", "other-inputs"),
    "one layer more": (graph_of, partial(graph_of, layers=3), "module-added", "module-removed"),
    "another module called": (
        partial(linears, lambda m, x: m.q(x) + m.k(x) * m.v(x), "q", "k", "v"),
        partial(linears, lambda m, x: m.q(x) + m.k(x) * m.k(x), "q", "k", "v"),
        "other-module",
        "other-module",
    ),
    "another parameter read": (partial(reads, "first"), partial(reads, "second"), "other-weight", "other-weight"),
    "a frozen part": (step_of, partial(step_of, frozen=True), "gradient-lost", "gradient-added"),
    "a detached part": (step_of, partial(step_of, "detached"), "gradient-lost", "gradient-added"),
    "a weight without gradient": (
        partial(step_of, "weighed"),
        partial(step_of, "weighed detached"),
        "gradient-lost",
        "gradient-added",
    ),
    "parameters of the optimizer": (
        partial(step_of, optimizer=sgd),
        partial(step_of, optimizer=lambda parameters: sgd(parameters[:4])),
        "other-parameters",
        "other-parameters",
    ),
    "an optimizer given": (step_of, partial(step_of, optimizer=sgd), "phase-added", "phase-removed"),
    "another optimizer": (
        partial(step_of, optimizer=sgd),
        partial(step_of, optimizer=adamw(foreach=False)),
        "other-optimizer",
        "other-optimizer",
    ),
    "a float for an int": (partial(one, 2), partial(one, 2.0), "other-number", "other-number"),
    "another name": (
        partial(linears, lambda m, x: m.projection(x), "projection"),
        partial(linears, lambda m, x: m.proj(x), "proj"),
        "renamed",
        "renamed",
    ),
    "another order": (
        partial(linears, lambda m, x: (m.k(x), m.v(x)), "k", "v"),
        partial(linears, lambda m, x: (m.v(x), m.k(x))[::-1], "k", "v"),
        "reordered",
        "reordered",
    ),
    "in another module": (
        partial(linears, lambda m, x: m.up(x).relu(), "up"),
        lambda: trace(Calls(lambda m, x: m.layers(x).relu(), layers=nn.Sequential(nn.Linear(4, 4))), torch.ones(2, 4)),
        "moved-module",
        "moved-module",
    ),
    "a mask made otherwise": (partial(masked, "triu"), partial(masked, "fill"), "mask-rebuilt", "mask-rebuilt"),
    "a default written out": (
        partial(scale, given=False),
        partial(scale, given=True),
        "same-argument",
        "same-argument",
    ),
    "a cast before work": (partial(narrowed, before=False), partial(narrowed, before=True), "downcast", "upcast"),
    "a cast in another module": (partial(cast_in, 0), partial(cast_in, 1), "cast-moved", "cast-moved"),
    "heads copied earlier": (
        partial(by_hand, contiguous=False),
        partial(by_hand, contiguous=True),
        "copied-elsewhere",
        "copied-elsewhere",
    ),
    "checkpointing to the end": (
        partial(rerun, how=False),
        partial(rerun, how=True),
        "checkpointing-whole",
        "checkpointing-early-stop",
    ),
    "products kept": (partial(rerun, how=False), partial(rerun, how="kept"), "kept", "recomputed"),
    "an activation each": (
        partial(activation, shared=True),
        partial(activation, shared=False),
        "shared-module",
        "shared-module",
    ),
    "the batch in front": (
        partial(laid_out, batch_first=False),
        partial(laid_out, batch_first=True),
        "dimensions-swapped",
        "dimensions-swapped",
    ),
    "a norm after the work": (
        partial(normed_around, after=False),
        partial(normed_around, after=True),
        "other-order",
        "other-order",
    ),
    "another norm": (partial(normed, Rms), partial(normed, partial(nn.LayerNorm, SIZE)), "other-norm", "other-norm"),
    "experts in one product": (
        partial(routed, grouped=True),
        partial(routed, grouped=False),
        "experts-looped",
        "experts-grouped",
    ),
    "a product by einsum": (partial(scanned, einsum=False), partial(scanned, einsum=True), "fused", "unfused"),
    "repeated by a copy": (
        partial(heads, expand=False),
        partial(heads, expand=True),
        "copied-elsewhere",
        "copied-elsewhere",
    ),
    "a shorter sequence": regression("sequence_cut_inside", "other-part", "other-part"),
    "another token": (partial(headed, 0), partial(headed, -1), "other-part", "other-part"),
    "another cap": (partial(capped, 30.0), partial(capped, 50.0), "other-scale", "other-scale"),
    "another kernel": (
        partial(attention, 2),
        partial(attention, 2, backend="_other"),
        "other-backend",
        "other-backend",
    ),
}


def message(before: Graph | Program, after: Graph | Program) -> tuple[Verdict, str]:
    left, right = (side if isinstance(side, Program) else side.canonical for side in (before, after))
    difference = compare(left, right)
    verdict = judge(difference, same_backend=True)
    return verdict, render(outline_of(Compared(difference=difference, verdict=verdict), test="test_m"))


@pytest.mark.parametrize("name", PAIRS)
def test_a_cause_is_found_in_both_directions_and_told_as_reviewed(name: str, request: pytest.FixtureRequest) -> None:
    before, after, cause, opposite = PAIRS[name]
    sides = before(), after()
    (forth, there), (back, home) = message(*sides), message(*reversed(sides))
    assert (forth.findings[0].cause, back.findings[0].cause) == (cause, opposite)
    path, text = MESSAGES / f"{name}.txt", f"{there}\n\n{home}\n"
    if settings(request.config).updating:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def test_every_cause_has_a_pair() -> None:
    told = {cause for *_, forth, back in PAIRS.values() for cause in (forth, back)}
    assert told == set(CAUSES)
    assert {path.stem for path in MESSAGES.glob("*.txt")} == set(PAIRS)


def test_every_cause_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "causes.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    assert {name.strip("`"): meaning for name, meaning in rows} == dict(CAUSES)


def test_every_reviewed_hint_stands_whole_in_its_line() -> None:
    told = [line for path in MESSAGES.glob("*.txt") for line in path.read_text(encoding="utf-8").splitlines()]
    hints = [line for line in told if line.startswith("  hint:")]
    assert hints
    assert [line for line in hints if "… [" in line] == []


def test_no_cause_is_made_up_where_nothing_changed() -> None:
    assert message(graph_of(), graph_of())[0].findings == ()


def test_a_shape_of_its_own_is_no_mask() -> None:
    def root(*, square: bool) -> Program:
        def body_of(body: Body) -> Operand:
            x = body.given("x", f32(WIDTH, WIDTH))
            return body.op("exp", body.op("clone", x, out=f32(WIDTH, WIDTH)) if square else x, out=f32(WIDTH, WIDTH))

        return program(body_of)

    assert message(root(square=False), root(square=True))[0].findings[0].cause == "extra-copy"


def test_what_is_handed_to_the_caller_is_not_unused() -> None:
    def run(model: Decoder, tokens: torch.Tensor, *, twice: bool) -> object:
        logits = model(tokens)
        return (logits, logits.exp()) if twice else logits

    model = Decoder()
    graphs = [trace(lambda tokens, twice=twice: run(model, tokens, twice=twice), TOKENS) for twice in (False, True)]
    assert "unused-result" not in {finding.cause for finding in message(*graphs)[0].findings}


def test_random_numbers_drawn_twice_are_no_repeated_work() -> None:
    graphs = [
        trace(Calls(function), torch.ones(2, 4))
        for function in (lambda _, x: x + torch.rand(4), lambda _, x: x + torch.rand(4) * torch.rand(4))
    ]
    assert "repeated-work" not in {finding.cause for finding in message(*graphs)[0].findings}


def test_a_value_written_in_between_is_another_value() -> None:
    def once(_: Any, x: torch.Tensor) -> torch.Tensor:
        y = x.exp()
        first = y.sin()
        y.add_(1)
        return first + y

    def again(_: Any, x: torch.Tensor) -> torch.Tensor:
        y = x.exp()
        first = y.sin()
        y.add_(1)
        return first + y.sin()

    graphs = [trace(Calls(function), torch.ones(2, 4)) for function in (once, again)]
    assert "repeated-work" not in {finding.cause for finding in message(*graphs)[0].findings}
