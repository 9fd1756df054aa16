"""What modules were built with: the sizes and options that a graph has no need of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Settings: TypeAlias = Mapping[str, Mapping[str, Any]]
"""The settings of each module, by its path."""
PLAIN = (bool, int, float, str)


def settings_of(model: Any) -> Settings:
    """What the modules of *model* call their constants (``stride``, ``padding``, ``eps``), where they are plain."""
    modules = model.named_modules() if hasattr(model, "named_modules") else ()
    return {path: found for path, module in modules if (found := constants_of(module))}


def constants_of(module: Any) -> dict[str, Any]:
    """The plain constants of one module."""
    values = {name: getattr(module, name, None) for name in getattr(module, "__constants__", ())}
    return {name: value for name, value in values.items() if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    return all(map(_is_plain, value)) if isinstance(value, tuple) else isinstance(value, PLAIN)
