"""The schemas of stored objects, field for field: names, types, limits, defaults (data/schemas.json)."""

from __future__ import annotations

import json
import subprocess
import sys
from enum import Enum
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import ValidationError

from prefect.client import schemas
from prefect.client.schemas import objects
from prefect.model.schedules import CronSchedule, IntervalSchedule, NoSchedule, is_schedule_type

EXPECTED = json.loads((Path(__file__).parent / "data" / "schemas.json").read_text())
ONE, TWO = UUID(int=1), UUID(int=2)


def _facts(schema):
    """A JSON schema without what is there for people, or only in some versions of pydantic."""
    if isinstance(schema, dict):
        left_out = {"title", "description", "examples"}
        return {
            key: _facts(value)
            for key, value in schema.items()
            if not (key in left_out and isinstance(value, (str, list)))
            and not (key == "additionalProperties" and value is True)
        }
    return [_facts(item) for item in schema] if isinstance(schema, list) else schema


OURS = {"DeploymentSchedule": ["overlap", "catch_up"]}  # fields that come on top, at the end and not required


@pytest.mark.parametrize("name", [name for name, value in EXPECTED.items() if "fields" in value])
def test_a_model_has_these_fields(name):
    schema = getattr(objects, name).model_json_schema()
    expected = EXPECTED[name]
    properties = schema.get("properties", {})
    assert list(properties) == [*expected["fields"], *OURS.get(name, [])]
    assert sorted(schema.get("required", [])) == expected["required"]
    for field, facts in expected["fields"].items():
        assert _facts(properties[field]) == _facts(facts), field


@pytest.mark.parametrize("name", [name for name, value in EXPECTED.items() if "enum" in value])
def test_an_enum_has_these_members(name):
    enum = getattr(objects, name)
    assert {member: enum[member].value for member in enum.__members__} == EXPECTED[name]["enum"]
    assert issubclass(enum, str)
    assert issubclass(enum, Enum)


def test_every_public_name_is_there():
    for name in objects.__all__:
        assert getattr(objects, name) is not None
    for name in schemas.__all__:
        assert getattr(schemas, name) is getattr(objects, name)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        objects.Nothing  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        schemas.Nothing  # noqa: B018


def test_asking_for_a_state_does_not_load_the_other_rooms():
    code = (
        "import sys; from prefect.client.schemas.objects import State; "
        "print(sorted(m for m in sys.modules if m.startswith('prefect.model.')))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "prefect.model.state'" in loaded
    for room in ("runs", "deployments", "work_pools", "blocks"):
        assert f"prefect.model.{room}'" not in loaded


def test_ids_and_times_of_creation_are_not_compared():
    flow = objects.Flow(name="etl", tags=["a"])
    assert flow == objects.Flow(name="etl", tags=["a"], created="2024-01-01")
    assert flow != objects.Flow(name="etl", tags=["b"])
    assert flow != "etl"
    assert flow.reset_fields() == flow
    assert flow.reset_fields().id != flow.id


def test_unknown_fields_are_ignored_and_naive_times_are_utc():
    log = objects.Log(name="n", level=20, message="m", timestamp="2024-01-01T00:00:00", new_field=1)
    assert log.model_dump(mode="json")["timestamp"] == "2024-01-01T00:00:00Z"
    assert not hasattr(log, "new_field")


def test_several_at_once():
    flows = objects.Flow.model_validate_list([{"name": "a"}, {"name": "b"}])
    assert [flow.name for flow in flows] == ["a", "b"]


def test_labels_may_be_null():
    assert objects.Flow(name="f", labels=None).labels == {}


@pytest.mark.parametrize("name", ["a/b", "a%b", "a&b", "a>b", "a<b", ""])
def test_names_with_reserved_characters_are_refused(name):
    with pytest.raises(ValidationError, match="pattern"):
        objects.Flow(name=name)


def test_a_block_document_has_a_name_unless_it_is_anonymous():
    ids = {"block_schema_id": ONE, "block_type_id": TWO}
    assert objects.BlockDocument(**ids, is_anonymous=True).name is None
    assert objects.BlockDocument(**ids, name="my-block-2").name == "my-block-2"
    with pytest.raises(ValidationError, match="Names must be provided"):
        objects.BlockDocument(**ids)
    with pytest.raises(ValidationError, match="lowercase letters, numbers, and dashes"):
        objects.BlockDocument(**ids, name="My Block")


def test_a_block_document_does_not_refer_to_itself():
    with pytest.raises(ValidationError, match="cannot be the same"):
        objects.BlockDocumentReference(
            parent_block_document_id=ONE, reference_block_document_id=ONE, name="self"
        )
    objects.BlockDocumentReference(
        parent_block_document_id=ONE, reference_block_document_id=TWO, name="other"
    )


def test_long_artifact_metadata_is_shortened():
    artifact = objects.Artifact(metadata_={"short": "x", "long": "y" * 600})
    assert artifact.metadata_ == {"short": "x", "long": "y" * 500 + "..."}
    assert objects.Artifact().metadata_ is None


def test_a_variable_keeps_the_type_of_its_value():
    for value in ("text", 1, True, 1.5, {"a": [1]}, [1, "b"], None):
        kept = objects.Variable(name="v", value=value).value
        assert kept == value
        assert type(kept) is type(value)
    with pytest.raises(ValidationError, match="at most 255"):
        objects.Variable(name="v" * 256, value=1)


def test_a_flow_run_input_decodes_its_json():
    assert objects.FlowRunInput(flow_run_id=ONE, key="k", value='{"a": 1}').decoded_value == {"a": 1}


def test_a_workspace_has_a_handle():
    names = {
        f"{kind}_{part}": f"{kind}-{part}" for kind in ("account", "workspace") for part in ("name", "handle")
    }
    workspace = objects.Workspace(account_id=ONE, workspace_id=TWO, workspace_description="", **names)
    assert workspace.handle == "account-handle/workspace-handle"
    assert {workspace} == {workspace.model_copy()}


def test_kinds_of_work_pools():
    assert objects.WorkPool(name="p", type="ecs:push").is_push_pool
    assert objects.WorkPool(name="p", type="prefect:managed").is_managed_pool
    plain = objects.WorkPool(name="p", type="process")
    assert not plain.is_push_pool
    assert not plain.is_managed_pool


def test_some_models_keep_fields_they_do_not_know():
    assert objects.VersionInfo(type="git", version="1", branch="main").model_dump()["branch"] == "main"
    assert objects.WorkerMetadata(integrations=[], region="eu").model_dump()["region"] == "eu"


def test_a_schedule_is_known_by_its_fields():
    def schedule_of(**fields):
        return objects.DeploymentSchedule(schedule=fields).schedule

    assert isinstance(schedule_of(cron="* * * * *"), CronSchedule)
    assert isinstance(schedule_of(interval=60), IntervalSchedule)
    assert isinstance(schedule_of(), NoSchedule)
    assert is_schedule_type(schedule_of(rrule="FREQ=DAILY"))
    assert not is_schedule_type("FREQ=DAILY")
    with pytest.raises(ValidationError, match="Extra inputs"):
        schedule_of(cron="* * * * *", interval=60)


def test_an_interval_is_positive_and_in_a_known_time_zone():
    assert IntervalSchedule(interval=60).timezone == "UTC"
    assert IntervalSchedule(interval=60, timezone="Europe/Berlin").model_dump(mode="json")["interval"] == 60.0
    with pytest.raises(ValidationError, match="greater than 0"):
        IntervalSchedule(interval=0)
    with pytest.raises(ValidationError, match='Invalid timezone: "Nowhere/Here"'):
        IntervalSchedule(interval=60, timezone="Nowhere/Here")


def test_the_anchor_of_an_interval_gives_its_time_zone():
    from datetime import datetime
    from zoneinfo import ZoneInfo

    anchor = datetime(2024, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert IntervalSchedule(interval=60, anchor_date=anchor).timezone == "Asia/Tokyo"
