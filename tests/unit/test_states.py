"""States: their forms, their copies, and what is stored of them."""

from __future__ import annotations

import pickle
from datetime import datetime, timedelta, timezone
from uuid import UUID

import pytest
from pydantic import ValidationError

from prefect import states
from prefect._base.clock import VirtualClock, to_datetime, use_clock
from prefect._base.ids import new_id
from prefect.model.records import StateRecord
from prefect.model.results import ResultRecordMetadata, data_discriminator
from prefect.states import State, StateDetails, StateType

T0 = 1_700_000_000_000_000
MOMENT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
METADATA = {"storage_key": "k", "serializer": {"type": "json"}, "prefect_version": "3.9.1"}


@pytest.mark.behaviour(25)
class TestForms:
    @pytest.mark.parametrize("state_type", list(StateType))
    def test_one_question_is_answered_yes(self, state_type):
        state = State(type=state_type)
        questions = {
            name[3:].upper() for name in dir(State) if name.startswith("is_") and getattr(state, name)()
        }
        final = {"FINAL"} if state_type.value in {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"} else set()
        assert questions == {state_type.value} | final

    @pytest.mark.parametrize("state_type", list(StateType))
    def test_the_name_is_the_type_unless_given(self, state_type):
        assert State(type=state_type).name == state_type.value.title()
        assert State(type=state_type, name=None).name == state_type.value.title()
        assert State(type=state_type, name="Mine").name == "Mine"

    def test_str(self):
        assert str(State(type="COMPLETED")) == "Completed()"
        assert str(State(type="FAILED", message="x")) == "Failed('x')"
        assert str(State(type="COMPLETED", name="Z", message="y")) == "Z('y', type=COMPLETED)"
        assert str(State(type="COMPLETED", name="Z")) == "Z(type=COMPLETED)"

    def test_repr(self):
        assert repr(State(type="COMPLETED")) == "Completed(message=None, type=COMPLETED, result=None)"
        failed = State(type="FAILED", message="x", data=[State(type="CRASHED")])
        inner = "[Crashed(message=None, type=CRASHED, result=None)]"
        assert repr(failed) == f"Failed(message='x', type=FAILED, result={inner})"
        assert repr(StateType.FAILED) == "StateType.FAILED"

    def test_a_scheduled_state_has_a_time(self):
        with use_clock(VirtualClock(T0)):
            scheduled = State(type="SCHEDULED").state_details.scheduled_time
        assert abs(scheduled - to_datetime(T0)) < timedelta(seconds=1)
        given = State(type="SCHEDULED", state_details={"scheduled_time": MOMENT})
        assert given.state_details.scheduled_time == MOMENT
        assert State(type="PENDING").state_details.scheduled_time is None

    def test_an_unknown_type_is_refused(self):
        with pytest.raises(ValidationError, match="SCHEDULED"):
            State(type="SLEEPING")


class TestData:
    def test_any_object_is_held_as_it_is(self):
        for data in (object(), [1], {"a": 1}, ValueError("x")):
            assert State(type="COMPLETED", data=data).data is data

    def test_json_of_a_stored_result_becomes_metadata(self):
        data = State(type="COMPLETED", data=METADATA).data
        assert isinstance(data, ResultRecordMetadata)
        assert data.storage_key == "k"

    def test_json_of_a_result_that_was_not_kept_becomes_none(self):
        assert State(type="COMPLETED", data={"type": "unpersisted"}).data is None

    def test_which_is_which(self):
        known = ResultRecordMetadata(storage_key="k")
        answers = [data_discriminator(x) for x in (known, METADATA, {"type": "unpersisted"}, 1, None)]
        assert answers == ["ResultRecordMetadata", "ResultRecordMetadata", "Any", "Any", "Any"]


class TestCopies:
    def test_a_copy_is_of_now(self):
        state = State(type="COMPLETED", timestamp=MOMENT, data=object())
        copy = state.model_copy()
        assert copy.id == state.id
        assert copy.timestamp > MOMENT
        assert copy.data is state.data
        assert state.model_copy(update={"timestamp": MOMENT, "name": "Other"}).timestamp == MOMENT

    def test_a_fresh_copy_is_a_state_of_its_own(self):
        state = State(type="COMPLETED", timestamp=MOMENT, message="m", data=object())
        fresh = state.fresh_copy()
        assert fresh.id != state.id
        assert fresh.timestamp == fresh.created == fresh.updated > MOMENT
        assert (fresh.type, fresh.message, fresh.data) == (state.type, state.message, state.data)
        assert state.timestamp == MOMENT

    def test_a_deep_copy_shares_nothing(self):
        state = State(type="COMPLETED", data=[1])
        deep = state.fresh_copy(deep=True)
        assert deep.data == [1]
        assert deep.data is not state.data
        assert deep.state_details is not state.state_details

    def test_equality_is_of_content(self):
        state = State(type="COMPLETED", timestamp=MOMENT)
        same = State(type="COMPLETED", timestamp=MOMENT, created=MOMENT)
        assert state == same
        assert hash(state) == hash(same)
        assert state == State[int](type="COMPLETED", timestamp=MOMENT)
        assert state != State(type="COMPLETED", timestamp=MOMENT, message="m")
        assert state != State(type="COMPLETED")

    def test_a_held_none_is_a_result_also_of_copies(self):
        assert not State(type="COMPLETED").holds_result
        held = State(type="COMPLETED").hold_result(None)
        assert held.holds_result
        assert held.fresh_copy().holds_result
        assert pickle.loads(pickle.dumps(held)).holds_result


class TestRecords:
    def test_there_and_back(self):
        details = {
            "scheduled_time": T0 + 1,
            "transition_id": str(UUID(int=5)),
            "cache_key": "k",
            "retriable": False,
            "pause_reschedule": True,
            "run_input_keyset": {"a": "b"},
        }
        metadata = ResultRecordMetadata(storage_key="k").model_dump(mode="json")
        record = StateRecord(new_id(), "SCHEDULED", "AwaitingRetry", T0, "m", metadata, details)
        run_id = new_id()
        state = State.from_record(record, flow_run_id=run_id)
        assert state.state_details.flow_run_id == UUID(bytes=run_id)
        assert state.state_details.scheduled_time == to_datetime(T0 + 1)
        assert state.state_details.retriable is False
        assert state.data.storage_key == "k"
        assert state.to_record() == record

    def test_a_plain_state_stores_no_details(self):
        record = State(type="COMPLETED", state_details={"flow_run_id": UUID(int=1)}).to_record()
        assert record.details is None
        assert record.name == "Completed"

    def test_a_result_in_memory_is_not_stored(self):
        assert State(type="COMPLETED", data=[1, 2]).to_record().data is None

    def test_a_state_from_a_record_is_a_whole_one(self):
        record = StateRecord(new_id(), "RUNNING", "Retrying", T0)
        state = State.from_record(record)
        assert state.is_running()
        assert State.model_validate_json(state.model_dump_json()) == state
        assert state.fresh_copy().name == "Retrying"


class TestMakers:
    @pytest.mark.parametrize(
        ("maker", "state_type", "name"),
        [
            ("Scheduled", "SCHEDULED", "Scheduled"),
            ("Completed", "COMPLETED", "Completed"),
            ("Running", "RUNNING", "Running"),
            ("Failed", "FAILED", "Failed"),
            ("Crashed", "CRASHED", "Crashed"),
            ("Cancelling", "CANCELLING", "Cancelling"),
            ("Cancelled", "CANCELLED", "Cancelled"),
            ("Pending", "PENDING", "Pending"),
            ("Paused", "PAUSED", "Paused"),
            ("Suspended", "PAUSED", "Suspended"),
            ("AwaitingRetry", "SCHEDULED", "AwaitingRetry"),
            ("AwaitingConcurrencySlot", "SCHEDULED", "AwaitingConcurrencySlot"),
            ("Submitting", "PENDING", "Submitting"),
            ("InfrastructurePending", "PENDING", "InfrastructurePending"),
            ("Retrying", "RUNNING", "Retrying"),
            ("Late", "SCHEDULED", "Late"),
        ],
    )
    def test_type_and_name(self, maker, state_type, name):
        state = getattr(states, maker)(message="m")
        assert (state.type.value, state.name, state.message) == (state_type, name, "m")
        assert (state.state_details.scheduled_time is None) == (state_type != "SCHEDULED")

    def test_the_class_can_be_chosen(self):
        assert type(states.Completed(cls=State[int], data=1)) is State[int]

    def test_a_scheduled_time_is_given_once(self):
        assert states.Late(scheduled_time=MOMENT).state_details.scheduled_time == MOMENT
        in_details = states.Scheduled(state_details={"scheduled_time": MOMENT, "cache_key": "k"})
        assert (in_details.state_details.scheduled_time, in_details.state_details.cache_key) == (MOMENT, "k")
        with pytest.raises(ValueError, match="An extra scheduled_time was provided"):
            states.Scheduled(scheduled_time=MOMENT, state_details={"scheduled_time": MOMENT})

    def test_given_details_are_not_changed(self):
        details = StateDetails(cache_key="k")
        states.Scheduled(scheduled_time=MOMENT, state_details=details)
        states.Paused(pause_key="p", state_details=details)
        assert details == StateDetails(cache_key="k")

    def test_a_pause_has_a_limit_in_one_form(self):
        with use_clock(VirtualClock(T0)):
            paused = states.Paused(timeout_seconds=10, pause_key="k", reschedule=True).state_details
        assert abs(paused.pause_timeout - to_datetime(T0 + 10_000_000)) < timedelta(milliseconds=1)
        assert (paused.pause_key, paused.pause_reschedule) == ("k", True)
        assert states.Paused(pause_expiration_time=MOMENT).state_details.pause_timeout == MOMENT
        assert states.Paused().state_details.pause_timeout is None
        assert states.Suspended().state_details.pause_reschedule
        with pytest.raises(ValueError, match="Cannot supply both"):
            states.Paused(timeout_seconds=1, pause_expiration_time=MOMENT)
