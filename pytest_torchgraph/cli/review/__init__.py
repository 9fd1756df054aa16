"""What waits for review: found, listed change by change, accepted or rejected."""
