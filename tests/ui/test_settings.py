"""The page of settings: how pages look, what the server was told, who may use it."""

from __future__ import annotations

import re

import pytest

from databases import backend_on
from prefect._api.api import Api
from prefect._api.users import create_user
from prefect._storage.opening import open_store
from prefect.model.requests.users import UserCreate
from prefect.server.app import create_app
from prefect.server.auth import actor_of_token, forget
from server.conftest import serving

from .conftest import Reader

PASSWORD = "correct horse battery"  # noqa: S105 - of a user of these tests
USERS = "/settings?tab=users"


@pytest.fixture
def own(tmp_path):
    made = backend_on(open_store(f"sqlite:///{tmp_path / 'store.db'}"))
    yield made
    made.close()


@pytest.fixture
def as_role(own):
    """A browser of an admin's, and one of a viewer's."""
    for role in ("admin", "viewer"):
        create_user(Api(own), UserCreate(name=role, role=role, password=PASSWORD))
    forget(own)
    with serving(create_app(lambda: own)) as url, Reader(url) as admin, Reader(url) as viewer:
        admin.send_form("/login", "/login", name="admin", password=PASSWORD)
        viewer.send_form("/login", "/login", name="viewer", password=PASSWORD)
        yield {"admin": admin, "viewer": viewer}


def test_the_theme_is_chosen_and_settings_are_shown(reader):
    assert 'value="dark"' in reader.get("/settings").text
    assert "server.api.port" in reader.get("/settings?tab=server").text


def test_an_admin_makes_users_and_tokens_and_revokes_them(as_role, own):
    admin = as_role["admin"]
    assert "User ben was made." in admin.send_form(USERS, "/settings/users", name="ben", role="viewer").text
    page = admin.send_form(USERS, "/settings/users/ben/role", role="operator")
    assert "User ben is operator now." in page.text
    made = admin.send_form(USERS, "/settings/tokens", user="ben", name="ci", days="1").text
    text = re.search(r"<code>([^<]+)</code></pre></copy-text>", made).group(1)
    assert actor_of_token(own, text).role == "operator"
    assert text not in admin.get(USERS).text
    (row,) = [one for one in admin.get(USERS).text.split("<tr ") if "<td>ci</td>" in one]
    action = re.search(r'action="([^"]*/revoke)"', row).group(1)
    assert "The token was revoked." in admin.send_form(USERS, action).text
    assert actor_of_token(own, text) is None
    assert "User ben was deleted." in admin.send_form(USERS, "/settings/users/ben/delete").text


def test_a_viewer_sees_no_users_and_changes_nothing(as_role):
    viewer = as_role["viewer"]
    assert "Users and tokens" not in viewer.get(USERS).text
    assert 'id="users"' not in viewer.get(USERS).text
    token = viewer.cookies["prefect-csrf"]
    refused = viewer.post("/settings/users", data={"csrf": token, "name": "eve", "role": "admin"})
    assert "eve was made" not in refused.text
    assert "Add variable" not in viewer.get("/variables").text
    viewer.post("/variables", data={"csrf": token, "name": "x", "value": "1"})
    assert "There is no variable." in viewer.get("/variables").text
    assert "Add limit" not in viewer.get("/concurrency-limits").text
