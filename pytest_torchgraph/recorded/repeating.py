"""How often a model is run before it is said that it does not repeat, in a test and by a command."""

MOST_RUNS = 5
"""Data parallel training of a static graph, and layers of frozen TorchScript behind one that learns, repeat from their
fourth step on."""
