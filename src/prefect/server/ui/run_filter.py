"""What the query of a list of runs asks for: the filter of the API that it stands for."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from pydantic import ValidationError

from prefect._api.errors import Refused
from prefect._base.clock import now_us, to_datetime
from prefect.model.requests.run_search import RunSearch, SearchFlowRuns, SearchTaskRuns
from prefect.model.state import StateType

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

RANGES = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(days=1)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
}
NAMES = (
    "state", "name", "flow", "deployment", "pool", "tag", "range", "since", "until", "param", "q", "logs",
    "subflows", "min", "max",
)  # fmt: skip
"""What filters; sort, tab and page are not of it."""


def search_of(query: QueryParams) -> RunSearch:
    """Which flow runs. Raises Refused."""
    return RunSearch(**_made(RunSearch, _search(query)))


def page_of(query: QueryParams, limit: int) -> SearchFlowRuns:
    """A page of them, in the order that the query wants. Raises Refused."""
    sort = {"sort": query["sort"]} if query.get("sort") else {}
    return SearchFlowRuns(
        **_made(SearchFlowRuns, {**_search(query), **sort, **_place(query), "limit": limit})
    )


def page_of_tasks(query: QueryParams, limit: int) -> SearchTaskRuns:
    """A page of task runs: states, tags and times are of theirs, the rest is of the run they are in."""
    asked = _search(query)
    mine = {
        name: asked["flow_runs"].pop(name)
        for name in ("state", "tags", "start_time")
        if name in asked["flow_runs"]
    }
    flow_runs = {"flow_runs": asked.pop("flow_runs")} if asked["flow_runs"] else {}
    asked.pop("flow_runs", None)
    task_runs = {"flow_run_id": {"is_null_": None}, **mine}
    page = {**asked, **flow_runs, "task_runs": task_runs, **_place(query), "limit": limit}
    return SearchTaskRuns(**_made(SearchTaskRuns, page))


def pairs_of(query: QueryParams) -> list[tuple[str, str]]:
    """What of the query filters."""
    return [(name, value) for name, value in query.multi_items() if name in NAMES and value]


def text_of(query: QueryParams) -> str:
    """The same as a query of its own."""
    return urlencode(pairs_of(query))


def _made(model: type[RunSearch], values: dict[str, Any]) -> dict[str, Any]:
    try:
        return dict(model.model_validate(values))
    except ValidationError as exc:
        first = exc.errors()[0]
        raise Refused(f"Filter {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None


def _place(query: QueryParams) -> dict[str, str]:
    return {name: query[name] for name in ("after", "before") if query.get(name)}


def _search(query: QueryParams) -> dict[str, Any]:
    found: dict[str, Any] = {
        "flow_runs": _flow_runs(query),
        "text": query.get("q") or None,
        "in_logs": bool(query.get("logs")),
        "parameters": [_parameter(one) for one in query.getlist("param") if one],
        "shortest": query.get("min") or None,
        "longest": query.get("max") or None,
    }
    for name, noun in (("flow", "flows"), ("deployment", "deployments"), ("pool", "work_pools")):
        wanted = [one for one in query.getlist(name) if one]
        if wanted:
            found[noun] = _named(wanted)
    return found


def _flow_runs(query: QueryParams) -> dict[str, Any]:
    found: dict[str, Any] = {}
    types = [one for one in query.getlist("state") if one in StateType.__members__]
    names = _words(query, "name")
    if types or names:
        found["state"] = {
            **({"type": {"any_": types}} if types else {}),
            **({"name": {"any_": names}} if names else {}),
        }
    tags = _words(query, "tag")
    if tags:
        found["tags"] = {"all_": tags}
    span = _span(query)
    if span:
        found["start_time"] = span
    if query.get("subflows") == "hide":
        found["parent_task_run_id"] = {"is_null_": True}
    return found


def _words(query: QueryParams, name: str) -> list[str]:
    return [word.strip() for one in query.getlist(name) for word in one.split(",") if word.strip()]


def _named(wanted: list[str]) -> dict[str, Any]:
    try:
        return {"id": {"any_": [UUID(one) for one in wanted]}}
    except ValueError:
        return {"name": {"any_": wanted}}


def _parameter(text: str) -> dict[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Refused(f"Parameters: expected name=value, got {text!r}.")
    return {"name": name.strip(), "value": value.strip()}


def _span(query: QueryParams) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    if query.get("range") in RANGES:
        found["after_"] = to_datetime(now_us()) - RANGES[query["range"]][1]
    for name, key in (("since", "after_"), ("until", "before_")):
        text = query.get(name)
        if text:
            try:
                moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
            except ValueError:
                raise Refused(f"{name}: expected a time like 2026-11-23T01:50, got {text!r}.") from None
            found[key] = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return found
