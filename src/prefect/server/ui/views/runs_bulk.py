"""Cancelling, retrying and deleting many flow runs: asked for once with their number, done in steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from starlette.datastructures import QueryParams

from prefect._api.errors import Refused
from prefect._api.flow_run_lists import read_flow_runs
from prefect._api.flow_runs import delete_flow_runs
from prefect._api.ui_run_actions import cancel_flow_run, retry_flow_run
from prefect._api.ui_runs import count_found_flow_runs, search_flow_runs
from prefect.exceptions import ObjectNotFound
from prefect.model.requests.flow_run_actions import MOST_AT_ONCE, DeleteFlowRuns, FilterFlowRuns
from prefect.model.requests.flow_runs import FlowRunFilter, FlowRunFilterId, FlowRunSort
from prefect.server.ui import run_filter
from prefect.server.ui.page import Asked, Move, View, page
from prefect.server.ui.views.runs import names_of
from prefect.server.ui.words import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect.model.runs import FlowRun

STEP = 500  # runs that one request sees to
_SHOWN = 20


class Verb(NamedTuple):
    """Something to be done with many runs."""

    name: str
    past: str
    meaning: str


VERBS = {
    "cancel": Verb("Cancel", "cancelled", "They and all that they have started are asked to stop."),
    "retry": Verb("Retry", "retried", "They run again in place; what has completed in them is replayed."),
    "delete": Verb(
        "Delete", "deleted", "Their task runs, states and logs go with them. This cannot be undone."
    ),
}


class Tally:
    """What came of it."""

    def __init__(self) -> None:
        self.done = 0
        self.left: list[str] = []  # why some were left alone

    def said(self, verb: Verb) -> str:
        """In a sentence or two."""
        first = f"{count(self.done, 'run')} {verb.past}."
        return f"{first} {count(len(self.left), 'run')} left alone: {self.left[0]}" if self.left else first


@page("/runs/bulk")
def confirm_bulk(asked: Asked) -> View:
    """How many runs, and which, before anything is done with them. Raises Refused."""
    return _confirmation(
        asked,
        str(asked.query.get("do", "")),
        asked.query.get("of", ""),
        ids=None if asked.query.get("all") else _ids(asked.query.getlist("run")),
    )


@page("/runs/bulk", "POST")
def do_bulk(asked: Asked) -> View | Move:
    """Do it; where more match than one step sees to, the next step is offered. Raises Refused."""
    action, of = str(asked.form.get("do", "")), str(asked.form.get("of", ""))
    verb = _verb(action)
    tally = Tally()
    if not asked.form.get("all"):
        _do(asked, action, _ids([str(one) for one in asked.form.getlist("run")]), tally)
        return Move(f"/runs?{of}", tally.said(verb), failed=not tally.done)
    after = _after(str(asked.form.get("after") or ""))
    for _ in range(STEP // MOST_AT_ONCE):
        found = [one.id for one in _matching(asked, of, after, MOST_AT_ONCE)]
        _do(asked, action, found, tally)
        if len(found) < MOST_AT_ONCE:
            return Move(f"/runs?{of}", tally.said(verb), failed=not tally.done)
        after = found[-1]
    return _confirmation(asked, action, of, ids=None, after=after, done=tally.said(verb))


def _confirmation(
    asked: Asked, action: str, of: str, *, ids: list[UUID] | None, after: UUID | None = None, done: str = ""
) -> View:
    verb = _verb(action)
    if ids is None:
        runs = _matching(asked, of, after, _SHOWN)
        number = count_found_flow_runs(
            asked.api, run_filter.page_of(QueryParams(of), 1).model_copy(update={"after": after})
        )
    else:
        runs = _chosen(asked, ids)
        number = len(runs)
    values = {"verb": verb.name, "meaning": verb.meaning, "action": action, "of": of, "after": after}
    values |= {"all": ids is None, "number": number, "runs": runs, "step": STEP, "done": done}
    return View("runs_bulk.html", f"{verb.name} runs", {**values, **names_of(asked, runs)})


def _matching(asked: Asked, of: str, after: UUID | None, limit: int) -> list[FlowRun]:
    search = run_filter.page_of(QueryParams(of), limit)
    return search_flow_runs(
        asked.api, search.model_copy(update={"after": after, "before": None, "sort": FlowRunSort.ID_DESC})
    )


def _chosen(asked: Asked, ids: list[UUID]) -> list[FlowRun]:
    if not ids:
        return []
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=ids))
    return read_flow_runs(asked.api, FilterFlowRuns(flow_runs=wanted))


def _do(asked: Asked, action: str, ids: Sequence[UUID], tally: Tally) -> None:
    if action == "delete":
        for first in range(0, len(ids), MOST_AT_ONCE):
            some = FlowRunFilter(id=FlowRunFilterId(any_=list(ids[first : first + MOST_AT_ONCE])))
            tally.done += len(asked.do(delete_flow_runs, DeleteFlowRuns(flow_runs=some)).deleted)
        return
    for id in ids:
        reason = _left_alone(asked, action, id)
        if reason is None:
            tally.done += 1
        else:
            tally.left.append(reason)


def _left_alone(asked: Asked, action: str, id: UUID) -> str | None:
    """Cancel or retry a run; why it was left alone, or None. Raises Refused where whoever asks may not."""
    try:
        if action == "cancel":
            asked.do(cancel_flow_run, id)
            return None
        command = asked.do(retry_flow_run, id).command
    except ObjectNotFound:
        return "It is gone."
    except Refused as exc:
        if exc.status == 403:
            raise
        return str(exc.detail)
    return f"No worker takes it up. Run it where its code is: {command}" if command else None


def _verb(action: str) -> Verb:
    if action not in VERBS:
        raise Refused(f"Expected one of {', '.join(VERBS)}, got {action!r}.")
    return VERBS[action]


def _ids(texts: Sequence[str]) -> list[UUID]:
    try:
        return [UUID(one) for one in texts][:200]
    except ValueError:
        raise Refused("Expected ids of flow runs.") from None


def _after(text: str) -> UUID | None:
    return _ids([text])[0] if text else None
