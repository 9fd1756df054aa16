"""What differs between two items that correspond, property by property."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pytest_torchgraph.canonical.program import Argument, Operand, Outcome, Reading, Semantic, Work
from pytest_torchgraph.diff.change import Field, FieldKind, Shown, Value
from pytest_torchgraph.diff.keys import argument_key, out_of_place
from pytest_torchgraph.diff.matching import Matching
from pytest_torchgraph.diff.nested import nested_differences
from pytest_torchgraph.diff.showing import shown, whole_value
from pytest_torchgraph.diff.signature import named_arguments, signature_of
from pytest_torchgraph.diff.spelling import (
    COMMUTE,
    broadcasts_alike,
    differ_in_front,
    is_same_overload,
    is_same_range,
    is_same_reduction,
    meaning,
    means_the_same,
)
from pytest_torchgraph.diff.tree import Body, Own, Read, read_spec
from pytest_torchgraph.recorded.operation import Word, packet_of
from pytest_torchgraph.recorded.tensor import Geometry, TensorSpec

ABSENT = Word("nothing")
FACTORS = ("self", "other")


class FieldComparison:
    """Compares the properties of corresponding items of two bodies."""

    def __init__(self, matching: Matching, before: Body, after: Body) -> None:
        self.matching = matching
        self.before = before
        self.after = after
        self.is_call = False
        self.broadcasts = False

    def fields(self, before: Work | Semantic, after: Work | Semantic) -> tuple[Field, ...]:
        """Every property that differs; renumbered references and rewiring around insertions are none."""
        if is_same_range(before, after) or is_same_reduction(before, after, (self._spec_before, self._spec_after)):
            return (Field("spelling", "overload", before.name, after.name),)
        if is_same_overload(before, after):
            name = Field("spelling", "overload", before.name, after.name)
            return (name, *(field for field in self._arguments(before, after) if field.kind != "spelling"))
        self.is_call = isinstance(after, Semantic)
        self.broadcasts = broadcasts_alike(before, after)
        found: list[Field] = []
        if before.name != after.name:
            found.append(Field("name", "operation", before.name, after.name))
        found.extend(self._arguments(before, after))
        found.extend(wait_fields(before, after))
        if isinstance(before, Work) and isinstance(after, Work) and not _only_in_place(before, after):
            found.extend(self._outcomes(before.outcomes, after.outcomes))
        return tuple(found)

    def _arguments(self, before: Work | Semantic, after: Work | Semantic) -> Iterator[Field]:
        """What was given where, a default counting as given where only the other side wrote the argument."""
        left, right = named_arguments(before), named_arguments(after)
        if before.name != after.name:
            left = _named_as(right, left)
        usual = signature_of(before).defaults, signature_of(after).defaults
        order = signature_of(after).order
        for name in dict.fromkeys([*(name for name in order if name in left or name in right), *left, *right]):
            given = left.get(name, usual[0].get(name, ABSENT)), right.get(name, usual[1].get(name, ABSENT))
            if ABSENT not in given:
                if before.name == after.name and self._is_spelling((before, after), name, (left, right), given):
                    yield Field("spelling", name, *self._both(*given))
                else:
                    yield from self._argument(name, *given)
            elif not _is_usual(name, left, usual[0]) and not _is_usual(name, right, usual[1]):
                yield Field("argument", name, *self._both(*given))

    def _is_spelling(
        self,
        items: tuple[Work | Semantic, Work | Semantic],
        name: str,
        arguments: tuple[Mapping[str, Argument], Mapping[str, Argument]],
        given: tuple[Argument, Argument],
    ) -> bool:
        """Whether an argument differs, and means the same."""
        if name in FACTORS and items[0].name in COMMUTE and self._are_exchanged(*arguments):
            return True
        if isinstance(given[0], Operand) or argument_key(given[0]) == argument_key(given[1]):
            return False
        meant = (
            meaning(items[0], name, arguments[0], given[0], self._spec_before),
            meaning(items[1], name, arguments[1], given[1], self._spec_after),
        )
        return means_the_same(*meant)

    def _are_exchanged(self, before: Mapping[str, Argument], after: Mapping[str, Argument]) -> bool:
        """Whether the two operands of a call changed places, and nothing else did."""
        left = [one for one in map(before.get, FACTORS) if isinstance(one, Operand)]
        right = [one for one in map(after.get, reversed(FACTORS)) if isinstance(one, Operand)]
        if {*before, *after} != {*FACTORS} or len(left) != len(FACTORS) or len(right) != len(FACTORS):
            return False
        reads = [(self.before.read(one), self.after.read(other)) for one, other in zip(left, right, strict=True)]
        return all(self.matching.same_read(*pair) for pair in reads)

    def _spec_before(self, operand: Operand) -> TensorSpec | None:
        tree = self.matching.before.tree
        return read_spec(tree, self.before.read(operand))

    def _spec_after(self, operand: Operand) -> TensorSpec | None:
        tree = self.matching.after.tree
        return read_spec(tree, self.after.read(operand))

    def _argument(self, name: str, before: Argument, after: Argument) -> Iterator[Field]:
        if isinstance(before, Operand) and isinstance(after, Operand):
            yield from self._operand(name, before, after)
        elif isinstance(before, tuple) and isinstance(after, tuple) and len(before) == len(after):
            if _holds_operands(before) or _holds_operands(after):
                for position, (left, right) in enumerate(zip(before, after, strict=True)):
                    yield from self._argument(f"{name}[{position}]", left, right)
            elif argument_key(before) != argument_key(after):
                yield from list_fields(name, before, after) or [Field("argument", name, *self._both(before, after))]
        elif argument_key(before) != argument_key(after) or isinstance(before, Operand) or isinstance(after, Operand):
            # Backward formulas are told the dtype that the forward pass read: it is that of another operation.
            yield Field("dtype" if name == "input_dtype" else "argument", name, *self._both(before, after))

    def _both(self, before: Argument, after: Argument) -> tuple[Shown, Shown]:
        trees = self.matching.before.tree, self.matching.after.tree
        return shown(trees[0], self.before, before), shown(trees[1], self.after, after)

    def _operand(self, name: str, before: Operand, after: Operand) -> Iterator[Field]:
        left = self.before.read(before)
        right = self.after.read(after)
        if not self.matching.same_value(left.definition, right.definition):
            if not self.matching.is_consequence(left.definition, right.definition):
                leaves = isinstance(left.definition, Own) and isinstance(right.definition, Own)
                yield Field("leaf" if leaves else "operand", name, *self._both(before, after))
            elif self.is_call:
                yield from self._dtype(name, left, right)
        elif not self.matching.reads_as(left, right):
            if self.broadcasts and self._is_same_broadcast(left, right):
                if before.reading != after.reading:
                    yield Field("spelling", name, *self._both(before, after))
                return
            if self._is_other_part(left, right):
                yield Field("part", name, *self._parts(before, after))
                return
            found = list(self._geometry(name, left, right))
            only = found and all(field.kind == "geometry" for field in found)
            is_told = only and before.reading != after.reading
            yield from [Field("geometry", name, *self._both(before, after))] if is_told else found

    def _is_other_part(self, before: Read, after: Read) -> bool:
        """Whether other elements are read of a value that is made as before."""
        trees = self.matching.before.tree, self.matching.after.tree
        made = trees[0].spec_of(before.definition)
        if made is None or made.geometry is None or made != trees[1].spec_of(after.definition):
            return False
        row = replace(made.geometry, offset=0)
        parts = [_elements(tree.whole(read), row) for tree, read in zip(trees, (before, after), strict=True)]
        return None not in parts and parts[0] != parts[1]

    def _parts(self, before: Operand, after: Operand) -> tuple[Shown, Shown]:
        """The two operands as they are read here; from where the value is made, where they differ outside alone."""
        if before.reading != after.reading:
            return self._both(before, after)
        trees = self.matching.before.tree, self.matching.after.tree
        return whole_value(trees[0], self.before, before), whole_value(trees[1], self.after, after)

    def _is_same_broadcast(self, before: Read, after: Read) -> bool:
        """Whether one operand has dimensions of size 1 in front that the other lacks, which broadcasting adds."""
        left, right = read_spec(self.matching.before.tree, before), read_spec(self.matching.after.tree, after)
        return left is not None and right is not None and left.shape != right.shape and differ_in_front(left, right)

    def _dtype(self, name: str, before: Read, after: Read) -> Iterator[Field]:
        """The dtype of what an API call is given: no result of its own would tell it."""
        left, right = read_spec(self.matching.before.tree, before), read_spec(self.matching.after.tree, after)
        if left and right and left.dtype != right.dtype:
            yield Field("dtype", f"dtype of {name}", left.dtype, right.dtype)

    def _geometry(self, name: str, before: Read, after: Read) -> Iterator[Field]:
        left = read_spec(self.matching.before.tree, before)
        right = read_spec(self.matching.after.tree, after)
        if left is None or right is None:
            yield Field("geometry", f"geometry of {name}", _geometry_of(before), _geometry_of(after))
            return
        for field in spec_fields(left, right, f" of {name}"):
            is_spec = field.kind in ("dtype", "shape")
            yield field if is_spec else Field("geometry", field.name, field.before, field.after)

    def _outcomes(self, before: tuple[Outcome, ...], after: tuple[Outcome, ...]) -> Iterator[Field]:
        if len(before) != len(after):
            yield Field("result", "number of results", len(before), len(after))
            return
        for position, (left, right) in enumerate(zip(before, after, strict=True)):
            yield from self._outcome("" if len(before) == 1 else f" of result {position}", left, right)

    def _outcome(self, of: str, before: Outcome, after: Outcome) -> Iterator[Field]:
        if isinstance(before, TensorSpec) and isinstance(after, TensorSpec):
            yield from spec_fields(before, after, of)
        elif isinstance(before, Operand) and isinstance(after, Operand):
            yield from self._operand(f"result{of.removeprefix(' of result')}", before, after)
        elif isinstance(before, tuple) and isinstance(after, tuple) and len(before) == len(after):
            for position, (left, right) in enumerate(zip(before, after, strict=True)):
                yield from self._outcome(f"{of or ' of result'}[{position}]", left, right)
        elif outcome_key(before) != outcome_key(after) or isinstance(before, Operand) or isinstance(after, Operand):
            yield Field(
                "result",
                f"result{of.removeprefix(' of result')}",
                self._result(before),
                self._result(after, of_after=True),
            )

    def _result(self, outcome: Outcome, *, of_after: bool = False) -> Shown:
        if isinstance(outcome, Operand):
            if of_after:
                return shown(self.matching.after.tree, self.after, outcome)
            return shown(self.matching.before.tree, self.before, outcome)
        if isinstance(outcome, tuple):
            return tuple(self._result(each, of_after=of_after) for each in outcome)
        return outcome


def _elements(readings: tuple[Reading, ...], made: Geometry) -> object:
    """Which elements *readings* read of a value that lies as *made*; nothing where they read other types."""
    if any(reading.dtype for reading in readings) or len(readings) > 1:
        return None
    geometry = readings[0].geometry if readings else None
    return (geometry or made).elements


def is_shifted(field: Field) -> bool:
    """Whether as many other elements of the same value are read in the same sizes."""
    before, after = field.before, field.after
    if field.kind != "part" or not isinstance(before, Value) or not isinstance(after, Value):
        return False
    return before.spec is not None and after.spec is not None and before.spec.shape == after.spec.shape


def wait_fields(before: Work | Semantic, after: Work | Semantic) -> Iterator[Field]:
    """Whether the host waits for the same operation on one side only."""
    if not isinstance(before, Work) or not isinstance(after, Work) or before.name != after.name:
        return
    if before.is_sync != after.is_sync:
        yield Field("wait", "sync", before.is_sync, after.is_sync)


def _named_as(after: Mapping[str, Argument], before: Mapping[str, Argument]) -> dict[str, Argument]:
    """The arguments of another operation under the names of those that stand in their place."""
    names = dict(zip(before, after, strict=False))
    free = {name for name in after if name not in before}
    return {names[name] if names.get(name) in free else name: value for name, value in before.items()}


def _only_in_place(before: Work, after: Work) -> bool:
    """Whether one writes into what the other reads, being the same operation else."""
    left, right = packet_of(before.name), packet_of(after.name)
    return left != right and out_of_place(left) == out_of_place(right)


def _is_usual(name: str, given: Mapping[str, Argument], defaults: Mapping[str, Argument]) -> bool:
    """Whether an argument, if it was given at all, is its default."""
    return name in given and name in defaults and argument_key(given[name]) == argument_key(defaults[name])


def outcome_key(outcome: Outcome) -> object:
    """Equal exactly for outcomes that are written alike."""
    if isinstance(outcome, TensorSpec):
        return outcome
    if isinstance(outcome, tuple):
        return tuple(map(outcome_key, outcome))
    return argument_key(outcome)


def spec_fields(before: TensorSpec, after: TensorSpec, of: str = "") -> Iterator[Field]:
    """What differs between two tensors; strides only where the shape is the same, invisible ones not at all."""
    pairs: tuple[tuple[FieldKind, Shown, Shown], ...] = (
        ("dtype", before.dtype, after.dtype),
        ("shape", before.shape, after.shape),
        ("device", before.device, after.device),
        ("layout", before.layout, after.layout),
        ("layout", before.conj, after.conj),
        ("layout", before.neg, after.neg),
    )
    for kind, left, right in pairs:
        if left != right:
            yield Field(kind, f"{kind}{of}", left, right)
    if before.shape == after.shape and before.geometry != after.geometry:
        left_geometry, right_geometry = _visible(before), _visible(after)
        if left_geometry != right_geometry:
            yield _stride_field(left_geometry, right_geometry, of)


def _visible(spec: TensorSpec) -> Geometry | None:
    return spec.geometry.normalised() if spec.geometry else None


def _stride_field(before: Geometry | None, after: Geometry | None, of: str) -> Field:
    if before and after and before.stride == after.stride:
        return Field("stride", f"offset{of}", before.offset, after.offset)
    return Field("stride", f"stride{of}", before.stride if before else None, after.stride if after else None)


def _geometry_of(read: Read) -> Shown:
    return read.readings[0].geometry if read.readings else None


def _holds_operands(arguments: tuple[Argument, ...]) -> bool:
    return any(isinstance(each, Operand) or (isinstance(each, tuple) and _holds_operands(each)) for each in arguments)


FEW = 3
"""Entries of a list that are told one by one."""


def list_fields(name: str, before: tuple[Argument, ...], after: tuple[Argument, ...]) -> list[Field]:
    """One field for each entry that differs: ``normalized_shape[0]``.

    Empty where the lists are better told whole: when more than a few entries differ, or they are not of one shape.
    """
    found = nested_differences(before, after)
    if any(each.way != "changed" for each in found) or not 0 < len(found) <= FEW:
        return []
    told = [(each.path, each.before, each.after) for each in found]
    return [Field("argument", name + "".join(f"[{index}]" for index in path), one, other) for path, one, other in told]
