"""A run without weights and without compute: fake tensors stand in for those of the model and its inputs."""
