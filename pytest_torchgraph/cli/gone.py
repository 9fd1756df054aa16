"""Whether the test is still there for which a snapshot waits."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_torchgraph.cli.rootdir import root_of, snapshot_folder
from pytest_torchgraph.cli.searching import near
from pytest_torchgraph.cli.waiting import Waiting, drop


def gone(waiting: Waiting) -> str:
    """What is missing of its test, ``there is no tests/test_m.py any more``; empty unless that is sure.

    It is not where the file lies elsewhere than its test's would, nor where a test may come from elsewhere: from a base
    class, by ``import *``, or where its name stands in the file in another way.
    """
    module, _, inner = waiting.pending.test.partition("::")
    root = root_of(waiting.path.parent)
    file = root / module
    if waiting.path.parent.resolve() != (snapshot_folder(root) / Path(module).with_suffix("")).resolve():
        return ""
    if not file.exists():
        return f"there is no {near(file)} any more"
    name = _missing(file, inner.partition("[")[0].split("::"))
    return f"{near(file)} has no {name} any more" if name else ""


def _missing(file: Path, names: list[str]) -> str:
    """The first of *names*, each inside the one before it, that cannot be in *file*."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    if file.suffix != ".py" or re.search(r"^\s*from\s.*\bimport\s*\(?\s*\*", text, re.MULTILINE):
        return ""
    for name in names:
        if not re.search(rf"\b{re.escape(name)}\b", text):
            return name
        if re.search(rf"\bclass\s+{re.escape(name)}\s*[\[(]\s*\w", text):
            return ""
    return ""


def orphan_text(waiting: Waiting, why: str) -> str:
    """One line on what waits for a test that is gone, as :func:`gone` says *why*, with what drops it."""
    told = f"{waiting.snapshot} waits for a test that is gone, {why}: drop what waits with {drop(waiting)}"
    prune = ", and the snapshot, after a run of pytest, with torchgraph prune"
    return f"{told}{prune * waiting.snapshot.exists()}"
