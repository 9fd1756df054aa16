"""The matching of two graphs, looked for from either side."""

from __future__ import annotations

from pytest_torchgraph.diff.keys import Interner, Keys
from pytest_torchgraph.diff.matching import Matching
from pytest_torchgraph.diff.modules import Modules
from pytest_torchgraph.diff.same import NOTHING, Same


def best_matching(before: Keys, after: Keys, same: Same = NOTHING) -> Matching:
    """The matching that pairs the most, and of those the one that needs the fewest modules in the place of others.

    Where one side leaves module calls over, or calls stand for those of other modules, the graphs are matched the other
    way, too: what pairs first takes the place of what else would, so an edit and its reverse would be told otherwise.
    """
    found = Matching(before, after, same).found()
    strays = _strays(found)
    if not strays and not found.leaves_calls:
        return found
    interner = Interner()
    reverse = Matching(Keys(after.tree, interner), Keys(before.tree, interner), same).found()
    scores = [(len(each.forward), -count, -len(each.moved)) for each, count in _counted(found, reverse)]
    return reverse.mirrored() if scores[1] > scores[0] else found


def _counted(*matchings: Matching) -> list[tuple[Matching, int]]:
    return [(each, _strays(each)) for each in matchings]


def _strays(matching: Matching) -> int:
    """How many pairs of calls are of modules of which neither is the other under another name."""
    modules = Modules(matching)
    count = 0
    for left, right in matching.forward.items():
        one = matching.before.tree.bodies[left[0]].inner.get(left[1])
        other = matching.after.tree.bodies[right[0]].inner.get(right[1])
        if one is not None and other is not None and one.owner != other.owner:
            count += not (one.beneath or other.beneath or modules.renamed(one.owner, other.owner))
    return count
