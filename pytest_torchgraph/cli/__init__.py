"""The command ``torchgraph``."""
