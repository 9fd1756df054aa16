"""How a model grows, as the text of a file: one amount a line, then one module a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from pytest_torchgraph.analysis.polynomial import Polynomial
from pytest_torchgraph.analysis.scaling import Growth, Scaling, order_text, powers_text
from pytest_torchgraph.words.quoting import rest_text

HEAD = "torchgraph scaling 1"
NOTHING = "O(1)"


def write_scaling(scaling: Scaling, *, test: str) -> str:
    """The whole text of the file of *scaling* that *test* owns; the same for equal scalings."""
    return "\n".join([HEAD, f"test {rest_text(test)}", *lines_of(scaling), "end", ""])


def lines_of(scaling: Scaling) -> Iterator[str]:
    """What a scaling says, without whose it is."""
    names = scaling.names
    for (name, values), start in zip(scaling.sizes, scaling.start, strict=True):
        since = f", formulas from {start}" if start > 1 else ""
        yield f"size {name} {' '.join(map(str, values))}{since}"
    for metric, growth in scaling.growths:
        yield f"{metric} {order_text(names, growth)}"
        yield from (f"{metric} = {line}" for line in formulas(names, growth))
    for module in scaling.modules:
        grown = [f"{metric} {order_text(names, growth)}" for metric, growth in module.growths if not is_none(growth)]
        yield f"module {rest_text(module.path or 'the model')}: {', '.join(grown) or NOTHING}"


def is_none(growth: Growth) -> bool:
    """Whether there is nothing of an amount at any size."""
    return any(not piece.terms for piece in growth.pieces)


def formulas(names: Sequence[str], growth: Growth) -> list[str]:
    """The formula of an amount: where it is the largest of several, each on a line of its own."""
    if not growth.pieces:
        return ["no polynomial of the sizes"]
    return [formula_text(names, piece) for piece in growth.pieces]


def formula_text(names: Sequence[str], polynomial: Polynomial) -> str:
    """``1228800 + 3400*batch*sequence``, highest powers last."""
    terms = [term_text(names, powers, value) for powers, value in polynomial.terms]
    return " + ".join(terms).replace("+ -", "- ") or "0"


def term_text(names: Sequence[str], powers: Sequence[int], value: Fraction) -> str:
    """``3400*batch*sequence``; a coefficient that is no whole number is a quotient."""
    product = powers_text(names, powers)
    if product == "1":
        return str(value)
    return product if value == 1 else f"{value}*{product}"
