"""`prefect server user` and `prefect server token`: who may ask the server. They work on the store itself.

So the first user needs no server, and whoever may write the store can always mend what users have locked. A server
that runs on the store follows within two seconds.
"""

from __future__ import annotations

import sys
from getpass import getuser
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click
from pydantic import ValidationError

from prefect._api import tokens, users
from prefect._api.actor import ROLES
from prefect._api.api import Api
from prefect._api.errors import Refused
from prefect._backend.resolve import local_backend
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage import audit
from prefect._storage.audit import AuditRecord
from prefect.cli._command import Group, argument
from prefect.cli._output import confirm, fail, format_time, output_option, print_json, print_table
from prefect.model.requests.users import NAME_PATTERN, FilterTokens, TokenCreate, UserCreate, UserUpdate

if TYPE_CHECKING:
    from collections.abc import Callable

_DAY_SECONDS = 86_400
_DONE = 200


@click.group("user", cls=Group)
def user() -> None:
    """Decide who may ask the server, and for what."""


@click.group("token", cls=Group)
def token() -> None:
    """Give users tokens, for programs and for other machines."""


def _password_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How a password comes in: never as an argument, which every process of the machine can read."""
    return click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")(
        command
    )


@user.command("create")
@argument("name")
@click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True, help="What it may do.")
@click.option("--password", "ask", is_flag=True, help="Ask for a password; without one, only tokens work.")
@_password_options
def create_user(name: str, role: Any, ask: bool, password_stdin: bool) -> None:
    """Make a user. With the first one, the server begins to ask everybody for a name."""
    password = _password(from_stdin=password_stdin) if ask or password_stdin else None
    try:
        body = UserCreate(name=name, role=role, password=password)
    except ValidationError:  # whose text would hold what was typed
        fail(f"Expected a name such as ann.lee@example.org ({NAME_PATTERN}), got {name!r}.")
    made = _act("create_user", f"user create {name}", lambda api: users.create_user(api, body))
    click.echo(f"Created the user '{made.name}' ({made.role}).")
    if not made.has_password:
        click.echo(f"It needs a token:  prefect server token create {made.name}")


@user.command("ls")
@output_option
def list_users(output: str | None) -> None:
    """List users."""
    found = users.read_users(_api())
    if output:
        print_json([one.model_dump(mode="json") for one in found])
        return
    rows = [
        [one.name, one.role, "yes" if one.has_password else "no", format_time(one.created)] for one in found
    ]
    print_table(["Name", "Role", "Password", "Created"], rows, title="Users")


@user.command("set-role")
@argument("name")
@argument("role", type=click.Choice(ROLES))
def set_role(name: str, role: Any) -> None:
    """Change what a user may do."""
    body = UserUpdate(role=role)
    _act("update_user", f"user set-role {name}", lambda api: users.update_user(api, name, body))
    click.echo(f"The user '{name}' is {role} now.")


@user.command("set-password")
@argument("name")
@click.option("--remove", is_flag=True, help="Take the password away: only tokens work then.")
@_password_options
def set_password(name: str, remove: bool, password_stdin: bool) -> None:
    """Change a user's password. Tokens stay as they are."""
    users.required_user(_api().store, name)  # before a person types a password in vain
    body = UserUpdate(password=None if remove else _password(from_stdin=password_stdin))
    _act("update_user", f"user set-password {name}", lambda api: users.update_user(api, name, body))
    click.echo(f"The user '{name}' has {'no' if remove else 'a new'} password now.")


@user.command("delete")
@argument("name")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def delete_user(name: str, yes: bool) -> None:
    """Remove a user with all tokens. Without any user, the server asks nobody for a name."""
    last = len(users.read_users(_api())) == 1
    if not yes:
        after = " It is the last one: the server will ask nobody for a name." if last else ""
        confirm(f"Delete the user '{name}' and all its tokens?{after}")
    _act("delete_user", f"user delete {name}", lambda api: users.delete_user(api, name))
    click.echo(f"Deleted the user '{name}'.")


@token.command("create")
@argument("user_name")
@click.option("--name", default="token", show_default=True, help="What it is for.")
@click.option("--expires-in", type=click.IntRange(1), metavar="DAYS", help="Without, it never expires.")
@output_option
def create_token(user_name: str, name: str, expires_in: int | None, output: str | None) -> None:
    """Make a token of a user, and print it: it is not kept, and cannot be shown again."""
    seconds = expires_in * _DAY_SECONDS if expires_in is not None else None
    body = TokenCreate(user=user_name, name=name, expires_in=seconds)
    made = _act("create_token", f"token create {user_name}", lambda api: tokens.create_token(api, body))
    if output:
        print_json(made.model_dump(mode="json", exclude={"updated"}))
        return
    click.echo(made.token)
    if sys.stdout.isatty():
        click.echo("Use it:  prefect config set PREFECT_API_KEY=…  It will not be shown again.", err=True)


@token.command("ls")
@argument("user_name", required=False)
@output_option
def list_tokens(user_name: str | None, output: str | None) -> None:
    """List tokens: those of a user, or all."""
    found = tokens.read_tokens(_api(), FilterTokens(user=user_name))
    if output:
        print_json([one.model_dump(mode="json", exclude={"updated"}) for one in found])
        return
    rows = [
        [
            str(one.id),
            one.user,
            one.name,
            format_time(one.created),
            f"revoked {format_time(one.revoked)}" if one.revoked else format_time(one.expires) or "never",
        ]
        for one in found
    ]
    print_table(["ID", "User", "Name", "Created", "Expires"], rows, title="Tokens")


@token.command("revoke")
@argument("token_id", type=click.UUID)
def revoke_token(token_id: UUID) -> None:
    """Revoke a token, for good."""
    _act("revoke_token", f"token revoke {token_id}", lambda api: tokens.revoke_token(api, token_id))
    click.echo(f"Revoked the token {token_id}.")


def _api() -> Api:
    return Api(local_backend())


def _act(endpoint: str, words: str, act: Callable[[Api], Any]) -> Any:
    """Do it, and put it into the audit log; a refusal ends the command."""
    api = _api()
    try:
        done = act(api)
    except Refused as refused:
        fail(refused.detail)
    entry = AuditRecord(
        id=new_id(),
        timestamp=now_us(),
        actor=f"command line ({getuser()})",
        endpoint=endpoint,
        method="CLI",
        path=f"prefect server {words}",
        status=_DONE,
        address=None,
    )
    with api.store.write() as cx:
        audit.insert(cx, [entry])
    return done


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        fail("There is nobody to ask for a password. Add --password-stdin and write it to standard input.")
    return click.prompt("Password", hide_input=True, confirmation_prompt=True)
