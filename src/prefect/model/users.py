"""Users of the server, their tokens, and the record of what they changed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from prefect.model.base import DateTime, ObjectBaseModel, PrefectBaseModel

Role = Literal["viewer", "operator", "admin"]


class User(ObjectBaseModel):
    """Somebody who may ask the server."""

    name: str
    role: Role
    has_password: bool


class Token(ObjectBaseModel):
    """A token of a user, without its text, which is shown only when it is made."""

    name: str
    user: str
    expires: DateTime | None = None
    revoked: DateTime | None = None


class NewToken(Token):
    """A token that has just been made."""

    token: str = Field(repr=False)


class WhoAmI(PrefectBaseModel):
    """The user who asks: no name, and the role admin, where the server asks nobody for a name."""

    name: str | None
    role: Role


class AuditEntry(ObjectBaseModel):
    """A change that somebody made, or was refused: who, what, when, from where. Never with what was sent."""

    timestamp: DateTime
    actor: str | None
    endpoint: str | None
    method: str
    path: str
    status: int
    address: str | None


class CsrfToken(ObjectBaseModel):
    """What a browser's page sends along to show that a change is its own idea."""

    token: str = Field(repr=False)
    client: str
    expiration: DateTime
