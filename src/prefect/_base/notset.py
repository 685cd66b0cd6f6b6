"""The sentinel for "this option was not given"."""

from __future__ import annotations


class NotSet:
    """Stands for an option that was not given, where None has a meaning of its own. The class is the value."""
