"""What follows from a record: counts, costs, flow, times; nothing of it is stored."""
