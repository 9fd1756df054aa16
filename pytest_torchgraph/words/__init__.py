"""Words: how counts, names and the text of others are spelled; standard library only."""
