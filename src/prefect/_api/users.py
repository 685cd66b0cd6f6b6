"""Users: who may ask the server, and as what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import Refused, missing
from prefect._api.limits import page_of
from prefect._base.clock import now_us
from prefect._base.credentials import hash_password
from prefect._base.ids import new_id
from prefect._storage.accounts import ACCOUNTS, AccountRecord, delete_account, other_admins
from prefect.exceptions import ObjectAlreadyExists
from prefect.model.requests.base import Page
from prefect.model.requests.users import UserCreate, UserUpdate
from prefect.model.users import User, WhoAmI

if TYPE_CHECKING:
    from prefect._storage.protocol import Transaction

MINIMUM_PASSWORD = 8
MAXIMUM_PASSWORD = 1024


@endpoint("GET", "/users/me")
def read_me(api: Api) -> WhoAmI:
    """Who asks."""
    if api.actor is None:
        return WhoAmI(name=None, role="admin")
    return WhoAmI.model_validate(api.actor._asdict())


@endpoint("POST", "/users/", status=201, role="admin")
def create_user(api: Api, body: UserCreate) -> User:
    """Make a user. Raises ObjectAlreadyExists where the name is taken."""
    hashed = _hashed(body.password)
    now = now_us()
    record = AccountRecord(new_id(), body.name, body.role, hashed, now, now)
    with api.store.write() as cx:
        if ACCOUNTS.read(cx, name=body.name) is not None:
            raise ObjectAlreadyExists(None, f"User with name {body.name!r} already exists.")
        ACCOUNTS.insert(cx, record)
    return _shown(record)


@endpoint("POST", "/users/filter", role="admin")
def read_users(api: Api, body: Page | None = None) -> list[User]:
    """The users, by name."""
    return [_shown(record) for record in ACCOUNTS.find(api.store, order="name", **page_of(body or Page()))]


@endpoint("GET", "/users/{name}", role="admin")
def read_user(api: Api, name: str) -> User:
    """One user. Raises ObjectNotFound."""
    return _shown(required_user(api.store, name))


@endpoint("PATCH", "/users/{name}", status=204, role="admin")
def update_user(api: Api, name: str, body: UserUpdate) -> None:
    """Change a user's role or password. Raises ObjectNotFound, Refused for the last admin's role."""
    changes: dict[str, Any] = {"updated": now_us()}
    if body.role is not None:
        changes["role"] = body.role
    if "password" in body.model_fields_set:
        changes["password"] = _hashed(body.password)
    with api.store.write() as cx:
        record = required_user(cx, name)
        if changes.get("role", record.role) != "admin":
            _require_another_admin(cx, record)
        ACCOUNTS.update(cx, record.id, changes)


@endpoint("DELETE", "/users/{name}", status=204, role="admin")
def delete_user(api: Api, name: str) -> None:
    """Remove a user and all its tokens. Raises ObjectNotFound, Refused for the last admin while the server runs on."""
    with api.store.write() as cx:
        record = required_user(cx, name)
        alone = ACCOUNTS.count(cx) == 1
        # the owner of the store may remove the very last user, which opens the server; nobody may over HTTP
        if not (alone and api.actor is None):
            _require_another_admin(cx, record)
        delete_account(cx, record.id)


def required_user(source: Any, name: str) -> AccountRecord:
    """The user of that name. Raises ObjectNotFound."""
    record = ACCOUNTS.read(source, name=name)
    if record is None:
        raise missing("User")
    return record


def _require_another_admin(cx: Transaction, record: AccountRecord) -> None:
    if record.role == "admin" and not other_admins(cx, record.id):
        raise Refused(
            f"Expected an admin to remain; {record.name!r} is the last one. Make another user an admin first.",
            status=409,
        )


def _hashed(password: str | None) -> str | None:
    if password is None:
        return None
    if not MINIMUM_PASSWORD <= len(password) <= MAXIMUM_PASSWORD:
        raise Refused(
            f"Expected a password of {MINIMUM_PASSWORD} to {MAXIMUM_PASSWORD} characters, got {len(password)}."
        )
    return hash_password(password)


def _shown(record: AccountRecord) -> User:
    shown = ACCOUNTS.shown(record)
    has_password = shown.pop("password") is not None
    return User.model_validate({**shown, "has_password": has_password})
