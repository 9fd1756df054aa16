"""Command line options, their twins in the ini file, and the marker."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

COMPARE = ("graph", "counts", "budget")
MARKER = "torchgraph_budget"
FORMS = ".html, .md, .json or .txt"
"""How a report's file may end."""


def register(parser: pytest.Parser) -> None:
    """Add the group ``torchgraph`` to *parser*, and the ini settings of the same names."""
    group = parser.getgroup(
        "torchgraph",
        "op graphs of PyTorch models; ignore *.torchgraph.new in git, where drifts wait for `torchgraph review`",
    )
    _register_updates(group)
    group.addoption(
        "--torchgraph-compare",
        choices=COMPARE,
        help="what a check compares: graph (default), counts (and memory), or budget (no snapshot)",
    )
    group.addoption(
        "--torchgraph-tolerance",
        metavar="AMOUNT",
        help="how far memory may move: '5%%', '1 MiB', '5%% or 1 MiB' (the larger); default 1%%",
    )
    group.addoption(
        "--torchgraph-ignore",
        action="append",
        metavar="NAME",
        help="operation or metric whose changes never fail; can be repeated",
    )
    group.addoption(
        "--torchgraph-budget",
        action="append",
        metavar="KEY:LIMIT",
        help="limit for every check, 'ops:120', 'peak:64 MiB', 'aten.clone:0'; can be repeated",
    )
    group.addoption(
        "--torchgraph-snapshot-dir",
        metavar="FOLDER",
        help="folder of the snapshots, relative to the root directory; default snapshots",
    )
    group.addoption(
        "--torchgraph-verify",
        action="store_true",
        default=False,
        help="run every recorded operation again and demand the same bits; for small models",
    )
    group.addoption(
        "--torchgraph-all",
        action="store_true",
        default=False,
        help="make all checks of a test before it fails, and fail with all that failed; else the first one fails it",
    )
    group.addoption(
        "--torchgraph-report",
        action="append",
        metavar="PATH",
        help=f"write a report of all checks there, {FORMS} by its end; can be repeated",
    )
    group.addoption(
        "--torchgraph-op-coverage",
        action="store_true",
        default=False,
        help="report which of PyTorch's operations the recorded models exercised; -v names them",
    )
    group.addoption(
        "--torchgraph-op-coverage-json",
        metavar="FILE",
        help="write the same to FILE as JSON",
    )
    _register_ini(parser)


def _register_updates(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--torchgraph-update",
        action="store_true",
        default=False,
        help="record what is missing and rewrite what drifted, this plugin's snapshots only",
    )
    group.addoption(
        "--torchgraph-update=new",
        action="store_true",
        default=False,
        dest="torchgraph_update_new",
        help="record what is missing, and touch nothing that is there",
    )
    # An option of its own: with a value that may be left out, the path after the option would be taken for it.
    group.addoption(
        "--torchgraph-update=variant",
        action="store_true",
        default=False,
        dest="torchgraph_update_variant",
        help="record what this PyTorch, device type or architecture does otherwise beside the snapshot it leaves alone",
    )


def _register_ini(parser: pytest.Parser) -> None:
    parser.addini("torchgraph_compare", "default of --torchgraph-compare", default="graph")
    parser.addini("torchgraph_tolerance", "default of --torchgraph-tolerance", default="")
    parser.addini("torchgraph_ignore", "defaults of --torchgraph-ignore, one a line", type="linelist", default=[])
    parser.addini("torchgraph_budget", "defaults of --torchgraph-budget, one a line", type="linelist", default=[])
    parser.addini(
        "torchgraph_same",
        "modules that are the same under another name, OLD=NEW, one a line",
        type="linelist",
        default=[],
    )
    parser.addini("torchgraph_all", "default of --torchgraph-all", type="bool", default=False)
    parser.addini("torchgraph_snapshot_dir", "default of --torchgraph-snapshot-dir", default="snapshots")
