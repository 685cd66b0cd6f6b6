"""`prefect server` and `prefect api`: started, asked, drained and stopped as people do it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

PREFECT = [sys.executable, "-m", "prefect"]


@pytest.fixture
def shell(environment, tmp_path):
    """Runs commands in a home of their own, and stops what they left in the background."""

    def run(*words, code=0, **variables):
        ended = subprocess.run(
            [*PREFECT, *words],
            env={**environment, **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ended.returncode == code, (ended.stdout, ended.stderr)
        return ended

    yield run
    run("server", "stop")


class Foreground:
    """A server that somebody has started in a terminal."""

    def __init__(self, environment, *words):
        self.process = subprocess.Popen(
            [*PREFECT, "server", "start", "--port", "0", *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = []
        for line in self.process.stdout:
            self.said.append(line)
            if "SIGTERM" in line:
                break
        api = [line.split()[1] for line in self.said if line.strip().startswith("API")]
        assert api, (self.said, self.process.stderr.read())
        self.api = api[0]
        self.port = int(self.api.split(":")[2].split("/")[0])

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@pytest.fixture
def foreground(environment):
    started = []

    def start(*words, **variables):
        started.append(Foreground({**environment, **variables}, *words))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.process.kill()
            server.process.communicate()


def asked(api, path):
    with urlopen(f"{api}{path}", timeout=10) as answer:
        return json.load(answer)


class TestBackground:
    def test_it_is_started_found_and_stopped(self, shell, environment):
        said = shell("server", "start", "--background", "--port", "0").stdout
        assert "http://127.0.0.1:" in said
        assert "prefect server stop" in said
        status = json.loads(shell("server", "status", "-o", "json").stdout)
        assert status["status"] == "available"
        assert "pluperfect" in status["server_version"]
        assert asked(status["api_url"], "/health") is True
        assert "Stopped" in shell("server", "stop").stdout
        assert json.loads(shell("server", "status", "-o", "json", code=1).stdout)["status"] == "unavailable"
        assert "No server" in shell("server", "stop").stdout
        assert not (Path(environment["PREFECT_HOME"]) / "server.pid").exists()

    def test_there_is_one_at_most(self, shell):
        shell("server", "start", "-b", "--port", "0")
        assert "prefect server stop" in shell("server", "start", "-b", "--port", "0", code=1).stderr

    def test_a_killed_one_is_no_obstacle(self, shell, environment):
        shell("server", "start", "-b", "--port", "0")
        pid = int((Path(environment["PREFECT_HOME"]) / "server.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        assert "No server" in shell("server", "stop").stdout
        shell("server", "start", "-b", "--port", "0")

    def test_it_says_why_it_does_not_start(self, shell, environment):
        home = Path(environment["PREFECT_HOME"])
        home.mkdir()
        (home / "pluperfect.db").write_text("no database, but a text of some length " * 50)
        assert "pluperfect.db" in shell("server", "start", "-b", "--port", "0", code=1).stderr


class TestStart:
    def test_it_says_where_it_is_and_how_it_is_used(self, foreground):
        server = foreground()
        said = "".join(server.said)
        assert f"prefect config set PREFECT_API_URL={server.api}" in said
        assert "/docs" in said
        assert asked(server.api, "/ready") == {"message": "OK"}
        assert server.end() == (0, "", "")

    def test_ctrl_c_stops_it_without_a_traceback(self, foreground):
        assert foreground().end(signal.SIGINT) == (0, "", "")

    def test_a_port_in_use_is_said(self, shell):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            said = shell("server", "start", "--port", port, code=1).stderr
        assert f"Port {port} of 127.0.0.1 is already in use" in said
        assert "--port" in said

    def test_it_listens_for_others_only_if_it_asks_who_they_are(self, shell, foreground):
        said = shell("server", "start", "--host", "0.0.0.0", "--port", "0", code=1).stderr
        assert "PREFECT_SERVER_API_AUTH_STRING" in said
        assert "--allow-unauthenticated" in said
        asking = foreground("--host", "0.0.0.0", PREFECT_SERVER_API_AUTH_STRING="a:b")
        assert asked(asking.api, "/health") is True
        open_to_all = foreground("--host", "0.0.0.0", "--allow-unauthenticated")
        assert asked(open_to_all.api, "/ready") == {"message": "OK"}

    def test_options_are_settings_of_this_server(self, foreground):
        server = foreground("--no-scheduler", "--log-level", "ERROR", "--no-services")
        settings = asked(server.api, "/admin/settings")
        assert settings["server"]["services"]["scheduler"]["enabled"] is False
        assert settings["server"]["logging_level"] == "ERROR"

    def test_what_is_no_address_of_this_machine(self, shell):
        said = shell("server", "start", "--host", "192.0.2.1", "--allow-unauthenticated", code=1).stderr
        assert "192.0.2.1" in said
        assert "--host" in said


class TestWorkers:
    def test_sqlite_has_one(self, shell):
        refused = shell("server", "start", "--workers", "2", "--port", "0", code=1).stderr
        assert "PREFECT_API_DATABASE_CONNECTION_URL=postgresql://" in refused
        assert "Postgres" in shell("server", "start", "--workers", "2", "--port", "0", "-b", code=1).stderr

    @pytest.mark.slow
    def test_several_answer_at_one_address_and_what_dies_is_started_again(self, foreground, postgres):
        store = {"PREFECT_API_DATABASE_CONNECTION_URL": postgres.fresh()}
        server = foreground("--workers", "2", **store)
        assert asked(server.api, "/ready") == {"message": "OK"}
        first = children_of(server.process.pid)
        assert len(first) == 2
        os.kill(min(first), signal.SIGKILL)
        until = time.monotonic() + 30
        while len(children_of(server.process.pid) - {min(first)}) < 2:
            assert time.monotonic() < until, "it was not started again"
            time.sleep(0.05)  # looked at again and again: nothing here says when
        assert asked(server.api, "/health") is True
        code, _, err = server.end()
        assert code == 0, err
        assert "died: it is started again" in err
        assert not any(Path(f"/proc/{pid}").exists() for pid in first)

    @pytest.mark.slow
    def test_they_end_with_the_process_that_listens(self, foreground, postgres):
        server = foreground("--workers", "2", PREFECT_API_DATABASE_CONNECTION_URL=postgres.fresh())
        workers = children_of(server.process.pid)
        server.end(signal.SIGKILL)
        until = time.monotonic() + 30
        while any(Path(f"/proc/{pid}").exists() for pid in workers):
            assert time.monotonic() < until, "they go on"
            time.sleep(0.05)  # the same

    @pytest.mark.slow
    def test_they_run_in_the_background(self, shell, postgres):
        started = shell(
            "server",
            "start",
            "--workers",
            "2",
            "--port",
            "0",
            "-b",
            PREFECT_API_DATABASE_CONNECTION_URL=postgres.fresh(),
        ).stdout
        assert "in the background at http" in started
        assert "Stopped the server" in shell("server", "stop").stdout


def children_of(pid):
    return {int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


class TestDrain:
    def test_open_requests_are_finished(self, foreground):
        server = foreground()
        with socket.create_connection(("127.0.0.1", server.port)) as asking:
            body = b'{"name": "slow", "value": 1}'
            head = f"POST /api/variables/ HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            asking.sendall(head.encode() + body[:5])
            asked(server.api, "/health")  # the server has taken the connection above
            ending = threading.Thread(target=server.end)
            ending.start()
            wait_until_closed(server.port)
            asking.sendall(body[5:])
            assert asking.recv(100).startswith(b"HTTP/1.1 201")
        ending.join(30)
        assert server.process.returncode == 0

    def test_it_does_not_wait_for_ever(self, foreground):
        server = foreground(PREFECT_SERVER_API_DRAIN_SECONDS="1")
        with socket.create_connection(("127.0.0.1", server.port)) as asking:
            asking.sendall(b"POST /api/variables/ HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
            asked(server.api, "/health")
            assert server.end()[0] == 0

    def test_websockets_are_told_that_it_goes_away(self, foreground):
        from websockets.exceptions import ConnectionClosed
        from websockets.sync.client import connect

        server = foreground()
        url = server.api.replace("http", "ws") + "/events/in"
        with connect(url, subprotocols=["prefect"]) as open_socket:
            open_socket.send(json.dumps({"type": "auth", "token": None}))
            assert json.loads(open_socket.recv(timeout=10))["type"] == "auth_success"
            ending = threading.Thread(target=server.end)
            ending.start()
            with pytest.raises(ConnectionClosed) as closed:
                open_socket.recv(timeout=20)
            assert closed.value.rcvd.code == 1001
        ending.join(30)
        assert server.process.returncode == 0


def wait_until_closed(port):
    """The server has stopped to accept: the first thing that it does when it is told to end."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            return
    pytest.fail("the server goes on accepting connections")


class TestStatus:
    def test_it_waits_for_a_server(self, shell):
        said = shell(
            "server", "status", "--wait", "--timeout", "1", code=1, PREFECT_API_URL="http://127.0.0.1:9/api"
        )
        assert "within 1 s" in said.stderr

    def test_for_people(self, shell, foreground):
        server = foreground()
        said = shell("server", "status", "--wait", PREFECT_API_URL=server.api).stdout
        assert server.api in said
        assert "pluperfect" in said


class TestApi:
    @pytest.fixture
    def api(self, shell, foreground):
        server = foreground()
        return lambda *words, **more: shell("api", *words, PREFECT_API_URL=server.api, **more)

    def test_it_asks_anything(self, api, tmp_path):
        made = json.loads(api("POST", "/variables/", "--data", '{"name": "x", "value": [1]}').stdout)
        assert json.loads(api("get", f"variables/{made['id']}").stdout) == made
        (tmp_path / "filter.json").write_text('{"limit": 1}')
        assert json.loads(api("POST", "/variables/filter", "--data", "@filter.json").stdout) == [made]
        assert api("DELETE", "/variables/name/x").stdout == ""

    def test_the_exit_code_says_who_refused(self, api, shell):
        assert "404 Not Found" in api("GET", "/variables/name/none", code=4).stderr
        assert (
            "Connection refused"
            in shell("api", "GET", "/x", code=7, PREFECT_API_URL="http://127.0.0.1:9/api").stderr
        )

    def test_what_is_no_json_or_no_header_is_not_sent(self, api):
        assert "Expected JSON as --data" in api("POST", "/variables/filter", "--data", "{", code=1).stderr
        assert "Name: value" in api("GET", "/health", "-H", "nonsense", code=1).stderr
        assert "got 'none.json'" in api("POST", "/x", "--data", "@none.json", code=1).stderr

    def test_headers_are_shown_without_what_is_secret(self, api):
        said = api(
            "GET", "/health", "-v", "-H", "Authorization: Bearer knows-this", "-H", "X-Team: data"
        ).stderr
        assert "x-team: data" in said.lower()
        assert "200 OK" in said
        assert "knows-this" not in said

    def test_a_server_that_asks_for_a_name(self, shell, foreground):
        server = foreground(PREFECT_SERVER_API_AUTH_STRING="who:knows-this")
        variables = {"PREFECT_API_URL": server.api}
        assert "401" in shell("api", "GET", "/variables/name/x", code=3, **variables).stderr
        shell(
            "api", "GET", "/variables/name/x", code=4, PREFECT_API_AUTH_STRING="who:knows-this", **variables
        )


class TestServices:
    def test_they_are_listed_with_the_settings_that_turn_them_on(self, shell):
        off = {"PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false"}
        listed = {
            one["name"]: one
            for one in json.loads(shell("server", "services", "ls", "-o", "json", **off).stdout)
        }
        assert listed["late-runs"]["enabled"] is False
        assert listed["late-runs"]["environment_variable"] in off
        assert listed["lease-reaper"]["enabled"] is True
        assert "late-runs" in shell("server", "services", "ls").stdout

    def test_they_run_without_the_api(self, shell, environment):
        assert "services stop" in shell("server", "services", "start", "-b").stdout
        assert "services stop" in shell("server", "services", "start", "-b", code=1).stderr
        assert "Stopped" in shell("server", "services", "stop").stdout
        assert "No services" in shell("server", "services", "stop").stdout
        assert (Path(environment["PREFECT_HOME"]) / "services.log").read_text() == ""

    def test_they_have_other_names_too(self, shell):
        assert "late-runs" in shell("server", "services", "list").stdout
        assert "services stop" in shell("server", "services", "enable", "-b").stdout
        assert "Stopped" in shell("server", "services", "disable").stdout
        assert "there are ls, start, stop" in shell("server", "services", "halt", code=1).stderr

    def test_a_signal_ends_them_in_a_terminal(self, environment):
        process = subprocess.Popen(
            [*PREFECT, "server", "services", "start"], env=environment, stdout=subprocess.PIPE, text=True
        )
        assert "Ctrl-C" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 0


def test_every_service_is_listed():
    from prefect._services.services import enabled_services
    from prefect.server.run_services import ABOUT
    from prefect.settings import get_current_settings

    assert set(ABOUT) == {service.name for service in enabled_services(get_current_settings())}
