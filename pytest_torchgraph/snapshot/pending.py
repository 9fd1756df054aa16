"""A snapshot that waits for review: what a failed check would record, with the judgement that made it fail.

It lies beside the snapshot as ``NAME.torchgraph.new``: one JSON object, then the text that accepting it writes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pytest_torchgraph.snapshot.errors import unreadable

SUFFIX = ".new"
VERSION = 1
_KEY = "torchgraph pending"
_ADVICE = "Run the test again, which writes it anew, or remove it."


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingChange:
    """One change to be accepted or rejected.

    ``fingerprint`` is the same wherever the change is made; ``title`` says what was done, ``places`` in which scopes
    and at which lines of the model; ``hint`` is the likely cause.
    """

    fingerprint: str
    title: str
    places: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What waits: ``text`` is the snapshot to be.

    ``before`` is the digest of the snapshot it was compared with, ``cost`` what all ``changes`` together cost.
    ``accepted`` are the fingerprints of changes that a reviewer has taken; ``environment`` are differences between the
    machine of the snapshot and that of the run.
    """

    test: str
    before: str
    changes: tuple[WaitingChange, ...]
    accepted: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    cost: str = ""
    text: str

    @property
    def open(self) -> tuple[WaitingChange, ...]:
        """The changes that nobody has accepted yet."""
        return tuple(change for change in self.changes if change.fingerprint not in self.accepted)

    def accepting(self, fingerprints: frozenset[str]) -> Pending:
        """The same with those of *fingerprints* that it has among the accepted."""
        known = {change.fingerprint for change in self.changes}
        return replace(self, accepted=tuple(sorted({*self.accepted, *(fingerprints & known)})))


def pending_path(snapshot: Path) -> Path:
    """Where what waits for *snapshot* lies."""
    return snapshot.with_name(snapshot.name + SUFFIX)


def digest(text: bytes) -> str:
    """What tells one content of a snapshot file from another."""
    return hashlib.sha256(text.replace(b"\r\n", b"\n")).hexdigest()


def write_pending(pending: Pending) -> str:
    """The text of the file."""
    fields = asdict(pending)
    del fields["text"]
    return json.dumps({_KEY: VERSION, **fields}, indent=1, ensure_ascii=False) + "\n" + pending.text


def read_pending(text: str, path: str) -> Pending:
    """What the file at *path* with *text* holds; raises ``SnapshotUnreadable``."""
    try:
        fields, end = json.JSONDecoder().raw_decode(text)
        version = fields.pop(_KEY)
        if version != VERSION:
            raise unreadable(path, 1, f"format {version} of what waits for review, expected {VERSION}", advice=_ADVICE)
        return _pending(fields, text[end:].removeprefix("\n"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if not isinstance(error, ValueError) or isinstance(error, json.JSONDecodeError):
            raise unreadable(path, 1, "this is nothing that waits for review", advice=_ADVICE) from None
        raise


def _pending(fields: dict[str, Any], text: str) -> Pending:
    changes = tuple(_change(**change) for change in fields.pop("changes"))
    accepted, environment = tuple(fields.pop("accepted")), tuple(fields.pop("environment"))
    return Pending(changes=changes, text=text, accepted=accepted, environment=environment, **fields)


def _change(*, places: list[str], **others: str) -> WaitingChange:
    return WaitingChange(places=tuple(places), **others)


def snapshot_text(text: str) -> str:
    """The snapshot in *text*, which may be that of a file that waits for review."""
    if not text.startswith("{"):
        return text
    try:
        return text[json.JSONDecoder().raw_decode(text)[1] :].removeprefix("\n")
    except ValueError:
        return text
