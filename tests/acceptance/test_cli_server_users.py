"""`prefect server user` and `prefect server token`: the first user needs no server."""

from __future__ import annotations

import json

import pytest
from cli_runs import prefect

from prefect._api import audit
from prefect._api.actor import Actor
from prefect._api.api import Api
from prefect._backend import resolve
from prefect._backend.resolve import local_backend
from prefect.server.auth import actor_of_password, actor_of_token, forget, is_open
from prefect.settings import temporary_settings


@pytest.fixture(autouse=True)
def store(tmp_path):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with temporary_settings({"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}):
        yield
        resolve.close(url)


def who(found):
    """Who that is for a server that looks just now."""
    forget(local_backend())
    return found(local_backend())


def listed(*words):
    return json.loads(prefect("server", *words, "-o", "json").stdout)


def test_the_first_user_closes_the_server():
    assert who(is_open)
    said = prefect("server", "user", "create", "ann", "--role", "admin").stdout
    assert said.startswith("Created the user 'ann' (admin).")
    assert "prefect server token create ann" in said
    assert not who(is_open)


def test_a_token_is_shown_once_and_stands_for_its_user():
    prefect("server", "user", "create", "ann", "--role", "operator")
    text = prefect("server", "token", "create", "ann", "--name", "ci", "--expires-in", "30").stdout.strip()
    assert who(lambda backend: actor_of_token(backend, text)) == Actor("ann", "operator")
    (one,) = listed("token", "ls", "ann")
    assert (one["name"], one["user"], one["revoked"], text in str(one)) == ("ci", "ann", None, False)
    assert one["expires"] > one["created"]
    assert "in 29 days" in prefect("server", "token", "ls").stdout
    assert prefect("server", "token", "revoke", one["id"]).stdout == f"Revoked the token {one['id']}.\n"
    assert who(lambda backend: actor_of_token(backend, text)) is None
    assert "revoked" in prefect("server", "token", "ls").stdout
    assert listed("token", "create", "ann")["token"].startswith("plu_")


def test_a_password_comes_from_standard_input():
    prefect("server", "user", "create", "ann", "--password-stdin", typed="a long password\n")
    assert listed("user", "ls")[0]["has_password"] is True
    assert who(lambda backend: actor_of_password(backend, "ann:a long password")) == Actor("ann", "viewer")
    prefect("server", "user", "set-password", "ann", "--password-stdin", typed="a longer password\n")
    assert who(lambda backend: actor_of_password(backend, "ann:a long password")) is None
    assert who(lambda backend: actor_of_password(backend, "ann:a longer password")) is not None
    prefect("server", "user", "set-password", "ann", "--remove")
    assert who(lambda backend: actor_of_password(backend, "ann:a longer password")) is None


def test_users_are_listed_changed_and_deleted():
    for name in ("ann", "ben"):
        prefect("server", "user", "create", name, "--role", "admin")
    assert prefect("server", "user", "set-role", "ben", "viewer").stdout == "The user 'ben' is viewer now.\n"
    assert [(one["name"], one["role"]) for one in listed("user", "ls")] == [
        ("ann", "admin"),
        ("ben", "viewer"),
    ]
    assert prefect("server", "user", "ls").stdout.splitlines()[0].split() == [
        "Name",
        "Role",
        "Password",
        "Created",
    ]
    assert "'ann' is the last one" in prefect("server", "user", "delete", "ann", "-y", code=1).stderr
    assert "Aborted" in prefect("server", "user", "delete", "ben", code=1, typed="n\n").stderr
    prefect("server", "user", "delete", "ben", "--yes")
    asked = prefect("server", "user", "delete", "ann", typed="y\n").stdout
    assert "the server will ask nobody for a name" in asked
    assert who(is_open)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["user", "create", "a b"], "Expected a name such as"),
        (["user", "create", "ann", "--password"], "Add --password-stdin"),
        (["user", "create", "ann", "--role", "king"], "'king' is not one of 'viewer', 'operator', 'admin'"),
        (["user", "set-role", "nobody", "admin"], "User not found"),
        (["user", "set-password", "nobody"], "User not found"),
        (["user", "delete", "nobody", "-y"], "User not found"),
        (["token", "create", "nobody"], "User not found"),
        (["token", "ls", "nobody"], "User not found"),
        (["token", "revoke", "0"], "'0' is not a valid UUID"),
        (["token", "revoke", "00000000-0000-0000-0000-000000000000"], "Token not found"),
    ],
)
def test_mistakes_are_said_in_a_line(words, said):
    stderr = prefect("server", *words, code=1).stderr
    assert said in stderr
    assert len(stderr.splitlines()) == 1


def test_a_short_password_is_refused_and_not_repeated():
    stderr = prefect("server", "user", "create", "ann", "--password-stdin", code=1, typed="hunter2\n").stderr
    assert "Expected a password of 8 to 1024 characters, got 7." in stderr
    assert "hunter2" not in stderr


def test_a_name_is_taken_once():
    prefect("server", "user", "create", "ann")
    assert "already exists" in prefect("server", "user", "create", "ann", code=1).stderr


def test_what_was_done_is_in_the_audit_log():
    prefect("server", "user", "create", "ann", "--password-stdin", typed="a long password\n")
    prefect("server", "user", "set-role", "ann", "admin")
    found = audit.read_audit(Api(local_backend()))
    assert [(one.endpoint, one.method, one.path) for one in reversed(found)] == [
        ("create_user", "CLI", "prefect server user create ann"),
        ("update_user", "CLI", "prefect server user set-role ann"),
    ]
    assert all(one.actor.startswith("command line (") for one in found)
