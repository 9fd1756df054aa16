"""The table of argument names as the installed PyTorch would have it; run as a module, it writes the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from pytest_torchgraph.diff import signature


def table() -> str:
    """One line for each operation of ``aten`` that takes or gives a tensor and writes into no ``out`` argument."""
    schemas: list[Any] = torch._C._jit_get_all_schemas()
    lines = {_line(schema) for schema in schemas if schema.name.startswith("aten::") and _is_told(schema)}
    return "".join(f"{line}\n" for line in sorted(lines))


def _is_told(schema: Any) -> bool:
    values = (*schema.arguments, *schema.returns)
    has_tensor = any("Tensor" in str(value.type) for value in values)
    return has_tensor and bool(schema.arguments) and not any(argument.is_out for argument in schema.arguments)


def _line(schema: Any) -> str:
    name = f"{schema.name.removeprefix('aten::')}.{schema.overload_name or 'default'}"
    return " ".join([name, *map(_argument, schema.arguments)])


def _argument(argument: Any) -> str:
    if not argument.has_default_value():
        return str(argument.name)
    return f"{argument.name}={repr(argument.default_value).replace(' ', '')}"


if __name__ == "__main__":
    Path(signature.TABLE).write_text(table(), encoding="utf-8")
