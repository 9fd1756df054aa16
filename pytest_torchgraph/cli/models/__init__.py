"""What runs on the command line: a model that a factory makes, or the snapshot file in its place."""
