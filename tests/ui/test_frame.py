"""What every page has in common: the frame, what goes wrong, who looks, and whose idea a change is."""

from __future__ import annotations

import threading

import httpx
import pytest

from databases import backend_on
from prefect import flow
from prefect._api.api import Api
from prefect._api.flows import create_flow
from prefect._api.users import create_user
from prefect._base.clock import VirtualClock, now_us, use_clock
from prefect._storage.opening import open_store
from prefect.model.requests.flows import FlowCreate
from prefect.model.requests.users import UserCreate
from prefect.server.app import create_app
from prefect.server.auth import forget
from prefect.server.ui import door
from prefect.server.ui.assets import FOLDER
from prefect.settings import temporary_settings
from server.conftest import serving

from .conftest import Reader

PASSWORD = "correct horse battery"  # noqa: S105 - of a user of these tests


@pytest.fixture
def own(tmp_path):
    """A backend on a store of this test's own."""
    made = backend_on(open_store(f"sqlite:///{tmp_path / 'store.db'}"))
    yield made
    made.close()


@pytest.fixture
def closed(own):
    """A browser before a server that has a user, and so asks for names."""
    create_user(Api(own), UserCreate(name="ann", role="operator", password=PASSWORD))
    forget(own)
    with serving(create_app(lambda: own)) as url, Reader(url) as asking:
        yield asking


def test_a_page_has_its_title_and_its_place(reader):
    answer = reader.get("/runs")
    assert answer.status_code == 200
    assert "<title>Runs · Pluperfect</title>" in answer.text
    assert '<a href="/runs" aria-current="page">' in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_what_is_not_there_is_a_page_that_says_so(reader):
    for path in ("/runs/flow-run/01a20623-6d8a-7abf-bfcd-52faf3740a95", "/runs/flow-run/no-id"):
        answer = reader.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
    assert "Flow run not found" in reader.get("/runs/flow-run/01a20623-6d8a-7abf-bfcd-52faf3740a95").text


def test_a_page_that_has_not_changed_is_not_sent_again(reader):
    reader.get("/login")
    first = reader.get("/login")
    again = reader.get("/login", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_every_file_that_pages_load_is_ours_and_small(reader):
    sizes = 0
    for file in FOLDER.iterdir():
        answer = reader.get(f"/ui/{file.name}")
        assert answer.content == file.read_bytes()
        sizes += len(answer.content)
    assert sizes < 120_000
    assert reader.get("/ui/../app.py").status_code == 404


def test_a_look_is_kept_in_the_browser(reader):
    page = reader.get("/runs")
    token = reader.cookies[door.CSRF]
    assert 'data-theme="system"' in page.text
    changed = reader.post("/look", data={"csrf": token, "theme": "dark", "back": "/runs"})
    assert changed.url.path == "/runs"
    assert 'data-theme="dark"' in changed.text
    refused = reader.post("/look", data={"csrf": token, "theme": "pink", "back": "/runs"})
    assert "theme: expected one of system, light, dark" in refused.text
    assert "expected one of" not in reader.get("/runs").text  # it is said once


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
    ids=["origin", "cross-site", "same-site"],
)
def test_a_change_that_another_site_sends_is_refused(reader, headers):
    reader.get("/runs")
    data = {"csrf": reader.cookies[door.CSRF], "theme": "dark", "back": "/runs"}
    assert "not of this site" in reader.post("/look", data=data, headers=headers).text
    assert 'data-theme="dark"' not in reader.get("/runs").text


def test_a_change_without_the_token_of_the_page_is_refused(reader):
    assert "not of this site" in reader.post("/look", data={"theme": "dark"}).text
    reader.get("/runs")
    assert "not of this site" in reader.post("/look", data={"csrf": "x", "theme": "dark"}).text


def test_nobody_is_led_to_another_site(reader):
    reader.get("/runs")
    data = {"csrf": reader.cookies[door.CSRF], "theme": "dark"}
    for back in ("http://evil.example/", "//evil.example/", "/\\evil.example/"):
        answer = reader.post("/look", data={**data, "back": back}, follow_redirects=False)
        assert answer.headers["location"] == "/"


def test_names_are_escaped(reader, server_url):
    @flow(flow_run_name="<img src=x onerror=alert(2)>")
    def hostile():
        return None

    with temporary_settings({"PREFECT_API_URL": f"{server_url}/api"}):
        hostile()
    shown = reader.get("/runs").text
    assert "&lt;img src=x onerror=alert(2)&gt;" in shown
    assert "<img" not in shown


# --- who looks --------------------------------------------------------------------------------------


def test_pages_ask_for_a_name_where_the_api_does(closed):
    answer = closed.get("/runs?state=FAILED", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fruns%3Fstate%3DFAILED")
    assert closed.get("/ui/page.css").status_code == 200
    assert closed.get("/ui/news").status_code == 401


def test_log_in_and_out(closed):
    wrong = closed.send_form("/login?next=/runs", "/login", name="ann", password="wrong")  # noqa: S106
    assert wrong.status_code == 401
    assert "No user has this name and password" in wrong.text
    inside = closed.send_form("/login?next=/runs", "/login", name="ann", password=PASSWORD)
    assert inside.url.path == "/runs"
    assert "ann · operator" in inside.text
    session = closed.cookies[door.SESSION]
    outside = closed.send_form("/runs", "/logout")
    assert outside.url.path == "/login"
    closed.cookies.set(door.SESSION, session)
    assert closed.get("/runs").url.path == "/login"  # the token of the session is revoked


def test_a_session_opens_no_api(closed):
    closed.send_form("/login", "/login", name="ann", password=PASSWORD)
    assert closed.post("/api/flows/filter", json={}).status_code == 401


def test_the_auth_string_opens_pages_until_the_session_ends(own):
    with (
        temporary_settings({"PREFECT_SERVER_API_AUTH_STRING": "admin:secret"}),
        serving(create_app(lambda: own)) as url,
        Reader(url) as asking,
    ):
        inside = asking.send_form("/login", "/login", name="admin", password="secret")  # noqa: S106
        assert inside.url.path == "/"
        with use_clock(VirtualClock(now_us() + 13 * 3_600_000_000)):
            assert door.who(own, {door.SESSION: asking.cookies[door.SESSION]}) is None
        forged = asking.cookies[door.SESSION][:-2] + "00"
        assert door.who(own, {door.SESSION: forged}) is None


# --- live -------------------------------------------------------------------------------------------


def test_a_page_is_told_that_something_has_changed(server_url, backend):
    with httpx.stream("GET", f"{server_url}/ui/news", timeout=30) as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": welcome"
        assert next(line for line in lines if line and not line.startswith(":")) == "data: changed"
        threading.Thread(target=change, args=(backend,)).start()
        assert next(line for line in lines if line and not line.startswith(":")) == "data: changed"


def change(backend) -> None:
    create_flow(Api(backend), FlowCreate(name="new"))
