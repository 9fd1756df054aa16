"""The project around the current folder: its root directory, its snapshots, what git has of them."""
