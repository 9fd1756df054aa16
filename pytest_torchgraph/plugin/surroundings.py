"""What runs this session, read from the environment once, before a test can change that."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

NO = frozenset({"", "0", "false", "no", "off", "n", "f"})
"""Values, in lower case, that say that a variable's name is not so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """``ci`` is whether nobody sits before the session; the others are what GitHub Actions says, empty elsewhere.

    ``step_summary`` is the file of the step's summary, ``workspace`` the folder that paths in annotations start from.
    """

    ci: bool = False
    github: bool = False
    step_summary: str = ""
    workspace: str = ""

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Surroundings:
        """As the environment *variables* have it."""
        return cls(
            ci=variables.get("CI", "").strip().lower() not in NO,
            github=variables.get("GITHUB_ACTIONS", "").strip().lower() == "true",
            step_summary=variables.get("GITHUB_STEP_SUMMARY", ""),
            workspace=variables.get("GITHUB_WORKSPACE", ""),
        )


_KEY = pytest.StashKey[Surroundings]()


def note(config: pytest.Config) -> None:
    """Read them for the session of *config*, once."""
    config.stash.setdefault(_KEY, Surroundings.of(os.environ))


def of(config: pytest.Config) -> Surroundings:
    """Those of the session of *config*."""
    return config.stash[_KEY]
