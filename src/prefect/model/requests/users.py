"""Requests about users, tokens and the audit log."""

from __future__ import annotations

from pydantic import Field

from prefect.model.base import DateTime
from prefect.model.requests.base import ActionBaseModel, Page
from prefect.model.users import Role

# no colon (it ends the name in `user:password`), no space (`auth string` is nobody's name)
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$"


class UserCreate(ActionBaseModel):
    """A new user. Without a password, only tokens stand for the user."""

    name: str = Field(pattern=NAME_PATTERN)
    role: Role = "viewer"
    password: str | None = Field(default=None, repr=False)


class UserUpdate(ActionBaseModel):
    """What to change; what is not set stays. A password that is null is taken away."""

    role: Role | None = None
    password: str | None = Field(default=None, repr=False)


class TokenCreate(ActionBaseModel):
    """A new token of a user. `expires_in` are seconds; without, it does not expire."""

    user: str
    name: str = Field(default="token", max_length=200)
    expires_in: float | None = Field(default=None, gt=0)


class FilterTokens(Page):
    """Which tokens: those of a user, or all."""

    user: str | None = None


class FilterAudit(Page):
    """Which entries: of an actor, of an endpoint, between two times."""

    actor: str | None = None
    endpoint: str | None = None
    after: DateTime | None = None
    before: DateTime | None = None
