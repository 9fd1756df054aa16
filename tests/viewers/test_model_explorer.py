"""Graphs opened in Model Explorer's own server, where it is installed: ``pip install ai-edge-model-explorer``."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from pytest_torchgraph.tracking.export import render
from tests.viewers import steps
from tests.viewers.browser import opened

EXPLORER = shutil.which("model-explorer")
pytestmark = pytest.mark.skipif(EXPLORER is None, reason="Model Explorer is not installed")


@contextmanager
def served(file: Path) -> Iterator[str]:
    """The address under which Model Explorer shows *file*."""
    assert EXPLORER is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [EXPLORER, str(file), "--no_open_in_browser", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://localhost:{port}/")
        data = json.dumps({"models": [{"url": str(file)}]})
        yield f"http://localhost:{port}/?data={data}"
    finally:
        server.terminate()
        server.wait(10)


def wait_for(address: str) -> None:
    """Wait until something answers."""
    until = time.monotonic() + 30
    while True:
        try:
            with urlopen(address, timeout=5):  # noqa: S310 -- a server that this test started
                return
        except URLError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def counted(text: str, folder: Path) -> tuple[int, int]:
    """The nodes and layers that Model Explorer counts in a graph."""
    file = folder / "graph.json"
    file.write_text(text, encoding="utf-8")
    with served(file) as address, opened() as (page, said):
        page.goto(address)
        page.wait_for_selector("text=op node count", timeout=30_000)
        info = page.inner_text("body")
    assert [line for line in said if line.startswith("error: ")] == []
    (found,) = re.findall(r"op node count\s+(\d+)\s+layer count\s+(\d+)", info)
    return int(found[0]), int(found[1])


def layers_in(text: str) -> int:
    """The namespaces of a graph that hold two nodes or namespaces: the explorer shows what is alone without a frame."""
    (graph,) = json.loads(text)["graphs"]
    held: dict[str, set[str]] = {}
    for node in graph["nodes"]:
        inside, space = node["id"], node["namespace"]
        while space:
            held.setdefault(space, set()).add(inside)
            inside, space = space, space.rpartition("/")[0]
    return sum(len(inside) > 1 for inside in held.values())


@pytest.mark.parametrize("name", ["small", "checkpointed", "reused_module"])
def test_every_operation_and_module_is_shown(name: str, tmp_path: Path) -> None:
    graph = steps.of(name)
    text = render(graph, "model-explorer")
    nodes, layers = counted(text, tmp_path)
    assert nodes == len(graph.operations) + len(graph.inputs)
    assert layers == layers_in(text)
