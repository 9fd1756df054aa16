"""Screens are kept as pictures that a browser shows."""

from __future__ import annotations

from pytest_textual_snapshot import SVGImageExtension

# The plugin sets the name that syrupy had for it before version 5.
SVGImageExtension.file_extension = "svg"
