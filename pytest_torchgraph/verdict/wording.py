"""Values, fields and names in the words of one line."""

from __future__ import annotations

from pytest_torchgraph.diff.change import Field, Shown, Value
from pytest_torchgraph.diff.fields import spec_fields
from pytest_torchgraph.recorded.operation import Group, Opaque, Packed, Word, packet_of
from pytest_torchgraph.recorded.tensor import SHORT_DTYPES, Geometry, TensorSpec
from pytest_torchgraph.snapshot.reading import base_of, reading_text


def read_text(value: Value) -> str:
    """A tensor by name, and how it is read where that is not as it was made: ``%qkv[:,0:16].T``."""
    return value.name + reading_text(value.reading, base_of(value.made) if value.made else None)


def shown_text(value: Shown) -> str:
    """An argument, value or spec as one word."""
    match value:
        case Value(_, spec):
            return f"{read_text(value)} {spec.text}" if spec else read_text(value)
        case Geometry():
            return f"{list(value.shape)} with strides {list(value.stride)}"
        case TensorSpec(text=text) | Word(text=text) | Group(text=text) | Packed(text=text) | Opaque(type_name=text):
            return text
        case tuple():
            return f"[{', '.join(map(shown_text, value))}]"
        case _:
            return str(value)


def field_text(field: Field) -> str:
    """``attn_mask None -> bool[2,1,256,256]``: one property, before and after."""
    before, after = field.before, field.after
    if field.kind == "dtype":
        before, after = _short(before), _short(after)
    elif field.kind == "name":
        return f"{shown_text(before)} -> {shown_text(after)}"
    elif field.kind == "leaf" and isinstance(before, Value) and isinstance(after, Value):
        return f"uses {after.path} instead of {before.path}"
    elif field.kind == "wait":
        return "the host waits for it" if after else "the host waits for it no longer"
    elif field.kind in ("shape", "stride"):
        return f"{field.name} {_sizes_text(before)} -> {_sizes_text(after)}"
    elif isinstance(before, Packed) and isinstance(after, Packed):
        return f"{field.name} {_packed_text(before, after)}"
    elif field.kind == "argument":
        before, after = _spec_only(before), _spec_only(after)
    return f"{field.name} {shown_text(before)} -> {shown_text(after)}"


def _packed_text(before: Packed, after: Packed) -> str:
    """``packed qint8[64,32] -> quint8[64,32]``: the tensors among packed weights that differ, where as many are."""
    pairs = list(zip(before.tensors, after.tensors, strict=False))
    if len(before.tensors) != len(after.tensors):
        return f"{before.text} -> {after.text}"
    return f"packed {', '.join(f'{one.text} -> {other.text}' for one, other in pairs if one != other)}"


def leaf_text(before: TensorSpec, after: TensorSpec) -> str:
    """``f32[8,4] -> bf16[8,4]``; the strides or whatever else differs where these words do not tell."""
    if before.text != after.text:
        return f"{before.text} -> {after.text}"
    return ", ".join(map(field_text, spec_fields(before, after)))


def _sizes_text(sizes: Shown) -> str:
    return shown_text(sizes).replace(" ", "")


def _short(dtype: Shown) -> Shown:
    return SHORT_DTYPES.get(dtype, dtype) if isinstance(dtype, str) else dtype


def _spec_only(value: Shown) -> Shown:
    return value.spec if isinstance(value, Value) and value.spec else value


def operation_text(name: str) -> str:
    """``aten.clone`` for ``aten.clone.default``."""
    return packet_of(name)
