"""Verbs about the PyTorch that is installed."""
