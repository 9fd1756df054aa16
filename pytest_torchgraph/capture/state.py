"""What a run may change, as it was: put back after every run, or at the end.

After every run come random generators, inputs, gradients, training flags, and what an optimizer wrote: so a second run
does the same step. What the forward pass wrote, registered or noted in attributes stays until the end, all of it or
nothing: a model that remembers that it made a layer, and has it no more, is worse than one that was changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from pytest_torchgraph.capture.ambient import mode_undo, random_undo
from pytest_torchgraph.capture.guard import Guard
from pytest_torchgraph.capture.outside import outside_modes
from pytest_torchgraph.capture.picture import Picture
from pytest_torchgraph.capture.sharded import Sharding, first_steps_of
from pytest_torchgraph.capture.wrapper import unwrapped


class State:
    """Everything that is reachable from *roots* and *inputs*, as it is now.

    *roots* are what is kept between runs: the model and its optimizer; what both and the inputs reach is theirs.
    """

    def __init__(self, roots: Iterable[Any] = (), inputs: Iterable[Any] = ()) -> None:
        self.roots = list(roots)
        self.guard = Guard()
        self.ambient = [random_undo(), mode_undo()]
        with outside_modes():
            self.sharding = Sharding(modules_of(self.roots))
            self.model = self._picture_of_model()
            self.model.add(*self.roots, *self.sharding.sharded)
            self.inputs = Picture(apart=[self.model])
            self.inputs.add(*inputs)
            self.gradients = Picture(apart=[self.model, self.inputs])
            self.gradients.add(*self.model.gradients(), *self.inputs.gradients())
            for picture, after_each in ((self.gradients, True), (self.inputs, True), (self.model, False)):
                for leaf in picture.leaves:
                    self.guard.admit(leaf.tensor, leaf.storage, after_each=after_each)
        self.steps: dict[int, Picture] = {}
        self.backward: Picture | None = None

    def _picture_of_model(self) -> Picture:
        return Picture(but=self.sharding.gathered, skipped=self.sharding.registries)

    def meet_optimizer(self, optimizer: Any) -> None:
        """Let *optimizer*, which was only seen stepping, be put back too at the end."""
        if id(optimizer) in self.model.seen:
            return
        with outside_modes():
            known = len(self.model.leaves)
            self.model.add(optimizer)
            for leaf in self.model.leaves[known:]:
                self.guard.admit(leaf.tensor)

    def begin_step(self, optimizer: Any) -> None:
        """Note how *optimizer* is before a step that is put back after the run."""
        self.guard.open_steps += 1
        if id(optimizer) in self.steps:
            return
        with outside_modes():
            self.steps[id(optimizer)] = picture = Picture(into_tensors=False)
            picture.add(optimizer)
            self.guard.admit_to_steps(tensor for _, tensor in unwrapped(("", end) for end in picture.ends))

    def begin_backward(self) -> None:
        """Note what the tensors have as attributes before the first backward pass of a run.

        What it hangs on them are gradients of another kind, such as those of each sample; what it counts there, such as
        the passes that are still open, belongs with what the forward pass counted.
        """
        if self.backward is None:
            with outside_modes():
                self.backward = Picture(into_tensors=False, numbers=False)
                self.backward.add(*(vars(leaf.tensor) for leaf in self.model.leaves if leaf.needs_grad))

    @contextmanager
    def following_steps(self, optimizer: Any = None, *, is_warmup: bool = False) -> Iterator[None]:
        """See every step of an optimizer while the context is open: of *optimizer*, and of all that PyTorch makes.

        What the steps of a warm-up write is put back at the end only.
        """

        def begin(stepping: Any, *_: Any) -> None:
            self.meet_optimizer(stepping)
            if not is_warmup:
                self.begin_step(stepping)

        def end(*_: Any) -> None:
            self.guard.end_step()

        if optimizer is not None and not isinstance(optimizer, Optimizer):
            begin(optimizer)  # it calls no hooks: whatever is written from here on may be its work
        handles = [register_optimizer_step_pre_hook(begin), register_optimizer_step_post_hook(end)]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def after_run(self, *, is_warmup: bool = False) -> None:
        """Put back generators, inputs and gradients; unless it was a warm-up, training flags and what steps wrote too.

        What a backward pass hung on parameters as attributes are gradients of another kind.
        """
        pictures = [*([] if is_warmup else self.steps.values()), *([self.backward] if self.backward else [])]
        self.steps, self.backward = {}, None
        with outside_modes():
            undo = [undo for picture in pictures for undo in picture.restore()]
            if not is_warmup:
                undo.append(self.model.restore_training)
            put_back([*undo, *self._after_each(), *self.guard.after_run(is_warmup=is_warmup)])
        put_back(self.ambient)

    def _after_each(self) -> Iterator[Callable[[], None]]:
        yield from self.gradients.restore()
        yield from self.inputs.restore()
        yield from (leaf.restore_gradient for leaf in self.model.leaves)
        yield from self.model.generators
        yield self._clear_new_gradients

    def _clear_new_gradients(self) -> None:
        """Parameters that were made meanwhile had no gradient before."""
        if not any(self.model.changed()):
            return
        now = self._picture_of_model()
        now.add(*self.roots)
        for leaf in now.leaves:
            if leaf.grad is not None and id(leaf.tensor) not in self.model.seen:
                leaf.tensor.grad = None

    def restore(self) -> None:
        """Put everything back, once, at the end; all is tried even if a part fails, and the first failure is raised."""
        try:
            with outside_modes():
                put_back(self._everything())
            put_back(self.ambient)
        finally:
            for picture in (self.model, self.gradients, self.inputs):
                picture.let_go()

    def _everything(self) -> Iterator[Callable[[], None]]:
        yield from self.sharding.restore()
        first_steps = list(first_steps_of(modules_of(self.roots)))
        for picture in (self.model, self.gradients, self.inputs):
            yield from picture.restore()
        yield from first_steps
        yield from self.guard.restore()


def put_back(undo: Iterable[Callable[[], None]]) -> None:
    """Call each of *undo*, also after one that fails; the first failure is raised."""
    failures: list[BaseException] = []
    for each in undo:
        try:
            each()
        except BaseException as error:  # noqa: BLE001 -- the remaining parts must still be put back, also on Ctrl-C
            failures.append(error)
    if failures:
        raise failures[0]


def modules_of(roots: Iterable[Any]) -> Iterator[nn.Module]:
    """The modules among *roots*, and those inside them."""
    seen: set[nn.Module] = set()
    for root in roots:
        if isinstance(root, nn.Module):
            yield from (module for _, module in root.named_modules(seen))
