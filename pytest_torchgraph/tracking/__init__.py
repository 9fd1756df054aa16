"""The tracker: functions and classes for use without pytest."""
