"""The pages of work pools."""

from __future__ import annotations

from uuid import uuid4

from prefect._api.api import Api
from prefect._api.work_pools import read_work_pool
from prefect._api.work_queues import read_work_pool_queue
from prefect._api.workers import worker_heartbeat
from prefect.model.requests.work_pool_actions import WorkerHeartbeat


def added(reader) -> tuple[str, str]:
    name = f"pool-{uuid4().hex[:8]}"
    page = reader.send_form(
        "/work-pools", "/work-pools", name=name, type="process", description="", limit="4"
    )
    assert f"Work pool {name} was made." in page.text
    return name, f"/work-pools/work-pool/{name}"


def test_a_pool_is_added_paused_changed_and_deleted(reader, backend):
    name, at = added(reader)
    assert "No worker is online." in reader.get(at).text
    assert f"Work pool {name} is paused." in reader.send_form(at, f"{at}/pause").text
    assert read_work_pool(Api(backend), name).is_paused
    assert f"Work pool {name} goes on." in reader.send_form(at, f"{at}/pause").text
    changed = reader.send_form(at, at, description="of tests", limit="", template="{}")
    assert "of tests" in changed.text
    assert read_work_pool(Api(backend), name).concurrency_limit is None
    assert f"Work pool {name} was deleted." in reader.send_form(at, f"{at}/delete").text


def test_a_queue_is_added_paused_changed_and_deleted(reader, backend):
    name, at = added(reader)
    page = reader.send_form(at, f"{at}/queues", name="urgent", description="", priority="1", limit="2")
    assert "Queue urgent was made." in page.text
    of_queue = f"{at}/queue/urgent"
    reader.send_form(of_queue, f"{of_queue}/pause")
    reader.send_form(of_queue, of_queue, description="", priority="2", limit="7")
    kept = read_work_pool_queue(Api(backend), name, "urgent")
    assert (kept.is_paused, kept.priority, kept.concurrency_limit) == (True, 2, 7)
    assert "Queue urgent was deleted." in reader.send_form(of_queue, f"{of_queue}/delete").text
    assert f'action="{at}/queue/default/delete"' not in reader.get(f"{at}/queue/default").text


def test_workers_are_shown_and_removed(reader, backend):
    name, at = added(reader)
    worker_heartbeat(Api(backend), name, WorkerHeartbeat(name="w1", heartbeat_interval_seconds=30))
    shown = reader.get(f"{at}?tab=workers").text
    assert "w1" in shown
    assert "A worker is online." in shown
    page = reader.send_form(f"{at}?tab=workers", f"{at}/workers")
    assert "Worker w1 was removed." in page.text
    assert "No worker has come yet." in page.text


def test_every_tab_can_be_read(reader):
    _, at = added(reader)
    for tab in ("queues", "workers", "runs", "configuration", "none"):
        assert reader.get(f"{at}?tab={tab}").status_code == 200
