"""What is in a state: results, exceptions, and what a return value makes of a run."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from prefect import flow, task
from prefect._base.clock import VirtualClock, use_clock
from prefect.exceptions import (
    CancelledRun,
    CrashedRun,
    FailedRun,
    MissingResult,
    PausedRun,
    SerializationError,
    TerminationSignal,
    UnfinishedRun,
)
from prefect.model import state_result
from prefect.model.outcome import is_plain, is_state_iterable, outcome_of
from prefect.model.results import ResultRecordMetadata
from prefect.states import (
    Cancelled,
    Cancelling,
    Completed,
    Crashed,
    Failed,
    Paused,
    Pending,
    Running,
    Scheduled,
    StateGroup,
    Suspended,
    aget_state_exception,
    araise_state_exception,
    exception_to_crashed_state,
    exception_to_failed_state,
    format_exception,
    get_state_exception,
    get_state_result,
    raise_state_exception,
    return_value_to_state,
)
from prefect.utilities.annotations import quote

BOOM = ValueError("boom")


class Record:
    """As much of a result record as states look at."""

    _is_result_record = True

    def __init__(self, result, **options):
        self.result = result
        self.options = options


class Store:
    """Makes records and remembers which were written."""

    def __init__(self):
        self.written = []

    def create_result_record(self, obj, key=None, expiration=None):
        return Record(obj, key=key, expiration=expiration)

    def persist_result_record(self, result_record):
        self.written.append(result_record)


@pytest.fixture
def read(monkeypatch):
    """Have results read by a function of the test."""

    def install(function):
        monkeypatch.setattr(state_result, "_read_once", function)

    return install


@pytest.mark.behaviour(23)
class TestResult:
    @pytest.mark.parametrize("make", [Pending, Running, Scheduled, Cancelling])
    @pytest.mark.parametrize("raise_on_failure", [True, False])
    def test_a_run_that_has_not_ended_has_none(self, make, raise_on_failure):
        state = make(data=1)
        expected = f"Run is in {state.type.value} state, its result is not available."
        with pytest.raises(UnfinishedRun, match=expected):
            state.result(raise_on_failure=raise_on_failure)

    @pytest.mark.parametrize("make", [Paused, Suspended])
    def test_nor_has_a_paused_one(self, make):
        state = make()
        with pytest.raises(PausedRun, match="Run is paused") as raised:
            state.result(raise_on_failure=False)
        assert raised.value.state is state

    def test_a_completed_run_gives_its_data(self):
        failed = Failed()
        for data in (5, "x", [failed], failed):
            assert Completed(data=data).result() is data

    @pytest.mark.behaviour(58)
    def test_data_that_was_not_kept_is_missing(self):
        with pytest.raises(MissingResult, match="State data is missing"):
            Completed().result()
        with pytest.raises(MissingResult):
            Completed().result(raise_on_failure=False)
        assert Completed().hold_result(None).result() is None

    def test_a_record_gives_what_it_holds(self):
        assert Completed(data=Record(None)).result() is None
        with pytest.raises(ValueError, match="boom"):
            Failed(data=Record(BOOM)).result()
        with pytest.raises(FailedRun, match="m"):
            Failed(message="m", data=Record(None)).result()

    def test_without_raising_the_exception_or_the_data_is_returned(self):
        assert Failed(data=BOOM).result(raise_on_failure=False) is BOOM
        assert Failed(data="text").result(raise_on_failure=False) == "text"
        made = Crashed(message="m").result(raise_on_failure=False)
        assert isinstance(made, CrashedRun)
        assert str(made) == "m"


@pytest.mark.behaviour(24)
class TestException:
    @pytest.mark.parametrize(
        ("state", "kind", "text"),
        [
            (Failed(), FailedRun, "Run failed."),
            (Crashed(), CrashedRun, "Run crashed."),
            (Cancelled(), CancelledRun, "Run cancelled."),
            (Failed(message="m"), FailedRun, "m"),
            (Failed(message="m", data="d"), FailedRun, "d"),
            (Crashed(data="d"), CrashedRun, "d"),
            (Cancelled(data=BOOM), ValueError, "boom"),
            (Failed(data=Crashed(message="inner")), CrashedRun, "inner"),
            (Failed(data=[Completed(), Failed(message="1"), Failed(message="2")]), FailedRun, "1"),
            (Failed(data=(Paused(), Cancelled())), CancelledRun, "Run cancelled."),
            (Failed(data={Failed(message="only")}), FailedRun, "only"),
        ],
    )
    def test_what_is_raised(self, state, kind, text):
        with pytest.raises(kind) as raised:
            state.result()
        assert str(raised.value) == text
        assert str(get_state_exception(state)) == text
        with pytest.raises(kind):
            raise_state_exception(state)

    def test_the_exception_itself_comes_back(self):
        assert get_state_exception(Failed(data=BOOM)) is BOOM

    @pytest.mark.parametrize("data", [3, [], {"a": Failed()}, [1, 2], b"x"])
    def test_of_other_data_none_can_be_made(self, data):
        expected = f"{type(data).__name__} cannot be resolved into an exception"
        with pytest.raises(TypeError, match=expected):
            Failed(data=data).result()

    def test_a_good_state_inside_is_an_error(self):
        with pytest.raises(ValueError, match="Expected failed or crashed state got Completed"):
            Failed(data=Completed()).result()
        with pytest.raises(ValueError, match="iterable of states but none were failed"):
            Failed(data=[Completed(), Pending()]).result()

    @pytest.mark.parametrize("make", [Pending, Completed, Paused, Cancelling])
    def test_a_good_state_has_none(self, make):
        with pytest.raises(ValueError, match="Expected failed or crashed state"):
            get_state_exception(make())
        assert raise_state_exception(make()) is None


@pytest.mark.behaviour(13)
class TestAsync:
    async def test_in_a_running_loop_there_is_something_to_await(self):
        result = Completed(data=3).result()
        assert inspect.iscoroutine(result)
        assert await result == 3
        assert await Completed(data=3).aresult() == 3
        assert await get_state_result(Completed(data=3)) == 3
        assert await get_state_exception(Failed(data=BOOM)) is BOOM
        assert await aget_state_exception(Failed(data=BOOM)) is BOOM
        with pytest.raises(ValueError, match="boom"):
            await raise_state_exception(Failed(data=BOOM))
        await araise_state_exception(Completed())

    async def test_but_not_in_a_sync_task_or_flow(self):
        @task
        def inner():
            return Completed(data=3).result()

        @flow
        def outer():
            return inner(), Completed(data=4).result()

        assert outer() == (3, 4)

    async def test_stored_results_are_read_off_the_loop(self, read):
        import threading

        threads = []
        read(lambda metadata: threads.append(threading.current_thread()) or metadata.storage_key)
        state = Completed(data=ResultRecordMetadata(storage_key="k"))
        assert await state.aresult() == "k"
        failed = Failed(data=ResultRecordMetadata(storage_key="why"))
        assert str(await aget_state_exception(failed)) == "why"
        assert threading.current_thread() not in threads


class TestStoredResults:
    def test_a_stored_result_is_read_where_it_is(self, read):
        read(lambda metadata: f"<{metadata.storage_key}>")
        assert Completed(data=ResultRecordMetadata(storage_key="a")).result() == "<a>"
        with pytest.raises(FailedRun, match="<b>"):
            Failed(data=ResultRecordMetadata(storage_key="b")).result()

    def test_what_is_not_there_yet_is_asked_for_again(self, read):
        answers = iter([FileNotFoundError(), FileNotFoundError(), "late"])

        def eventually(_):
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        read(eventually)
        with use_clock(VirtualClock()) as clock:
            before = clock.now_us()
            assert Completed(data=ResultRecordMetadata(storage_key="a")).result() == "late"
            assert round((clock.now_us() - before) / 1e6, 2) == 0.5

    @pytest.mark.parametrize(
        ("error", "retry", "expected"),
        [
            (FileNotFoundError, True, 10),
            (FileNotFoundError, False, 1),
            (MissingResult, True, 1),
            (SerializationError, True, 1),
        ],
    )
    def test_how_often(self, read, error, retry, expected):
        attempts = []

        def never(metadata):
            attempts.append(metadata)
            raise error

        read(never)
        state = Completed(data=ResultRecordMetadata(storage_key="a"))
        with use_clock(VirtualClock()), pytest.raises(error):
            state.result(retry_result_failure=retry)
        assert len(attempts) == expected


@dataclass
class Pair:
    left: Any
    right: Any


class Future:
    _is_future = True


class TestOutcome:
    @pytest.mark.behaviour(14)
    def test_ordinary_data_is_plain(self):
        values = [
            None,
            1,
            "x",
            object(),
            [],
            [1, [2, {"a": (3,)}]],
            {"k": {1, 2}},
            Pair(1, [2]),
            ValueError("x"),
        ]
        assert all(is_plain(value) for value in values)
        assert outcome_of([1, 2]) is None
        assert outcome_of([]) is None

    @pytest.mark.behaviour(16)
    def test_a_state_or_future_anywhere_is_not(self):
        for special in (Completed(), Future()):
            wrapped = [
                special,
                [1, special],
                {"a": special},
                (1, [2, {special}]),
                Pair(1, special),
                [Pair(1, {"deep": [special]})],
            ]
            assert not any(is_plain(value) for value in wrapped)

    @pytest.mark.behaviour(21)
    def test_a_quote_hides_what_is_in_it_and_a_generator_is_special(self):
        assert is_plain(quote([Completed()]))
        assert is_plain([quote(Future())])
        assert not is_plain(x for x in [1])

    def test_a_cycle_ends(self):
        ring = [1, {}]
        ring[1]["back"] = ring
        assert is_plain(ring)
        ring.append(Completed())
        assert not is_plain(ring)

    def test_many_rows_are_looked_at_in_little_time(self):
        rows = [(i, str(i), {"k": i}) for i in range(1000)]
        assert is_plain(rows)
        assert not is_plain([*rows, (1, "x", {"k": Future()})])

    @pytest.mark.behaviour(14)
    def test_a_state_of_no_run_is_taken_as_it_is(self):
        mine = Completed(name="Skipped", message="nothing to do", state_details={"cache_key": "k"})
        outcome = outcome_of(mine)
        assert outcome[:3] == ("COMPLETED", "Skipped", "nothing to do")
        assert outcome.details == {"cache_key": "k"}
        assert outcome.state is mine

    @pytest.mark.behaviour(15)
    @pytest.mark.parametrize(
        ("states", "expected"),
        [
            ([Completed(), Completed()], ("COMPLETED", "Completed", "All states completed.")),
            ([Completed(), Failed(), Crashed()], ("FAILED", "Failed", "2/3 states failed.")),
            ([Failed(), Cancelled()], ("CANCELLED", "Cancelled", "1/2 states cancelled.")),
            ([Failed(), Paused()], ("PAUSED", "Paused", "1/2 states paused.")),
            ([Pending(), Failed()], ("FAILED", "Failed", "1/2 states failed.")),
            ([Pending(), Completed()], ("FAILED", "Failed", "1/2 states are not final.")),
            ([Cancelling(), Completed()], ("FAILED", "Failed", "1/2 states are not final.")),
        ],
    )
    @pytest.mark.parametrize("collection", [list, tuple, set])
    def test_several_states_are_summed_up(self, states, expected, collection):
        value = collection(states)
        outcome = outcome_of(value)
        assert outcome[:3] == expected
        assert outcome.state.data is value

    @pytest.mark.behaviour(15)
    @pytest.mark.parametrize("owner", ["flow_run_id", "task_run_id"])
    def test_the_state_of_a_run_is_summed_up_too(self, owner):
        child = Failed(message="inner", state_details={owner: UUID(int=1)})
        outcome = outcome_of(child)
        assert outcome[:3] == ("FAILED", "Failed", "1/1 states failed.")
        assert outcome.state.data is child

    @pytest.mark.behaviour(16)
    def test_other_collections_are_not(self):
        for value in ({"a": Failed()}, [Failed(), 1], [[Failed()]], frozenset([Failed()])):
            assert outcome_of(value) is None
            assert not is_state_iterable(value)


class TestGroup:
    def test_counts(self):
        group = StateGroup([Completed(), Failed(), Crashed(), Cancelled(), Paused(), Running()])
        assert (group.total_count, group.final_count, group.not_final_count) == (6, 4, 2)
        assert (group.fail_count, group.cancelled_count, group.paused_count) == (2, 1, 1)
        assert group.any_failed()
        assert group.any_cancelled()
        assert group.any_paused()
        assert not group.all_completed()
        assert not group.all_final()
        assert group.counts_message() == (
            "total=6, not_final=2, 'COMPLETED'=1, 'FAILED'=1, 'CRASHED'=1, 'CANCELLED'=1, 'PAUSED'=1, 'RUNNING'=1"
        )

    def test_of_nothing(self):
        group = StateGroup([])
        assert group.all_completed()
        assert group.all_final()
        assert not any((group.any_failed(), group.any_cancelled(), group.any_paused()))
        assert group.counts_message() == "total=0"


class TestConversions:
    async def test_a_value_becomes_the_record_of_a_completed_state(self):
        store = Store()
        state = await return_value_to_state(5, store, key="k")
        assert (state.type.value, state.message, state.data.result) == ("COMPLETED", None, 5)
        assert state.data.options == {"key": "k", "expiration": None}
        assert store.written == []
        await return_value_to_state(5, store, write_result=True)
        assert [record.result for record in store.written] == [5]

    async def test_a_generator_becomes_a_list(self):
        state = await return_value_to_state((x for x in [1, 2]), Store())
        assert await state.result() == [1, 2]

    async def test_returned_states_decide(self):
        mine = Failed(message="m", name="Bad")
        assert await return_value_to_state(mine, Store()) is mine
        several = await return_value_to_state([Failed(), Completed()], Store())
        assert several.message == "1/2 states failed."

    async def test_metadata_of_a_returned_state_is_left_alone(self):
        metadata = ResultRecordMetadata(storage_key="k")
        state = await return_value_to_state(Completed(data=metadata), Store(), write_result=True)
        assert state.data is metadata

    @pytest.mark.behaviour(48)
    @pytest.mark.parametrize(
        ("exc", "message"),
        [
            (KeyboardInterrupt(), "Execution was aborted by an interrupt signal."),
            (SystemExit(3), "Execution was aborted by Python system exit call."),
            (TerminationSignal(15), "Execution was aborted by a termination signal."),
            (asyncio.CancelledError(), "Execution was cancelled by the runtime environment."),
            (GeneratorExit("zz"), "Execution was interrupted by an unexpected exception: GeneratorExit: zz"),
        ],
    )
    async def test_what_ended_a_crashed_run(self, exc, message):
        state = await exception_to_crashed_state(exc)
        assert (state.name, state.message) == ("Crashed", message)
        assert state.data is exc

    async def test_a_failure_says_what_was_raised(self):
        state = await exception_to_failed_state(
            BOOM, message="Task run encountered an exception ", name="Bad"
        )
        assert (state.name, state.message) == ("Bad", "Task run encountered an exception ValueError: boom")
        assert (await exception_to_failed_state(BOOM)).message == "ValueError: boom"
        store = Store()
        stored = await exception_to_failed_state(BOOM, store, write_result=True)
        assert stored.data is store.written[0]
        assert stored.data.result is BOOM

    async def test_a_failure_of_what_is_being_handled(self):
        try:
            raise BOOM
        except ValueError:
            assert (await exception_to_failed_state()).data is BOOM
        with pytest.raises(ValueError, match="no active exception could be found"):
            await exception_to_failed_state()

    def test_an_exception_as_text(self):
        with pytest.raises(ValueError, match="boom") as raised:
            raise BOOM
        assert format_exception(raised.value) == "ValueError: boom"
        whole = format_exception(raised.value, raised.value.__traceback__)
        assert whole.startswith("Traceback")
        assert whole.endswith("ValueError: boom\n")
