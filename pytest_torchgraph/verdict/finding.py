"""What a judgement consists of: findings, and the verdict over them."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pytest_torchgraph.diff.grouping import Group
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.words.status import Judged

NO_CHANGE = "no change"
"""The headline of a comparison that found nothing."""

Kind: TypeAlias = Literal[
    "budget",
    "run",
    "compile",
    "attention",
    "sync",
    "input",
    "cast",
    "copy",
    "operation",
    "argument",
    "look",
    "scope",
    "order",
    "output",
    "state",
    "memory",
    "count",
    "follow",
    "backend",
    "name",
    "spelling",
    "bookkeeping",
]
Severity: TypeAlias = Literal["fail", "note"]
Direction: TypeAlias = Literal["more", "fewer", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to tell: what changed, or which budget is broken.

    ``title`` is one line. ``groups`` are the changes behind it, ``details`` further lines. ``cause`` names the likely
    cause (empty where no rule knows one), ``hint`` says it in a sentence. ``cost`` is how many bytes more or fewer are
    written, ``flops`` how many more or fewer matmul-like operations need, as far as that is known.
    ``direction`` says whether the model does more or fewer of something, or just something else.
    """

    kind: Kind
    severity: Severity
    title: str
    groups: tuple[Group, ...] = ()
    direction: Direction = "other"
    cause: str = ""
    hint: str = ""
    cost: int = 0
    flops: int = 0
    details: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of changes behind it."""
        return sum(len(group.changes) for group in self.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a difference amounts to; ``findings`` are ranked, those that fail first.

    ``fingerprint`` names the failing edits whatever the scopes and sizes; empty when nothing fails.
    """

    status: Judged
    findings: tuple[Finding, ...] = ()
    fingerprint: str = ""

    @property
    def fails(self) -> bool:
        """Whether a test must fail: a drift does, and so does a win, which asks to be recorded."""
        return self.status in ("drift", "improved")

    @property
    def failing(self) -> tuple[Finding, ...]:
        """The findings that fail."""
        return tuple(finding for finding in self.findings if finding.severity == "fail")

    @property
    def notes(self) -> tuple[Finding, ...]:
        """The findings that never fail alone."""
        return tuple(finding for finding in self.findings if finding.severity == "note")

    @property
    def headline(self) -> str:
        """The one line to tell; of a win, that it should be recorded."""
        return self.headline_with(self.findings[0].title) if self.findings else NO_CHANGE

    def headline_with(self, title: str) -> str:
        """The headline that has *title* in the place of the first finding's."""
        return f"improved: {title}; re-record" if self.status == "improved" else title
