"""Whether a template of an automation can be read."""

from __future__ import annotations

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._base.templates import mistake_in
from prefect.model.templates import TemplateError, WrongTemplate


@endpoint("POST", "/templates/validate", status=204, role="viewer")
def validate_template(api: Api, body: str = "") -> WrongTemplate | None:
    """Nothing where the template can be read; 422 with its mistake where it cannot."""
    mistake = mistake_in(body)
    if mistake is None:
        return None
    api.status = 422
    return WrongTemplate(error=TemplateError(line=mistake.line, message=mistake.message, source=body))


@endpoint("POST", "/automations/templates/validate", status=204, role="viewer")
def validate_automation_template(api: Api, body: str = "") -> WrongTemplate | None:
    """The same, at the path where older clients ask."""
    return validate_template(api, body)
