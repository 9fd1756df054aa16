"""The judgement: which changes fail, what they likely mean, and whether budgets hold."""
