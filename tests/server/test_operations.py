"""What surrounds the table: signs of life, versions, limits, headers, the document, metrics, the access log."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator

import httpx
import pytest

from databases import backend_on
from prefect._version import REST_VERSION, __version__
from prefect.server.access_log import _log as access_logger
from prefect.server.app import create_app
from prefect.settings import temporary_settings

from .conftest import serving


@pytest.fixture(scope="module")
def document(http):
    answer = http.get(str(http.base_url.copy_with(path="/openapi.json")), timeout=60)
    return answer.json()


@pytest.fixture(scope="module")
def metered(backend) -> Iterator[str]:
    with (
        temporary_settings({"server.metrics_enabled": True}),
        serving(create_app(lambda: backend, services=True)) as url,
    ):
        yield url


def test_it_is_there_and_ready(http):
    assert http.get("/health").json() is True
    assert http.get("/ready").json() == {"message": "OK"}
    assert http.get("/version").json() == REST_VERSION
    assert http.get("/hello").json() == "👋"
    assert http.get("/admin/version").json() == __version__


def test_ready_says_when_the_store_is_away(tmp_path):
    from prefect._storage.sqlite import SqliteStore

    store = SqliteStore(str(tmp_path / "store.db"))
    backend = backend_on(store)
    with serving(create_app(lambda: backend)) as url:
        with store.write() as cx:
            cx.execute("DROP TABLE variable")
        answer = httpx.post(f"{url}/api/variables/count")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "variable" in answer.json()["exception_message"]
        assert httpx.get(f"{url}/api/health").json() is True
    backend.close()


class TestSettings:
    def test_they_are_nested_and_secrets_are_masked(self, backend):
        secret = "who:knows-this"
        with (
            temporary_settings({"server.api.auth_string": secret}),
            serving(create_app(lambda: backend)) as url,
        ):
            answer = httpx.get(f"{url}/api/admin/settings", auth=tuple(secret.split(":")))
        assert answer.json()["server"]["api"]["auth_string"] == "********"
        assert answer.json()["server"]["api"]["port"] == 4200
        assert secret not in answer.text

    def test_the_default_result_storage(self, http):
        block = "0d8ac5b1-07a0-4e2b-b3f9-0c5c31e9d3a2"
        wanted = {"default_result_storage_block_id": block}
        assert http.put("/admin/storage", json=wanted).json() == wanted
        assert http.get("/admin/storage").json() == wanted
        assert http.delete("/admin/storage").status_code == 204
        assert http.get("/admin/storage").json() == {"default_result_storage_block_id": None}


class TestVersions:
    @pytest.mark.parametrize("said", ["bad", "1.0", "1.a.0", "0.7.9", "0.8.0.1", "²5.1.1"])
    def test_what_is_no_version_or_too_old_is_refused(self, http, said):
        answer = http.post("/variables/filter", headers={"X-PREFECT-API-VERSION": said.encode()})
        assert answer.status_code == 400
        assert "version" in answer.json()["detail"]

    @pytest.mark.parametrize("said", ["0.8.0", "0.8.4", "9.9.9"])
    def test_others_are_taken(self, http, said):
        assert http.post("/variables/filter", headers={"X-PREFECT-API-VERSION": said}).status_code == 200

    @pytest.mark.parametrize("path", ["/health", "/ready", "/version"])
    def test_who_asks_for_the_version_need_not_have_one(self, http, path):
        assert http.get(path, headers={"X-PREFECT-API-VERSION": "0.1.0"}).status_code == 200


class TestPaths:
    def test_what_is_not_there(self, http):
        for path in ("/nowhere", "/variables/filter/x/y", "/variables/no-uuid", "/"):
            answer = http.get(path)
            assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"}), path

    def test_a_method_that_is_not_there(self, http):
        answer = http.delete("/variables/filter")
        assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})
        assert answer.headers["allow"] == "POST"

    def test_one_slash_too_many_or_too_few_leads_to_the_path(self, http):
        wanted = {"name": "slash", "value": 1}
        moved = http.post("/variables", json=wanted)
        assert (moved.status_code, moved.headers["location"]) == (307, f"{http.base_url}variables/")
        assert http.post("/variables", json=wanted, follow_redirects=True).status_code == 201
        assert http.post("/variables/filter/").headers["location"] == f"{http.base_url}variables/filter"

    def test_a_name_may_hold_what_a_path_cannot(self, http):
        http.post("/variables/", json={"name": "per-cent", "value": 1})
        assert http.get("/variables/name/per%2Dcent").json()["value"] == 1

    def test_the_api_may_be_below_another_path(self, backend):
        with (
            temporary_settings({"server.api.base_path": "/behind/a/proxy/api"}),
            serving(create_app(lambda: backend)) as url,
        ):
            assert httpx.get(f"{url}/behind/a/proxy/api/ready").status_code == 200
            assert httpx.get(f"{url}/api/ready").status_code == 404
            servers = httpx.get(f"{url}/openapi.json", timeout=60).json()["servers"]
            assert servers == [{"url": "/behind/a/proxy/api"}]


class TestBodies:
    @pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
    def test_a_body_is_json_whatever_it_says(self, http, kind):
        headers = {"Content-Type": kind} if kind else {}
        answer = http.post("/variables/filter", content=b'{"limit": 0}', headers=headers)
        assert (answer.status_code, answer.json()) == (200, [])

    def test_what_is_wrong_is_read_back(self, http):
        wrong = http.post("/variables/filter", content=b'{"limit": "x"}').json()
        assert wrong["request_body"] == {"limit": "x"}
        assert wrong["exception_detail"][0]["loc"] == ["body", "limit"]
        assert http.post("/variables/filter", content=b"{").json()["request_body"] == "{"
        missing = http.post("/variables/").json()
        assert missing["exception_detail"] == [
            {"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}
        ]

    def test_a_large_one_is_refused_whether_it_says_so_or_not(self, backend):
        with (
            temporary_settings({"server.api.max_request_size": 1000}),
            serving(create_app(lambda: backend)) as url,
        ):
            assert httpx.post(f"{url}/api/variables/filter", content=b" " * 998 + b"{}").status_code == 200
            said = httpx.post(f"{url}/api/variables/filter", content=b" " * 1001)
            unsaid = httpx.post(f"{url}/api/variables/filter", content=iter([b" " * 600] * 2))
        assert (said.status_code, unsaid.status_code) == (413, 413)
        assert "1,000 bytes" in said.json()["detail"]


def test_what_the_store_forbids_is_a_conflict_and_no_failure():
    from sqlite3 import IntegrityError

    from prefect.exceptions import StoreError
    from prefect.server.errors import answer_to

    forbidden, busy = StoreError("the store failed"), StoreError("the store is busy")
    forbidden.__cause__ = IntegrityError("NOT NULL constraint failed: variable.name")
    assert (answer_to(forbidden, b"").status, answer_to(busy, b"").status) == (409, 503)


class TestHeaders:
    @pytest.mark.parametrize("path", ["/health", "/nowhere", "/docs"])
    def test_browsers_run_frame_and_guess_nothing(self, http, path):
        headers = http.get(path, timeout=60).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")

    def test_other_origins_are_those_of_the_settings(self, backend, http):
        assert (
            http.get("/health", headers={"Origin": "http://a.test"}).headers["access-control-allow-origin"]
            == "*"
        )
        with (
            temporary_settings({"server.api.cors_allowed_origins": "http://a.test, http://b.test"}),
            serving(create_app(lambda: backend)) as url,
        ):
            headers = {"Origin": "http://b.test", "Access-Control-Request-Method": "POST"}
            asked = httpx.options(f"{url}/api/variables/filter", headers=headers)
            assert asked.headers["access-control-allow-origin"] == "http://b.test"
            headers["Origin"] = "http://c.test"
            assert httpx.options(f"{url}/api/variables/filter", headers=headers).status_code == 400


class TestDocument:
    def test_it_is_valid(self, document):
        validator = pytest.importorskip("openapi_spec_validator", reason="pip install openapi-spec-validator")
        validator.validate(document)

    def test_every_reference_leads_somewhere(self, document):
        names = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
        assert names
        assert names <= set(document["components"]["schemas"])

    def test_every_operation_says_how_it_may_fail(self, document):
        for path, methods in document["paths"].items():
            for operation in methods.values():
                asked = {"500", "503"} | ({"404"} if "{" in path else set())
                assert asked <= set(operation["responses"]), path

    def test_an_upsert_may_make_or_find(self, document):
        assert "201" in document["paths"]["/variables/"]["post"]["responses"]
        assert "200" in document["paths"]["/variables/filter"]["post"]["responses"]
        assert "201" not in document["paths"]["/variables/filter"]["post"]["responses"]

    def test_the_page_needs_no_script_and_nothing_from_elsewhere(self, http, document):
        page = http.get("/docs", timeout=60).text
        assert "<script" not in page
        assert not re.search(r"(src|href)=\"(https?:)?//", page)
        for methods in document["paths"].values():
            for operation in methods.values():
                assert f'id="{operation["operationId"]}"' in page
        style = re.search(r'href="([^"]+\.css)"', page)
        assert style is not None
        assert http.get(f"/{style[1]}").status_code == 200


class TestMetrics:
    def test_they_are_not_there_unless_asked_for(self, http):
        assert http.get("/metrics").status_code == 404

    def test_requests_are_counted_by_route(self, metered):
        for name in ("one", "two"):
            httpx.get(f"{metered}/api/variables/name/{name}")
        page = httpx.get(f"{metered}/api/metrics")
        assert page.headers["content-type"].startswith("text/plain")
        labels = 'method="GET",route="/variables/name/{name}",status="404"'
        assert f"prefect_http_request_seconds_count{{{labels}}} 2\n" in page.text
        assert f'prefect_http_request_seconds_bucket{{{labels},le="+Inf"}} 2\n' in page.text

    def test_the_page_is_what_prometheus_reads(self, metered):
        page = httpx.get(f"{metered}/metrics").text
        sample = re.compile(r"[a-z_]+(\{[a-z_]+=\"[^\"]*\"(,[a-z_]+=\"[^\"]*\")*\})? [0-9.e+-]+")
        for line in page.splitlines():
            assert line.startswith("# ") or sample.fullmatch(line), line
        names = set(re.findall(r"^# TYPE ([a-z_]+)", page, re.MULTILINE))
        assert {"prefect_flow_runs", "prefect_journal_rows", "process_resident_memory_bytes"} <= names
        assert 'service="lease-reaper"' in page

    def test_who_may_not_ask_the_api_may_not_read_them(self, backend):
        with (
            temporary_settings({"server.metrics_enabled": True, "server.api.auth_string": "a:b"}),
            serving(create_app(lambda: backend)) as url,
        ):
            assert httpx.get(f"{url}/metrics").status_code == 401
            assert httpx.get(f"{url}/metrics", auth=("a", "b")).status_code == 200


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_access_log_has_a_line_for_each_request_and_no_secrets(backend, capfd, form):
    access_logger.handlers.clear()
    with (
        temporary_settings({"server.api.access_log": form, "server.api.auth_string": "a:knows-this"}),
        serving(create_app(lambda: backend)) as url,
    ):
        httpx.get(f"{url}/api/variables/name/x?token=knows-this", auth=("a", "knows-this"))
    access_logger.handlers.clear()
    (line,) = capfd.readouterr().out.splitlines()
    assert "knows-this" not in line
    if form == "json":
        seen = json.loads(line)
        assert (seen["method"], seen["path"], seen["status"]) == ("GET", "/api/variables/name/x", 404)
        assert seen["route"] == "/variables/name/{name}"
        assert seen["milliseconds"] > 0
    else:
        assert "GET /api/variables/name/x 404" in line


def test_a_large_answer_is_compressed_for_who_is_elsewhere():
    from starlette.requests import Request

    from prefect.server.errors import Answer
    from prefect.server.mount import _compressed

    def asked(address: str, accepted: str) -> Request:
        headers = [(b"accept-encoding", accepted.encode())]
        return Request({"type": "http", "headers": headers, "client": (address, 1)})

    large = Answer(200, b"[" + b" " * 20_000 + b"]")
    assert _compressed(asked("10.0.0.1", "gzip, br"), large).headers["Content-Encoding"] == "gzip"
    assert len(_compressed(asked("10.0.0.1", "gzip"), large).content) < 1000
    assert _compressed(asked("127.0.0.1", "gzip"), large) is large
    assert _compressed(asked("10.0.0.1", "br"), large) is large


def test_a_client_that_goes_away_in_the_middle_harms_nobody(http):
    host, port = http.base_url.host, http.base_url.port
    with socket.create_connection((host, port)) as cut:
        cut.sendall(b"POST /api/variables/ HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{")
    assert http.get("/health").json() is True
