"""The dispatcher's operators: what each may be called with, and what is registered for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import torch
from torch._decomp import decomposition_table
from torch.utils.flop_counter import flop_registry

from pytest_torchgraph.catalog.entry import Autograd, OperatorEntry, OverloadEntry
from pytest_torchgraph.catalog.vocabulary import COMPOSITE

META_KEYS = ("Meta", "CompositeExplicitAutograd", "CompositeExplicitAutogradNonFunctional", COMPOSITE)
AUTOGRAD_KEYS = ("Autograd", "AutogradCPU", "AutogradCUDA", "AutogradNestedTensor")
FORMULAS = "packaged/autograd/derivatives.yaml"


def collect_operators() -> dict[str, OperatorEntry]:
    """Every operator that is registered with the dispatcher, by full name: ``aten.add``."""
    schemas = {(schema.name, schema.overload_name): schema for schema in torch._C._jit_get_all_schemas()}
    describe = overload_reader(formula_names())
    overloads: dict[str, list[OverloadEntry]] = defaultdict(list)
    for full in sorted(torch._C._dispatch_get_all_op_names()):
        operator, _, overload = full.partition(".")
        schema = schemas.get((operator, overload))
        if schema is not None:
            overloads[operator].append(describe(full, schema))
    return {
        operator.replace("::", "."): OperatorEntry(
            namespace=operator.partition("::")[0], name=operator.partition("::")[2], overloads=tuple(found)
        )
        for operator, found in overloads.items()
    }


def overload_reader(formulas: frozenset[str] | None) -> Callable[[str, Any], OverloadEntry]:
    """A function from a dispatcher name and its schema to the record."""
    decomposed = {str(overload) for overload in decomposition_table}
    counted = {str(packet) for packet in flop_registry}

    def read(full: str, schema: Any) -> OverloadEntry:
        operator, _, overload = full.partition(".")
        packet = operator.replace("::", ".")
        arguments = [argument for argument in schema.arguments if argument.alias_info is not None]
        shared = {name for result in schema.returns if result.alias_info for name in result.alias_info.before_set}
        return OverloadEntry(
            name=overload or "default",
            schema=str(schema),
            aliases=names_of(argument for argument in arguments if shared & set(argument.alias_info.before_set)),
            writes=names_of(argument for argument in arguments if argument.alias_info.is_write),
            tags=tuple(sorted(tag.name for tag in torch._C._get_operation_overload(operator, overload)[2])),
            is_composite=has_kernel(full, (COMPOSITE,)),
            has_decomposition=f"{packet}.{overload or 'default'}" in decomposed,
            has_flop_formula=packet in counted,
            has_meta=has_kernel(full, META_KEYS),
            autograd=autograd_of(full, formulas),
        )

    return read


def names_of(arguments: Iterable[Any]) -> tuple[str, ...]:
    """The names of *arguments*, in their order."""
    return tuple(argument.name for argument in arguments)


def has_kernel(full: str, keys: Iterable[str]) -> bool:
    """Whether something is registered for *full* under one of the dispatch *keys*."""
    return any(torch._C._dispatch_has_kernel_for_dispatch_key(full, key) for key in keys)


def autograd_of(full: str, formulas: frozenset[str] | None) -> Autograd:
    """How *full* is differentiated; *formulas* is ``None`` where PyTorch's formulas cannot be read."""
    if has_kernel(full, (COMPOSITE,)):
        return "by parts"
    if formulas is not None and full.startswith("aten::") and spellings(full) & formulas:
        return "formula"
    if not has_kernel(full, AUTOGRAD_KEYS):
        return "none"
    # PyTorch registers a kernel for every operation of its own, also for those without a formula.
    return "registered" if not full.startswith("aten::") else "unknown" if formulas is None else "none"


def spellings(full: str) -> set[str]:
    """The names under which PyTorch's formulas may hold *full*: an in-place operation has that of the other."""
    operator, dot, overload = full.removeprefix("aten::").partition(".")
    single = operator.removeprefix("_foreach_").removesuffix("_copy")
    stems = {operator, operator.removesuffix("_"), single, single.removesuffix("_")}
    overloads = {dot + overload, "", ".Tensor", ".Scalar"} if operator.startswith("_foreach_") else {dot + overload}
    return {stem + ending for stem in stems for ending in overloads}


@cache
def formula_names() -> frozenset[str] | None:
    """Names with overload that PyTorch's derivatives have a gradient for; ``None`` where they cannot be read."""
    from importlib.util import find_spec
    from pathlib import Path

    from pytest_torchgraph.catalog.autograd import derivatives

    spec = find_spec("torchgen")
    try:
        text = (Path((spec and spec.origin) or "").parent / FORMULAS).read_text(encoding="utf-8")
        return frozenset(formula.schema.partition("(")[0] for formula in derivatives.read(text, FORMULAS))
    except (OSError, ImportError, ValueError):
        return None
