"""The tree of a live model; PyTorch is not imported for it, a model that is here has brought it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.explorer.arguments import arguments_of
from pytest_torchgraph.explorer.module import Held, Kind, Module, Place, grown

if TYPE_CHECKING:
    from collections.abc import Iterable


def require_module(model: Any) -> None:
    """Raise ``TypeError`` where *model* is no instance of ``torch.nn.Module``."""
    if isinstance(model, type):
        raise TypeError(f"expected a model, not the class {model.__name__}: pass {model.__name__}(...)")
    if not callable(getattr(model, "named_modules", None)) or not callable(getattr(model, "named_parameters", None)):
        raise TypeError(f"expected a torch.nn.Module, not {type(model).__name__}")


def tree_of(model: Any) -> Module:
    """The tree of modules of *model*; a module that stands at several places is at each of them."""
    require_module(model)
    places: dict[str, Place] = {}
    for place in places_of(model):
        places[place.path] = place
        if place.path:
            places[place.path.rpartition(".")[0]].children.append(place)
    return grown(places[""])


def places_of(model: Any) -> Iterator[Place]:
    """Every place of *model* with a module, outer ones first."""
    first: dict[int, str] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        known = first.setdefault(id(module), path)
        yield Place(
            path=path,
            class_name=type(module).__name__,
            arguments=arguments_of(module),
            held=tuple(held_by(module)),
            same_as=None if known == path else known,
        )


def held_by(module: Any) -> Iterator[Held]:
    """The parameters and buffers of *module* itself."""
    yield from held_among(module.named_parameters(recurse=False), "parameter")
    yield from held_among(module.named_buffers(recurse=False), "buffer")


def held_among(named: Iterable[tuple[str, Any]], kind: Kind) -> Iterator[Held]:
    """*named* tensors as records."""
    for name, tensor in named:
        shape = shape_of(tensor)
        yield Held(
            name=name,
            kind=kind,
            shape=shape,
            dtype=str(tensor.dtype).removeprefix("torch."),
            device=str(tensor.device),
            bytes=None if shape is None else tensor.numel() * tensor.element_size(),
            trainable=bool(tensor.requires_grad) if kind == "parameter" else False,
            identity=id(tensor),
        )


def shape_of(tensor: Any) -> tuple[int, ...] | None:
    """The sizes of *tensor*; ``None`` for a parameter of a lazy module that has none yet."""
    try:
        return tuple(tensor.shape)
    except (RuntimeError, ValueError):
        return None
