"""The terminal application for reading graphs."""
