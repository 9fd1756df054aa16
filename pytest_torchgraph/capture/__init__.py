"""The run: the only room that runs a model."""
