"""What every file of this folder offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Example:
    """A small model and the inputs it is called with."""

    model: Callable[..., Any]
    args: Any = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
