"""The noun: frozen records of what a run did; standard library only, and nothing is worked out here."""
