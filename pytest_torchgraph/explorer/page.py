"""The tree of a model as one page that needs no network and runs no script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from importlib.resources import files
from typing import TypeAlias

from pytest_torchgraph.explorer.config import ExplorerConfig
from pytest_torchgraph.explorer.formatting import bytes_text, count_text, time_text
from pytest_torchgraph.explorer.module import Module
from pytest_torchgraph.words.printable import printable

Stats: TypeAlias = Mapping[str, "dict[str, float]"]
OPEN = 2
"""Levels that are open at first."""


def page_of(tree: Module, config: ExplorerConfig, stats: Stats) -> str:
    """The page."""
    config.check()
    name = escape(printable(tree.class_name))
    head = f"{count_text(tree.parameters)} parameters, {bytes_text(tree.parameter_bytes)}"
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    body = "\n".join(lines(tree, tree.parameters.at_least, config, stats))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{name}</title>\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<style>\n{style}</style>\n</head>\n<body>\n<h1>{name}</h1>\n<p>{escape(head)}</p>\n{body}\n</body>\n</html>\n"
    )


def lines(module: Module, whole: int, config: ExplorerConfig, stats: Stats) -> Iterator[str]:
    """*module* and all beneath it; *whole* are the parameters of which it has a share."""
    told = cells(module, whole, config, stats)
    if not module.children or (config.max_depth is not None and module.depth >= config.max_depth):
        yield f'<div class="leaf">{told}</div>'
        return
    yield f"<details{' open' if module.depth < OPEN else ''}><summary>{told}</summary>"
    for child in module.children:
        yield from lines(child, whole, config, stats)
    yield "</details>"


def cells(module: Module, whole: int, config: ExplorerConfig, stats: Stats) -> str:
    """The line of one module."""
    title = module.title if config.show_shapes else module.class_name
    same = f" (the same as {module.same_as})" if module.same_as is not None else ""
    found = [
        f"<b>{escape(printable(module.name))}</b>",
        f'<span class="class">{escape(printable(title + same))}</span>',
    ]
    if config.show_timing and module.path in stats:
        found.append(f'<span class="number">{time_text(stats[module.path]["mean"])}</span>')
    if config.show_memory:
        found.append(f'<span class="number">{bytes_text(module.parameter_bytes)}</span>')
    if config.show_parameter_counts:
        share = module.parameters.at_least / max(whole, 1)
        found.append(f'<span class="number">{count_text(module.parameters)}</span><meter value="{share:.4f}"></meter>')
    return "".join(found)
