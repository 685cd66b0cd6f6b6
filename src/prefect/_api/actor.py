"""Who asks, and what that role may do."""

from __future__ import annotations

from typing import Final, NamedTuple

ROLES: Final = ("viewer", "operator", "admin")
"""Each may do what those before it may."""


class Actor(NamedTuple):
    """Somebody who has shown who they are: the user's name, and one of `ROLES`."""

    name: str
    role: str

    def may(self, role: str) -> bool:
        """Whether this actor may do what asks for `role`."""
        return ROLES.index(self.role) >= ROLES.index(role)
