"""A training step whose equal layers are worked out once, forward and backward, has the canonical graph that it has."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW
from torch.utils.checkpoint import checkpoint

from pytest_torchgraph.capture.effect import operands_of
from pytest_torchgraph.capture.folded import Folding, folded
from pytest_torchgraph.capture.graph import Run
from pytest_torchgraph.capture.options import Options
from pytest_torchgraph.capture.row import Found, calls_alike
from pytest_torchgraph.capture.tracing import repeated
from tests.capture.edited_runs import edits, seen_otherwise
from tests.capture.test_folded import plain, same, through
from tests.real import factories

LAYERS = 7


class Scaled(torch.autograd.Function):
    """Twice as much; the gradient is worked out in one way or another."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, otherwise: bool) -> Tensor:
        ctx.save_for_backward(x)
        ctx.otherwise = otherwise
        return x * 2

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        (gradient,) = gradients
        return (gradient + gradient if ctx.otherwise else gradient * 2) * x.sign().abs(), None


class Layer(nn.Module):
    """A block around which a sum goes; what a case does in it is set from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4)
        self.fc = nn.Linear(4, 4)
        self.within: Callable[..., Tensor] = lambda y: y

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        return x + self.within(self.fc(self.norm(x)).relu(), *others)


class PostNorm(Layer):
    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        return self.norm(x + self.within(self.fc(x), *others))


class Attending(Layer):
    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        y = self.fc(self.norm(x))[None]
        return x + nn.functional.scaled_dot_product_attention(y, y, y)[0]


class Doubled(nn.Module):
    """A row in each layer of a row."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(*(Layer() for _ in range(3)))
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.inner(x)).tanh()


class Checkpointed(Layer):
    def forward(self, x: Tensor, *others: Tensor) -> Any:
        return checkpoint(partial(Layer.forward, self), x, *others, use_reentrant=False)


class Stack(nn.Module):
    """Layers in a list, and what a case makes of them."""

    def __init__(self, body: Callable[[Any, Tensor], Any], layer: Callable[[], nn.Module] = Layer) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Linear(4, 4)
        self.layers = nn.ModuleList(layer() for _ in range(LAYERS))
        self.head = nn.Linear(4, 4)
        self.scale = nn.Parameter(torch.ones(4))
        self.body = body

    def forward(self, x: Tensor) -> Any:
        return self.body(self, self.first(x))


class Trainer(nn.Module):
    """A model whose step is all in its own call."""

    def __init__(self, net: nn.Module, step: Callable[[nn.Module, Tensor], Any]) -> None:
        super().__init__()
        self.net = net
        self.step = step

    def forward(self, x: Tensor) -> Any:
        return self.step(self.net, x)


def with_others(model: Any, x: Tensor) -> Any:
    return model.head(through(model, x, model.scale, x.tanh().detach(), torch.ones(4))[-1])


def set_up(model: Stack, each: Callable[[Any, int], Any]) -> Stack:
    """*model* with something done to each of its layers."""
    for place, layer in enumerate(model.layers):
        each(layer, place)
    return model


def inside(does: Callable[..., Tensor]) -> Callable[[Any, int], None]:
    """Let every layer do something to its own values."""

    def each(layer: Layer, _: int) -> None:
        layer.within = does

    return each


def in_one(does: Callable[..., Any], at: int = 3) -> Callable[[Any, int], Any]:
    """Do something to one layer."""
    return lambda layer, place: does(layer) if place == at else None


def frozen(layer: nn.Module) -> None:
    layer.requires_grad_(requires_grad=False)


def frozen_weight(layer: Any) -> None:
    layer.fc.weight.requires_grad_(requires_grad=False)


def of_others(y: Tensor, *others: Tensor) -> Tensor:
    return y * others[0] + others[1] * others[2]


def with_a_constant(y: Tensor) -> Tensor:
    return y * torch.tensor(2.0)


def hooked(layer: Any) -> None:
    def within(y: Tensor) -> Tensor:
        y.register_hook(lambda gradient: gradient * 3)
        return y

    layer.within = within


def hooked_all(layer: Any, _: int) -> None:
    hooked(layer)


def with_a_module_hook(layer: Any) -> None:
    layer.fc.register_full_backward_hook(lambda _, gradients, __: (gradients[0] * 2,))


def scaled(layer: Any, place: int, other: int = -1) -> None:
    def within(y: Tensor) -> Tensor:
        found: Tensor = Scaled.apply(y, place == other)
        return found

    layer.within = within


def hidden_in_the_loss(model: Any, x: Tensor) -> Any:
    return torch.stack(through(model, x))


def middle_in_the_loss(model: Any, x: Tensor) -> Any:
    found = through(model, x)
    return found[-1] * found[3]


def loss_of_the_middle(model: Any, x: Tensor) -> Any:
    found = through(model, x)
    return model.head(found[5])


def detached_in_the_middle(model: Any, x: Tensor) -> Any:
    for place, layer in enumerate(model.layers):
        x = layer(x.detach() if place == 3 else x)
    return x


def without_grad_in_the_middle(model: Any, x: Tensor) -> Any:
    for place, layer in enumerate(model.layers):
        with torch.set_grad_enabled(place != 3):
            x = layer(x) if place != 3 else x + layer(x)
    return x


def two_back(model: Any, x: Tensor) -> Any:
    found = [x, x.sin()]
    for layer in model.layers:
        found.append(layer(found[-1]) * found[-2])
    return found[-1]


def one_read_by_all(model: Any, x: Tensor) -> Any:
    for layer in model.layers[:3]:
        x = layer(x, x, x, x)
    kept = x
    for layer in model.layers[3:]:
        x = layer(x, kept, kept, kept)
    return x


def one_twice(model: Any, x: Tensor) -> Any:
    return model.layers[3](through(model, x)[-1])


def all_twice(model: Any, x: Tensor) -> Any:
    return through(model, through(model, x)[-1])[-1]


def tied(model: Any, x: Tensor) -> Any:
    model.layers[5].fc.weight = model.layers[1].fc.weight
    return plain(model, x)


def tied_to_the_head(model: Any, x: Tensor) -> Any:
    model.layers[3].fc.weight = model.head.weight
    return plain(model, x)


def all_tied(model: Any, x: Tensor) -> Any:
    for layer in model.layers:
        layer.fc.weight = model.head.weight
    return plain(model, x)


def accumulating(net: nn.Module, x: Tensor) -> None:
    for scale in (1.0, 2.0):
        net(x * scale).sum().backward()


def twice_backward(net: nn.Module, x: Tensor) -> None:
    loss = net(x).sum()
    loss.backward(retain_graph=True)
    loss.backward()


def twice_by_halves(net: nn.Module, x: Tensor) -> None:
    made = net(x)
    made[0].sum().backward(retain_graph=True)
    made[1].mean().backward()


def of_the_input(net: nn.Module, x: Tensor) -> Any:
    x = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(net(x).sum(), x)
    return gradient


def penalised(net: nn.Module, x: Tensor) -> None:
    x = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(net(x).sum(), x, create_graph=True)
    gradient.square().sum().backward()


def read_after(net: Any, x: Tensor) -> Any:
    net(x).sum().backward()
    return net.layers[2].fc.weight.grad * 2


def stepping_in_hooks(net: nn.Module, x: Tensor) -> None:
    hooks = []
    for parameter in net.parameters():
        optimizer = SGD([parameter], lr=0.1, foreach=False)

        def step(_: Tensor, optimizer: SGD = optimizer) -> None:
            optimizer.step()

        hooks.append(parameter.register_post_accumulate_grad_hook(step))
    net(x).sum().backward()
    for hook in hooks:
        hook.remove()


class Learning(Layer):
    """A layer that has its own loss."""

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        found = super().forward(x.detach(), *others)
        found.sum().backward()
        return found.detach()


class HandingOn(Layer):
    """A layer that hands on what no operation made."""

    def forward(self, x: Any, *others: Any) -> Any:
        x, scale = x if isinstance(x, tuple) else (x, x)
        return super().forward(x * scale, *others), torch.tensor(2.0)


def handed_on(model: Any, x: Tensor) -> Any:
    return through(model, x)[-1][0]


Case = Callable[[], nn.Module]
FOLDS: dict[str, Case] = {
    "plain": lambda: Stack(plain),
    "post_norm": lambda: Stack(plain, PostNorm),
    "attending": lambda: Stack(plain, Attending),
    "doubled": lambda: Stack(plain, Doubled),
    "with_others": lambda: set_up(Stack(with_others), inside(of_others)),
    "own_function": lambda: set_up(Stack(plain), scaled),
    "hooked_all": lambda: set_up(Stack(plain), hooked_all),
    "sequential": lambda: nn.Sequential(*(Layer() for _ in range(LAYERS)), nn.Linear(4, 4)),
    "lower_layers_frozen": lambda: set_up(
        Stack(plain).requires_grad_(requires_grad=False),
        lambda layer, place: layer.requires_grad_(place > 1),
    ),
    "accumulating": lambda: Trainer(Stack(plain), accumulating),
    "twice_backward": lambda: Trainer(Stack(plain), twice_backward),
    "of_the_input": lambda: Trainer(Stack(plain), of_the_input),
    "all_tied": lambda: Stack(all_tied),
    "twice_by_halves": lambda: Trainer(Stack(plain), twice_by_halves),
    "read_after": lambda: Trainer(Stack(plain), read_after),
}
OTHERS: dict[str, Case] = {
    "checkpointed": lambda: Stack(plain, Checkpointed),
    "with_a_constant": lambda: set_up(Stack(plain), inside(with_a_constant)),
    "handing_on": lambda: Stack(handed_on, HandingOn),
    "hook_in_one": lambda: set_up(Stack(plain), in_one(hooked)),
    "module_hook_in_one": lambda: set_up(Stack(plain), in_one(with_a_module_hook)),
    "own_function_in_one": lambda: set_up(Stack(plain), partial(scaled, other=3)),
    "frozen_weight_in_one": lambda: set_up(Stack(plain), in_one(frozen_weight)),
    "frozen_weight_in_the_second": lambda: set_up(Stack(plain), in_one(frozen_weight, 1)),
    "one_frozen": lambda: set_up(Stack(plain), in_one(frozen)),
    "hidden_in_the_loss": lambda: Stack(hidden_in_the_loss),
    "middle_in_the_loss": lambda: Stack(middle_in_the_loss),
    "detached_in_the_middle": lambda: Stack(detached_in_the_middle),
    "without_grad_in_the_middle": lambda: Stack(without_grad_in_the_middle),
    "two_back": lambda: Stack(two_back),
    "one_read_by_all": lambda: set_up(Stack(one_read_by_all), inside(of_others)),
    "one_twice": lambda: Stack(one_twice),
    "all_twice": lambda: Stack(all_twice),
    "tied": lambda: Stack(tied),
    "tied_to_the_head": lambda: Stack(tied_to_the_head),
    "loss_of_the_middle": lambda: Stack(loss_of_the_middle),
    "penalised": lambda: Trainer(Stack(plain), penalised),
    "stepping_in_hooks": lambda: Trainer(Stack(plain), stepping_in_hooks),
    "learning": lambda: Trainer(Stack(plain, Learning), lambda net, x: net(x)),
}


def run_of(model: nn.Module, *, args: Any = None, optimizer: Any = None, backward: Any = True) -> Run:
    """One training step of *model*."""
    options = Options(backward=None if isinstance(model, Trainer) else backward, optimizer=optimizer)
    given = torch.linspace(-1, 1, 8).reshape(2, 4) if args is None else args
    with repeated(model, given, None, options) as run:
        found: Run = vars(run())["run"]
    return found


def rows_of(run: Run) -> list[Found]:
    """The rows of a training step."""
    return Folding(run, calls_alike(run)).rows


@pytest.mark.parametrize("name", sorted(FOLDS))
def test_equal_layers_of_a_step_are_worked_out_once(name: str) -> None:
    run = run_of(FOLDS[name]())
    assert any(row.phase is not None for row in rows_of(run))
    program = folded(run)
    assert program is not None
    assert same(program, run)


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_layers_of_a_step_that_do_other_things_are_told_apart(name: str) -> None:
    run = run_of(OTHERS[name]())
    program = folded(run)
    assert program is None or same(program, run)


def paths_in(row: Found, run: Run) -> list[str]:
    """The modules of the calls that the second one of *row* stands for."""
    return [run.scopes[segment.scope].path for segment in row.later]


def test_a_layer_is_worked_out_where_its_backward_pass_is() -> None:
    """The pass comes to the last layer first, which has a sum less, and two more are worked out to stand for others."""
    run = run_of(FOLDS["plain"]())
    forward, backward = rows_of(run)
    assert paths_in(forward, run) == ["layers.2", "layers.3"]
    assert paths_in(backward, run) == ["layers.3", "layers.2", "layers.1", "layers.0"]


@pytest.mark.parametrize(
    "name", ["hook_in_one", "module_hook_in_one", "own_function_in_one", "frozen_weight_in_one", "one_frozen"]
)
def test_a_layer_that_differs_in_its_backward_pass_alone_falls_out_of_the_row(name: str) -> None:
    run = run_of(OTHERS[name]())
    (row,) = rows_of(run)
    assert paths_in(row, run) == ["layers.0"]
    assert row.phase == 0


def test_each_backward_pass_has_rows_of_its_own() -> None:
    run = run_of(FOLDS["twice_backward"]())
    assert [row.phase for row in rows_of(run)] == [None, 0, 1]


@pytest.mark.parametrize("make", [SGD, AdamW])
def test_layers_and_parameters_of_a_step_are_worked_out_once(make: Any) -> None:
    model = FOLDS["attending"]()
    run = run_of(model, optimizer=make(model.parameters(), foreach=False))
    folding = Folding(run, calls_alike(run))
    assert folding.rows
    assert folding.alike
    program = folded(run)
    assert program is not None
    assert same(program, run)


@pytest.mark.parametrize("backward", [False, True])
def test_whatever_one_layer_of_a_step_does_otherwise_is_seen(*, backward: bool) -> None:
    run = run_of(FOLDS["plain"]())
    row = next(row for row in rows_of(run) if (row.phase is not None) == backward)
    last = row.segments[-1].operations
    others = [raw for segment in row.segments for at in segment.operations[::4] for raw in operands_of(run.log[at])]
    tried, differing = seen_otherwise(run, edits(run, last[:: 3 + 2 * backward], others))
    assert tried > 10
    assert differing > 5


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(FOLDS))
def test_whatever_any_layer_of_a_step_does_otherwise_is_seen(name: str) -> None:
    run = run_of(FOLDS[name]())
    inside = sorted({at for row in rows_of(run) for at in row.inside})
    others = [raw for at in inside[::7] for raw in operands_of(run.log[at])]
    tried, differing = seen_otherwise(run, edits(run, inside[::3], others))
    assert tried > 100
    assert differing > 50


@pytest.mark.long
@pytest.mark.parametrize(
    ("made", "is_folded"), [(factories.gpt2, True), (factories.bert, True), (factories.llama, False)]
)
def test_a_step_of_a_public_model_has_the_canonical_graph_that_it_has(
    made: Callable[[int], Any], *, is_folded: bool
) -> None:
    example = made(5)
    optimizer = AdamW(example.model.parameters(), foreach=False)
    run = run_of(example.model, args=example.args, optimizer=optimizer, backward=lambda output: output[0].sum())
    assert any(row.phase is not None for row in rows_of(run)) == is_folded
    program = folded(run)
    assert program is None or same(program, run)
