"""Identity: which tensors and storages were seen, by weak reference, and how each reads its storage."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.nn import Parameter
from torch.nn.parameter import is_lazy

from pytest_torchgraph.capture.wrapper import unwrapped, unwraps_itself
from pytest_torchgraph.recorded.tensor import RAGGED, Role, StorageKind

NO_TENSORS = frozenset(
    {type(None), bool, int, float, complex, str, torch.dtype, torch.device, torch.layout, torch.memory_format}
)
"""Classes whose instances neither are nor hold tensors: most arguments are theirs, and ``isinstance`` asks longer."""
COMPLEX = frozenset({torch.complex32, torch.complex64, torch.complex128})
"""A third of what it takes to ask a dtype."""


def void(_: object) -> None:
    """Nothing, whatever a function returned."""


def no_name(_: Tensor) -> None:
    """Nothing: there is nobody to ask."""


class View(NamedTuple):
    """How a tensor reads a storage, as plain values: the same object for all that read alike in one run.

    ``stride`` is ``None`` without a storage.
    """

    shape: tuple[int, ...]
    stride: Any
    offset: int
    dtype: Any
    device: Any
    layout: Any
    conj: bool = False
    neg: bool = False


class Raw(tuple[Any, ...]):
    """One reading of a tensor, which is turned into a record after the run: its value, its storage, and how it reads.

    The parts of ``view`` are its own, too.
    """

    __slots__ = ()
    if TYPE_CHECKING:
        value: int
        storage: int
        view: View
        shape: tuple[int, ...]
        stride: Any
        offset: int
        dtype: Any
        device: Any
        layout: Any
        conj: bool
        neg: bool
    else:
        # A NamedTuple is read by names too, and takes from two fifths longer to make to more than twice as long.
        value, storage, view = (property(itemgetter(place)) for place in range(3))
        shape, stride, offset, dtype, device, layout, conj, neg = (
            property(attrgetter(f"view.{name}")) for name in View._fields
        )


class Seen(weakref.ref[Tensor]):
    """A tensor that was seen: a hit counts only while ``ref() is tensor``, because ``id`` is used again."""

    __slots__ = ("raw", "storage_key")
    raw: Raw
    storage_key: int


class LiveStorage(weakref.ref[torch.UntypedStorage]):
    """A storage that lives; when it dies its bytes are taken off and its address may be used again.

    One that ``goes_on`` has another in its place, and does not end with its own death.
    """

    __slots__ = ("bytes", "goes_on", "index", "key")
    bytes: int
    goes_on: bool
    index: int
    key: int


class FirstSight:
    """How a storage was first seen, and when it lived: filled while recording.

    ``role`` and ``named_at`` tell what it became later, and when; ``resized`` until when it had which size before.
    ``before_run`` marks what was there before the first operation, ``on_host`` what an optimizer keeps on the host.
    """

    __slots__ = ("before_run", "born", "bytes", "died", "kind", "name", "named_at", "on_host", "raw", "resized", "role")

    def __init__(
        self, kind: StorageKind, name: str | None, size: int | None, born: int, raw: Raw | None = None
    ) -> None:
        self.kind: StorageKind = kind
        self.name = name
        self.bytes = size
        self.born = born
        self.died: int | None = None
        self.raw = raw
        self.role: Role | None = None
        self.named_at = born
        self.resized: tuple[tuple[int, int], ...] = ()
        self.before_run = False
        self.on_host = False


class Identity:
    """Tells tensors and storages apart and counts the bytes of live storages.

    Holds weak references only. What dies once it ``is_closed`` was alive when the run ended. ``clock`` is the number of
    operations so far; ``live`` the bytes of live storages;
    ``regrown`` are storages that were made larger: nothing is in them yet; ``fakes`` were first seen behind a fake
    tensor; ``gathered`` are parameters as long as a module runs. ``find_parameter`` tells the path of a
    parameter that a module holds by now, ``stand_in`` the fake tensor that a run computes with in the place of a real
    one; ``stand_ins`` are those by the real one's ``id``, kept because the mode of fake tensors knows them only as long
    as they are. ``past`` are storages that go on as those of stand-ins: their addresses may be used again. ``devices``
    are those of all tensors.
    """

    def __init__(self) -> None:
        self.seen: dict[int, Seen] = {}
        self.wrappers: dict[int, tuple[weakref.ref[Tensor], str]] = {}
        self.storages: dict[int, LiveStorage] = {}
        self.sights: list[FirstSight] = []
        self.values = 0
        self.live = 0
        self.clock = 0
        self.neg_bits = False
        self.is_closed = False
        self.find_parameter: Callable[[Tensor], str | None] = no_name
        self.regrown: set[int] = set()
        self.fakes: set[int] = set()
        self.gathered: set[int] = set()
        self.stand_in: Callable[[Tensor], Tensor | None] = no_name
        self.stand_ins: dict[int, tuple[weakref.ref[Tensor], Tensor]] = {}
        self.past: list[LiveStorage] = []
        self.devices: set[torch.device] = set()
        self._views: dict[tuple[Any, ...], View] = {}
        self._when_released: Callable[[weakref.ref[torch.UntypedStorage]], None] = self._release

    def read(self, tensor: Tensor) -> Raw:
        """How *tensor* reads its storage now; a tensor never seen becomes a constant."""
        seen = self.seen.get(id(tensor))
        if seen is not None and seen() is tensor:
            raw = seen.raw
            view = raw[2]  # read by position, for each tensor of each operation: 0 is the shape, 1 the stride
            if view[1] is None:
                return raw
            if (
                view[0] == tensor.shape
                and view[1] == tensor.stride()
                and seen.storage_key == tensor.untyped_storage()._cdata
            ):
                return raw
        return self.meet(tensor, "constant")

    def meet(self, tensor: Tensor, kind: StorageKind, name: str | None = None) -> Raw:
        """Give *tensor* a value of its own, and its storage an entry when it has none."""
        value = self.values
        self.values = value + 1
        subclass = type(tensor)
        if subclass is not Tensor and subclass is not Parameter and unwraps_itself(subclass):
            return self._meet_opaque(tensor, value, kind, name)
        try:
            storage = tensor.untyped_storage()
            view = self._view_of(tensor)
        except (RuntimeError, NotImplementedError):
            return self._meet_opaque(tensor, value, kind, name)
        key = storage._cdata
        live = self.storages.get(key)
        if live is None:
            live = self._watch(storage, key, len(self.sights))
            raw = Raw((value, live.index, view))
            self.sights.append(FirstSight(kind, name, live.bytes, self.clock, raw))
            if subclass is FakeTensor or self.stand_in is not no_name:
                self._tell_apart(tensor, live)
        else:
            raw = Raw((value, live.index, view))
            if subclass is Parameter:
                self._take_for_parameter(tensor, live.index)
        seen = self.seen[id(tensor)] = Seen(tensor)
        seen.raw = raw
        seen.storage_key = key
        return raw

    def _view_of(self, tensor: Tensor) -> View:
        """How *tensor* reads its storage; what *tensor* raises where it has none."""
        dtype = tensor.dtype
        conj, neg = dtype in COMPLEX and tensor.is_conj(), self.neg_bits and tensor.is_neg()
        told: tuple[Any, ...] = (
            tensor.shape,
            tensor.stride(),
            tensor.storage_offset(),
            dtype,
            tensor.device,
            tensor.layout,
            conj,
            neg,
        )
        try:
            known = self._views.get(told)
        except TypeError:  # a size is a symbol, which has no hash
            self.devices.add(told[4])
            return View(tuple(told[0]), *told[1:])
        if known is None:
            known = View(tuple(told[0]), *told[1:])
            self._views[known] = known
            self.devices.add(known[4])
        return known

    def introduce(self, tensor: Tensor, kind: StorageKind, name: str) -> None:
        """Make *tensor* known by name; of one that wraps others, the name alone, and the tensors inside it."""
        if unwraps_itself(type(tensor)):
            self.wrappers[id(tensor)] = (weakref.ref(tensor), name)
        for path, one in unwrapped([(name, tensor)]):
            if self.name_of(one) is None:
                self.meet(one, kind, path)

    def name(self, tensor: Tensor, role: Role, name: str) -> None:
        """Take in that *tensor* is a gradient or an optimizer's state; what has a name keeps it."""
        seen = self.seen.get(id(tensor))
        known = seen is not None and seen() is tensor
        raw = self.read(tensor) if known else self.meet(tensor, role, name)
        sight = self.sights[raw.storage]
        if sight.role is None and (sight.name is None or sight.kind == role):
            sight.name, sight.role, sight.named_at = name, role, self.clock

    def name_of(self, tensor: Tensor) -> str | None:
        """The name under which the storage of *tensor* is known."""
        seen = self.seen.get(id(tensor))
        if seen is not None and seen() is tensor:
            sight: FirstSight = self.sights[seen.raw.storage]
            return sight.name
        wrapper = self.wrappers.get(id(tensor))
        return wrapper[1] if wrapper is not None and wrapper[0]() is tensor else None

    def number_of(self, tensor: Tensor) -> int | None:
        """The number of the storage of *tensor*, ``None`` where no operation of the run met it."""
        try:
            live = self.storages.get(tensor.untyped_storage()._cdata)
        except (RuntimeError, NotImplementedError):
            return None
        return None if live is None else live.index

    def keep_on_host(self, tensor: Tensor, *, is_named: bool) -> None:
        """Take in that *tensor* lies on the host wherever the model is; of one that was there before, by its name."""
        seen = self.seen.get(id(tensor))
        if seen is not None and seen() is tensor:
            sight = self.sights[seen.raw.storage]
            sight.on_host = sight.on_host or is_named or sight.kind != "state"

    def remeasure(self, tensor: Tensor) -> None:
        """Take in that *tensor* now reads its storage otherwise, or that the storage was resized."""
        self.meet(tensor, "constant")
        try:
            storage = tensor.untyped_storage()
        except (RuntimeError, NotImplementedError):
            return
        self.resize(storage)

    def close(self) -> None:
        """Take in that the run is over: whatever dies from here on was alive then."""
        self.is_closed = True
        self.stand_in = no_name
        self.stand_ins.clear()

    def let_go(self) -> None:
        """Forget which tensors there were, once nobody asks for one any more; what was seen of storages stays."""
        for known in (self.seen, self.wrappers, self.storages, self._views):
            known.clear()
        self.past.clear()
        self._when_released = void

    def _tell_apart(self, tensor: Tensor, live: LiveStorage) -> None:
        """Note what is fake; of a real tensor in a fake run, what stands in for it reads the same storage."""
        is_fake = type(tensor) is FakeTensor
        fake = None if is_fake else self.stand_in(tensor)
        if is_fake:
            self.fakes.add(live.index)
        elif fake is not None:
            self.fakes.add(live.index)
            self._goes_on_as(tensor, live, fake)

    def _goes_on_as(self, tensor: Tensor, live: LiveStorage, fake: Tensor) -> None:
        """Follow *fake* in the place of a real *tensor*: kept as long as that, it lives on in what reads it."""
        key, stand_ins = id(tensor), self.stand_ins
        stand_ins[key] = (weakref.ref(tensor, lambda _: void(stand_ins.pop(key, None))), fake)
        storage = fake.untyped_storage()
        if storage._cdata not in self.storages:
            live.goes_on = True
            self.past.append(live)
            self.live -= live.bytes
            self.storages[live.key] = self._watch(storage, storage._cdata, live.index)

    def take_over(self, constant: Tensor, raw: Raw, stands_in: Tensor) -> None:
        """Take in that a *constant* of the code, read as *raw*, goes on as a fake tensor that *stands_in* for it."""
        before = self.sights[raw[1]]
        storage = stands_in.untyped_storage()
        known = self.storages.get(storage._cdata)
        if known is not None or before.bytes is None:
            return
        past = self.storages.pop(constant.untyped_storage()._cdata, None)
        if past is not None:
            past.goes_on = True
            self.live -= past.bytes
        self._watch(storage, storage._cdata, raw[1])
        self.fakes.add(raw[1])

    def resize(self, storage: torch.UntypedStorage) -> None:
        """Take in that *storage* may have another size now."""
        live = self.storages.get(storage._cdata)
        grown = 0 if live is None else storage.nbytes() - live.bytes
        if live is None or not grown:
            return
        sight = self.sights[live.index]
        sight.resized += ((self.clock, live.bytes),)
        if grown > 0:
            self.regrown.add(live.index)
        self.live += grown
        live.bytes += grown
        sight.bytes = live.bytes

    def _watch(self, storage: torch.UntypedStorage, key: int, index: int) -> LiveStorage:
        live = LiveStorage(storage, self._when_released)
        live.key = key
        live.index = index
        live.bytes = storage.nbytes()
        live.goes_on = False
        self.live += live.bytes
        self.storages[key] = live
        return live

    def _take_for_parameter(self, tensor: Tensor, index: int) -> None:
        """Name memory without one after the parameter that now lies in it: one gathered from the shards of ranks."""
        sight = self.sights[index]
        name = self.find_parameter(tensor) if sight.kind == "constant" and sight.name is None else None
        if name is not None:
            sight.kind, sight.name = "parameter", name
            self.gathered.add(index)

    def _release(self, dead: weakref.ref[torch.UntypedStorage]) -> None:
        assert isinstance(dead, LiveStorage)
        known = self.storages.get(dead.key)
        if known is not None and known.index == dead.index:
            del self.storages[dead.key]
        if not (self.is_closed or dead.goes_on):
            self.live -= dead.bytes
            self.sights[dead.index].died = self.clock

    def _meet_opaque(self, tensor: Tensor, value: int, kind: StorageKind, name: str | None) -> Raw:
        index = len(self.sights)
        self.devices.add(tensor.device)
        raw = Raw((value, index, View(sizes_of(tensor), None, 0, tensor.dtype, tensor.device, tensor.layout)))
        self.sights.append(FirstSight(kind, name, None, self.clock, raw))
        if is_lazy(tensor):
            return raw  # the same object reads memory as soon as its module has made it
        seen = Seen(tensor)
        seen.raw = raw
        seen.storage_key = 0
        self.seen[id(tensor)] = seen
        return raw


@contextmanager
def following_resizes(identity: Identity) -> Iterator[None]:
    """See ``UntypedStorage.resize_`` while the context is open: it is no operation, and sharding frees memory by it."""
    plain = torch.UntypedStorage.resize_

    def resize_(storage: torch.UntypedStorage, size: int) -> Any:
        done = plain(storage, size)
        identity.resize(storage)
        return done

    torch.UntypedStorage.resize_ = resize_  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        torch.UntypedStorage.resize_ = plain  # type: ignore[method-assign]


def sizes_of(tensor: Tensor) -> tuple[int, ...]:
    """The sizes of a tensor without a storage; ``RAGGED`` for a dimension of a nested tensor."""

    def size(dimension: int) -> int:
        try:
            return tensor.size(dimension)
        except RuntimeError:
            return RAGGED

    return tuple(map(size, range(tensor.dim())))
