"""Saved searches: conditions under a name."""

from __future__ import annotations

from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import missing
from prefect._api.limits import page_of
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage.automations import SAVED_SEARCHES, SavedSearchRecord
from prefect.model.objects import SavedSearch
from prefect.model.requests.automations import SavedSearchCreate
from prefect.model.requests.base import Page


@endpoint("PUT", "/saved_searches/", also=[201])
def create_saved_search(api: Api, body: SavedSearchCreate) -> SavedSearch:
    """Keep a search under a name, in place of the one that has it."""
    filters = [one.model_dump(mode="json") for one in body.filters]
    now = now_us()
    with api.store.write() as cx:
        known = SAVED_SEARCHES.read(cx, name=body.name)
        if known is None:
            known = SavedSearchRecord(new_id(), body.name, filters, now, now)
            SAVED_SEARCHES.insert(cx, known)
            api.created()
        else:
            SAVED_SEARCHES.update(cx, known.id, {"filters": filters, "updated": now})
    return _shown(known._replace(filters=filters, updated=now))


@endpoint("GET", "/saved_searches/{id}")
def read_saved_search(api: Api, id: UUID) -> SavedSearch:
    """One search. Raises ObjectNotFound."""
    found = SAVED_SEARCHES.read(api.store, id=id.bytes)
    if found is None:
        raise missing("Saved search")
    return _shown(found)


@endpoint("POST", "/saved_searches/filter")
def read_saved_searches(api: Api, body: Page | None = None) -> list[SavedSearch]:
    """The searches, by name."""
    found = SAVED_SEARCHES.find(api.store, order="name", **page_of(body or Page()))
    return [_shown(one) for one in found]


@endpoint("DELETE", "/saved_searches/{id}", status=204)
def delete_saved_search(api: Api, id: UUID) -> None:
    """Forget a search. Raises ObjectNotFound."""
    with api.store.write() as cx:
        if not SAVED_SEARCHES.delete(cx, id=id.bytes):
            raise missing("Saved search")


def _shown(record: SavedSearchRecord) -> SavedSearch:
    return SavedSearch.model_validate(SAVED_SEARCHES.shown(record))
