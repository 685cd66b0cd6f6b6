"""Settings: how pages look, what the server was told, who may use it."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from prefect._api.admin import read_server_version, read_settings
from prefect._api.tokens import create_token, read_tokens, revoke_token
from prefect._api.users import create_user, delete_user, read_users, update_user
from prefect.model.requests.users import FilterTokens, TokenCreate, UserCreate, UserUpdate
from prefect.server.auth import forget
from prefect.server.ui.form_values import request_of, text_of
from prefect.server.ui.page import Asked, Move, View, page
from prefect.server.ui.views.look import DENSITIES, THEMES

USERS = "/settings?tab=users"
ROLES = ("viewer", "operator", "admin")
_DAY = 86_400


@page("/settings")
def show_settings(asked: Asked) -> View:
    """The tab that the query names."""
    return _view(asked)


@page("/settings/users", "POST")
def add_user(asked: Asked) -> Move:
    """Make a user."""
    password = str(asked.form.get("password", "")) or None
    body = request_of(UserCreate, name=text_of(asked, "name"), role=text_of(asked, "role"), password=password)
    asked.do(create_user, body)
    return _changed(asked, f"User {body.name} was made.")


@page("/settings/users/{name}/role", "POST")
def change_role(asked: Asked, name: str) -> Move:
    """Give a user another role."""
    body = request_of(UserUpdate, role=text_of(asked, "role"))
    asked.do(update_user, name, body)
    return _changed(asked, f"User {name} is {body.role} now.")


@page("/settings/users/{name}/delete", "POST")
def remove_user(asked: Asked, name: str) -> Move:
    """Remove a user with all tokens."""
    asked.do(delete_user, name)
    return _changed(asked, f"User {name} was deleted.")


@page("/settings/tokens", "POST")
def add_token(asked: Asked) -> View:
    """Make a token; its text is on the page that answers, and nowhere else."""
    days = text_of(asked, "days")
    body = request_of(
        TokenCreate,
        user=text_of(asked, "user"),
        name=text_of(asked, "name") or "token",
        expires_in=float(days) * _DAY if days.isdigit() else None,
    )
    made = asked.do(create_token, body)
    return _view(asked, tab="users", made=made)


@page("/settings/tokens/{id}/revoke", "POST")
def end_token(asked: Asked, id: UUID) -> Move:
    """Revoke a token for good."""
    asked.do(revoke_token, id)
    return _changed(asked, "The token was revoked.")


def _view(asked: Asked, *, tab: str | None = None, made: Any = None) -> View:
    may_users = asked.may(read_users)
    tabs = ("look", "server", "users") if may_users else ("look", "server")
    wanted = tab or asked.query.get("tab", "look")
    values: dict[str, Any] = {
        "tab": wanted if wanted in tabs else "look",
        "tabs": tabs,
        "themes": THEMES,
        "densities": DENSITIES,
        "version": read_server_version(asked.api),
        "roles": ROLES,
        "made": made,
        "settings": [],
        "users": [],
        "tokens": [],
    }
    if values["tab"] == "server":
        values["settings"] = _flat(read_settings(asked.api))
    if values["tab"] == "users":
        values["users"] = read_users(asked.api)
        values["tokens"] = read_tokens(asked.api, FilterTokens(limit=100))
    return View("settings.html", "Settings", values)


def _changed(asked: Asked, said: str) -> Move:
    forget(asked.api.backend)
    return Move(USERS, said)


def _flat(nested: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Settings by their dotted names."""
    found: list[tuple[str, Any]] = []
    for name, value in nested.items():
        if isinstance(value, dict):
            found += _flat(cast("dict[str, Any]", value), f"{before}{name}.")
        else:
            found.append((before + name, value))
    return found
