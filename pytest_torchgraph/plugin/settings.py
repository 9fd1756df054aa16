"""What the command line, the ini file and the surroundings settle for a whole session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_torchgraph.plugin import surroundings
from pytest_torchgraph.plugin.options import COMPARE, MARKER
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from pytest_torchgraph.diff.same import Same

RECORDS = "records variants alone, another option records snapshots"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the command line and the ini file say, read once and before any test.

    ``compare``, ``tolerance``, ``ignore``, ``same`` and ``budget`` are what a check compares by where it was told
    nothing else. ``updating``, ``recording`` and ``varying`` say what is written: what drifted, what is missing,
    variants. ``keeping`` says that drifts wait for review, ``reports`` where to write some, ``reporting`` that somebody
    will read one, ``telling_unchanged`` that one says more of an unchanged graph than that it is, and ``covering``
    that the operations of all graphs are counted.
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
    reports: tuple[str, ...]
    reporting: bool
    telling_unchanged: bool
    covering: bool

    @property
    def rewriting(self) -> bool:
        """Whether snapshots that exist may be written again, or a variant beside them."""
        return self.updating or self.varying


_SETTINGS = pytest.StashKey[Settings]()


def settings(config: pytest.Config) -> Settings:
    """Those of the session of *config*."""
    return config.stash[_SETTINGS]


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
    around = surroundings.of(config)
    reports = tuple(option.torchgraph_report or ())
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
        keeping=not around.ci,
        reports=reports,
        reporting=bool(reports or around.step_summary or around.github),
        telling_unchanged=any(map(_tells_unchanged, reports)),
        covering=bool(option.torchgraph_op_coverage or option.torchgraph_op_coverage_json),
    )


def _tells_unchanged(path: str) -> bool:
    """Whether the report at *path* tells of an unchanged graph; Markdown, as GitHub's summary, counts it."""
    from pytest_torchgraph.report.formats import format_of

    return format_of(path) != "md"


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
