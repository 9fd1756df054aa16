"""Record what a PyTorch model does, and be told when that changes."""

__version__ = "0.1.0"
