"""This torch: what the installed PyTorch can do."""
