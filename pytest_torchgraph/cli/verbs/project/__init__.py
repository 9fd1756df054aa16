"""Verbs about a project as a whole: git, commits, a first example, the shell."""
