"""Command line options, their twins in the ini file, and the marker."""

from __future__ import annotations

import pytest

from pytest_torchgraph.plugin import coverage, reports, surroundings

COMPARE = ("graph", "counts", "budget")
MARKER = "torchgraph_budget"


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
    """Register the marker and refuse settings that cannot work."""
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
    if varying(config) and updating(config):
        raise pytest.UsageError("--torchgraph-update=variant leaves snapshots alone, another option updates them.")
    if varying(config) and recording(config):
        raise pytest.UsageError("--torchgraph-update=variant records variants alone, another option records snapshots.")
    if config.getini("torchgraph_compare") not in COMPARE:
        raise pytest.UsageError(
            f"ini setting torchgraph_compare = {config.getini('torchgraph_compare')!r}: "
            f"expected one of {', '.join(COMPARE)}."
        )


def compare_mode(config: pytest.Config) -> str:
    """The session's default for ``check(compare=...)``."""
    return str(config.getoption("torchgraph_compare") or config.getini("torchgraph_compare"))


def tolerance(config: pytest.Config) -> str | None:
    """The session's default for ``check(tolerance=...)``; ``None`` where nobody chose one."""
    return config.getoption("torchgraph_tolerance") or config.getini("torchgraph_tolerance") or None


def ignored(config: pytest.Config) -> tuple[str, ...]:
    """Names that the ini file and the command line exempt from failing."""
    return (*config.getini("torchgraph_ignore"), *(config.getoption("torchgraph_ignore") or ()))


def same(config: pytest.Config) -> tuple[str, ...]:
    """The lines ``OLD=NEW`` of the ini file: modules that are the same under another name."""
    return tuple(config.getini("torchgraph_same"))


def verifying(config: pytest.Config) -> bool:
    """Whether every record is proved by replay in this run."""
    return bool(config.getoption("torchgraph_verify"))


def making_all(config: pytest.Config) -> bool:
    """Whether a test makes all its checks before it fails."""
    return bool(config.getoption("torchgraph_all") or config.getini("torchgraph_all"))


def updating(config: pytest.Config) -> bool:
    """Whether drifted snapshots are rewritten in this run."""
    return bool(config.option.torchgraph_update or config.option.update_snapshots)


def varying(config: pytest.Config) -> bool:
    """Whether this run records variants."""
    return bool(config.option.torchgraph_update_variant)


def recording(config: pytest.Config) -> bool:
    """Whether missing snapshots are written in this run."""
    return updating(config) or bool(config.option.torchgraph_update_new or config.option.update_new_snapshots_only)


def header(config: pytest.Config) -> str:
    """One line for the head of pytest's output; PyTorch is not imported for it."""
    from importlib.metadata import PackageNotFoundError, version

    from pytest_torchgraph.plugin.location import label, snapshot_root

    try:
        torch = f"torch {version('torch')}"
    except PackageNotFoundError:
        torch = "torch is not installed"
    does = "record variants" if varying(config) else "update" if updating(config) else "check"
    does = "record what is missing" if recording(config) and does == "check" else does
    where = " (CI)" if surroundings.of(config).ci else ""
    return f"torchgraph: {does}{where}, {torch}, snapshots in {label(snapshot_root(config), config.rootpath)}/"
