"""Command line options, their twins in the ini file, and the marker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

COMPARE = ("graph", "counts", "budget")
MARKER = "torchgraph_budget"
FORMS = ".html, .md, .json or .txt"
"""How a report's file may end."""
FLAG: dict[str, Any] = {"action": "store_true", "default": False}
UPDATES: dict[str, dict[str, Any]] = {
    "--torchgraph-update": FLAG
    | {"help": "record what is missing and rewrite what drifted, this plugin's snapshots only"},
    "--torchgraph-update=new": FLAG
    | {"dest": "torchgraph_update_new", "help": "record what is missing, and touch nothing that is there"},
    # An option of its own: with a value that may be left out, the path after the option would be taken for it.
    "--torchgraph-update=variant": FLAG
    | {
        "dest": "torchgraph_update_variant",
        "help": "record what this PyTorch, device type or architecture does otherwise beside the snapshot it leaves "
        "alone",
    },
}
OPTIONS: dict[str, dict[str, Any]] = {
    **UPDATES,
    "--torchgraph-compare": {
        "choices": COMPARE,
        "help": "what a check compares: graph (default), counts (and memory), or budget (no snapshot)",
    },
    "--torchgraph-tolerance": {
        "metavar": "AMOUNT",
        "help": "how far memory may move: '5%%', '1 MiB', '5%% or 1 MiB' (the larger); default 1%%",
    },
    "--torchgraph-ignore": {
        "action": "append",
        "metavar": "NAME",
        "help": "operation or metric whose changes never fail; can be repeated",
    },
    "--torchgraph-budget": {
        "action": "append",
        "metavar": "KEY:LIMIT",
        "help": "limit for every check, 'ops:120', 'peak:64 MiB', 'aten.clone:0'; can be repeated",
    },
    "--torchgraph-snapshot-dir": {
        "metavar": "FOLDER",
        "help": "folder of the snapshots, relative to the root directory; default snapshots",
    },
    "--torchgraph-verify": FLAG
    | {"help": "run every recorded operation again and demand the same bits; for small models"},
    "--torchgraph-all": FLAG
    | {"help": "make all checks of a test before it fails, and fail with all that failed; else the first one fails it"},
    "--torchgraph-report": {
        "action": "append",
        "metavar": "PATH",
        "help": f"write a report of all checks there, {FORMS} by its end; can be repeated",
    },
    "--torchgraph-op-coverage": FLAG
    | {"help": "report which of PyTorch's operations the recorded models exercised; -v names them"},
    "--torchgraph-op-coverage-json": {"metavar": "FILE", "help": "write the same to FILE as JSON"},
}
"""By the name of each what pytest is told of it."""
LINES: dict[str, Any] = {"type": "linelist", "default": []}
INI: dict[str, dict[str, Any]] = {
    "torchgraph_compare": {"help": "default of --torchgraph-compare", "default": "graph"},
    "torchgraph_tolerance": {"help": "default of --torchgraph-tolerance", "default": ""},
    "torchgraph_ignore": LINES | {"help": "defaults of --torchgraph-ignore, one a line"},
    "torchgraph_budget": LINES | {"help": "defaults of --torchgraph-budget, one a line"},
    "torchgraph_same": LINES | {"help": "modules that are the same under another name, OLD=NEW, one a line"},
    "torchgraph_all": {"help": "default of --torchgraph-all", "type": "bool", "default": False},
    "torchgraph_snapshot_dir": {"help": "default of --torchgraph-snapshot-dir", "default": "snapshots"},
}


def register(parser: pytest.Parser) -> None:
    """Add the group ``torchgraph`` to *parser*, and the ini settings of the same names."""
    group = parser.getgroup(
        "torchgraph",
        "op graphs of PyTorch models; ignore *.torchgraph.new in git, where drifts wait for `torchgraph review`",
    )
    for option, told in OPTIONS.items():
        group.addoption(option, **told)
    for setting, told in INI.items():
        parser.addini(setting, **told)
