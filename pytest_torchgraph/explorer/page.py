"""The tree of a model as one page that needs no network and runs no script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import TypeAlias

from pytest_torchgraph.explorer.config import ExplorerConfig
from pytest_torchgraph.explorer.formatting import bytes_text, count_text, time_text
from pytest_torchgraph.explorer.module import Module
from pytest_torchgraph.words.printable import printable

Stats: TypeAlias = Mapping[str, "dict[str, float]"]
STYLE = """\
:root { color-scheme: light dark; --line: #d1d9e0; --faint: #59636e; --bar: #0969da; }
@media (prefers-color-scheme: dark) { :root { --line: #3d444d; --faint: #9198a1; --bar: #4493f8; } }
body { font: 14px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; margin: 2rem; }
h1 { font-size: 1.3rem; margin: 0; } p { color: var(--faint); margin: .2rem 0 1rem; }
details > *:not(summary) { margin-left: .6rem; padding-left: 1rem; border-left: 1px solid var(--line); }
summary, .leaf { display: flex; gap: .8rem; align-items: baseline; padding: 1px 0; }
summary { cursor: pointer; } summary::before { content: "▸"; color: var(--faint); width: .6rem; }
details[open] > summary::before { content: "▾"; } .leaf { margin-left: 1.4rem; }
b { font-weight: 600; } .class { color: var(--faint); flex: 1; }
.number { min-width: 5rem; text-align: right; } meter { width: 8rem; accent-color: var(--bar); }
"""
OPEN = 2
"""Levels that are open at first."""


def page_of(tree: Module, config: ExplorerConfig, stats: Stats) -> str:
    """The page."""
    config.check()
    name = escape(printable(tree.class_name))
    head = f"{count_text(tree.parameters)} parameters, {bytes_text(tree.parameter_bytes)}"
    body = "\n".join(lines(tree, tree.parameters.at_least, config, stats))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{name}</title>\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{name}</h1>\n<p>{escape(head)}</p>\n{body}\n</body>\n</html>\n"
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
