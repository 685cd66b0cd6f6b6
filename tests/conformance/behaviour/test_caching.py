"""Which results are kept, which cached, and what a cache hit is (behaviours 53 to 57)."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from conformance.forms import Form
from prefect import flow, task
from prefect.cache_policies import (
    DEFAULT,
    FLOW_PARAMETERS,
    INPUTS,
    NO_CACHE,
    RUN_ID,
    TASK_SOURCE,
    CachePolicy,
    CompoundCachePolicy,
    Inputs,
)
from prefect.filesystems import LocalFileSystem
from prefect.locking.filesystem import FileSystemLockManager
from prefect.locking.memory import MemoryLockManager
from prefect.settings import PREFECT_TASKS_REFRESH_CACHE, temporary_settings
from prefect.transactions import transaction

pytestmark = pytest.mark.usefixtures("result_folder")


def counted(form: Form, **options: Any) -> tuple[Any, list[int]]:
    """A task with those options that doubles its argument, and the list of the arguments it was run with."""
    ran: list[int] = []

    @task(**options)
    @form
    def double(x: int = 0):
        ran.append(x)
        return 2 * x

    return double, ran


def states_in_a_flow(form: Form, *calls: Any) -> list[str]:
    """The state names of those task calls, made one after another in one flow run."""

    @flow
    @form
    def parent():
        names = []
        for call in calls:
            state = yield call()
            names.append(state.name)
        return names

    return form.run(parent)


# --- defaults ---------------------------------------------------------------------------------------


@pytest.mark.behaviour(53)
def test_tasks_carry_the_default_policy():
    double, _ = counted(lambda body: body)
    assert double.cache_policy == DEFAULT
    assert {type(policy) for policy in DEFAULT.policies} == {type(INPUTS), type(TASK_SOURCE), type(RUN_ID)}


@pytest.mark.behaviour(53)
def test_nothing_is_cached_by_default(form: Form):
    double, ran = counted(form)
    call = partial(double, 1, return_state=True)
    assert states_in_a_flow(form, call, call) == ["Completed", "Completed"]
    assert ran == [1, 1]


@pytest.mark.behaviour(53)
@pytest.mark.parametrize(
    "option",
    [
        {"cache_policy": INPUTS},
        {"cache_policy": DEFAULT},
        {"cache_key_fn": lambda context, parameters: "key"},
        {"result_storage_key": "key"},
        {"result_serializer": "json"},
    ],
    ids=lambda option: next(iter(option)),
)
def test_an_option_about_results_makes_them_persist(option: dict[str, Any]):
    double, _ = counted(lambda body: body, **option)
    assert double.persist_result is True


@pytest.mark.behaviour(53)
def test_without_such_an_option_persistence_is_left_open():
    double, _ = counted(lambda body: body)
    without, _ = counted(lambda body: body, cache_policy=NO_CACHE)
    assert double.persist_result is None
    assert without.persist_result is None


@pytest.mark.behaviour(53)
def test_the_default_policy_caches_within_a_run_once_results_persist(form: Form):
    double, ran = counted(form, persist_result=True)
    call = partial(double, 1, return_state=True)
    assert states_in_a_flow(form, call, call) == ["Completed", "Cached"]
    assert states_in_a_flow(form, call, call) == ["Completed", "Cached"]
    assert ran == [1, 1]


# --- what beats what --------------------------------------------------------------------------------


@pytest.mark.behaviour(54)
def test_no_persistence_means_no_cache(caplog: pytest.LogCaptureFixture):
    double, _ = counted(lambda body: body, persist_result=False, cache_policy=INPUTS)
    assert double.cache_policy == NO_CACHE
    messages = [record.getMessage() for record in caplog.records]
    assert any("Ignoring `cache_policy` because `persist_result` is False" in message for message in messages)


@pytest.mark.behaviour(54)
def test_a_storage_key_of_its_own_means_no_policy():
    double, _ = counted(lambda body: body, result_storage_key="key")
    assert double.cache_policy is None


@pytest.mark.behaviour(54)
def test_a_key_function_beats_a_policy(form: Form, caplog: pytest.LogCaptureFixture):
    double, ran = counted(
        form, cache_policy=INPUTS, cache_key_fn=lambda context, parameters: "one key for all"
    )
    messages = [record.getMessage() for record in caplog.records]
    assert any("`cache_key_fn` will be used" in message for message in messages)
    calls = [partial(double, x, return_state=True) for x in (1, 2)]
    assert states_in_a_flow(form, *calls) == ["Completed", "Cached"]
    assert ran == [1]


@pytest.mark.behaviour(54)
def test_a_key_function_sees_the_context_and_the_arguments(form: Form):
    asked = []

    def key(context: Any, parameters: dict[str, Any]) -> str:
        asked.append((context.task.name, context.task_run.name, parameters))
        return f"key-{parameters['x']}"

    double, _ = counted(form, cache_key_fn=key)
    form.run(double, 7)
    assert asked[0] == ("double", "double", {"x": 7})


@pytest.mark.behaviour(54)
def test_a_key_function_that_gives_none_means_no_caching(form: Form):
    double, ran = counted(form, cache_key_fn=lambda context, parameters: None)
    form.run(double, 1)
    form.run(double, 1)
    assert ran == [1, 1]


# --- hits -------------------------------------------------------------------------------------------


@pytest.mark.behaviour(55)
@pytest.mark.parametrize("how", ["called", "submitted"])
def test_a_hit_completes_as_cached_with_the_first_result(form: Form, how: str):
    double, ran = counted(form, cache_policy=INPUTS)

    @flow
    @form
    def parent():
        if how == "called":
            state = yield double(3, return_state=True)
        else:
            state = double.submit(3, return_state=True)
        return state.type.value, state.name, (yield state.result())

    assert form.run(parent) == ("COMPLETED", "Completed", 6)
    assert form.run(parent) == ("COMPLETED", "Cached", 6)
    assert ran == [3]


@pytest.mark.behaviour(55)
def test_other_inputs_are_no_hit(form: Form):
    double, ran = counted(form, cache_policy=INPUTS)
    assert [form.run(double, x) for x in (1, 2, 1)] == [2, 4, 2]
    assert ran == [1, 2]


@pytest.mark.behaviour(55)
def test_none_is_a_result_like_any_other(form: Form):
    ran = []

    @task(cache_policy=INPUTS)
    @form
    def nothing(x: int):
        ran.append(x)

    assert [form.run(nothing, 1), form.run(nothing, 1)] == [None, None]
    assert ran == [1]


@pytest.mark.behaviour(55)
def test_failures_are_not_cached(form: Form):
    ran = []

    @task(cache_policy=INPUTS)
    @form
    def unreliable(x: int):
        ran.append(x)
        if len(ran) == 1:
            raise ValueError("x")
        return x

    assert form.run(unreliable, 1, return_state=True).is_failed()
    assert form.run(unreliable, 1) == 1
    assert ran == [1, 1]


@pytest.mark.behaviour(55)
def test_an_expired_entry_is_not_used(form: Form):
    double, ran = counted(form, cache_policy=INPUTS, cache_expiration=timedelta(microseconds=1))
    assert [form.run(double, 1), form.run(double, 1)] == [2, 2]
    assert ran == [1, 1]


@pytest.mark.behaviour(55)
def test_an_entry_that_has_not_expired_is_used(form: Form):
    double, ran = counted(form, cache_policy=INPUTS, cache_expiration=timedelta(hours=1))
    assert [form.run(double, 1), form.run(double, 1)] == [2, 2]
    assert ran == [1]


@pytest.mark.behaviour(55)
def test_run_id_hits_within_a_flow_run_only(form: Form):
    double, ran = counted(form, cache_policy=RUN_ID)
    call = partial(double, 1, return_state=True)
    assert states_in_a_flow(form, call, call) == ["Completed", "Cached"]
    assert states_in_a_flow(form, call) == ["Completed"]
    form.run(double, 1)
    form.run(double, 1)
    assert ran == [1, 1, 1, 1]


@pytest.mark.behaviour(55)
def test_inputs_alone_are_shared_by_different_tasks(form: Form):
    double, _ = counted(form, cache_policy=INPUTS)

    @task(cache_policy=INPUTS)
    @form
    def triple(x: int):
        return 3 * x

    assert form.run(double, 5) == 10
    assert form.run(triple, 5) == 10


@pytest.mark.behaviour(55)
def test_task_source_tells_tasks_apart(form: Form):
    double, _ = counted(form, cache_policy=INPUTS + TASK_SOURCE)

    @task(cache_policy=INPUTS + TASK_SOURCE)
    @form
    def triple(x: int):
        return 3 * x

    assert form.run(double, 5) == 10
    assert form.run(triple, 5) == 15


@pytest.mark.behaviour(55)
def test_flow_parameters_are_a_key(form: Form):
    double, ran = counted(form, cache_policy=FLOW_PARAMETERS)

    @flow
    @form
    def parent(of_flow: int, of_task: int):
        return (yield double(of_task))

    assert [form.run(parent, 1, 10), form.run(parent, 1, 20), form.run(parent, 2, 10)] == [20, 40, 20]
    assert form.run(parent, 1, 10) == 20
    assert ran == [10, 20, 10]


@pytest.mark.behaviour(55)
def test_no_inputs_make_no_key(form: Form):
    ran = []

    @task(cache_policy=INPUTS)
    @form
    def nothing():
        ran.append(1)

    form.run(nothing)
    form.run(nothing)
    assert ran == [1, 1]


# --- the algebra of policies ------------------------------------------------------------------------


@pytest.mark.behaviour(56)
def test_an_input_may_be_left_out_of_the_key(form: Form):
    ran = []

    @task(cache_policy=INPUTS - "debug")
    @form
    def work(x: int, debug: bool):
        ran.append((x, debug))
        return x

    assert [form.run(work, 1, True), form.run(work, 1, False), form.run(work, 2, True)] == [1, 1, 2]
    assert ran == [(1, True), (2, True)]


@pytest.mark.behaviour(56)
@pytest.mark.parametrize(
    "policy", [TASK_SOURCE, RUN_ID, FLOW_PARAMETERS, NO_CACHE], ids=lambda p: type(p).__name__
)
def test_policies_without_inputs_ignore_the_subtraction(policy: CachePolicy):
    assert policy - "x" is policy


@pytest.mark.behaviour(56)
def test_compounds_are_flat():
    compound = (INPUTS + TASK_SOURCE) + (RUN_ID + FLOW_PARAMETERS)
    assert isinstance(compound, CompoundCachePolicy)
    assert not any(isinstance(policy, CompoundCachePolicy) for policy in compound.policies)
    assert len(compound.policies) == 4


@pytest.mark.behaviour(56)
def test_compounds_merge_inputs():
    compound = (INPUTS - "x") + TASK_SOURCE + (INPUTS - "y")
    (inputs,) = [policy for policy in compound.policies if isinstance(policy, Inputs)]
    assert sorted(inputs.exclude) == ["x", "y"]


@pytest.mark.behaviour(56)
def test_no_cache_is_neutral(form: Form):
    double, ran = counted(form, cache_policy=INPUTS + NO_CACHE)
    assert [form.run(double, 1), form.run(double, 1)] == [2, 2]
    assert ran == [1]


@pytest.mark.behaviour(56)
@pytest.mark.parametrize(
    ("left", "right", "what"),
    [
        (
            {"lock_manager": MemoryLockManager()},
            {"lock_manager": FileSystemLockManager(Path("locks"))},
            "lock implementations",
        ),
        (
            {"key_storage": LocalFileSystem(basepath="/a")},
            {"key_storage": LocalFileSystem(basepath="/b")},
            "storage locations",
        ),
        ({"isolation_level": "READ_COMMITTED"}, {"isolation_level": "SERIALIZABLE"}, "isolation levels"),
    ],
    ids=["locks", "storage", "isolation"],
)
def test_policies_that_contradict_each_other_do_not_add(left: Any, right: Any, what: str):
    with pytest.raises(ValueError) as caught:
        INPUTS.configure(**left) + TASK_SOURCE.configure(**right)
    assert str(caught.value) == f"Cannot add CachePolicies with different {what}."


# --- refreshing, hashing, committing ----------------------------------------------------------------


@pytest.mark.behaviour(57)
def test_a_task_may_refresh_its_entry(form: Form):
    double, ran = counted(form, cache_policy=INPUTS)
    form.run(double, 1)
    form.run(double.with_options(refresh_cache=True), 1)
    form.run(double, 1)
    assert ran == [1, 1]


@pytest.mark.behaviour(57)
def test_the_setting_refreshes_unless_the_task_says_otherwise(form: Form):
    double, ran = counted(form, cache_policy=INPUTS)
    form.run(double, 1)
    with temporary_settings({PREFECT_TASKS_REFRESH_CACHE: True}):
        form.run(double, 1)
        form.run(double.with_options(refresh_cache=False), 1)
    assert ran == [1, 1]


@pytest.mark.behaviour(57)
def test_unhashable_inputs_are_logged_and_run_uncached(form: Form, caplog: pytest.LogCaptureFixture):
    ran = []

    @task(cache_policy=INPUTS)
    @form
    def work(lock: Any):
        ran.append(1)
        return 1

    lock = threading.Lock()
    assert [form.run(work, lock), form.run(work, lock)] == [1, 1]
    assert ran == [1, 1]
    assert [record.name for record in caplog.records if record.levelno >= logging.WARNING] == [
        "prefect.task_runs"
    ] * 2


@pytest.mark.behaviour(57)
def test_an_inner_task_is_committed_only_with_its_outer_one(form: Form):
    inner, ran = counted(form, cache_policy=INPUTS)
    attempts = []

    @task(cache_policy=INPUTS)
    @form
    def outer(x: int):
        doubled = yield inner(x)
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError("x")
        return doubled

    assert form.run(outer, 1, return_state=True).is_failed()
    assert form.run(outer, 1) == 2
    assert ran == [1, 1]
    assert form.run(inner, 1) == 2
    assert ran == [1, 1]


@pytest.mark.behaviour(57)
def test_a_task_in_a_transaction_is_committed_only_with_it(form: Form):
    double, ran = counted(form, cache_policy=INPUTS)

    @flow
    @form
    def parent(failing: bool):
        with transaction():
            yield double(1)
            if failing:
                raise ValueError("x")

    form.run(parent, True, return_state=True)
    form.run(parent, False)
    form.run(parent, False)
    assert ran == [1, 1]
