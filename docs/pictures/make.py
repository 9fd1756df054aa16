"""The picture of the page in the README.

``python docs/pictures/make.py`` takes it; transformers, playwright and a Chromium are needed.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from pytest_torchgraph import trace
from pytest_torchgraph.comparison import compare
from pytest_torchgraph.report.case import Case, Place, case_of, report_of, source_lines
from pytest_torchgraph.report.html import render
from pytest_torchgraph.report.view import view_of

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph

PICTURE = Path(__file__).parent / "report.png"
MOST_BYTES = 300_000
SIZE = {"width": 1360, "height": 1310}


def llama(attention: str) -> Graph:
    """A training step's forward and backward pass of a small Llama."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=8,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=256,
        use_cache=False,
        attn_implementation=attention,
    )
    model = LlamaForCausalLM(config)
    ids = torch.zeros(2, 64, dtype=torch.long)
    return trace(model, {"input_ids": ids, "labels": ids}, backward=lambda output: output.loss)


def gelu(*, written_out: bool) -> Graph:
    """A feed-forward layer."""

    def act(x: torch.Tensor) -> torch.Tensor:
        return x * 0.5 * (1 + torch.erf(x / 2**0.5)) if written_out else functional.gelu(x)

    up, down = torch.nn.Linear(64, 256), torch.nn.Linear(256, 64)
    return trace(lambda x: down(act(up(x))), torch.zeros(8, 64))


def case(test: str, before: Graph, after: Graph) -> Case:
    """The two compared, with all that the page draws."""
    comparison = compare(before, after)
    view = view_of(before.canonical, after.canonical, comparison.difference, recorded=(before, after))
    source = next(source_lines(comparison), None)
    place = Place(Path(source.file).name, source.line) if source else None
    accept = f"pytest {test} --torchgraph-update" if comparison.drifted else ""
    return case_of(comparison, test=test, path=test, accept=accept, place=place, view=view)


def page() -> str:
    """Two drifts, the first of attention, and graphs that stayed."""
    attention = case("tests/test_attention.py::test_step", llama("sdpa"), llama("eager"))
    layer = case("tests/test_layers.py::test_feed_forward", gelu(written_out=False), gelu(written_out=True))
    same = case("tests/test_layers.py::test_other", gelu(written_out=False), gelu(written_out=False))
    names = ("test_embedding", "test_norm", "test_rotary")
    return render(
        report_of([attention, layer, *(replace(same, test=f"tests/test_layers.py::{name}") for name in names)])
    )


def photograph(text: str, picture: Path) -> None:
    """Open the page *text* in a browser of its own, and take the *picture*."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as driver, TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        path.write_text(text, encoding="utf-8")
        browser: Any = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce")
        tab.goto(path.as_uri())
        tab.wait_for_selector("html[data-ready]", state="attached")
        tab.locator("[role=tab]").nth(2).click()
        tab.mouse.move(0, 0)
        tab.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    photograph(page(), PICTURE)
    size = PICTURE.stat().st_size
    sys.stdout.write(f"{PICTURE}: {size} bytes\n")
    sys.exit(size > MOST_BYTES)
