"""Command line options, their twins in the ini file, and the marker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_torchgraph.plugin import surroundings
from pytest_torchgraph.plugin.session import coverage, reports

if TYPE_CHECKING:
    from pytest_torchgraph.diff.same import Same

COMPARE = ("graph", "counts", "budget")
MARKER = "torchgraph_budget"
RECORDS = "records variants alone, another option records snapshots"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the command line and the ini file say, read once and before any test.

    ``compare``, ``tolerance``, ``ignore``, ``same`` and ``budget`` are what a check compares by where it was told
    nothing else. ``updating``, ``recording`` and ``varying`` say what is written: what drifted, what is missing,
    variants. ``keeping`` says that drifts wait for review, ``reporting`` that somebody will read a report, and
    ``covering`` that the operations of all graphs are counted.
    """

    compare: str
    tolerance: str | None
    ignore: tuple[str, ...]
    same: Same
    budget: dict[str, Any]
    updating: bool
    recording: bool
    varying: bool
    verifying: bool
    making_all: bool
    keeping: bool
    reporting: bool
    covering: bool


_SETTINGS = pytest.StashKey[Settings]()


def settings(config: pytest.Config) -> Settings:
    """Those of the session of *config*."""
    return config.stash[_SETTINGS]


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
    reports.register(group)
    coverage.register(group)
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


def configure(config: pytest.Config) -> None:
    """Register the marker, and read the settings; ``UsageError`` for those that cannot work."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(ops=..., peak=..., **limits): hard limits for each torch_graph.check of the test, "
        "which no update moves",
    )
    if not hasattr(config.option, "update_snapshots"):
        raise pytest.UsageError(
            "pytest-torchgraph stores its snapshots through syrupy, which is not loaded. "
            "Remove '-p no:syrupy', or add '-p no:torchgraph' to run without both."
        )
    try:
        config.stash[_SETTINGS] = _read(config)
    except ValueError as error:
        raise pytest.UsageError(f"torchgraph: {error}") from None


def _read(config: pytest.Config) -> Settings:
    option: Any = config.option
    updating = bool(option.torchgraph_update or option.update_snapshots)
    recording = updating or bool(option.torchgraph_update_new or option.update_new_snapshots_only)
    varying = bool(option.torchgraph_update_variant)
    if varying and recording:
        does = "leaves snapshots alone, another option updates them" if updating else RECORDS
        raise pytest.UsageError(f"--torchgraph-update=variant {does}.")
    return Settings(
        compare=_compare_mode(config),
        tolerance=option.torchgraph_tolerance or config.getini("torchgraph_tolerance") or None,
        ignore=(*config.getini("torchgraph_ignore"), *(option.torchgraph_ignore or ())),
        same=_same(config),
        budget=_budget([*config.getini("torchgraph_budget"), *(option.torchgraph_budget or ())]),
        updating=updating,
        recording=recording,
        varying=varying,
        verifying=bool(option.torchgraph_verify),
        making_all=bool(option.torchgraph_all or config.getini("torchgraph_all")),
        keeping=not surroundings.of(config).ci,
        reporting=reports.wanted(config),
        covering=coverage.is_wanted(config),
    )


def _compare_mode(config: pytest.Config) -> str:
    ini = config.getini("torchgraph_compare")
    if ini not in COMPARE:
        raise pytest.UsageError(f"ini setting torchgraph_compare = {ini!r}: expected one of {', '.join(COMPARE)}.")
    return str(config.getoption("torchgraph_compare") or ini)


def _same(config: pytest.Config) -> Same:
    """Which module before is which after: the lines ``OLD=NEW`` of the ini file."""
    lines = config.getini("torchgraph_same")
    if not lines:
        return {}
    from pytest_torchgraph.diff.same import parse_same

    return parse_same(lines)


def _budget(lines: list[str]) -> dict[str, str]:
    return dict(map(_key_and_limit, lines))


def _key_and_limit(line: str) -> tuple[str, str]:
    key, colon, limit = line.partition(":")
    if not colon or not key.strip() or not limit.strip():
        raise ValueError(
            f"budget {line!r}: expected 'key: limit', such as 'ops: 120', 'peak: 64 MiB' or 'aten.clone: 0'."
        )
    return key.strip(), limit.strip()


def header(config: pytest.Config) -> str:
    """One line for the head of pytest's output; PyTorch is not imported for it."""
    from importlib.metadata import PackageNotFoundError, version

    from pytest_torchgraph.plugin.location import label, snapshot_root

    try:
        torch = f"torch {version('torch')}"
    except PackageNotFoundError:
        torch = "torch is not installed"
    found = settings(config)
    does = "update" if found.updating else "record what is missing" if found.recording else "check"
    does = "record variants" if found.varying else does
    where = " (CI)" if surroundings.of(config).ci else ""
    return f"torchgraph: {does}{where}, {torch}, snapshots in {label(snapshot_root(config), config.rootpath)}/"
