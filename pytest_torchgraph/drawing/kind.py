"""What kind of work an operation does: seven families that a reader tells by colour."""

from __future__ import annotations

import re

from pytest_torchgraph.recorded.kinds import is_in
from pytest_torchgraph.recorded.operation import Operation

MATMUL, ATTENTION, NORM, ACTIVATION, REDUCTION, MOVEMENT, POINTWISE = KINDS = (
    "matmul, convolution",
    "attention",
    "normalisation",
    "activation",
    "reduction, loss",
    "data movement",
    "elementwise and other",
)

PATTERNS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (ATTENTION, r"attention|sdp"),
        (MATMUL, r"conv|linear|lstm|gru|rnn|einsum"),
        (NORM, r"norm"),
        (ACTIVATION, r"relu|gelu|silu|softmax|sigmoid|tanh|softplus|mish|hardswish|glu|elu|threshold"),
        (
            REDUCTION,
            r"^(sum|mean|amax|amin|max|min|argmax|argmin|prod|var|std|any|all|logsumexp|topk|sort)\b|loss|pool",
        ),
        (
            MOVEMENT,
            (
                r"^(?:_to_|cat|stack|index|gather|scatter|embedding|pad|constant_pad|roll|repeat|masked|slice|select|split"
                r"|copy|clone|fill|zero|new_|empty|full|ones|arange|nonzero|flip|_foreach_copy|unfold|where|tri[lu])"
            ),
        ),
    )
)


def kind_of(operation: Operation) -> str:
    """The family of *operation*, by its name."""
    if is_in("matmuls", operation):
        return MATMUL
    if is_in("copies", operation) or is_in("casts", operation):
        return MOVEMENT
    name = short(operation.packet)
    return next((kind for kind, pattern in PATTERNS if pattern.search(name)), POINTWISE)


def short(packet: str) -> str:
    """``mm`` for ``aten.mm``; other namespaces stay."""
    return packet.removeprefix("aten.")
