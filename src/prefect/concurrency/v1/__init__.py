"""Slots of the limits on tags, taken for a task run: the older form."""
