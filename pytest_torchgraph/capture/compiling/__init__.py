"""Compiled models: what ``torch.compile`` makes of a model, recorded by the one recorder while it runs."""
