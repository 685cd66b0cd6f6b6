"""The schemas of events."""
