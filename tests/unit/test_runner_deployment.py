"""`RunnerDeployment` and `to_deployment`: what a deployment is, before anybody registers it."""

from __future__ import annotations

import asyncio
import enum
from datetime import timedelta
from pathlib import Path
from typing import Any, Optional

import pytest
from pydantic import BaseModel, ValidationError

from prefect import flow, serve
from prefect.client.orchestration import get_client
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from prefect.deployments.runner import DeploymentApplyError
from prefect.exceptions import InvalidNameError
from prefect.model.concurrency import ConcurrencyLimitConfig
from prefect.runner._serving import deployments_of
from prefect.schedules import Cron, Interval, RRule


class Model(BaseModel):
    a: int = 1


class Colour(enum.Enum):
    RED = "red"


class Opaque:
    pass


@flow(name="the-flow", version="v1")
def documented(  # noqa: PLR0917 - what the schema is tested with
    x: int,
    y: str = "a",
    model: Model = Model(),  # noqa: B008 - as users write it
    colour: Colour = Colour.RED,
    maybe: Optional[float] = None,  # noqa: UP045 - as users write it
    opaque: Opaque | None = None,
    plain=3,
    *args: int,
    **kwargs: Any,
):
    """What it does.

    Args:
        x: the first,
            on two lines
        y (str): the second

    Returns:
        x: nothing of the parameters.
    """


@flow
def small(n: int = 3) -> int:
    return n


class TestSchema:
    """The schema of the parameters comes from the annotations, defaults and docstring."""

    def test_whole(self):
        schema = documented.to_deployment("d").parameter_openapi_schema
        assert schema["title"] == "Parameters"
        assert schema["type"] == "object"
        assert schema["required"] == ["x"]
        assert schema["definitions"].keys() == {"Model", "Colour"}
        properties = schema["properties"]
        assert [one["position"] for one in properties.values()] == list(range(9))
        assert properties["x"] == {
            "type": "integer",
            "title": "x",
            "position": 0,
            "description": "the first, on two lines",
        }
        assert properties["y"]["description"] == "the second"
        assert properties["model"] == {
            "$ref": "#/definitions/Model",
            "default": {"a": 1},
            "title": "model",
            "position": 2,
        }
        assert properties["colour"]["default"] == "red"
        assert properties["maybe"]["anyOf"] == [{"type": "number"}, {"type": "null"}]
        assert properties["plain"] == {"default": 3, "title": "plain", "position": 6}
        assert properties["args"]["type"] == "array"
        assert properties["kwargs"]["type"] == "object"


class TestSchedules:
    """Every spelling of a schedule."""

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({"cron": "0 1 * * *"}, [CronSchedule(cron="0 1 * * *")]),
            (
                {"cron": ["0 1 * * *", "0 2 * * *"]},
                [CronSchedule(cron="0 1 * * *"), CronSchedule(cron="0 2 * * *")],
            ),
            ({"rrule": "FREQ=DAILY"}, [RRuleSchedule(rrule="FREQ=DAILY")]),
            (
                {"schedule": Cron("0 1 * * *", "Europe/Rome")},
                [CronSchedule(cron="0 1 * * *", timezone="Europe/Rome")],
            ),
            ({"schedule": RRule("FREQ=DAILY")}, [RRuleSchedule(rrule="FREQ=DAILY")]),
            (
                {"schedules": [Cron("0 1 * * *"), CronSchedule(cron="0 2 * * *"), {"cron": "0 3 * * *"}]},
                [CronSchedule(cron=f"0 {hour} * * *") for hour in (1, 2, 3)],
            ),
            ({"schedules": [{"schedule": CronSchedule(cron="0 3 * * *")}]}, [CronSchedule(cron="0 3 * * *")]),
            ({}, []),
        ],
    )
    def test_spelling(self, given, expected):
        made = small.to_deployment("d", **given)
        assert [one.schedule for one in made.schedules] == expected

    def test_intervals(self):
        made = small.to_deployment("d", interval=[60, timedelta(minutes=2)])
        schedules = [one.schedule for one in made.schedules]
        assert all(isinstance(one, IntervalSchedule) for one in schedules)
        assert [one.interval for one in schedules] == [timedelta(minutes=1), timedelta(minutes=2)]

    def test_what_belongs_to_a_schedule(self):
        made = small.to_deployment("d", schedule=Interval(60, active=False, parameters={"n": 1}, slug="s"))
        [one] = made.schedules
        assert (one.active, one.parameters, one.slug) == (False, {"n": 1}, "s")

    def test_one_way_at_a_time(self):
        with pytest.raises(ValueError, match="Only one of interval, cron, rrule, schedule, or schedules"):
            small.to_deployment("d", cron="0 1 * * *", interval=60)

    @pytest.mark.parametrize("given", [{"cron": "abc"}, {"interval": -1}, {"schedules": [{"every": 3}]}])
    def test_no_schedule(self, given):
        with pytest.raises(ValueError, match=r"cron|interval"):
            small.to_deployment("d", **given)

    def test_neither(self):
        with pytest.raises(TypeError, match="Expected a schedule"):
            small.to_deployment("d", schedules=[3])


class TestFields:
    """What else a deployment is."""

    def test_of_a_flow(self, monkeypatch):
        monkeypatch.chdir(Path(__file__).parent)
        made = documented.to_deployment("d", tags=["t"], parameters={"x": 1}, description="D")
        assert made.full_name == "the-flow/d"
        assert made.entrypoint == "test_runner_deployment.py:documented"
        assert made.folder == Path(__file__).parent
        assert (made.version, made.description, made.tags, made.paused) == ("v1", "D", ["t"], False)
        assert made.recover == 1

    def test_outside_of_its_folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert small.to_deployment("d").entrypoint == f"{__file__}:small"

    def test_by_module(self):
        made = small.to_deployment("d", entrypoint_type="module_path")
        assert made.entrypoint == f"{__name__}:small"

    def test_where_nobody_finds_it(self):
        @flow
        def inner():
            pass

        with pytest.raises(ValueError, match="top level"):
            inner.to_deployment("d")

    def test_a_script_s_name(self):
        assert small.to_deployment("nightly.py").name == "nightly"

    def test_names(self):
        with pytest.raises(InvalidNameError):
            small.to_deployment("a/b")

    def test_limit_with_options(self):
        limit = ConcurrencyLimitConfig(limit=2, collision_strategy="CANCEL_NEW")
        made = small.to_deployment("d", concurrency_limit=limit)
        assert made.concurrency_limit == 2
        assert made.concurrency_options.collision_strategy == "CANCEL_NEW"

    def test_options_that_there_are_not(self):
        with pytest.raises(TypeError, match="unexpected keyword argument 'corn'"):
            small.to_deployment("d", corn="0 1 * * *")
        with pytest.raises(ValidationError):
            small.to_deployment("d", recover=-1)

    def test_is_awaited_in_an_event_loop(self):
        async def make():
            return await small.to_deployment("d")

        assert asyncio.run(make()).full_name == "small/d"


class TestApply:
    """Registering it."""

    def test_creates_and_changes(self):
        with get_client(sync_client=True) as client:
            first = small.to_deployment("applied", cron="0 1 * * *", tags=["old"]).apply()
            again = small.to_deployment("applied", interval=60, parameters={"n": 4}, recover=3).apply()
            found = client.read_deployment(first)
        assert first == again
        assert found.entrypoint.endswith("test_runner_deployment.py:small")
        assert [one.schedule.interval for one in found.schedules] == [timedelta(minutes=1)]
        assert (found.parameters, found.tags) == ({"n": 4}, [])
        assert found.labels["pluperfect.recover"] == 3

    def test_parameters_that_do_not_fit(self):
        with pytest.raises(DeploymentApplyError, match="'many' is not of type 'integer'"):
            small.to_deployment("refused", parameters={"n": "many"}).apply()

    def test_an_image_without_a_pool(self):
        with pytest.raises(DeploymentApplyError, match="work pool"):
            small.to_deployment("refused").apply(image="image:1")


class TestServing:
    """What `serve` makes of its arguments."""

    def test_flows_under_a_name(self):
        made = deployments_of([small, documented], {"name": "Production", "tags": ["prod"]})
        assert [one.full_name for one in made] == ["small/Production", "the-flow/Production"]
        assert all(one.tags == ["prod"] for one in made)

    def test_flows_and_deployments(self):
        ready = small.to_deployment("d", tags=["own"])
        made = deployments_of([ready, documented], {"tags": ["prod"], "global_limit": 2})
        assert made[0] is ready
        assert (made[1].name, made[1].tags, made[1].concurrency_limit) == ("the-flow", ["prod"], 2)

    def test_nothing(self):
        with pytest.raises(ValueError, match="got none"):
            serve()

    def test_something_else(self):
        with pytest.raises(TypeError, match="got int"):
            serve(3)

    def test_options_that_concern_no_flow(self):
        with pytest.raises(TypeError, match="to_deployment"):
            deployments_of([small.to_deployment("d")], {"tags": ["x"]})
