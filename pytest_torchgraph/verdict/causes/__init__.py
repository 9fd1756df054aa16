"""Why something changed: small rules that name a likely cause, one file for each subject."""
