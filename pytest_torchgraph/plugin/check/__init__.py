"""One check of one test: what it compares, which snapshot, the run, the judgement, and what is done about it."""
