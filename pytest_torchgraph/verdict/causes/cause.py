"""The names of causes, as reports and JSON show them: what each means, what it is called the other way round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

from pytest_torchgraph.quick import dataclass

Tone: TypeAlias = Literal["loss", "win", "other"]


@dataclass(frozen=True, slots=True)
class Cause:
    """A likely cause: a stable name from ``CAUSES``, and one line that says what to look for."""

    name: str
    hint: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a cause says; ``mirrors`` may be the causes of the reverse edit, ``tone`` is whether it costs or saves."""

    name: str
    text: str
    mirrors: tuple[str, ...]
    tone: Tone = "other"


def _loss_and_win(loss: str, costs: str, win: str, saves: str) -> Iterator[Meaning]:
    yield Meaning(loss, costs, (win,), "loss")
    yield Meaning(win, saves, (loss,), "win")


def _both_ways(one: str, text: str, other: str, reverse: str) -> Iterator[Meaning]:
    yield Meaning(one, text, (other,))
    yield Meaning(other, reverse, (one,))


def _either_way(name: str, text: str) -> Iterator[Meaning]:
    yield Meaning(name, text, (name,))


MEANINGS: Mapping[str, Meaning] = {
    meaning.name: meaning
    for meanings in (
        _either_way("attention-path", "an attention call has another mask, causality, dropout, scale or grouping"),
        _loss_and_win(
            "attention-unfused",
            "attention is computed by separate operations instead of one call",
            "attention-fused",
            "separate operations became one attention call",
        ),
        _loss_and_win(
            "mask-materialised",
            "a mask or another query x key tensor is written to memory",
            "mask-removed",
            "a mask or another query x key tensor is written no longer",
        ),
        _either_way("mask-rebuilt", "a mask is made by other operations"),
        _loss_and_win(
            "repeated-keys",
            "keys and values are repeated in memory for the heads that share them",
            "keys-shared",
            "keys and values are repeated no longer",
        ),
        _loss_and_win(
            "extra-copy",
            "the same values are written to other memory",
            "copy-removed",
            "a copy is made no longer",
        ),
        _loss_and_win(
            "expanded-before",
            "work is done on an expanded tensor, so on each of its copies",
            "expanded-after",
            "work on a tensor is done before that is expanded",
        ),
        _either_way("copied-elsewhere", "as many copies are made as before, of other values or views"),
        _loss_and_win(
            "moved-each-call",
            "a parameter or buffer is copied or cast in each call",
            "moved-once",
            "a parameter or buffer is copied or cast in each call no longer",
        ),
        (
            Meaning("upcast", "values are held or computed in a wider type", ("upcast-removed", "downcast"), "loss"),
            Meaning("upcast-removed", "values are widened no longer", ("upcast",), "win"),
            Meaning("downcast", "values are held or computed in a narrower type", ("downcast-removed", "upcast")),
            Meaning("downcast-removed", "values are narrowed no longer", ("downcast",)),
        ),
        _either_way("cast-moved", "casts of the same kind are made of other values, or in another module"),
        _both_ways(
            "output-uncast",
            "an output is handed out before a cast that is made as before",
            "output-cast",
            "an output is handed out behind a cast that was made before, too",
        ),
        _loss_and_win(
            "unfused",
            "one operation became several that do the same",
            "fused",
            "several operations became one that does the same",
        ),
        _both_ways(
            "bias-apart",
            "a linear layer adds its bias after the product, because its input lies in memory otherwise than before",
            "bias-within",
            "a linear layer adds its bias within the product, because its input lies in memory otherwise than before",
        ),
        _loss_and_win(
            "looped",
            "work is done for one part after the other, which was done once for all",
            "batched",
            "work is done once for all parts, which was done for one after the other",
        ),
        _loss_and_win(
            "operand-copied",
            "autograd copies what another operation in place writes over",
            "operand-not-copied",
            "autograd copies no longer what another operation in place writes over",
        ),
        _both_ways(
            "bias-added",
            "a layer adds a bias that it did not",
            "bias-removed",
            "a layer adds no bias any more",
        ),
        _both_ways(
            "parameter-applied",
            "a parameter that is new is multiplied in, or added",
            "parameter-not-applied",
            "a parameter that is gone was multiplied in, or added",
        ),
        _loss_and_win(
            "experts-looped",
            "experts run one after the other instead of in one grouped product",
            "experts-grouped",
            "experts run in one grouped product instead of one after the other",
        ),
        _loss_and_win(
            "out-of-place",
            "an operation writes to new memory instead of over what it reads",
            "in-place",
            "an operation writes over what it reads",
        ),
        _loss_and_win(
            "host-sync",
            "the host reads a value from the device",
            "sync-removed",
            "the host reads a value from the device no longer",
        ),
        _loss_and_win(
            "from-python",
            "an operation reads a constant (a Python number or list) where it read a tensor",
            "from-tensors",
            "an operation reads a tensor where it read a constant (a Python number or list)",
        ),
        _loss_and_win(
            "tensor-for-number",
            "an operation takes a tensor that nothing made where it took a number",
            "number-for-tensor",
            "an operation takes a number where it took a tensor that nothing made",
        ),
        _both_ways(
            "table-computed",
            "a table is computed in each call that was read from a buffer",
            "table-held",
            "a table is read from a buffer that was computed in each call",
        ),
        _loss_and_win(
            "logits-shifted",
            "a loss is given logits without the last position, which are copied, where its labels were padded",
            "labels-shifted",
            "a loss is given padded labels where it was given logits without the last position",
        ),
        _either_way("asked-otherwise", "what only the host reads is computed by other operations"),
        _either_way("outer-product", "an outer product is a product of matrices, or one that broadcasts"),
        _either_way("made-otherwise", "what depends on no input, parameter or buffer is made by other operations"),
        _loss_and_win(
            "looked-up",
            "held values are looked up by index in each call",
            "lookup-removed",
            "held values are looked up by index in each call no longer",
        ),
        _both_ways(
            "positions-computed",
            "positions are told by sines and cosines where learned values told them",
            "positions-learned",
            "positions are told by learned values where sines and cosines told them",
        ),
        _loss_and_win(
            "communication",
            "ranks send values to each other",
            "communication-removed",
            "ranks send values to each other no longer",
        ),
        _loss_and_win(
            "redistribution",
            "ranks send each other a DTensor because it is to be placed otherwise",
            "redistribution-removed",
            "ranks send each other a DTensor no longer to place it otherwise",
        ),
        _loss_and_win(
            "gathered-again",
            "parameters that ranks gather for the forward pass are gathered again in the backward pass",
            "gathered-once",
            "parameters that ranks gather for the forward pass are gathered again in the backward pass no longer",
        ),
        _loss_and_win(
            "unsharded",
            "each rank holds parameters whole of which it held a part",
            "sharded",
            "each rank holds a part of parameters that it held whole",
        ),
        _either_way("reduction", "ranks combine their values by another operation"),
        _either_way("other-ranks", "ranks send values to each other in another group, or from or to another rank"),
        _loss_and_win(
            "repeated-work",
            "the same work is done on the same values more than once",
            "repeat-removed",
            "work that was done more than once is done once, or not at all",
        ),
        _loss_and_win(
            "unused-result",
            "work whose results nothing needs",
            "unused-removed",
            "work whose results nothing needed is done no longer",
        ),
        _both_ways(
            "checkpointing-on",
            "modules run again in the backward pass instead of keeping values for it",
            "checkpointing-off",
            "modules run in the backward pass no longer",
        ),
        _loss_and_win(
            "checkpointing-twice",
            "what is checkpointed is checkpointed once more inside or around it",
            "checkpointing-once",
            "what is checkpointed is no longer checkpointed once more inside or around it",
        ),
        _both_ways(
            "checkpointing-whole",
            "what checkpointing runs again goes to its end, also where nothing needs that",
            "checkpointing-early-stop",
            "what checkpointing runs again stops at the last value that is needed",
        ),
        _both_ways(
            "recomputed",
            "operations run again in the backward pass whose results were kept",
            "kept",
            "results are kept of operations that ran again in the backward pass",
        ),
        _both_ways(
            "gradient-lost",
            "work that is the same in the forward pass is differentiated no longer",
            "gradient-added",
            "work that is the same in the forward pass is now differentiated",
        ),
        _loss_and_win(
            "grad-in-evaluation",
            "an autograd graph is built where none was",
            "grad-off",
            "no autograd graph is built any more",
        ),
        _both_ways(
            "training-mode",
            "the model runs in training mode",
            "evaluation-mode",
            "the model runs in evaluation mode",
        ),
        _either_way("dropout", "dropout came or went, or is done otherwise, in the same mode"),
        _loss_and_win(
            "saved-more",
            "the forward pass keeps more for the backward pass",
            "saved-less",
            "the forward pass keeps less for the backward pass",
        ),
        _loss_and_win(
            "kept-alive",
            "values live longer while the work is the same",
            "released-sooner",
            "values are let go of sooner while the work is the same",
        ),
        _loss_and_win(
            "graph-break",
            "the compiler stops at a line, and Python goes on there",
            "break-removed",
            "the compiler stops no longer at a line at which it did",
        ),
        _loss_and_win(
            "recompiled",
            "a function is compiled again for inputs or attributes that it was not compiled for",
            "recompile-removed",
            "a function is compiled again no longer",
        ),
        _either_way("dynamic-sizes", "other sizes of inputs are symbols in a compiled graph"),
        _either_way("traced-branch", "code goes another way where it is compiled and no value can be looked at"),
        _either_way("decomposed", "a compiled graph holds what an operation of the eager run is made of"),
        _either_way("fused-in-graph", "a compiled graph has fewer operations for what an eager run does"),
        _either_way(
            "computed-again",
            "of an eager and a compiled run, one computes again in the backward pass what the other saves",
        ),
        _either_way("computed-once", "a compiled graph computes once what an eager run computes several times"),
        _either_way(
            "gradient-laid-out", "a compiled backward graph is given a copy of a gradient, which lies as it expects"
        ),
        _either_way("dead-code", "a compiled graph leaves out what nothing needs"),
        _both_ways(
            "unregistered",
            "parameters are read as before and are the model's no longer",
            "registered",
            "parameters that were read before are the model's now",
        ),
        _either_way("state-bytes", "parameters, buffers, gradients or optimizer state take other space"),
        _either_way("other-configuration", "parameters or buffers have other sizes"),
        _either_way("other-dimensions", "parameters or buffers hold as many elements in other dimensions"),
        _either_way("other-sizes", "the inputs have other sizes, and nothing else changed"),
        _either_way("other-inputs", "the inputs are others"),
        _both_ways(
            "module-added",
            "a module is called that was not",
            "module-removed",
            "a module is called no longer, or only returns views now",
        ),
        _either_way("other-module", "another module is called in the place of one"),
        _either_way("other-scale", "a number that values are scaled, shifted or bounded with is another"),
        _either_way("other-norm", "a normalisation became another one"),
        _both_ways(
            "phase-added",
            "the test runs more of a training step than was recorded",
            "phase-removed",
            "the test runs less of a training step than was recorded",
        ),
        _either_way("other-parameters", "backward or optimizer work is done for other parameters"),
        _either_way("other-optimizer", "the optimizer keeps or does something else for each parameter"),
        _either_way("other-weight", "an operation reads another parameter than before"),
        _either_way("other-part", "other elements of the same value are read"),
        _either_way("other-number", "the same number has another type"),
        _either_way("same-argument", "an argument is spelled otherwise and means the same, as a default that is given"),
        _either_way("renamed", "a module, input or parameter has another name"),
        _either_way("shared-module", "modules without parameters are one for several places instead of one for each"),
        _either_way("moved-module", "a module or parameter lies elsewhere in the tree, or work in another module"),
        _either_way("dimensions-swapped", "values have the same sizes in another order"),
        _either_way("other-order", "the same modules are called in another order, on other values"),
        _either_way("reordered", "operations run in another order"),
        _either_way("other-backend", "another kernel runs beneath the same call"),
    )
    for meaning in meanings
}
"""Every cause by name; what stands together is one edit told in both directions."""

OPTIONS: Mapping[tuple[str, str], str] = {
    ("attention-unfused", "transformers"): 'attn_implementation="eager" or output_attentions=True?',
}
"""The options of a library that have a cause, by the cause and the library whose code runs."""

CAUSES: Mapping[str, str] = {name: meaning.text for name, meaning in MEANINGS.items()}


def tone_of(cause: str) -> Tone:
    """Whether *cause* costs or saves something; ``other`` for what does neither, and where no cause is known."""
    return MEANINGS[cause].tone if cause in MEANINGS else "other"
