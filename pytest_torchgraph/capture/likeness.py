"""Whether one stretch of a log is another one with other numbers, value by value."""

from __future__ import annotations

from typing import Any

import torch

from pytest_torchgraph.capture.tensor import FirstSight, Raw
from pytest_torchgraph.recorded.operation import Group

EXACT = frozenset({type(None), bool, int, str, torch.dtype, torch.layout, torch.memory_format, torch.device, Group})
NOTHING: Any = object()
SPELLED = (float, complex)
"""Equal only when they are spelled alike: ``0.0`` is not ``-0.0``, ``nan`` is ``nan``."""


class Likeness:
    """Two stretches of one log; ``told`` says which storage of the second answers to which of the first."""

    def __init__(self) -> None:
        self.told: dict[int, int] = {}
        self._back: dict[int, int] = {}
        self._readings: dict[int, Raw] = {}

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
        if kind is float and one == other != 0.0:
            return True
        return kind in SPELLED and repr(one) == repr(other)

    def all_same(self, one: Any, other: Any) -> bool:
        """Whether two lists of values are so."""
        if len(one) != len(other):
            return False
        readings = self._readings
        for value, like in zip(one, other, strict=True):
            if readings.get(id(value), NOTHING) is not like and not self.same(value, like):
                return False
        return True

    def _same_reading(self, one: Raw, other: Raw) -> bool:
        if one[2] != other[2] or not self._answers(one[1], other[1]):
            return False
        self._readings[id(one)] = other  # the run keeps every reading, so an `id` stays its own
        return True

    def _answers(self, one: int, other: int) -> bool:
        return self.told.setdefault(one, other) == other and self._back.setdefault(other, one) == one


def same_first_reading(sight: FirstSight, like: FirstSight) -> bool:
    """Whether two storages were first seen through like tensors."""
    return sight.raw is like.raw or (sight.raw is not None and like.raw is not None and sight.raw[2] == like.raw[2])
