"""The facts: what changed between two canonical graphs, without an opinion."""
