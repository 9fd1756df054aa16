"""Which parameters a loop is over: ``21 parameters``, ``19 parameters, without a.bias, b.bias``, ``a.bias, b.bias``.

Counted are those that got a gradient in what stands above, in the order of ``graph.ownership.natural``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

from pytest_torchgraph.canonical.cursor import module_path
from pytest_torchgraph.canonical.ownership import natural
from pytest_torchgraph.canonical.paths import absolute
from pytest_torchgraph.canonical.program import Block, Item, Work
from pytest_torchgraph.words.quoting import NAME, QUOTED, name_of, name_text

_NAMES = rf"(?:{NAME}|{QUOTED})(?:, (?:{NAME}|{QUOTED}))*"
_OF = re.compile(
    rf" of (?:(?P<count>\d+) parameters(?:, without (?P<without>{_NAMES}))?|(?P<only>{_NAMES}))(?= -> |$)", re.ASCII
)
_ONE = re.compile(rf"{NAME}|{QUOTED}", re.ASCII)
_GRADIENT = ".grad"


def with_gradients(items: Iterable[Item], around: tuple[str, ...] = ("",)) -> Iterator[str]:
    """The parameters whose gradients *items* make; *around* are the paths of the module calls around them."""
    for item in items:
        if isinstance(item, Block):
            within = module_path(item, around)
            yield from with_gradients(item.items, (within, *around))
        elif isinstance(item, Work):
            for _, name in item.becomes:
                path = absolute(name, around)
                if path.endswith(_GRADIENT):
                    yield path.removesuffix(_GRADIENT)


def parameters_text(parameters: tuple[str, ...], known: AbstractSet[str]) -> str:
    """`` of 21 parameters``; raises ``ValueError`` for parameters that are not in order.

    *known* are those that have gradients above.
    """
    if parameters != _ordered(parameters):
        raise ValueError("the parameters of a loop stand in their order, each once")
    if len(known) < 2 * len(parameters) and known >= set(parameters):
        missing = _ordered(known - set(parameters))
        without = f", without {_names(missing)}" if missing else ""
        return f" of {len(parameters)} parameters{without}"
    return f" of {_names(parameters)}"


def read_parameters(text: str, position: int, known: AbstractSet[str]) -> tuple[tuple[str, ...], int]:
    """The parameters that :func:`parameters_text` wrote, and where the text ends."""
    found = _OF.match(text, position)
    if found is None:
        raise ValueError("the parameters of a loop were expected: ' of 21 parameters'")
    if found["only"]:
        return _ordered(map(name_of, _ONE.findall(found["only"]))), found.end()
    without = {name_of(one) for one in _ONE.findall(found["without"] or "")}
    parameters = _ordered(known - without)
    if len(parameters) != int(found["count"]):
        raise ValueError(f"{len(parameters)} parameters have gradients above this line, not {found['count']}")
    return parameters, found.end()


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names), key=natural))


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(map(name_text, names))
