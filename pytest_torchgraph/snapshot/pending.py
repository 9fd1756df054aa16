"""A snapshot that waits for review: what a failed check would record, with the judgement that made it fail.

It lies beside the snapshot as ``NAME.torchgraph.new``: one JSON object, then the text that accepting it writes.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.snapshot.errors import unreadable

SUFFIX = ".new"
VERSION = 1
_KEY = "torchgraph pending"
LONGEST_VERSION = 9
"""Digits of the longest number that is read."""
_LONE = re.compile("[\ud800-\udfff]")
_ADVICE = "Run the test again, which writes it anew, or drop it: torchgraph reject FILE"


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


def drop(path: Path) -> None:
    """Remove what waits for the snapshot at *path*, if anything does and that is possible."""
    try:
        pending_path(path).unlink(missing_ok=True)
    except OSError:
        return


def digest(text: bytes) -> str:
    """What tells one content of a snapshot file from another."""
    return hashlib.sha256(text.replace(b"\r\n", b"\n")).hexdigest()


def write_pending(pending: Pending) -> str:
    """The text of the file."""
    fields = asdict(pending)
    del fields["text"]
    return json.dumps({_KEY: VERSION, **fields}, indent=1, ensure_ascii=False) + "\n" + pending.text


def read_pending(text: str, path: str) -> Pending:
    """What the file at *path* with *text* holds; raises ``SnapshotUnreadable``.

    The snapshot in it is not read: :attr:`Pending.text` is what stands there.
    """
    try:
        fields, end = _head(text)
        if fields.get(_KEY) != VERSION and isinstance(fields.get(_KEY), int):
            raise unreadable(
                path, 1, f"format {fields[_KEY]} of what waits for review, expected {VERSION}", advice=_ADVICE
            )
        return _pending(fields, text[end:].removeprefix("\n"))
    except _NotPending:
        raise unreadable(path, 1, "this is nothing that waits for review", advice=_ADVICE) from None


class _NotPending(Exception):
    """A file is no JSON object with the fields of what waits, followed by a snapshot."""


def _head(text: str) -> tuple[dict[str, Any], int]:
    """The JSON object that *text* begins with, and where it ends."""
    try:
        fields, end = json.JSONDecoder(parse_int=_int).raw_decode(text)
    except (ValueError, RecursionError):
        raise _NotPending from None
    if not isinstance(fields, dict) or _KEY not in fields:
        raise _NotPending
    return fields, end


def _int(digits: str) -> int:
    """The only numbers of the head are versions; Python refuses to read one of thousands of digits."""
    if len(digits) > LONGEST_VERSION:
        raise _NotPending
    return int(digits)


def _pending(fields: dict[str, Any], text: str) -> Pending:
    if set(fields) != {_KEY, "test", "before", "changes", "accepted", "environment", "cost"}:
        raise _NotPending
    return Pending(
        test=_text(fields["test"]),
        before=_text(fields["before"]),
        changes=tuple(map(_change, _list(fields["changes"]))),
        accepted=_texts(fields["accepted"]),
        environment=_texts(fields["environment"]),
        cost=_text(fields["cost"]),
        text=text,
    )


def _change(fields: object) -> WaitingChange:
    if not isinstance(fields, dict) or set(fields) != {"fingerprint", "title", "places", "hint"}:
        raise _NotPending
    return WaitingChange(
        fingerprint=_text(fields["fingerprint"]),
        title=_text(fields["title"]),
        places=_texts(fields["places"]),
        hint=_text(fields["hint"]),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(_text, _list(value)))


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise _NotPending
    return value


def _text(value: object) -> str:
    """*value*, where it is text that a file can hold: half of a pair of surrogates is not."""
    if not isinstance(value, str) or (not value.isascii() and _LONE.search(value)):
        raise _NotPending
    return value


def snapshot_text(text: str) -> str:
    """The snapshot in *text*, which may be that of a file that waits for review."""
    if not text.startswith("{"):
        return text
    try:
        return text[_head(text)[1] :].removeprefix("\n")
    except _NotPending:
        return text
