"""Whether one stretch of a log is another one with other numbers, value by value."""

from __future__ import annotations

from typing import Any

import torch

from pytest_torchgraph.capture.operation import Entry
from pytest_torchgraph.capture.tensor import FirstSight, Raw
from pytest_torchgraph.recorded.operation import Group

EXACT = frozenset({type(None), bool, int, str, torch.dtype, torch.layout, torch.memory_format, torch.device, Group})
SPELLED = (float, complex)
"""Equal only when they are spelled alike: ``0.0`` is not ``-0.0``, ``nan`` is ``nan``."""


class Likeness:
    """Two stretches of one log; ``told`` says which storage of the second answers to which of the first."""

    def __init__(self) -> None:
        self.told: dict[int, int] = {}
        self._back: dict[int, int] = {}

    def does_same(self, entry: Entry, like: Entry) -> bool:
        """Whether two operations are one, but for what tells tensors apart."""
        if entry[0] is not like[0] or not (self.all_same(entry[1], like[1]) and self.same(entry[3], like[3])):
            return False
        return entry[2] is like[2] or self.same(entry[2], like[2])

    def same(self, one: Any, other: Any) -> bool:
        """Whether two values are equal, and the tensors in them read storages that answer to each other."""
        kind = type(one)
        if kind is not type(other):
            return False
        if kind is Raw:
            return self._same_reading(one, other)
        if kind is list or kind is tuple:
            return self.all_same(one, other)
        if kind is dict:
            return list(one) == list(other) and all(map(self.same, one.values(), other.values()))
        if kind in EXACT:
            return bool(one == other)
        return kind in SPELLED and ((kind is float and one == other != 0.0) or repr(one) == repr(other))

    def all_same(self, one: Any, other: Any) -> bool:
        """Whether two lists of values are so."""
        if len(one) != len(other):
            return False
        for value, like in zip(one, other, strict=True):
            if type(value) is Raw:
                if type(like) is not Raw or not self._same_reading(value, like):
                    return False
            elif not self.same(value, like):
                return False
        return True

    def _same_reading(self, one: Raw, other: Raw) -> bool:
        """Whether two storages are read alike, and answer to each other and to nothing else."""
        if one[2] is not other[2] and one[2] != other[2]:
            return False
        known = self.told.get(one[1])
        if known is not None:
            return bool(known == other[1])
        self.told[one[1]] = other[1]
        return bool(self._back.setdefault(other[1], one[1]) == one[1])


def same_first_reading(sight: FirstSight, like: FirstSight) -> bool:
    """Whether two storages were first seen through like tensors."""
    return sight.raw is like.raw or (sight.raw is not None and like.raw is not None and sight.raw[2] == like.raw[2])
