"""The noun: frozen records of what a run did; standard library only."""
