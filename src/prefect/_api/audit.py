"""The audit log, as admins read it."""

from __future__ import annotations

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.limits import page_of
from prefect._base.clock import to_us
from prefect._storage import clauses
from prefect._storage.audit import AUDIT
from prefect._storage.pruning import first_id_at
from prefect.model.requests.users import FilterAudit
from prefect.model.users import AuditEntry


@endpoint("POST", "/audit/filter", role="admin")
def read_audit(api: Api, body: FilterAudit | None = None) -> list[AuditEntry]:
    """What was changed, newest first."""
    asked = body or FilterAudit()
    found = AUDIT.find(api.store, _where(asked), order="id DESC", **page_of(asked))
    return [AuditEntry.model_validate(AUDIT.shown(record)) for record in found]


def _where(asked: FilterAudit) -> list[clauses.Clause]:
    """Ids begin with the time: "between" is a range of the key."""
    found: list[clauses.Clause] = []
    if asked.actor is not None:
        found.append(clauses.compare("actor", "=", asked.actor))
    if asked.endpoint is not None:
        found.append(clauses.compare("endpoint", "=", asked.endpoint))
    if asked.after is not None:
        found.append(clauses.compare("id", ">=", first_id_at(to_us(asked.after))))
    if asked.before is not None:
        found.append(clauses.compare("id", "<", first_id_at(to_us(asked.before))))
    return found
