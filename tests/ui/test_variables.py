"""The pages of variables."""

from __future__ import annotations

from uuid import uuid4

from prefect._api.api import Api
from prefect._api.variables import read_variable_by_name


def test_a_variable_is_added_changed_and_deleted(reader, backend):
    name = f"v_{uuid4().hex[:8]}"
    page = reader.send_form("/variables", "/variables", name=name, value='{"a": "<b>"}', tags="geo, eu, geo")
    assert f"Variable {name} was made." in page.text
    kept = read_variable_by_name(Api(backend), name)
    assert (kept.value, kept.tags) == ({"a": "<b>"}, ["geo", "eu"])
    at = f"/variables/variable/{kept.id}"
    assert "<b>" not in reader.get(at).text.partition("<main")[2]
    assert name in reader.get(f"/variables?q={name}&tag=geo").text
    assert "No variable is so." in reader.get(f"/variables?q={name}&tag=none").text
    reader.send_form(at, at, name=name, value="5", tags="")
    assert read_variable_by_name(Api(backend), name).value == 5
    assert f"Variable {name} was deleted." in reader.send_form(at, f"{at}/delete").text
    assert reader.get(at).status_code == 404


def test_a_value_that_is_no_json_is_refused(reader):
    page = reader.send_form("/variables", "/variables", name="no_json", value="north", tags="")
    assert "Value: expected JSON" in page.text
    page = reader.send_form("/variables", "/variables", name="No Name", value="1", tags="")
    assert "only contain lowercase letters" in page.text
