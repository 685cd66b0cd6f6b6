"""Forms made from the schemas that pydantic writes, and what is read back."""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Literal, Optional

import pytest
from pydantic import BaseModel, Field

from prefect._api.errors import Refused
from prefect.server.ui.schema_form import fields_of, values_of


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    n: int = 1


class Asked(BaseModel):
    amount: int
    share: float = 0.5
    sure: bool = True
    color: Color = Color.RED
    size: Literal[1, 2] = 1
    day: date = date(2026, 1, 1)
    name: Optional[str] = Field(default=None, description="of <whom>")  # noqa: UP045 - also on 3.10's schema
    inner: Inner = Inner()
    parts: list[int] = Field(default_factory=list)


SCHEMA = Asked.model_json_schema()


def test_every_field_has_its_kind():
    kinds = {one.name: one.kind for one in fields_of(SCHEMA)}
    assert kinds == {
        "amount": "number",
        "share": "number",
        "sure": "checkbox",
        "color": "choice",
        "size": "choice",
        "day": "date",
        "name": "text",
        "inner": "json",
        "parts": "json",
    }


def test_what_is_shown_is_read_back():
    shown = {f"field-{one.name}": one.value for one in fields_of(SCHEMA) if one.value}
    given = values_of({**shown, "field-amount": "3", "field-parts": "[1, 2]"}, SCHEMA)
    assert Asked.model_validate(given) == Asked(amount=3, parts=[1, 2])


def test_what_is_empty_is_left_out_and_no_check_is_no():
    assert values_of({"field-amount": "3"}, SCHEMA) == {"amount": 3, "sure": False}


@pytest.mark.parametrize(("name", "text"), [("amount", "many"), ("inner", "{n: 1}")])
def test_what_cannot_be_read_is_said_at_its_field(name, text):
    with pytest.raises(Refused, match=rf"(?i){name}: expected"):
        values_of({f"field-{name}": text}, SCHEMA)


def test_a_schema_that_refers_to_itself_is_a_field_of_json():
    node = {"$ref": "#/$defs/Node"}
    (field,) = fields_of({"properties": {"node": node}, "$defs": {"Node": node}})
    assert field.kind == "json"
