"""An outline as JSON, for programs; nothing reads it back."""

from __future__ import annotations

import json
from dataclasses import asdict

from pytest_torchgraph.report.outline import Outline


def render(outline: Outline) -> str:
    """The outline's fields under their own names, indented, without a final newline."""
    return json.dumps(asdict(outline), indent=2, ensure_ascii=False)
