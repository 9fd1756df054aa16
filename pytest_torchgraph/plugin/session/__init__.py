"""The session around the checks: what they did, what nobody claimed, and what is told of it at the end."""
