"""The analysis as data frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_torchgraph.analysis.overview import analyse
from pytest_torchgraph.tracking.export.csv import operations
from pytest_torchgraph.words.extra import required

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph


def data_frames(graph: Graph) -> dict[str, Any]:
    """Frames of pandas: ``operations`` (one row each), ``kinds``, ``layers``, ``costliest``.

    Raises ``ImportError`` with the command that installs pandas.
    """
    pandas = required("pandas", "a data frame")
    found = analyse(graph).as_dict()
    rows = {
        "operations": list(operations(graph)),
        "kinds": found["kinds"],
        "layers": found["layers"],
        "costliest": found["performance"]["costliest"],
    }
    return {name: pandas.DataFrame(each) for name, each in rows.items()}
