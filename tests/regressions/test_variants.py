"""The cause of a drift comes first also where the model is checkpointed, trained, renamed, or edited elsewhere too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.regressions.pair import pairs_in, require_told
from tests.regressions.variants import VARIATIONS, left_out, listed, require_both_told, variant, variants

MASK = pairs_in("drift")["causal_mask_passed"]
ALONE = {name: pair for name, pair in variants().items() if not name.endswith("-beside")}
BESIDE = {name: pair for name, pair in variants().items() if name.endswith("-beside")}


@pytest.mark.parametrize("name", ALONE)
def test_the_cause_comes_first_wherever_the_edit_is(name: str) -> None:
    require_told(ALONE[name])


@pytest.mark.parametrize("name", BESIDE)
def test_two_independent_edits_are_both_told(name: str) -> None:
    require_both_told(BESIDE[name])


def test_every_pair_is_varied_in_every_way_or_there_is_a_reason_why_not() -> None:
    assert not set(listed()) & left_out()
    assert {*listed(), *left_out()} == {(kind, name) for kind in VARIATIONS for name in pairs_in("drift")}


@pytest.mark.parametrize("kind", VARIATIONS)
def test_a_variant_without_the_edit_of_its_pair_is_refused(kind: str) -> None:
    unedited = variant(replace(MASK, after=MASK.before), kind)
    with pytest.raises(AssertionError):
        (require_both_told if kind == "beside" else require_told)(unedited)


def test_a_variant_without_the_edit_beside_it_is_refused() -> None:
    varied = variant(MASK, "beside")
    with pytest.raises(AssertionError):
        require_both_told(replace(varied, after=lambda: VARIATIONS["beside"].before(MASK.after())))


def test_checkpointed_layers_run_again_and_a_step_ends_in_an_optimizer() -> None:
    checkpointed, _ = variant(MASK, "checkpointed").graphs
    stepped, _ = variant(MASK, "stepped").graphs
    assert sum(scope.recomputed and scope.class_name == "Layer" for scope in checkpointed.scopes) == 4
    assert any("foreach" in operation.name for operation in stepped.operations)
