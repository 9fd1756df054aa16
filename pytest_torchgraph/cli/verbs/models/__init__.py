"""Verbs that run a model, or take the file of one that was run."""
