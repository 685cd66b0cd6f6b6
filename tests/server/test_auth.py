"""Who may ask the server for what: roles, passwords, tokens, CSRF, and the audit log."""

from __future__ import annotations

import logging
from contextlib import contextmanager

import httpx
import pytest

from databases import backend_on
from prefect._api import audit, tokens, users
from prefect._api.actor import ROLES, Actor
from prefect._api.api import Api
from prefect._api.endpoint import TABLE
from prefect._api.errors import Refused
from prefect._base.clock import VirtualClock, use_clock
from prefect._base.credentials import hash_password
from prefect._storage.opening import open_store
from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.model.requests.users import FilterAudit, TokenCreate, UserCreate, UserUpdate
from prefect.server.app import create_app
from prefect.server.auth import AUTH_STRING, actor_of_token, forget, is_open
from prefect.server.login_limit import PER_ADDRESS, PER_NAME, LoginLimit, TooManyFailures
from prefect.settings import temporary_settings

from .conftest import serving

PASSWORD = "correct horse battery"
SECRET = "admin:pass:word"
on_both = pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def url(request, tmp_path):
    """Where this test's own store is: in a file, unless it says `on_both`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return request.getfixturevalue("postgres").fresh()


@pytest.fixture
def backend(url):
    """A store of this test's own: no users."""
    made = backend_on(open_store(url))
    yield made
    made.close()


@pytest.fixture
def api(backend):
    """As the owner of the store asks, at its command line."""
    return Api(backend)


@pytest.fixture
def team(api, backend):
    """A user of each role, and a token of each; the tokens."""
    made = {}
    for role in ROLES:
        users.create_user(api, UserCreate(name=role, role=role))
        made[role] = tokens.create_token(api, TokenCreate(user=role)).token
    forget(backend)
    return made


@pytest.fixture
def passwords(backend, team):
    """The same password for all three."""
    with backend.store.write() as cx:
        cx.execute("UPDATE account SET password = ?", (hash_password(PASSWORD),))
    forget(backend)


@contextmanager
def asking(backend, **settings):
    """A server of the store, with settings, and a raw client of it."""
    with (
        temporary_settings(settings),
        serving(create_app(lambda: backend)) as url,
        httpx.Client(base_url=f"{url}/api") as http,
    ):
        yield http


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def entries(backend):
    """What the audit log holds once the server has stopped, oldest first."""
    found = audit.read_audit(Api(backend), FilterAudit())
    return [(one.actor, one.endpoint, one.method, one.path, one.status) for one in reversed(found)]


# --- open and closed --------------------------------------------------------------------------------


def test_without_users_and_auth_string_nobody_is_asked_for_a_name(backend):
    with asking(backend) as http:
        assert http.post("/variables/", json={"name": "a", "value": 1}).status_code == 201
        assert http.get("/users/me").json() == {"name": None, "role": "admin"}


def test_the_first_user_closes_the_server_at_once(backend):
    with asking(backend) as http:
        assert http.get("/users/me").status_code == 200
        made = http.post("/users/", json={"name": "ann", "role": "admin", "password": PASSWORD})
        assert made.status_code == 201
        assert http.get("/users/me").status_code == 401


def test_a_user_made_by_another_process_closes_it_soon(backend, api):
    with use_clock(VirtualClock()) as clock:
        assert is_open(backend)
        users.create_user(api, UserCreate(name="ann"))
        assert is_open(backend)
        clock.advance(2)
        assert not is_open(backend)


@pytest.mark.parametrize(
    "path", ["/variables/name/a", "/nowhere", "/csrf-token?client=a", "/../openapi.json"]
)
def test_everything_but_health_asks_for_a_name(backend, team, path):
    with asking(backend) as http:
        refused = http.get(path)
        assert (refused.status_code, refused.json()) == (401, {"exception_message": "Unauthorized"})
        # there is no such route here; what matters is that nobody is asked for a name
        assert http.get("/health").status_code != 401
        assert http.get("/ready").status_code != 401
        assert http.post("/health").status_code == 401


# --- the auth string --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("Basic YWRtaW46cGFzczp3b3Jk", 200),  # admin:pass:word
        ("basic YWRtaW46cGFzczp3b3Jk", 200),
        ("Basic YWRtaW46cGFzcw==", 401),  # admin:pass
        ("Basic YWRtaW46cGFzczp3b3JkIQ==", 401),
        ("Basic ///", 401),
        ("Basic", 401),
        ("Bearer admin:pass:word", 401),
        ("Digest YWRtaW46cGFzczp3b3Jk", 401),
        ("", 401),
    ],
)
def test_the_auth_string_opens_the_server(backend, header, status):
    with asking(backend, PREFECT_SERVER_API_AUTH_STRING=SECRET) as http:
        headers = {"Authorization": header} if header is not None else {}
        answer = http.get("/users/me", headers=headers)
        assert answer.status_code == status
        if status == 200:
            assert answer.json() == {"name": AUTH_STRING, "role": "admin"}


def test_our_client_shows_the_auth_string_or_a_token(backend, team, passwords):
    with asking(backend, PREFECT_SERVER_API_AUTH_STRING=SECRET) as http:
        url = str(http.base_url)
        for shown in (
            {"auth_string": SECRET},
            {"api_key": team["viewer"]},
            {"auth_string": f"viewer:{PASSWORD}"},
        ):
            with SyncPrefectClient(url, **shown) as client:
                assert client.read_variables() == []
        with SyncPrefectClient(url) as client, pytest.raises(httpx.HTTPStatusError, match="401"):
            client.read_variables()


# --- passwords and tokens ---------------------------------------------------------------------------


@on_both
def test_a_password_opens_the_server_until_it_is_changed(backend, team, passwords):
    with asking(backend) as http:
        assert http.get("/users/me", auth=("operator", PASSWORD)).json()["role"] == "operator"
        for wrong in (("operator", "wrong"), ("operator", ""), ("nobody", PASSWORD)):
            assert http.get("/users/me", auth=wrong).status_code == 401
        changed = http.patch(
            "/users/operator", json={"password": "another one"}, headers=bearer(team["admin"])
        )
        assert changed.status_code == 204
        assert http.get("/users/me", auth=("operator", PASSWORD)).status_code == 401
        assert http.get("/users/me", auth=("operator", "another one")).status_code == 200
        http.patch("/users/operator", json={"password": None}, headers=bearer(team["admin"]))
        assert http.get("/users/me", auth=("operator", "another one")).status_code == 401


@on_both
def test_a_token_works_until_it_is_revoked(backend, team):
    with asking(backend) as http:
        admin = bearer(team["admin"])
        made = http.post("/tokens/", json={"user": "viewer", "name": "laptop"}, headers=admin).json()
        assert http.get("/users/me", headers=bearer(made["token"])).json()["name"] == "viewer"
        assert http.delete(f"/tokens/{made['id']}", headers=admin).status_code == 204
        assert http.get("/users/me", headers=bearer(made["token"])).status_code == 401
        listed = http.post("/tokens/filter", json={"user": "viewer"}, headers=admin).json()
        assert [(one["name"], one["revoked"] is None) for one in listed] == [
            ("laptop", False),
            ("token", True),
        ]
        assert made["token"] not in str(listed)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token + "A",
        lambda token: token.replace("plu_", "xxx_"),
        lambda token: token.rpartition("_")[0],
        lambda token: "plu_" + "0" * 32 + "_" + token.rpartition("_")[2],
        lambda token: "plu_zz",
        lambda token: token.upper(),
        lambda token: "",
    ],
)
def test_a_spoilt_token_is_nobodys(backend, team, spoil):
    assert actor_of_token(backend, team["admin"]) == Actor("admin", "admin")
    assert actor_of_token(backend, spoil(team["admin"])) is None


def test_a_token_expires(backend, api, team):
    with use_clock(VirtualClock()) as clock:
        token = tokens.create_token(api, TokenCreate(user="viewer", expires_in=60)).token
        assert actor_of_token(backend, token) == Actor("viewer", "viewer")
        clock.advance(61)
        assert actor_of_token(backend, token) is None


@on_both
def test_a_token_ends_with_its_user_and_follows_the_role(backend, team):
    with asking(backend) as http:
        admin = bearer(team["admin"])
        http.patch("/users/viewer", json={"role": "operator"}, headers=admin)
        assert http.get("/users/me", headers=bearer(team["viewer"])).json()["role"] == "operator"
        assert http.delete("/users/viewer", headers=admin).status_code == 204
        assert http.get("/users/me", headers=bearer(team["viewer"])).status_code == 401


def test_what_a_websocket_shows(backend, team, passwords):
    with temporary_settings({"PREFECT_SERVER_API_AUTH_STRING": SECRET}):
        assert actor_of_token(backend, SECRET) == Actor(AUTH_STRING, "admin")
        assert actor_of_token(backend, f"viewer:{PASSWORD}") == Actor("viewer", "viewer")
        assert actor_of_token(backend, None) is None
        assert not is_open(backend)


# --- roles ------------------------------------------------------------------------------------------

REQUESTS = [
    ("viewer", "GET", "/variables/name/a", None),
    ("viewer", "POST", "/variables/filter", {}),
    ("viewer", "POST", "/variables/count", {}),
    ("viewer", "GET", "/users/me", None),
    ("operator", "POST", "/variables/", {"name": "a", "value": 1}),
    ("operator", "PATCH", "/variables/name/a", {"value": 2}),
    ("operator", "DELETE", "/variables/name/a", None),
    ("admin", "POST", "/users/filter", {}),
    ("admin", "GET", "/users/viewer", None),
    ("admin", "POST", "/users/", {"name": "eve"}),
    ("admin", "PATCH", "/users/viewer", {"role": "admin"}),
    ("admin", "DELETE", "/users/viewer", None),
    ("admin", "POST", "/tokens/", {"user": "admin"}),
    ("admin", "POST", "/tokens/filter", {}),
    ("admin", "DELETE", "/tokens/00000000-0000-0000-0000-000000000000", None),
    ("admin", "POST", "/audit/filter", {}),
]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_decides_what_is_answered(backend, team, role):
    with asking(backend) as http:
        for needed, method, path, body in REQUESTS:
            answer = http.request(method, path, json=body, headers=bearer(team[role]))
            allowed = ROLES.index(role) >= ROLES.index(needed)
            assert (answer.status_code == 403) is not allowed, (method, path, answer.text)
            assert answer.status_code != 401
            if not allowed:
                assert (
                    f"Expected the role '{needed}' or above, '{role}' is '{role}'." in answer.json()["detail"]
                )


def test_a_refusal_comes_before_the_body_is_looked_at(backend, team):
    with asking(backend) as http:
        assert http.post("/variables/", content=b"{", headers=bearer(team["viewer"])).status_code == 403


def test_every_endpoint_has_a_role_and_only_what_changes_is_audited():
    assert {one.role for one in TABLE} <= set(ROLES)
    for one in TABLE:
        assert not (one.audited and one.role == "viewer"), one.name
        assert not (one.audited and one.method == "GET"), one.name


# --- users ------------------------------------------------------------------------------------------


@on_both
def test_users_are_made_listed_and_removed(api):
    assert users.create_user(api, UserCreate(name="ann", role="admin")).has_password is False
    users.create_user(api, UserCreate(name="ben", password=PASSWORD))
    with pytest.raises(ObjectAlreadyExists):
        users.create_user(api, UserCreate(name="ann"))
    assert [(one.name, one.role, one.has_password) for one in users.read_users(api)] == [
        ("ann", "admin", False),
        ("ben", "viewer", True),
    ]
    users.delete_user(api, "ben")
    with pytest.raises(ObjectNotFound):
        users.delete_user(api, "ben")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a/b", "-a", "x" * 65, AUTH_STRING])
def test_a_name_cannot_be_mistaken(name):
    with pytest.raises(ValueError, match="pattern"):
        UserCreate(name=name)


@on_both
def test_the_last_admin_stays(api, team):
    for change in (
        lambda: users.delete_user(api, "admin"),
        lambda: users.update_user(api, "admin", UserUpdate(role="viewer")),
    ):
        with pytest.raises(Refused, match="'admin' is the last one"):
            change()
    users.update_user(api, "viewer", UserUpdate(role="admin"))
    users.delete_user(api, "admin")


def test_only_the_owner_of_the_store_removes_the_last_user(backend, api):
    users.create_user(api, UserCreate(name="ann", role="admin"))
    with pytest.raises(Refused):
        users.delete_user(Api(backend, Actor("ann", "admin")), "ann")
    users.delete_user(api, "ann")
    assert is_open(backend)


@pytest.mark.parametrize("password", ["short", "x" * 1025, ""])
def test_a_password_has_a_length(api, password):
    with pytest.raises(Refused, match="Expected a password of 8 to 1024 characters") as refused:
        users.create_user(api, UserCreate(name="ann", password=password))
    assert "short" not in str(refused.value)


# --- guessing ---------------------------------------------------------------------------------------


def test_guessing_is_slowed_down_for_that_name_and_address_only(backend, team, passwords, caplog):
    with asking(backend, PREFECT_SERVER_API_AUTH_STRING=SECRET) as http, caplog.at_level(logging.WARNING):
        assert http.get("/users/me", auth=("viewer", PASSWORD)).status_code == 200
        for _ in range(PER_NAME):
            assert http.get("/users/me", auth=("viewer", "guess-1")).status_code == 401
        slowed = http.get("/users/me", auth=("viewer", "guess-2"))
        assert slowed.status_code == 429
        assert 0 < int(slowed.headers["Retry-After"]) <= 60
        assert http.get("/users/me", auth=("viewer", PASSWORD)).status_code == 200  # it has fitted before
        assert http.get("/users/me", auth=("operator", PASSWORD)).status_code == 200
        assert http.get("/users/me", headers=bearer(team["viewer"])).status_code == 200
    assert "Refused a password for 'viewer' from 127.0.0.1" in caplog.text
    assert "guess" not in caplog.text


def test_the_auth_string_cannot_be_guessed_without_end(backend):
    with asking(backend, PREFECT_SERVER_API_AUTH_STRING=SECRET) as http, use_clock(VirtualClock()) as clock:
        statuses = [http.get("/users/me", auth=("admin", str(n))).status_code for n in range(PER_NAME + 1)]
        assert statuses == [401] * PER_NAME + [429]
        assert http.get("/users/me", auth=("admin", "pass:word")).status_code == 429
        clock.advance(61)
        assert http.get("/users/me", auth=("admin", "pass:word")).status_code == 200


def test_a_flood_of_names_is_counted_against_the_address():
    limit = LoginLimit()
    for number in range(PER_ADDRESS):
        limit.check("10.0.0.1", f"name{number}")
        limit.failed("10.0.0.1", f"name{number}")
    with pytest.raises(TooManyFailures):
        limit.check("10.0.0.1", "another")
    limit.check("10.0.0.2", "another")


def test_what_machines_say_all_the_time_is_not_audited():
    polls = {
        "/work_pools/{work_pool_name}/workers/heartbeat",
        "/v2/concurrency_limits/leases/{lease_id}/renew",
        "/work_pools/{name}/get_scheduled_flow_runs",
        "/work_queues/{id}/get_runs",
        "/deployments/get_scheduled_flow_runs",
        "/logs/",
    }
    said = {one.path: one for one in TABLE if one.method == "POST" and one.path in polls}
    assert said.keys() == polls
    assert not any(one.audited for one in said.values())
    assert {one.role for one in said.values()} == {"operator"}


# --- the audit log ----------------------------------------------------------------------------------


@on_both
def test_changes_are_in_the_audit_log_and_secrets_are_not(backend, team):
    with asking(backend) as http:
        admin, viewer = bearer(team["admin"]), bearer(team["viewer"])
        http.post("/variables/", json={"name": "plan", "value": "hush-hush"}, headers=admin)
        http.get("/variables/name/plan", headers=admin)
        http.post("/variables/filter", json={}, headers=admin)
        http.delete("/variables/name/plan?secret=hush-hush", headers=viewer)
        http.delete("/variables/name/nothing", headers=admin)
        http.post("/variables/", json={"name": "x", "value": 1})
        http.post("/users/", json={"name": "eve", "password": "hush-hush"}, headers=admin)
    assert entries(backend) == [
        ("admin", "create_variable", "POST", "/api/variables/", 201),
        ("viewer", "delete_variable_by_name", "DELETE", "/api/variables/name/plan", 403),
        ("admin", "delete_variable_by_name", "DELETE", "/api/variables/name/nothing", 404),
        ("admin", "create_user", "POST", "/api/users/", 201),
    ]
    rows = str(backend.store.rows("SELECT * FROM audit_entry"))
    assert "hush-hush" not in rows
    assert "127.0.0.1" in rows


@on_both
def test_the_audit_log_is_filtered(backend, team):
    with asking(backend) as http:
        for role in ("operator", "admin"):
            http.post("/variables/", json={"name": role, "value": 1}, headers=bearer(team[role]))
        http.post("/tokens/", json={"user": "admin"}, headers=bearer(team["admin"]))
    api = Api(backend)
    assert [one.actor for one in audit.read_audit(api, FilterAudit(endpoint="create_variable"))] == [
        "admin",
        "operator",
    ]
    assert [one.endpoint for one in audit.read_audit(api, FilterAudit(actor="admin"))] == [
        "create_token",
        "create_variable",
    ]
    newest = audit.read_audit(api, FilterAudit(limit=1))[0]
    assert audit.read_audit(api, FilterAudit(before=newest.timestamp.replace(year=2000))) == []
    assert len(audit.read_audit(api, FilterAudit(after=newest.timestamp.replace(year=2000)))) == 3


# --- CSRF -------------------------------------------------------------------------------------------


def test_csrf_tokens_are_refused_where_they_are_not_asked_for(backend):
    with asking(backend) as http:
        refused = http.get("/csrf-token", params={"client": "a"})
        assert (refused.status_code, refused.json()) == (422, {"detail": "CSRF protection is disabled."})


@on_both
def test_a_change_needs_the_clients_own_token(backend):
    with asking(backend, PREFECT_SERVER_CSRF_PROTECTION_ENABLED=True) as http:
        first = http.get("/csrf-token", params={"client": "a"}).json()
        second = http.get("/csrf-token", params={"client": "a"}).json()
        assert (first["id"], first["client"]) == (second["id"], "a")
        assert first["token"] != second["token"]

        def change(token=None, client=None):
            headers = {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": client}
            given = {name: value for name, value in headers.items() if value}
            answer = http.post("/variables/count", json={}, headers=given)
            return answer.status_code, answer.json()

        assert change() == (403, {"detail": "Missing CSRF token."})
        assert change(client="a") == (403, {"detail": "Missing CSRF token."})
        assert change(second["token"]) == (403, {"detail": "Missing client identifier."})
        wrong = (403, {"detail": "Invalid CSRF token or client identifier."})
        assert change("0" * 64, "a") == wrong
        assert change(first["token"], "a") == wrong
        assert change(second["token"], "b") == wrong
        assert change(second["token"], "a") == (200, 0)
        assert http.get("/variables/name/none").status_code == 404  # reading needs none
        with use_clock(VirtualClock()) as clock:
            clock.advance(3601)
            assert change(second["token"], "a") == wrong


# --- what is stored ---------------------------------------------------------------------------------


def test_the_store_holds_no_secret(backend, team, passwords):
    with temporary_settings({"PREFECT_SERVER_CSRF_PROTECTION_ENABLED": True}):
        with asking(backend, PREFECT_SERVER_CSRF_PROTECTION_ENABLED=True) as http:
            csrf = http.get("/csrf-token", params={"client": "a"}, headers=bearer(team["viewer"])).json()[
                "token"
            ]
    rows = "".join(
        str(backend.store.rows(f"SELECT * FROM {table}"))
        for table in ("account", "access_token", "csrf_token")
    )
    assert "$argon2id$" in rows
    for secret in (PASSWORD, csrf, *(token.rpartition("_")[2] for token in team.values())):
        assert secret not in rows


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        ("SELECT * FROM audit_entry WHERE actor = ? ORDER BY id DESC LIMIT 9", "audit_entry_by_actor"),
        ("SELECT * FROM audit_entry WHERE endpoint = ? ORDER BY id DESC LIMIT 9", "audit_entry_by_endpoint"),
        ("SELECT * FROM access_token WHERE account_id = ?", "access_token_by_account"),
    ],
)
def test_lists_use_an_index(backend, sql, index):
    plan = str(backend.store.rows(f"EXPLAIN QUERY PLAN {sql}", ("x",)))
    assert f"USING INDEX {index}" in plan
    assert "TEMP B-TREE" not in plan
