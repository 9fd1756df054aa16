"""Verbs about what failed tests would record."""
