from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = [
    pytest.mark.library,
    # Said of loaders without workers, which is how a small one is quick.
    pytest.mark.filterwarnings("ignore:The .* does not have many workers"),
    # What it asks of PyTorch's trees, which wants to be asked otherwise.
    pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec.:FutureWarning"),
]

KNOW = "a whole `fit` is recorded, phases and all; loggers, checkpoints and progress bars off"
"""What a person who records a model of this library should know."""
LINES = 93
"""Lines of the snapshot."""


def test_two_steps_of_a_trainer() -> None:
    lightning: Any = pytest.importorskip("lightning")

    class Regression(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))

        def training_step(self, batch: torch.Tensor, _: int) -> torch.Tensor:
            return self.net(batch).square().mean()

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    def fit(model: Any, args: Any) -> torch.Tensor:
        quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
        trainer = lightning.Trainer(max_steps=2, accelerator="cpu", enable_model_summary=False, **quiet)
        trainer.fit(model, torch.utils.data.DataLoader(args[0], batch_size=2))
        return model.net[0].weight.detach().clone()

    assert require_recorded(Regression, (torch.randn(4, 4),), runs=fit) == LINES
