"""Logging in and out."""

from __future__ import annotations

from prefect._api.actor import Actor
from prefect._api.api import Api
from prefect._api.tokens import create_token, revoke_token
from prefect.model.requests.users import TokenCreate
from prefect.server.auth import AUTH_STRING, actor_of_password, actor_of_token, forget
from prefect.server.login_limit import TooManyFailures
from prefect.server.ui import door
from prefect.server.ui.page import Asked, Move, View, page


@page("/login")
def show_login(asked: Asked) -> View:
    """The form."""
    return View("login.html", "Log in", {"next": asked.query.get("next", "/"), "wrong": None})


@page("/login", "POST")
def log_in(asked: Asked) -> View | Move:
    """Begin a session."""
    name, password = (str(asked.form.get(one, "")) for one in ("name", "password"))
    back = str(asked.form.get("next", "/"))
    secret = f"{name}:{password}" if name else password
    try:
        actor = actor_of_password(asked.api.backend, secret, address=asked.address) or (
            actor_of_token(asked.api.backend, password) if not name else None
        )
    except TooManyFailures as exc:
        return View("login.html", "Log in", {"next": back, "wrong": str(exc)}, status=429)
    if actor is None:
        wrong = "No user has this name and password, and no token reads so."
        return View("login.html", "Log in", {"next": back, "wrong": wrong}, status=401)
    return Move(back, cookies={door.SESSION: _session(asked, actor)})


@page("/logout", "POST")
def log_out(asked: Asked) -> Move:
    """End the session: its token is revoked."""
    session = asked.cookies.get(door.SESSION, "")
    token = door.token_of(session)
    if token is not None and asked.actor is not None:
        revoke_token(asked.api, token)
        forget(asked.api.backend)
    return Move("/login", cookies={door.SESSION: ""})


def _session(asked: Asked, actor: Actor) -> str:
    if actor.name == AUTH_STRING:
        return door.stamp()
    api = Api(asked.api.backend, actor)
    made = create_token(api, TokenCreate(user=actor.name, name="web session", expires_in=door.LASTS_SECONDS))
    return made.token
