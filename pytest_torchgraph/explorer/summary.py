"""What a model is and holds, as records and plain values."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from pytest_torchgraph.explorer.config import ModuleInfo
from pytest_torchgraph.explorer.model import require_module, shape_of
from pytest_torchgraph.explorer.stats import get_forward_stats
from pytest_torchgraph.words.nearest import nearest

AT_ONCE = 100
"""Modules that are looked at before others have their turn."""


def analyze_memory_usage(model: Any) -> dict[str, int]:
    """Bytes of each parameter, by name; one that two modules share has the name that comes first."""
    require_module(model)
    return {name: parameter.element_size() * parameter.numel() for name, parameter in model.named_parameters()}


def get_parameter_statistics(model: Any) -> dict[str, int]:
    """``total_params``, ``trainable_params``, ``non_trainable_params``, and ``memory_usage`` in bytes.

    A parameter that two modules share counts once.
    """
    require_module(model)
    total = trained = size = 0
    for parameter in model.parameters():
        count = parameter.numel()
        total += count
        trained += count if parameter.requires_grad else 0
        size += count * parameter.element_size()
    return {
        "total_params": total,
        "trainable_params": trained,
        "non_trainable_params": total - trained,
        "memory_usage": size,
    }


def analyze_module(name: str, module: Any, timing_stats: dict[str, float] | None = None) -> ModuleInfo:
    """What is known of *module*, which stands at *name*; what a lazy module does not hold yet counts nothing."""
    own = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
    parameters = [one for one in module.parameters() if shape_of(one) is not None]
    held = [*parameters, *(one for one in module.buffers() if shape_of(one) is not None)]
    return ModuleInfo(
        name=name,
        module_type=type(module).__name__,
        parameter_count=sum(one.numel() for one in parameters),
        shapes={key: shape for key, tensor in own if (shape := shape_of(tensor)) is not None},
        timing_stats=timing_stats,
        memory_usage=sum(one.numel() * one.element_size() for one in held),
    )


def analyze_module_detailed(module: Any) -> ModuleInfo:
    """What is known of *module* by itself: its name is its class, and its times are those recorded of it."""
    require_module(module)
    return analyze_module(type(module).__name__, module, get_forward_stats(module).get(""))


def get_module_by_path(model: Any, path: str) -> Any:
    """The module at *path* (``layers.0.attn``), *model* itself for ``""``; raises ``LookupError`` with what is near."""
    require_module(model)
    try:
        return model.get_submodule(path)
    except AttributeError:
        known = [name for name, _ in model.named_modules(remove_duplicate=False) if name]
        raise LookupError(f"{type(model).__name__} has no module {path!r}{nearest(path, known)}") from None


def lazy_parameter_analysis(model: Any) -> Callable[[str], ModuleInfo]:
    """A function that tells of the module at a path, and looks at it only then."""
    require_module(model)

    def get_module_info(module_path: str) -> ModuleInfo:
        module = get_module_by_path(model, module_path)
        return analyze_module(module_path, module, get_forward_stats(model).get(module_path))

    return get_module_info


def infos_of(model: Any) -> Iterator[ModuleInfo]:
    """Every module of *model*, the model itself first."""
    require_module(model)
    stats = get_forward_stats(model)
    for name, module in model.named_modules():
        yield analyze_module(name, module, stats.get(name))


async def analyze_model_async(model: Any) -> list[ModuleInfo]:
    """Every module of *model*; others have their turn after every hundred, and may cancel."""
    found: list[ModuleInfo] = []
    for number, module in enumerate(infos_of(model)):
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)
        found.append(module)
    return found
