"""Between the runs of one check the model is consistent, and afterwards everything is as it was."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from pytest_torchgraph import trace
from pytest_torchgraph.capture.options import Options
from pytest_torchgraph.capture.tracing import repeated
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.plugin.check.steady import Steady, settle
from tests.capture.small import Calls, example
from tests.portrait import portrait
from tests.regressions.process_group import process_group

X = example(4, 8)


def checked(model: Any, args: Any = X, **options: Any) -> Steady:
    """What a check that records settles on; everything is as before afterwards."""
    before = portrait(model, args, options.get("optimizer"))
    with repeated(model, args, None, Options(**options)) as again:
        steady = settle(again(), again)
    assert portrait(model, args, options.get("optimizer")) == before
    return steady


class Code(nn.Module):
    """Takes its codes from the first batch."""

    inited: Tensor
    embed: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("inited", torch.zeros(1))
        self.register_buffer("embed", torch.zeros(4, 8))

    def forward(self, x: Tensor) -> Tensor:
        if not self.inited:
            self.embed.copy_(x[:4])
            self.inited.fill_(1)
        return torch.cdist(x, self.embed).argmin(-1)


def test_what_the_first_call_initialises_is_set_aside_and_told() -> None:
    steady = checked(Code())
    assert steady.graph.count("ops") == 3
    told = "ops 5 -> 3, -1 aten.copy_, -1 aten.fill_, copies 1 -> 0"
    assert steady.notes == (f"recorded from the second call; the first does other work: {told}",)


def test_a_warmup_initialises() -> None:
    assert trace(Code(), X, warmup=1) == trace(Code(), X, warmup=2) == checked(Code()).graph


def test_a_warmup_gives_the_optimizer_its_state() -> None:
    def recorded(warmup: int) -> Graph:
        model = nn.Linear(8, 8)
        optimizer = torch.optim.Adam(model.parameters())
        graph = trace(model, X, backward=True, optimizer=optimizer, warmup=warmup)
        assert not optimizer.state
        return graph

    assert recorded(1).count("ops") < recorded(0).count("ops")
    assert recorded(1) == recorded(2)


def test_what_an_optimizer_wrote_is_put_back_after_each_run() -> None:
    """Every run makes the same step: gates that the weights decide stay where they were."""
    model = nn.Linear(8, 8)
    seen: list[list[float]] = []

    def forward(module: Any, x: Tensor) -> Any:
        seen.append(module.mix.weight.flatten().tolist())
        return module.mix(x)

    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9)
    with repeated(Calls(forward, mix=model), X, None, Options(backward=True, optimizer=optimizer)) as again:
        graphs = [again(), again(), again()]
    assert seen[0] == seen[1] == seen[2]
    assert graphs[0] == graphs[1] == graphs[2]


def test_what_the_forward_pass_wrote_to_a_parameter_before_the_step_stays_for_the_next_run() -> None:
    seen: list[float] = []

    def forward(module: Any, x: Tensor) -> Any:
        if not hasattr(module, "scaled"):
            module.mix.weight.data.fill_(3)
            module.scaled = True
        seen.append(float(module.mix.weight.detach()[0, 0]))
        return module.mix(x)

    model = Calls(forward, mix=nn.Linear(8, 8))
    checked(model, backward=True, optimizer=torch.optim.SGD(model.parameters(), lr=1.0))
    assert seen == [3.0, 3.0, 3.0]


def test_training_flags_and_grad_mode_are_put_back_between_runs() -> None:
    flags: list[tuple[bool, bool]] = []

    def forward(module: Any, x: Tensor) -> Any:
        flags.append((module.training, torch.is_grad_enabled()))
        module.eval()
        torch.set_grad_enabled(False)
        return module.mix(x)

    checked(Calls(forward, mix=nn.Dropout()))
    assert flags == [(True, True)] * 2
    assert torch.is_grad_enabled()


def test_inputs_are_put_back_in_the_same_objects_and_nothing_is_copied_for_one_that_refuses() -> None:
    class Refuses:
        def __deepcopy__(self, memo: Any) -> Any:
            raise RuntimeError

    met: list[int] = []

    def forward(module: Any, refuses: Any, given: list[Tensor]) -> Tensor:
        met.append(id(given))
        given.append(given[0].add_(1))
        return given[-1] * 2

    given = [X.clone()]
    checked(Calls(forward), (Refuses(), given))
    assert met == [id(given)] * 2
    assert torch.equal(given[0], X)


def test_an_iterator_that_is_given_is_not_used_up() -> None:
    steady = checked(Calls(lambda module, parts: sum(parts)), (iter([X, X]),))
    assert steady.notes == ()


def test_state_that_the_model_shares_with_its_inputs_is_the_models() -> None:
    def forward(module: Any, cache: list[Tensor], x: Tensor) -> Tensor:
        if not module.filled:
            cache.append(x * 2)
            module.filled = True
        return cache[0] + x

    cache: list[Tensor] = []
    model: Any = Calls(forward)
    model.cache, model.filled = cache, False
    steady = checked(model, (cache, X))
    assert steady.graph.count("ops") == 1
    assert cache == []


def test_layers_in_a_plain_list_have_no_gradients_afterwards() -> None:
    layers = [nn.Linear(8, 8), nn.Linear(8, 8)]
    model: Any = Calls(lambda module, x: module.layers[1](module.layers[0](x)))
    model.layers = layers
    checked(model, backward=True)
    trace(lambda x: layers[1](layers[0](x)), X, backward=True)
    assert [layer.weight.grad for layer in layers] == [None, None]


def raising(model: Any, args: Any, error: type[BaseException], **options: Any) -> None:
    before = portrait(model, args)
    with pytest.raises(error):
        trace(model, args, **options)
    assert portrait(model, args) == before


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
def test_everything_is_put_back_after_an_exception_in_a_warmup_and_in_a_run(error: type[BaseException]) -> None:
    def forward(module: Any, x: Tensor) -> Any:
        module.calls.append(x)
        module.mix.weight.data = module.mix.weight.data * 2
        module.more = nn.Linear(8, 8)
        x.add_(1)
        if len(module.calls) > module.good:
            raise error
        return module.mix(x)

    for good in (0, 1):
        model: Any = Calls(forward, mix=nn.Linear(8, 8))
        model.calls, model.good = [], good
        raising(model, X.clone(), error, warmup=1)


def test_an_exception_in_an_optimizers_step_leaves_no_step_open() -> None:
    class Fails(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            super().step(closure)
            raise ZeroDivisionError

    model = nn.Linear(8, 8)
    raising(model, X, ZeroDivisionError, backward=True, optimizer=Fails(model.parameters(), momentum=0.9))


def test_one_part_that_cannot_be_put_back_does_not_keep_the_others_from_it() -> None:
    class Stubborn:
        __slots__ = ("value",)

        def __init__(self) -> None:
            self.value = 1

    class Sealed:
        """Refuses to become its class again."""

        __class__ = property(lambda self: Sealed)

    def forward(module: Any, x: Tensor) -> Tensor:
        module.sealed.x = 1
        module.stubborn.value += 1
        module.table.add_(1)
        return x * 2

    model: Any = Calls(forward)
    model.sealed, model.stubborn = Sealed(), Stubborn()
    model.register_buffer("table", torch.zeros(3))
    trace(model, X)
    assert (model.stubborn.value, model.table.tolist()) == (1, [0.0, 0.0, 0.0])


def test_copies_of_the_recorder_are_in_no_graph_of_the_users() -> None:
    codes: list[str] = []

    def forward(module: Any, x: Tensor) -> Any:
        traced = make_fx(lambda y: y.add_(1).relu())(x)
        codes.append(traced.code)
        return traced(x)

    model = Calls(forward)
    trace(model, X)
    model(X.clone())
    assert codes[0] == codes[1]


def test_statistics_are_put_back_where_a_fake_mode_is_open_inside() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        with torch._subclasses.FakeTensorMode(allow_non_fake_inputs=True):
            module.norm(x)
        return x + 1

    checked(Calls(forward, norm=nn.BatchNorm1d(8)))


CONTENTS: dict[str, Callable[[], Tensor]] = {
    "coo": lambda: torch.eye(4).to_sparse(),
    "empty coo": lambda: torch.zeros(4, 4).to_sparse(),
    "csr": lambda: torch.eye(4).to_sparse_csr(),
    "csc": lambda: torch.eye(4).to_sparse_csc(),
    "bsr": lambda: torch.eye(4).to_sparse_bsr((2, 2)),
    "mkldnn": lambda: torch.ones(2, 3).to_mkldnn(),
    "nested": lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    "jagged": lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged),
    "complex": lambda: torch.ones(3, dtype=torch.complex64).conj(),
    "half": lambda: torch.ones(3, dtype=torch.bfloat16),
}


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning")
@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("place", ["buffer", "attribute", "input"])
def test_contents_of_every_kind_of_tensor_are_put_back(kind: str, place: str) -> None:
    def forward(module: Any, *given: Tensor) -> Tensor:
        target = given[0] if given else module.held if place == "buffer" else module.kept[0]
        target.mul_(2)
        return X * 2

    model: Any = Calls(forward)
    made = CONTENTS[kind]()
    if place == "buffer":
        model.register_buffer("held", made)
    elif place == "attribute":
        model.kept = [made]
    before = portrait(made.to_dense()) if kind == "mkldnn" else portrait(made)
    trace(model, made if place == "input" else ())
    assert (portrait(made.to_dense()) if kind == "mkldnn" else portrait(made)) == before


def test_generators_of_the_model_are_put_back() -> None:
    import random

    import numpy as np

    def forward(module: Any, x: Tensor) -> Tensor:
        draws = torch.rand(8, generator=module.torch), module.python.random(), float(module.numpy.random())
        return x * draws[0] * draws[1] * draws[2]

    model: Any = Calls(forward)
    model.torch, model.python, model.numpy = (
        torch.Generator().manual_seed(1),
        random.Random(1),
        np.random.default_rng(1),
    )
    states = model.python.getstate(), str(model.numpy.bit_generator.state)
    checked(model)
    assert (model.python.getstate(), str(model.numpy.bit_generator.state)) == states


def test_hooks_that_a_run_puts_on_parameters_are_gone() -> None:
    def forward(module: Any, x: Tensor) -> Any:
        module.mix.weight.register_hook(lambda grad: grad)
        module.mix.bias.register_post_accumulate_grad_hook(lambda parameter: None)
        return module.mix(x)

    model: Any = Calls(forward, mix=nn.Linear(8, 8))
    checked(model, backward=True)
    assert model.mix.weight._backward_hooks is None
    assert model.mix.bias._post_accumulate_grad_hooks is None


def fully_sharded() -> nn.Module:
    from torch.distributed.fsdp import fully_shard

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 8), nn.Sequential(nn.ReLU(), nn.Linear(8, 8)))
    fully_shard(model[1])
    fully_shard(model)
    return model


def test_a_sharded_model_that_only_went_forward_works_afterwards() -> None:
    with process_group(), torch.no_grad():
        plain, model = fully_sharded(), fully_sharded()
        for gathered in (False, True):
            with repeated(model, X, None, Options()) as again:
                steady = settle(again(), again)
            kinds = [type(parameter).__name__ for parameter in model.parameters()]
            assert kinds == (["Parameter"] * 2 + ["DTensor"] * 2 if gathered else ["DTensor"] * 4)
            assert bool(steady.notes) is not gathered
            assert torch.equal(model(X), plain(X))


def test_a_sharded_model_trains_on_as_if_it_had_not_been_traced() -> None:
    with process_group():
        models = [fully_sharded(), fully_sharded()]
        optimizers = [torch.optim.AdamW(model.parameters()) for model in models]
        with repeated(models[0], X, None, Options(backward=True, optimizer=optimizers[0])) as again:
            settle(again(), again)
        for model, optimizer in zip(models, optimizers, strict=True):
            for _ in range(2):
                model(X).sum().backward()
                optimizer.step()
                optimizer.zero_grad()
        wholes: list[list[Any]] = [list(model.parameters()) for model in models]
        one, other = ([parameter.full_tensor().tolist() for parameter in whole] for whole in wholes)
        assert one == other


def test_a_sharded_model_that_raised_works_afterwards() -> None:
    from torch.distributed.fsdp import fully_shard

    model: Any = Calls(lambda module, x: module.mix(x), mix=nn.Linear(8, 8))
    with process_group(), torch.no_grad():
        fully_shard(model)
        before = model.mix.weight.full_tensor().tolist()

        def fail(module: Any, x: Tensor) -> Any:
            module.mix(x)
            raise ZeroDivisionError

        function, model.function = model.function, fail
        with pytest.raises(ZeroDivisionError):
            trace(model, X)
        assert model.mix.weight.full_tensor().tolist() == before
        model.function = function
        assert model(X).shape == (4, 8)


def test_data_parallel_training_is_recorded_from_its_third_step() -> None:
    with process_group():
        model = nn.parallel.DistributedDataParallel(nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8)))
        with repeated(model, X, None, Options(backward=True)) as again:
            (note,) = settle(again(), again).notes
        assert note.startswith("recorded from the third call; ")
        assert all(parameter.grad is None for parameter in model.parameters())


def test_data_parallel_training_of_a_static_graph_goes_on_after_a_recording() -> None:
    with process_group():
        layers = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
        model = nn.parallel.DistributedDataParallel(layers, static_graph=True)
        trace(model, X, backward=True)
        with repeated(model, X, None, Options(backward=True)) as again:
            settle(again(), again)
        model(X).sum().backward()


class Surroundings:
    """A training step that uses what is no part of its model, by a closure."""

    def __init__(self) -> None:
        model = nn.Linear(8, 4)
        self.optimizer = optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
        self.scheduler = scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10)
        self.scaler = scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
        self.generator = generator = torch.Generator().manual_seed(3)

        def step(x: Tensor) -> Tensor:
            loss: Tensor = model(x + torch.rand(8, generator=generator)).square().mean()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
            optimizer.zero_grad()
            return loss

        self.step = step
        self.all = (model, optimizer, scheduler, scaler, generator)


def test_schedulers_scalers_and_generators_that_a_function_closes_over_are_put_back() -> None:
    around = Surroundings()
    before = portrait(*around.all)
    checked(around.step)
    assert portrait(*around.all) == before


def test_modules_that_are_not_called_say_nothing_of_training() -> None:
    layers = nn.Sequential(nn.Linear(8, 8), nn.Dropout()).eval()
    model: Any = Calls(lambda module, x: module.layers[0](x), layers=nn.ModuleList(list(layers))).eval()
    model.layers.training = True
    assert trace(model, X).origin.training == "eval"
    model.layers[0].train()
    assert trace(model, X).origin.training == "mixed"


@contextmanager
def planted(monkeypatch: pytest.MonkeyPatch, path: str, defect: Any) -> Any:
    with monkeypatch.context() as patch:
        patch.setattr(f"pytest_torchgraph.capture.{path}", defect)
        yield


@pytest.mark.parametrize(
    ("path", "test"),
    [
        ("guard.Guard.after_run", test_what_an_optimizer_wrote_is_put_back_after_each_run),
        ("picture.Picture.restore_training", test_training_flags_and_grad_mode_are_put_back_between_runs),
        ("leaf.Leaf.restore_gradient", test_layers_in_a_plain_list_have_no_gradients_afterwards),
        ("leaf.Leaf._restore_hooks", test_hooks_that_a_run_puts_on_parameters_are_gone),
        ("target.captured", test_schedulers_scalers_and_generators_that_a_function_closes_over_are_put_back),
        ("state.first_steps_of", test_data_parallel_training_of_a_static_graph_goes_on_after_a_recording),
        ("sharded.Sharding.restore", test_a_sharded_model_that_only_went_forward_works_afterwards),
    ],
)
def test_a_part_that_is_not_put_back_would_show(
    path: str, test: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with planted(monkeypatch, path, lambda *_, **__: []), pytest.raises((AssertionError, RuntimeError)):
        test()
