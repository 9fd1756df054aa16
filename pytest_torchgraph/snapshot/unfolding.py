from pytest_torchgraph.snapshot.tree import Node


def fold(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    return nodes


def unfold(nodes, path="<snapshot>"):
    return nodes
