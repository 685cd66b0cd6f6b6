"""The page of a flow run: what its header says, what can be done to it, its timeline and its graph."""

from __future__ import annotations

import contextvars
import re
import threading
from uuid import UUID

import pytest

from databases import backend_on
from prefect import flow, pause_flow_run, task
from prefect._api.api import Api
from prefect._api.deployed_runs import create_flow_run_from_deployment
from prefect._api.deployments import create_deployment
from prefect._api.flow_runs import create_flow_run, set_flow_run_state
from prefect._api.flows import create_flow
from prefect._api.users import create_user
from prefect._execute import execute
from prefect._storage.opening import open_store
from prefect.input import RunInput
from prefect.model.requests.deployment_actions import DeploymentCreate
from prefect.model.requests.flow_run_actions import FlowRunCreate, SetState
from prefect.model.requests.flows import FlowCreate
from prefect.model.requests.states import StateCreate
from prefect.model.requests.users import UserCreate
from prefect.server.app import create_app
from prefect.server.auth import forget
from prefect.settings import temporary_settings
from server.conftest import serving

from .conftest import Reader

CALLS: list[str] = []


@task
def fetch(n: int) -> int:
    CALLS.append(f"fetch {n}")
    return n


@task(retries=1)
def shaky(n: int) -> int:
    CALLS.append("shaky")
    if CALLS.count("shaky") == 1:
        raise ValueError("<b>no answer</b>")
    return n


@flow(version="1.4")
def part() -> int:
    return 1


@flow
def whole(fails: bool = False) -> int:
    part()
    first = fetch.submit(1)
    second = shaky(first)
    fetch.map(range(10)).result()
    if fails:
        raise RuntimeError("disk <full>")
    return second


class Answer(RunInput):
    amount: int
    note: str = "none"


@flow
def asks() -> int:
    return pause_flow_run(wait_for_input=Answer, timeout=60, poll_interval=1).amount


@pytest.fixture(autouse=True)
def through(server_url):
    CALLS.clear()
    with temporary_settings({"PREFECT_API_URL": f"{server_url}/api"}):
        yield


def ran(asked, **parameters) -> UUID:
    """Run a flow; its run's id."""
    return asked(**parameters, return_state=True).state_details.flow_run_id


def done_to(reader, id, action, **fields):
    return reader.send_form(f"/runs/flow-run/{id}", f"/runs/flow-run/{id}/{action}", **fields)


def state_of(backend, id):
    return backend.read_flow_run(id.bytes).state


@pytest.fixture
def deployed(backend):
    """A run of a deployment that waits."""
    api = Api(backend)
    made = create_flow(api, FlowCreate(name="deployed"))
    there = create_deployment(api, DeploymentCreate(name="nightly", flow_id=made.id))
    return create_flow_run_from_deployment(api, there.id).id


def put(backend, id, state_type):
    set_flow_run_state(Api(backend), id, SetState(state=StateCreate(type=state_type), force=True))


# --- the header -------------------------------------------------------------------------------------


def test_the_header_says_what_there_is_to_know(reader):
    id = ran(whole, fails=True)
    shown = reader.get(f"/runs/flow-run/{id}").text
    assert "RuntimeError: disk &lt;full&gt;" in shown
    assert "disk <full>" not in shown
    assert re.search(r"<dt>Duration</dt><dd[^>]*>\d+\.\d{3} s", shown)
    assert "1 subflow run" in shown
    child = re.search(r'id="child-([0-9a-f-]+)"', shown).group(1)
    below = reader.get(f"/runs/flow-run/{child}").text
    assert f'<dt>Parent run</dt><dd><a href="/runs/flow-run/{id}">whole / ' in below
    assert '<dd title="1.4">1.4</dd>' in below
    assert f'/runs/flow-run/{child}/retry"' not in below, "a subflow is retried by its root"


def test_commands_are_offered_that_do_the_same(reader, deployed):
    shown = reader.get(f"/runs/flow-run/{deployed}").text
    assert f"prefect flow-run cancel {deployed}" in shown
    assert "/create_flow_run" in shown


def test_browsers_may_say_where_a_form_comes_from(reader):
    """Without a referrer they send `Origin: null`, and no change would be ours."""
    shown = reader.get("/runs").text
    assert '<meta name="referrer" content="same-origin">' in shown


# --- what can be done -------------------------------------------------------------------------------


def test_only_what_makes_sense_now_is_offered(reader, backend, deployed):
    def offered():
        shown = reader.get(f"/runs/flow-run/{deployed}").text
        return set(re.findall(rf'action="/runs/flow-run/{deployed}/([a-z]+)"', shown))

    assert offered() == {"cancel", "state", "delete"}
    put(backend, deployed, "RUNNING")
    assert offered() == {"cancel", "state", "delete"}
    put(backend, deployed, "FAILED")
    assert offered() == {"retry", "state", "delete"}


def test_a_run_is_cancelled(reader, backend, deployed):
    answer = done_to(reader, deployed, "cancel", reason="not today")
    assert "The run is cancelled." in answer.text
    assert "not today" in answer.text
    assert state_of(backend, deployed).type == "CANCELLED"
    again = reader.post(f"/runs/flow-run/{deployed}/cancel", data={"csrf": reader.cookies["prefect-csrf"]})
    assert "there is nothing to cancel" in again.text


def test_a_deployments_run_is_scheduled_again(reader, backend, deployed):
    put(backend, deployed, "FAILED")
    answer = done_to(reader, deployed, "retry", **{"from": "failed"})
    assert "waits for its worker" in answer.text
    assert state_of(backend, deployed).name == "AwaitingRetry"


@pytest.mark.parametrize(
    ("begin", "expected"),
    [("failed", []), ("start", ["fetch 1", "shaky", "fetch 0"]), ("shaky", ["shaky", "fetch 0"])],
    ids=["failed", "start", "task"],
)
def test_a_retry_begins_where_it_was_told(reader, backend, begin, expected):
    id = ran(whole, fails=True)
    page = reader.get(f"/runs/flow-run/{id}").text
    if begin == "shaky":
        begin = re.search(r'id="from-([0-9a-f-]+)"><input[^>]*> shaky', page).group(1)
    answer = done_to(reader, id, "retry", **{"from": begin})
    assert f"prefect flow-run retry {id}" in answer.text
    CALLS.clear()
    assert execute(backend.read_flow_run(id.bytes), flow=whole).run.state.type == "FAILED"
    assert list(dict.fromkeys(CALLS))[: len(expected)] == expected
    assert bool(CALLS) == bool(expected)


def test_a_retry_from_nowhere_is_refused(reader):
    id = ran(whole)
    assert "expected a task run of this run" in done_to(reader, id, "retry", **{"from": "x"}).text
    assert "Task run not found" in done_to(reader, id, "retry", **{"from": str(id)}).text


def test_a_paused_run_goes_on_with_what_the_form_says(reader, backend):
    running = threading.Thread(target=contextvars.copy_context().run, args=(asks,), daemon=True)
    running.start()
    id = paused(backend)
    page = reader.get(f"/runs/flow-run/{id}").text
    assert 'name="field-amount" type="number"' in page
    wrong = done_to(reader, id, "resume", **{"field-amount": "many"})
    assert "Amount: expected a number" in wrong.text
    assert state_of(backend, id).type == "PAUSED"
    assert "The run goes on." in done_to(reader, id, "resume", **{"field-amount": "7"}).text
    running.join(30)
    assert state_of(backend, id).type == "COMPLETED"


def paused(backend) -> UUID:
    """The run that pauses, once it does."""
    news = threading.Event()
    for _ in range(300):
        some = [one for one in backend.find_flow_runs(flow_names=["asks"]) if one.state.type == "PAUSED"]
        if some:
            return UUID(bytes=some[0].id)
        news.wait(0.05)
    raise AssertionError("it did not pause")


def test_a_state_is_changed_with_a_reason(reader, backend):
    id = ran(whole, fails=True)
    answer = done_to(reader, id, "state", state="COMPLETED", reason="mended by hand")
    assert "The run is Completed." in answer.text
    assert "mended by hand" in answer.text
    assert state_of(backend, id).type == "COMPLETED"
    assert "expected one of" in done_to(reader, id, "state", state="RUNNING").text


def test_a_run_is_deleted(reader):
    id = ran(part)
    answer = done_to(reader, id, "delete")
    assert answer.url.path == "/runs"
    assert "is deleted" in answer.text
    assert reader.get(f"/runs/flow-run/{id}").status_code == 404


def test_who_only_looks_is_offered_nothing_to_do(tmp_path):
    own = backend_on(open_store(f"sqlite:///{tmp_path / 'store.db'}"))
    api = Api(own)
    made = create_flow_run(api, FlowRunCreate(flow_id=create_flow(api, FlowCreate(name="f")).id))
    create_user(api, UserCreate(name="vera", role="viewer", password="correct horse battery"))  # noqa: S106
    forget(own)
    with serving(create_app(lambda: own)) as url, Reader(url) as asking:
        asking.send_form("/login", "/login", name="vera", password="correct horse battery")  # noqa: S106
        here = f"/runs/flow-run/{made.id}"
        shown = asking.get(here).text
        assert f'action="{here}' not in shown
        assert "Copy as command" in shown
        asking.post(f"{here}/delete", data={"csrf": asking.cookies["prefect-csrf"]})
        assert asking.get(here).status_code == 200
    own.close()


# --- timeline and graph -----------------------------------------------------------------------------


def test_the_timeline_has_every_attempt(reader):
    id = ran(whole)
    data = reader.get(f"/runs/flow-run/{id}/timeline.json").json()
    assert data["ended"]
    assert len(data["rows"]) == 13
    (row,) = [one for one in data["rows"] if one[1].startswith("shaky")]
    kinds = [data["types"][one] for one in row[3][::2]]
    assert kinds == ["PENDING", "RUNNING", "RUNNING", "COMPLETED"]
    assert row[3][1::2] == sorted(row[3][1::2])
    (first,) = [one for one in data["rows"] if [one[0]] == row[5]]
    assert first[1].startswith("fetch"), "its input came from there"
    (subflow,) = [one for one in data["rows"] if len(one) > 6]
    assert subflow[1].startswith("part / ")
    assert reader.get(f"/runs/flow-run/{subflow[6]}").status_code == 200
    later = reader.get(f"/runs/flow-run/{id}/timeline.json?since={data['until'] + 1}").json()
    assert later["rows"] == []


def test_without_scripts_the_timeline_is_a_table(reader):
    id = ran(whole)
    shown = reader.get(f"/runs/flow-run/{id}").text
    noscript = shown.partition("<noscript>")[2].partition("</noscript>")[0]
    assert "13 task runs" in noscript
    assert "</a> × 11" in noscript, "many runs of one task are folded"
    assert 'class="works"' in noscript
    key = re.search(r"unfold=(fetch-[0-9a-f]{8})", noscript).group(1)
    unfolded = reader.get(f"/runs/flow-run/{id}?tab=timeline&as=table&unfold={key}").text
    assert unfolded.count('id="lane-') == 13


def test_the_graph_folds_what_is_many(reader):
    id = ran(whole)
    shown = reader.get(f"/runs/flow-run/{id}?tab=graph").text
    assert len(re.findall(r'id="node-', shown)) == 3
    assert "11 runs" in shown
    assert len(re.findall(r'id="edge-', shown)) == 1


def test_a_run_without_tasks_says_so(reader):
    id = ran(part)
    for tab in ("timeline", "graph"):
        assert "has called no task" in reader.get(f"/runs/flow-run/{id}?tab={tab}").text
