"""Names for what goes into a model and comes out: every tensor in arguments and results, by path."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MemberDescriptorType
from typing import Any

import torch
from torch import Tensor, nn

from pytest_torchgraph.capture.grad import ordinary

# How deep plain objects may lie inside one another; lists, mappings and dataclasses may do so without limit.
DEEPEST = 6
PLAIN = (str, bytes, int, float, complex, bool, type(None), torch.dtype, torch.device, type, nn.Module)


class InputsDoNotFit(TypeError):
    """The arguments do not fit the model's signature; nothing was run."""


def as_call(args: Any, kwargs: Mapping[str, Any] | None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments: a tuple is positional, a mapping is keywords, anything else one argument."""
    if kwargs is not None and not isinstance(kwargs, Mapping):
        raise InputsDoNotFit(
            f"kwargs is a mapping of keyword arguments, not {type(kwargs).__name__}; "
            "several arguments are a tuple: trace(model, (x, y))"
        )
    keywords = dict(kwargs or {})
    if isinstance(args, tuple) and not hasattr(args, "_fields"):
        return args, keywords
    if isinstance(args, Mapping):
        return (), {**args, **keywords}
    return (args,), keywords


@contextmanager
def list_explained(args: Any) -> Iterator[None]:
    """Note on whatever is raised in the context that *args*, if it is a list of tensors, was passed as one argument."""
    try:
        yield
    except Exception as error:
        if isinstance(args, list) and any(isinstance(part, Tensor) for part in args):
            add_note(
                error, "args is a list, and a list is one argument; several arguments are a tuple: (x, y), or (x,)"
            )
        raise


def add_note(error: BaseException, text: str) -> None:
    """Add *text* to what Python and pytest print of *error*."""
    if hasattr(error, "add_note"):
        error.add_note(text)
    else:  # Python 3.10
        vars(error).setdefault("__notes__", []).append(text)


def signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    """The signature of a callable, of ``forward`` for a module; ``None`` where Python cannot tell."""
    try:
        return inspect.signature(function.forward if isinstance(function, nn.Module) else function)
    except (TypeError, ValueError):
        return None


def bind(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by parameter name; raises :class:`InputsDoNotFit` where they do not fit the signature."""
    return bound_by(signature_of(function), function, args, kwargs)


def bound_by(
    signature: inspect.Signature | None,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> dict[str, Any]:
    """The same by the *signature* of *function*, which takes longer to find than to use."""
    if signature is None:
        return {**{f"arg{position}": value for position, value in enumerate(args)}, **kwargs}
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        name = getattr(function, "__name__", type(function).__name__)
        given = [type(value).__name__ for value in args] + [f"{key}={type(v).__name__}" for key, v in kwargs.items()]
        raise InputsDoNotFit(
            f"the inputs do not fit {name}{signature}: {error}\n"
            f"Given: ({', '.join(given)}). A tuple is taken as positional arguments, a mapping as keyword arguments, "
            "anything else as one argument."
        ) from None
    named: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            named.update(value)
        else:
            named[name] = value
    return named


def tensors_in(value: Any, path: str = "", depth: int = 0, above: tuple[int, ...] = ()) -> Iterator[tuple[str, Tensor]]:
    """Every tensor inside *value* with its path: ``past.layers.0.keys``.

    Looks into sequences, mappings, dataclasses, and the attributes of other objects such as a key-value cache.
    """
    if isinstance(value, Tensor):
        yield path, value
        return
    if isinstance(value, PLAIN) or depth > DEEPEST or id(value) in above or callable(value):
        return
    inside = depth if is_container(value) else depth + 1
    for name, part in parts_of(value):
        yield from tensors_in(part, f"{path}.{name}" if path else str(name), inside, (*above, id(value)))


def is_container(value: Any) -> bool:
    """Whether *value* is made to hold parts, as against an object that happens to have attributes."""
    return isinstance(value, (Mapping, list, tuple, set, frozenset)) or dataclasses.is_dataclass(value)


def parts_of(value: Any) -> Iterator[tuple[str, Any]]:
    """The named parts of a container or object."""
    if isinstance(value, Mapping):
        yield from ((str(key), part) for key, part in value.items())
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        yield from zip(value._fields, value, strict=True)
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from ((str(position), part) for position, part in enumerate(value))
    elif dataclasses.is_dataclass(value):
        yield from ((entry.name, getattr(value, entry.name, None)) for entry in dataclasses.fields(value))
    else:
        yield from slots_of(value)
        yield from getattr(value, "__dict__", {}).items()


def slots_of(value: Any) -> Iterator[tuple[str, Any]]:
    """The filled slots of an object whose class declares ``__slots__``."""
    for kind in type(value).__mro__:
        for name, slot in vars(kind).items():
            if isinstance(slot, MemberDescriptorType):
                try:
                    yield name, slot.__get__(value)
                except AttributeError:  # the slot is empty
                    continue


def fresh_arguments(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments, those copied of which a run would use up or could not write what they hold.

    An iterator is used up by one run. A tensor made under inference mode is cloned: only the clone may be written
    outside it.
    """
    memo: dict[int, Any] = {}

    def fresh(value: Any) -> Any:
        return fresh_containers(value, memo) if any(map(needs_copy, leaves_in(value))) else value

    return tuple(map(fresh, args)), {key: fresh(value) for key, value in kwargs.items()}


def needs_copy(value: Any) -> bool:
    """Whether a run would use *value* up, or could not write it."""
    return isinstance(value, Iterator) or (isinstance(value, Tensor) and value.is_inference())


def leaves_in(value: Any, depth: int = 0) -> Iterator[Any]:
    """*value* and its parts, as far as tensors are looked for."""
    yield value
    if not isinstance(value, (Tensor, Iterator, *PLAIN)) and depth <= DEEPEST and not callable(value):
        for _, part in parts_of(value):
            yield from leaves_in(part, depth + 1)


def fresh_containers(value: Any, memo: dict[int, Any]) -> Any:
    """A copy of *value* that shares its tensors and modules; what cannot be copied is passed as it is."""
    for _, tensor in tensors_in(value):
        memo.setdefault(id(tensor), ordinary(tensor))
    if isinstance(value, Tensor):
        return memo[id(value)]
    for module in modules_in(value):
        memo[id(module)] = module
    try:
        return copy.deepcopy(value, memo)
    except Exception:  # noqa: BLE001 -- any object may refuse to be copied, in any way
        return value


def modules_in(value: Any, depth: int = 0) -> Iterator[nn.Module]:
    """Every module among the parts of *value*."""
    if isinstance(value, nn.Module):
        yield value
    elif not isinstance(value, (Tensor, *PLAIN)) and depth <= DEEPEST and not callable(value):
        for _, part in parts_of(value):
            yield from modules_in(part, depth + 1)
