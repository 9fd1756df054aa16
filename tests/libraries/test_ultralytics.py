from __future__ import annotations

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "anchors are made in the first call and kept while the size of the image is the same"
"""What a person who records a model of this library should know."""
LINES = 323
"""Lines of the snapshot."""


def test_a_detector() -> None:
    tasks = pytest.importorskip("ultralytics.nn.tasks")
    build = lambda: tasks.DetectionModel("yolo11n.yaml", nc=3, verbose=False).eval()  # noqa: E731
    assert require_recorded(build, (torch.rand(1, 3, 64, 64),)) == LINES
