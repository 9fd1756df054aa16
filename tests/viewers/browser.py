"""A headless Chromium for what is a viewer in a page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRAWING = ("--no-sandbox", "--use-gl=swiftshader", "--enable-unsafe-swiftshader")
"""Without a GPU: what viewers draw with WebGL is drawn by the processor."""


@contextmanager
def opened(*flags: str, height: int = 800) -> Iterator[tuple[Any, list[str]]]:
    """An empty page, and what it says on its console; skips the test where no browser can be driven."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium on the path")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*DRAWING, *flags])
        page = browser.new_page(viewport={"width": 1200, "height": height})
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        yield page, said
        browser.close()
