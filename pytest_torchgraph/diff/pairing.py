"""The matching of two graphs, looked for from either side."""

from __future__ import annotations

from pytest_torchgraph.diff.keys import Interner, Keys
from pytest_torchgraph.diff.matching import Matching
from pytest_torchgraph.diff.same import NOTHING, Same


def best_matching(before: Keys, after: Keys, same: Same = NOTHING) -> Matching:
    """The matching that pairs the most; where module calls are left over, the graphs are matched the other way, too.

    What pairs first takes the place of what else would: an edit and its reverse would be told otherwise.
    """
    found = Matching(before, after, same).found()
    if not found.leaves_calls:
        return found
    interner = Interner()
    reverse = Matching(Keys(after.tree, interner), Keys(before.tree, interner), same).found()
    is_better = (len(reverse.forward), -len(reverse.moved)) > (len(found.forward), -len(found.moved))
    return reverse.mirrored() if is_better else found
