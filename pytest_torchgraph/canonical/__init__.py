"""What is compared: the canonical graph of a record, and the way back from it."""
