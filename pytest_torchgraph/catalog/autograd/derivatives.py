"""``derivatives.yaml``: the formulas that code generation makes node classes of."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.catalog.autograd.cpp import ParserMissing
from pytest_torchgraph.catalog.autograd.source import Formula

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "tools/autograd/derivatives.yaml"
DEFAULT = "Default"
NO_INPUTS = ("name", "dispatch", "output_differentiability")
INSTALL = "Reading derivative formulas needs PyYAML: pip install 'pytest-torchgraph[catalog]'"


def read(text: str, path: str) -> tuple[Formula, ...]:
    """The entries of the file that have a gradient, in its order; raises :exc:`ValueError` for what is no such file."""
    counts: Counter[str] = Counter()
    return tuple(formula for entry in _entries(text) for formula in _formulas(entry, path, counts))


def _entries(text: str) -> list[Any]:
    try:
        import yaml
    except ImportError as error:
        raise ParserMissing(INSTALL) from error
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root: Any = yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        raise ValueError(f"no YAML{f' in line {where.line + 1}' if where else ''}") from error
    if not isinstance(root, yaml.SequenceNode) or not all(isinstance(entry, yaml.MappingNode) for entry in root.value):
        raise ValueError("no list of derivatives")
    entries: list[Any] = root.value
    return entries


def _formulas(entry: Any, path: str, counts: Counter[str]) -> Iterator[Formula]:
    parts = {key.value: value for key, value in entry.value}
    schema = getattr(parts.get("name"), "value", "")
    if not isinstance(schema, str) or "(" not in schema:
        raise ValueError(f"the entry in line {entry.start_mark.line + 1} names no schema")
    inputs = _inputs(schema)
    for key, node in _by_key(entry, parts):
        pairs = [(" ".join(name.value.split()), " ".join(str(value.value).split())) for name, value in node.value]
        pairs = [(name, text) for name, text in pairs if name not in NO_INPUTS]
        gradients = tuple((name, text) for name, text in pairs if name.split(",")[0].strip() in inputs)
        if any(text.lower() != "non_differentiable" for _, text in gradients):
            yield Formula(
                node=_node(schema, key, counts),
                schema=schema,
                key=key,
                gradients=gradients,
                forward=tuple(pair for pair in pairs if pair not in gradients),
                path=path,
                line=entry.start_mark.line + 1,
            )


def _by_key(entry: Any, parts: dict[str, Any]) -> list[tuple[str, Any]]:
    """The mapping of formulas for each dispatch key."""
    if "dispatch" not in parts:
        return [(DEFAULT, entry)]
    return [(key.value, value) for key, value in parts["dispatch"].value]


def _node(schema: str, key: str, counts: Counter[str]) -> str:
    """The class name by the rule of PyTorch's ``load_derivatives.py``: title case, numbered as they come."""
    function = schema.partition("(")[0].partition(".")[0]
    prefix = "".join(word.title() for word in function.split("_")) + "Backward"
    prefix = prefix.replace("ForwardBackward", "Backward") + ("" if key == DEFAULT else key)
    counts[prefix] += 1
    return f"{prefix}{counts[prefix] - 1}"


def _inputs(schema: str) -> set[str]:
    """Names of the arguments of ``name(Tensor self, int dim=0) -> Tensor``."""
    arguments = schema.partition("(")[2].rpartition("->")[0].strip().removesuffix(")")
    return {part.partition("=")[0].split()[-1] for part in arguments.split(",") if part.partition("=")[0].split()}
