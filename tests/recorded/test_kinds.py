"""What an operation is by its name, held against what PyTorch says and does."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from pytest_torchgraph.recorded.kinds import GROUPS, MASKABLE, MASKS, SYNCS, Doing, names_sync

TAGS = torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape
COMPOSITE = {"aten.argwhere", "aten.item", "aten.one_hot"}
"""Tagged, and never dispatched: what they are made of is."""
UNTAGGED = {
    "aten.is_nonzero",
    "aten._linalg_check_errors",
    "aten._coalesce",
    *(f"aten._to_sparse{layout}" for layout in ("", "_csr", "_csc", "_bsr", "_bsc")),
}
"""Those that read a value on the host, or how many elements are not zero, and have no tag that says so."""


KERNELS = {"aten._index_put_impl", "aten._index_put_impl_"}
"""What ``index_put`` and ``index_put_`` run: not dispatched by themselves."""
OWN_MASK = {"aten._unsafe_masked_index", "aten._unsafe_masked_index_put_accumulate"}
"""Those that take the mask beside indices, and read it on the device."""
CHECKED = pytest.mark.skipif(not torch.__version__.startswith("2.13."), reason="checked against PyTorch 2.13")


def overloads() -> Iterator[Any]:
    """Every overload of ATen."""
    for full in torch._C._dispatch_get_all_op_names():
        name, _, overload = full.removeprefix("aten::").partition(".")
        if full.startswith("aten::"):
            yield getattr(getattr(torch.ops.aten, name), overload or "default")


def packets(choose: Callable[[Any], bool]) -> set[str]:
    """Packets of the overloads that *choose* picks."""
    return {f"aten.{one._schema.name.removeprefix('aten::')}" for one in overloads() if choose(one)}


def is_tagged(overload: Any) -> bool:
    """Whether the results depend on the contents of tensors."""
    return any(tag in overload.tags for tag in TAGS)


def takes_indices(overload: Any) -> bool:
    """Whether a list of indices is taken, of which one may be a mask."""
    return any("Optional[Tensor]]" in str(argument.type) for argument in overload._schema.arguments)


@CHECKED
def test_a_name_says_sync_just_where_pytorch_does_and_of_those_without_a_tag() -> None:
    assert (packets(is_tagged) - COMPOSITE - MASKABLE) | UNTAGGED == SYNCS


@pytest.mark.parametrize("packet", sorted(SYNCS))
def test_a_sync_is_counted_as_one_unless_it_is_marked(packet: str) -> None:
    name = f"{packet}.default"
    assert names_sync(name)
    assert GROUPS["syncs"](Doing(name, None, None))
    assert not GROUPS["syncs"](Doing(name, None, None, wait="no sync"))


@CHECKED
def test_whatever_is_given_indices_may_be_given_a_mask() -> None:
    assert packets(takes_indices) - KERNELS - OWN_MASK == MASKABLE


def test_what_takes_masks_is_a_sync_by_its_mark_alone() -> None:
    for packet in MASKABLE:
        assert not names_sync(f"{packet}.Tensor")
        assert GROUPS["syncs"](Doing(f"{packet}.Tensor", None, None, wait="sync"))


def is_mask(dtype: torch.dtype) -> bool:
    """Whether PyTorch takes an index of *dtype* for a mask: it picks one row of three."""
    index = torch.zeros(3).to(dtype)
    index[1] = 1
    try:
        return torch.ones(3)[index].shape == (1,)
    except (IndexError, RuntimeError, NotImplementedError):
        return False


def test_the_dtypes_of_masks_are_those_that_pytorch_takes_for_one() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dtypes = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float32)
        masks = {str(dtype).removeprefix("torch.") for dtype in dtypes if is_mask(dtype)}
    assert masks == MASKS
