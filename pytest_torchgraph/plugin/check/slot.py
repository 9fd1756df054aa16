"""Which snapshot a check is about: the name within its test, and where the file lies."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import pytest

from pytest_torchgraph.plugin.check.command import command
from pytest_torchgraph.plugin.check.ranks import slot_of
from pytest_torchgraph.plugin.location import Address, address, is_text, label
from pytest_torchgraph.plugin.session import events
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_torchgraph.plugin.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One snapshot of one test: ``base`` is where it lies, ``address`` where the file does that is compared with.

    They differ where that is a variant, the file of one environment.
    """

    item: pytest.Item
    settings: Settings
    name: str
    base: Address
    address: Address
    is_variant: bool = False

    @property
    def where(self) -> tuple[pytest.Item, Address]:
        """The test, and the file."""
        return self.item, self.address

    def at(self, address: Address) -> Slot:
        """The same slot with another file."""
        return replace(self, address=address, is_variant=address != self.base)

    def command(self, option: str) -> str:
        """The command that runs the test with *option*."""
        return command(self.base.test, self.item.config, option)

    @property
    def accept(self) -> str:
        """The command that records this snapshot."""
        return self.command("--torchgraph-update")

    @property
    def accept_at_once(self) -> str:
        """The command that takes what waits for review in the place of this snapshot, from where pytest was started."""
        return shlex.join(["torchgraph", "accept", label(self.address.path, self.item.config.invocation_params.dir)])


def claimed(item: pytest.Item, settings: Settings, names: Collection[str], name: str | None) -> Slot:
    """The slot *name* of *item*, or the one after *names*; fails when another check already has its file.

    A test of hypothesis runs its checks once for each example, so there an unnamed check is always the same.
    """
    __tracebackhide__ = True
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name={name!r}: the name of a snapshot is text, not {type(name).__name__}.")
    if name is not None and not name:
        raise ValueError("name='' names no snapshot: leave name out, or give a word.")
    if name is not None and not is_text(name):
        raise ValueError(f"name={name!r} names no snapshot: it holds half a character, which no file can be named by.")
    unnamed = 0 if has_examples(item) else sum(slot == "" or slot.isdigit() for slot in names)
    chosen = name if name is not None else ("" if not unnamed else str(unnamed + 1))
    others = {slot.casefold() for slot in names if slot != chosen}
    base = address(item, slot_of(chosen))
    claims = item.config.stash[events.LEDGER].claims
    holder = claims.setdefault(base.path.with_name(base.path.name.casefold()), (base.test, chosen))
    if holder[0] != base.test or chosen.casefold() in others:
        who = "an earlier check of this test" if holder[0] == base.test else holder[0]
        fail_for_name(base, f"already belongs to {who} (name={holder[1]!r}).", chosen)
    events.note(item, base, "claimed")
    return Slot(item=item, settings=settings, name=chosen, base=base, address=base)


def has_examples(item: pytest.Item) -> bool:
    """Whether hypothesis runs the body of *item* again and again."""
    return bool(getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


def fail_for_name(base: Address, why: str, chosen: str, advice: str = "") -> NoReturn:
    """Fail for a name that two checks of different graphs have."""
    __tracebackhide__ = True
    name = f"{chosen or 'first'}-2"
    pytest.fail(
        f"torchgraph: two snapshots with one name in {base.test}\n"
        f"  {base.label} {why}\n"
        f"  Give each check of a test its own name: torch_graph.check(..., name={name!r}){advice}.",
        pytrace=False,
    )
