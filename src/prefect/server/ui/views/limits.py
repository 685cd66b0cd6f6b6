"""Concurrency limits: who holds their slots, and who waits."""

from __future__ import annotations

from typing import Any

from prefect._api.concurrency import (
    create_concurrency_limit_v2,
    delete_concurrency_limit_v2,
    update_concurrency_limit_v2,
)
from prefect._api.ui_limits import read_limit_use, read_limit_uses
from prefect.model.limit_use import FilterLimitUses
from prefect.model.requests.concurrency import ConcurrencyLimitV2Create, ConcurrencyLimitV2Update
from prefect.server.ui.form_values import request_of, text_of
from prefect.server.ui.page import Asked, Move, View, page
from prefect.server.ui.paging import offset_of

PAGE = 50
LIST = "/concurrency-limits"


@page("/concurrency-limits")
def show_limits(asked: Asked) -> View:
    """All limits by name, those on tags among them."""
    offset = offset_of(asked)
    wanted = FilterLimitUses(name=asked.query.get("q") or None, offset=offset, limit=PAGE + 1)
    found = read_limit_uses(asked.api, wanted)
    values = {"limits": found[:PAGE], "next": offset + PAGE if len(found) > PAGE else None, **_allowed(asked)}
    return View("limits.html", "Concurrency", values)


@page("/concurrency-limits/concurrency-limit/{name}")
def show_limit(asked: Asked, name: str) -> View:
    """One limit, with everybody who holds a slot or waits for one."""
    limit = read_limit_use(asked.api, name)
    return View("limit.html", limit.name, {"limit": limit, **_allowed(asked)})


@page("/concurrency-limits", "POST")
def add_limit(asked: Asked) -> Move:
    """Make a limit; on the task runs with a tag where that is chosen."""
    name = text_of(asked, "name")
    of_tag = text_of(asked, "kind") == "tag"
    body = request_of(
        ConcurrencyLimitV2Create,
        name=f"tag:{name}" if of_tag and name else name,
        limit=text_of(asked, "limit"),
        slot_decay_per_second=text_of(asked, "decay") or 0,
    )
    asked.do(create_concurrency_limit_v2, body)
    return Move(LIST, f"Limit {body.name} was made: {body.limit} at once.")


@page("/concurrency-limits/concurrency-limit/{name}", "POST")
def change_limit(asked: Asked, name: str) -> Move:
    """Change how many, how fast, or the name."""
    body = request_of(
        ConcurrencyLimitV2Update,
        name=text_of(asked, "name"),
        limit=text_of(asked, "limit"),
        slot_decay_per_second=text_of(asked, "decay") or 0,
    )
    asked.do(update_concurrency_limit_v2, name, body)
    return Move(_back(asked), f"Limit {body.name} was changed.")


@page("/concurrency-limits/concurrency-limit/{name}/switch", "POST")
def switch_limit(asked: Asked, name: str) -> Move:
    """Let the limit hold, or let everybody pass."""
    active = text_of(asked, "active") == "1"
    asked.do(update_concurrency_limit_v2, name, ConcurrencyLimitV2Update(active=active))
    return Move(_back(asked), f"Limit {text_of(asked, 'called')} is {'on' if active else 'off'}.")


@page("/concurrency-limits/concurrency-limit/{name}/reset", "POST")
def reset_limit(asked: Asked, name: str) -> Move:
    """Free every slot."""
    asked.do(update_concurrency_limit_v2, name, ConcurrencyLimitV2Update(active_slots=0))
    return Move(_back(asked), f"All slots of limit {text_of(asked, 'called')} are free.")


@page("/concurrency-limits/concurrency-limit/{name}/delete", "POST")
def remove_limit(asked: Asked, name: str) -> Move:
    """Remove the limit."""
    asked.do(delete_concurrency_limit_v2, name)
    return Move(LIST, f"Limit {text_of(asked, 'called')} was deleted.")


def _allowed(asked: Asked) -> dict[str, Any]:
    return {
        "may_add": asked.may(create_concurrency_limit_v2),
        "may_change": asked.may(update_concurrency_limit_v2),
        "may_delete": asked.may(delete_concurrency_limit_v2),
    }


def _back(asked: Asked) -> str:
    return text_of(asked, "back") or LIST
