"""Work pools, their queues and workers."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from prefect._api.errors import Refused
from prefect._api.flow_run_lists import read_flow_runs
from prefect._api.polled_runs import read_work_queue_status
from prefect._api.work_pools import (
    create_work_pool,
    delete_work_pool,
    read_work_pool,
    read_work_pools,
    update_work_pool,
)
from prefect._api.work_queues import (
    create_work_pool_queue,
    delete_work_pool_queue,
    read_work_pool_queue,
    read_work_pool_queues,
    update_work_pool_queue,
)
from prefect._api.workers import delete_worker, read_workers
from prefect.model.requests.flow_run_actions import FilterFlowRuns
from prefect.model.requests.flow_runs import FlowRunSort
from prefect.model.requests.work_pool_actions import (
    FilterWorkers,
    FilterWorkPools,
    FilterWorkQueues,
    WorkPoolCreate,
    WorkPoolUpdate,
    WorkQueueCreate,
    WorkQueueUpdate,
)
from prefect.model.requests.work_pools import WorkPoolFilter, WorkPoolFilterName
from prefect.model.work_pools import WorkPool, WorkPoolStatus
from prefect.model.worker_kinds import WORKER_KINDS
from prefect.server.ui.form_values import json_of, request_of, text_of
from prefect.server.ui.page import Asked, Move, View, page
from prefect.server.ui.paging import offset_of
from prefect.server.ui.views.runs import names_of

LIST = "/work-pools"
PAGE = 100
TABS = ("queues", "workers", "runs", "configuration")


@page("/work-pools")
def show_pools(asked: Asked) -> View:
    """All pools by name."""
    offset = offset_of(asked)
    found = read_work_pools(asked.api, FilterWorkPools(limit=PAGE + 1, offset=offset))
    shown = [(pool, reason_of(pool)) for pool in found[:PAGE]]
    values = {
        "pools": shown,
        "kinds": sorted(WORKER_KINDS),
        "next": offset + PAGE if len(found) > PAGE else None,
        "may_add": asked.may(create_work_pool),
        "may_change": asked.may(update_work_pool),
    }
    return View("pools.html", "Work pools", values)


@page("/work-pools/work-pool/{name}")
def show_pool(asked: Asked, name: str) -> View:
    """One pool, with the tab that the query names."""
    pool = read_work_pool(asked.api, name)
    tab = asked.query.get("tab", TABS[0])
    values: dict[str, Any] = {
        "pool": pool,
        "reason": reason_of(pool),
        "here": _place(name),
        "tab": tab if tab in TABS else TABS[0],
        "tabs": TABS,
        "may_change": asked.may(update_work_pool),
        "may_delete": asked.may(delete_work_pool),
        "may_queue": asked.may(update_work_pool_queue),
        "may_forget": asked.may(delete_worker),
    }
    return View("pool.html", pool.name, values | _CONTENT.get(tab, _queues)(asked, name))


@page("/work-pools", "POST")
def add_pool(asked: Asked) -> Move:
    """Make a pool with the usual job template of its kind."""
    kind = text_of(asked, "type")
    template = WORKER_KINDS.get(kind, {}).get("default_base_job_configuration", {})
    body = request_of(
        WorkPoolCreate,
        name=text_of(asked, "name"),
        type=kind,
        description=text_of(asked, "description") or None,
        concurrency_limit=text_of(asked, "limit") or None,
        base_job_template=template,
    )
    asked.do(create_work_pool, body)
    return Move(_place(body.name), f"Work pool {body.name} was made.")


@page("/work-pools/work-pool/{name}", "POST")
def change_pool(asked: Asked, name: str) -> Move:
    """Change description, limit and job template."""
    body = request_of(
        WorkPoolUpdate,
        description=text_of(asked, "description") or None,
        concurrency_limit=text_of(asked, "limit") or None,
        base_job_template=json_of(asked, "template"),
    )
    asked.do(update_work_pool, name, body)
    return Move(_place(name), f"Work pool {name} was changed.")


@page("/work-pools/work-pool/{name}/pause", "POST")
def pause_pool(asked: Asked, name: str) -> Move:
    """Give its workers no more runs, or give them some again."""
    paused = text_of(asked, "paused") == "1"
    asked.do(update_work_pool, name, WorkPoolUpdate(is_paused=paused))
    return Move(text_of(asked, "back") or _place(name), _paused(f"Work pool {name}", paused))


@page("/work-pools/work-pool/{name}/delete", "POST")
def remove_pool(asked: Asked, name: str) -> Move:
    """Remove a pool with its queues and workers."""
    asked.do(delete_work_pool, name)
    return Move(LIST, f"Work pool {name} was deleted.")


@page("/work-pools/work-pool/{name}/queue/{queue}")
def show_queue(asked: Asked, name: str, queue: str) -> View:
    """One queue, with the form that changes it."""
    found = read_work_pool_queue(asked.api, name, queue)
    values = {
        "pool": read_work_pool(asked.api, name),
        "queue": found,
        "here": _place(name, queue),
        "status": read_work_queue_status(asked.api, found.id),
        "may_change": asked.may(update_work_pool_queue),
        "may_delete": asked.may(delete_work_pool_queue),
    }
    return View("queue.html", queue, values)


@page("/work-pools/work-pool/{name}/queues", "POST")
def add_queue(asked: Asked, name: str) -> Move:
    """Make a queue."""
    body = request_of(WorkQueueCreate, name=text_of(asked, "name"), **_queue_values(asked))
    asked.do(create_work_pool_queue, name, body)
    return Move(_place(name), f"Queue {body.name} was made.")


@page("/work-pools/work-pool/{name}/queue/{queue}", "POST")
def change_queue(asked: Asked, name: str, queue: str) -> Move:
    """Change description, priority and limit."""
    known = read_work_pool_queue(asked.api, name, queue)
    body = request_of(WorkQueueUpdate, is_paused=known.is_paused, **_queue_values(asked))
    asked.do(update_work_pool_queue, name, queue, body)
    return Move(_place(name), f"Queue {queue} was changed.")


@page("/work-pools/work-pool/{name}/queue/{queue}/pause", "POST")
def pause_queue(asked: Asked, name: str, queue: str) -> Move:
    """Give out no more runs of a queue, or some again."""
    paused = text_of(asked, "paused") == "1"
    asked.do(update_work_pool_queue, name, queue, WorkQueueUpdate(is_paused=paused))
    return Move(_place(name), _paused(f"Queue {queue}", paused))


@page("/work-pools/work-pool/{name}/queue/{queue}/delete", "POST")
def remove_queue(asked: Asked, name: str, queue: str) -> Move:
    """Remove a queue."""
    asked.do(delete_work_pool_queue, name, queue)
    return Move(_place(name), f"Queue {queue} was deleted.")


@page("/work-pools/work-pool/{name}/workers", "POST")
def forget_worker(asked: Asked, name: str) -> Move:
    """Take a worker from the list; one that lives comes back with its next heartbeat."""
    worker = text_of(asked, "worker")
    if not worker:
        raise Refused("Expected the name of a worker, got none.")
    asked.do(delete_worker, name, worker)
    return Move(f"{_place(name)}?tab=workers", f"Worker {worker} was removed.")


def reason_of(pool: WorkPool) -> str:
    """Why a pool has its status."""
    if pool.status == WorkPoolStatus.PAUSED:
        return "Paused: its workers get no runs."
    if pool.status == WorkPoolStatus.READY:
        return "A worker is online."
    return "No worker is online."


def _paused(what: str, paused: bool) -> str:
    return f"{what} is paused." if paused else f"{what} goes on."


def _place(name: str, queue: str | None = None) -> str:
    at = f"{LIST}/work-pool/{quote(name, safe='')}"
    return f"{at}/queue/{quote(queue, safe='')}" if queue else at


def _queue_values(asked: Asked) -> dict[str, Any]:
    return {
        "description": text_of(asked, "description"),
        "priority": text_of(asked, "priority") or None,
        "concurrency_limit": text_of(asked, "limit") or None,
    }


def _queues(asked: Asked, name: str) -> dict[str, Any]:
    found = read_work_pool_queues(asked.api, name, FilterWorkQueues(limit=PAGE))
    return {"queues": [(one, read_work_queue_status(asked.api, one.id)) for one in found]}


def _workers(asked: Asked, name: str) -> dict[str, Any]:
    return {"workers": read_workers(asked.api, name, FilterWorkers(limit=PAGE))}


def _runs(asked: Asked, name: str) -> dict[str, Any]:
    of_pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[name]))
    runs = read_flow_runs(asked.api, FilterFlowRuns(work_pools=of_pool, sort=FlowRunSort.ID_DESC, limit=PAGE))
    return {"runs": runs, **names_of(asked, runs)}


def _nothing(asked: Asked, name: str) -> dict[str, Any]:
    del asked, name
    return {}


_CONTENT = {"queues": _queues, "workers": _workers, "runs": _runs, "configuration": _nothing}
