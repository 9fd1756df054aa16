"""The text format."""
