"""The pytest plugin: options, fixture, marker, storage through syrupy, summary."""
