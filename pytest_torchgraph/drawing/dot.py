"""A graph in DOT, the language of Graphviz: modules are clusters, phases are told by colour."""

from __future__ import annotations

from pytest_torchgraph.drawing.colour import KIND_COLOURS, LIGHT, mix
from pytest_torchgraph.drawing.model import Node, build
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.words.printable import printable_lines


def dot_text(graph: Graph, *, unfold: bool = False) -> str:
    """*graph* as a digraph, repeated layers once unless *unfold*; the same text for the same graph."""
    writing = Writing()
    for lane in build(graph, folded=not unfold).lanes:
        writing.node(lane, 1)
    head = [
        f"digraph {quoted(graph.scopes[0].class_name)} {{",
        '  graph [compound=true, fontname="Helvetica", fontsize=12, nodesep=0.2, ranksep=0.35];',
        '  node [shape=box, style="filled,rounded", fontname="Helvetica", fontsize=10, margin="0.08,0.04"];',
        '  edge [color="#818b98", arrowsize=0.6];',
    ]
    return "\n".join([*head, *writing.lines, *writing.edges, "}", ""])


class Writing:
    """Writes boxes as nodes and clusters; a line between clusters ends at their borders."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.edges: list[str] = []
        self.count = 0

    def node(self, node: Node, depth: int) -> Ends:
        """Write *node*, and return where lines to and from it attach."""
        name = f"n{self.count}"
        self.count += 1
        indent = "  " * depth
        if node.body is None or not node.body.nodes:
            colour = KIND_COLOURS.get(node.kind, LIGHT.muted)
            label = f"{node.title}\n{node.detail}" if node.detail else node.title
            fill = mix(colour, LIGHT.paper, 0.16)
            self.lines.append(f'{indent}{name} [label={quoted(label)}, color="{colour}", fillcolor="{fill}"];')
            return Ends(name, name, "")
        colour = LIGHT.phases.get(node.phase, LIGHT.muted)
        self.lines += [
            f"{indent}subgraph cluster_{name} {{",
            f'{indent}  label={quoted(node.title)}; color="{mix(colour, LIGHT.paper, 0.5)}"; fontcolor="{colour}";',
        ]
        ends = [self.node(child, depth + 1) for child in node.body.nodes]
        self.lines.append(f"{indent}}}")
        self.edges += [f"  {edge(ends[a], ends[b])};" for a, b in node.body.edges]
        first = next((readers[0] for readers in node.body.inputs if readers), 0)
        last = node.body.outputs[-1] if node.body.outputs else len(ends) - 1
        return Ends(ends[first].first, ends[last].last, f"cluster_{name}")


class Ends:
    """The nodes at which lines into and out of a box attach, and its cluster where it is one."""

    def __init__(self, first: str, last: str, cluster: str) -> None:
        self.first, self.last, self.cluster = first, last, cluster


def edge(source: Ends, target: Ends) -> str:
    """One line between two boxes."""
    parts = [f"ltail={source.cluster}"] * bool(source.cluster) + [f"lhead={target.cluster}"] * bool(target.cluster)
    return f"{source.last} -> {target.first}" + (f" [{', '.join(parts)}]" if parts else "")


def quoted(text: str) -> str:
    """*text* as a string of DOT, which reads ``&lt;`` as HTML does in plain strings too; nothing a terminal obeys."""
    plain = printable_lines(text).replace("&", "&amp;")
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
