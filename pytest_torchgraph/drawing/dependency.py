"""The dependency map of autograd's sources as an interactive page: one row for each layer."""

from __future__ import annotations

from html import escape

from pytest_torchgraph.catalog.autograd.area import LAYERS
from pytest_torchgraph.catalog.autograd.dependency import dependencies
from pytest_torchgraph.catalog.autograd.source import Inventory


def html(inventory: Inventory) -> str:
    """A page without outside references; a point is a file, a line an include, red within a cycle."""
    from plotly import graph_objects

    map_of = dependencies(inventory.files)
    places = positions(inventory)
    circle_of = {path: number for number, component in enumerate(map_of.cycles) for path in component}
    lines: dict[bool, list[tuple[str, str]]] = {False: [], True: []}
    for path, targets in map_of.targets.items():
        for target in targets:
            if path in places and target in places:
                lines[path in circle_of and circle_of[path] == circle_of.get(target)].append((path, target))
    figure = graph_objects.Figure(
        [
            graph_objects.Scatter(
                **segments(lines[False], places), name="includes", line={"width": 1, "color": "#bbb"}
            ),
            graph_objects.Scatter(
                **segments(lines[True], places), name="in a cycle", line={"width": 1, "color": "#c33"}
            ),
            graph_objects.Scatter(
                x=[places[path][0] for path in places],
                y=[places[path][1] for path in places],
                mode="markers",
                name="files",
                marker={"size": [6 + 2 * len(map_of.users[path]) ** 0.5 * 2 for path in places], "color": "#369"},
                hovertext=[escape(f"{path}, included by {len(map_of.users[path])}") for path in places],
                hoverinfo="text",
            ),
        ]
    )
    rows = list(range(len(LAYERS)))
    figure.update_yaxes(tickvals=rows, ticktext=list(reversed(LAYERS)), showgrid=False, zeroline=False)
    figure.update_xaxes(visible=False)
    figure.update_layout(
        title=f"Includes among the autograd sources of {escape(inventory.origin)}", template="plotly_white"
    )
    page: str = figure.to_html(include_plotlyjs=True, full_html=True)
    return page


def positions(inventory: Inventory) -> dict[str, tuple[float, float]]:
    """Where each file of the layers stands: its row is the layer, files are spread evenly."""
    places: dict[str, tuple[float, float]] = {}
    for row, layer in enumerate(reversed(LAYERS)):
        paths = [file.path for file in inventory.files if file.layer == layer]
        for number, path in enumerate(paths):
            # Neighbours stand at different heights, so that lines within a row are seen.
            places[path] = ((number + 0.5) / len(paths), row + (0.12 if number % 2 else -0.12))
    return places


def segments(edges: list[tuple[str, str]], places: dict[str, tuple[float, float]]) -> dict[str, object]:
    """Lines between pairs of files, for one trace."""
    points = [point for a, b in edges for point in (places[a], places[b], (None, None))]
    return {"x": [x for x, _ in points], "y": [y for _, y in points], "mode": "lines", "hoverinfo": "skip"}
