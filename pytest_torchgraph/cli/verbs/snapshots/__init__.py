"""Verbs about snapshot files: they need neither models nor PyTorch."""
