from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "a loss calls its networks with parameters out of a dictionary; the dictionary's own work is recorded too"
"""What a person who records a model of this library should know."""
LINES = 105
"""Lines of the snapshot."""


def test_the_loss_of_a_policy() -> None:
    tensordict = pytest.importorskip("tensordict")
    nn = pytest.importorskip("tensordict.nn")
    modules = pytest.importorskip("torchrl.modules")
    objectives = pytest.importorskip("torchrl.objectives")

    def build() -> torch.nn.Module:
        split = torch.nn.Sequential(torch.nn.Linear(4, 4), nn.NormalParamExtractor())
        actor = modules.ProbabilisticActor(
            nn.TensorDictModule(split, in_keys=["observation"], out_keys=["loc", "scale"]),
            in_keys=["loc", "scale"],
            distribution_class=modules.IndependentNormal,
        )
        critic = modules.ValueOperator(torch.nn.Linear(4, 1), in_keys=["observation"])
        model: torch.nn.Module = objectives.ClipPPOLoss(actor, critic)
        return model

    def loss(model: Any, args: Any) -> Any:
        observation, action = args
        given = {
            "observation": observation,
            "action": action,
            "action_log_prob": torch.zeros(3),
            "advantage": torch.ones(3, 1),
            "value_target": torch.ones(3, 1),
        }
        found = model(tensordict.TensorDict(given, [3]))
        return found["loss_objective"], found["loss_critic"], found["loss_entropy"]

    assert require_recorded(build, (torch.randn(3, 4), torch.randn(3, 2)), runs=loss) == LINES
