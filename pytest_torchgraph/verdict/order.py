"""Limits on how an amount grows: ``"O(batch*sequence)"``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pytest_torchgraph.analysis.scaling import Growth, Scaling, order_text
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.verdict.finding import Finding
from pytest_torchgraph.words.nearest import nearest

FORMS = '"O(1)", "O(batch)", "O(batch*sequence^2)", "O(batch*sequence + sequence^2)"'
NEARLY = 0.1
"""How far an exponent that no formula tells may lie above the limit: it is taken from two sizes."""
_ORDER = re.compile(r"O\((.+)\)")
_FACTOR = re.compile(r"([A-Za-z_]\w*)\s*(?:(?:\^|\*\*)\s*(\d+))?")


class OrderUnreadable(ValueError):
    """A limit on growth in no accepted form; the message shows what was given and what is accepted."""


@dataclass(frozen=True, slots=True)
class Order:
    """What an amount may grow by: each of its terms by one of these, the powers of the sizes in their order."""

    text: str
    terms: tuple[tuple[int, ...], ...]

    def allows(self, growth: Growth) -> bool:
        """Whether *growth* is of this order, or of a lower one."""
        room = 0.0 if growth.pieces else NEARLY
        return all(
            any(all(one <= most + room for one, most in zip(powers, term, strict=True)) for term in self.terms)
            for powers in growth.leading
        )


def parse_order(value: object, names: Sequence[str]) -> Order:
    """The order written as *value* over the sizes *names*; raises :class:`OrderUnreadable`."""
    match = _ORDER.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise OrderUnreadable(f"limit {value!r}: how an amount grows is limited by an order. Accepted forms: {FORMS}.")
    return Order(str(value).strip(), tuple(_term(part, names, value) for part in match[1].split("+")))


def _term(text: str, names: Sequence[str], value: object) -> tuple[int, ...]:
    powers: Counter[str] = Counter()
    for part in re.split(r"(?<!\*)\*(?!\*)", text):
        if part.strip() == "1":
            continue
        match = _FACTOR.fullmatch(part.strip())
        if match is None:
            raise OrderUnreadable(f"limit {value!r} is not understood at {part.strip()!r}. Accepted forms: {FORMS}.")
        if match[1] not in names:
            raise OrderUnreadable(
                f"limit {value!r}: {match[1]!r} is no size of this call{nearest(match[1], names)} "
                f"Sizes: {', '.join(names)}."
            )
        powers[match[1]] += int(match[2] or 1)
    return tuple(powers[name] for name in names)


def check_orders(scaling: Scaling, budget: Mapping[str, object]) -> list[Finding]:
    """The limits of *budget* that *scaling* does not keep, each with the modules that grow faster.

    Raises :class:`OrderUnreadable` for a key that is not measured and for a limit that is no order.
    """
    return [finding for key, value in budget.items() if (finding := _broken(scaling, key, value)) is not None]


def _broken(scaling: Scaling, key: str, value: object) -> Finding | None:
    metrics = dict(scaling.growths)
    if key not in metrics:
        raise OrderUnreadable(
            f"budget {key!r}: there is no such key{nearest(str(key), tuple(metrics))} "
            f"Keys of a growth: {', '.join(metrics)}."
        )
    order = parse_order(value, scaling.names)
    if order.allows(metrics[key]):
        return None
    title = f"{key} grows {order_text(scaling.names, metrics[key])}, budget {order.text}"
    return Finding(
        kind="budget", severity="fail", title=title, details=tuple(_faster(scaling, key, order)), direction="more"
    )


def _faster(scaling: Scaling, key: str, order: Order) -> Iterator[str]:
    for module in scaling.modules:
        growth = dict(module.growths).get(key)
        if growth is not None and not order.allows(growth):
            yield f"{module.path or 'the model'}: {order_text(scaling.names, growth)}"
