"""The words: one outline, lowered to text."""
