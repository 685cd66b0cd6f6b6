"""Cache policies: keys and their algebra (behaviours 53 to 57)."""

from __future__ import annotations

import subprocess
import sys
import threading
from functools import partial
from types import SimpleNamespace
from uuid import UUID

import pytest

from prefect.cache_policies import (
    DEFAULT,
    FLOW_PARAMETERS,
    INPUTS,
    NO_CACHE,
    NONE,
    RUN_ID,
    TASK_SOURCE,
    CacheKeyFnPolicy,
    CachePolicy,
    CompoundCachePolicy,
    Inputs,
    RunId,
    TaskSource,
)
from prefect.exceptions import HashError
from prefect.model.records import TaskRunRecord


def first(x, y=1):
    return x + y


def second(x, y=1):
    return x - y


def context(fn=first, flow_run_id="f" * 8):
    return SimpleNamespace(
        task=SimpleNamespace(fn=fn), task_run=SimpleNamespace(id="task-run", flow_run_id=flow_run_id)
    )


def key(policy, inputs=None, flow_parameters=None, ctx=None):
    return policy.compute_key(
        ctx or context(), inputs if inputs is not None else {"x": 1}, flow_parameters or {}
    )


@pytest.mark.behaviour(55)
def test_inputs_alone_are_shared_by_different_tasks():
    assert key(INPUTS, ctx=context(first)) == key(INPUTS, ctx=context(second))
    assert len(key(INPUTS)) == 32
    assert int(key(INPUTS), 16)
    assert key(INPUTS, {"x": 1}) != key(INPUTS, {"x": 2})
    assert key(INPUTS, {"x": 1}) != key(INPUTS, {"y": 1})
    assert key(INPUTS, {"x": 1, "y": 2}) == key(INPUTS, {"y": 2, "x": 1})


@pytest.mark.behaviour(55)
def test_no_inputs_make_no_key():
    assert key(INPUTS, {}) is None
    assert INPUTS.compute_key(context(), None, {}) is None
    assert key(INPUTS - "x") is not None  # there are inputs, but none that counts


@pytest.mark.behaviour(56)
def test_an_excluded_input_does_not_count():
    assert key(INPUTS - "y", {"x": 1, "y": 1}) == key(INPUTS - "y", {"x": 1, "y": threading.Lock()})
    assert key(INPUTS - "y", {"x": 1, "y": 1}) != key(INPUTS - "y", {"x": 2, "y": 1})


@pytest.mark.behaviour(56)
def test_only_inputs_change_by_subtraction():
    assert (INPUTS - "x" - "y").exclude == ["x", "y"]
    assert INPUTS.exclude == []
    for policy in (TASK_SOURCE, RUN_ID, FLOW_PARAMETERS, NO_CACHE, TASK_SOURCE + RUN_ID):
        assert policy - "x" is policy
    with pytest.raises(TypeError, match="Can only subtract strings from key policies"):
        INPUTS - 3
    with pytest.raises(TypeError, match="Can only subtract strings from key policies"):
        DEFAULT - 3


@pytest.mark.behaviour(56)
def test_compounds_flatten_and_merge_inputs():
    compound = (INPUTS - "x") + TASK_SOURCE + ((INPUTS - "y") + RUN_ID)
    assert compound.policies == [TaskSource(), RunId(), Inputs(exclude=["x", "y"])]
    assert (DEFAULT - "x").policies == [TaskSource(), RunId(), Inputs(exclude=["x"])]
    assert key(TASK_SOURCE + INPUTS) == key(INPUTS + TASK_SOURCE)


@pytest.mark.behaviour(56)
def test_no_cache_adds_nothing():
    assert INPUTS + NO_CACHE is INPUTS
    assert NO_CACHE + INPUTS is INPUTS
    assert NONE == NO_CACHE
    assert key(NO_CACHE) is None
    assert key(NO_CACHE + NONE) is None


def test_only_policies_can_be_added():
    with pytest.raises(TypeError):
        INPUTS + (lambda context, parameters: "key")


@pytest.mark.behaviour(56)
@pytest.mark.parametrize(
    ("option", "values", "message"),
    [
        ("key_storage", ("/a", "/b"), "different storage locations."),
        ("isolation_level", ("SERIALIZABLE", "READ_COMMITTED"), "different isolation levels."),
        ("lock_manager", (object(), object()), "different lock implementations."),
    ],
)
def test_contradicting_configurations_do_not_add(option, values, message):
    one = INPUTS.configure(**{option: values[0]})
    other = TASK_SOURCE.configure(**{option: values[1]})
    assert getattr(one + TASK_SOURCE, option) == values[0]
    assert getattr(TASK_SOURCE + one, option) == values[0]
    assert getattr(one + TASK_SOURCE.configure(**{option: values[0]}), option) == values[0]
    with pytest.raises(ValueError, match=f"Cannot add CachePolicies with {message}"):
        one + other


def test_configure_leaves_the_policy_as_it_was():
    configured = (INPUTS - "x").configure(key_storage="/a").configure(isolation_level="SERIALIZABLE")
    assert (configured.key_storage, configured.isolation_level, configured.exclude) == (
        "/a",
        "SERIALIZABLE",
        ["x"],
    )
    assert INPUTS == Inputs()
    with pytest.raises(ValueError, match="FOO"):
        INPUTS.configure(isolation_level="FOO")


def test_task_source_tells_functions_apart():
    assert key(TASK_SOURCE, ctx=context(first)) == key(TASK_SOURCE, ctx=context(first))
    assert key(TASK_SOURCE, ctx=context(first)) != key(TASK_SOURCE, ctx=context(second))
    assert TASK_SOURCE.compute_key(None, {}, {}) is None


def test_task_source_falls_back_to_compiled_code():
    functions = []
    for text in ("def f(): return 1", "def f(): return 2", "def f(): return 1"):
        namespace = {}
        exec(text, namespace)  # no source text to be found
        functions.append(namespace["f"])
    one, two, one_again = (key(TASK_SOURCE, ctx=context(fn)) for fn in functions)
    assert one == one_again
    assert one != two


def test_task_source_tells_other_callables_apart():
    assert key(TASK_SOURCE, ctx=context(partial(first, 1))) != key(
        TASK_SOURCE, ctx=context(partial(first, 2))
    )


@pytest.mark.behaviour(55)
def test_run_id_is_the_flow_run_or_else_the_task_run():
    assert key(RUN_ID) == "ffffffff"
    assert key(RUN_ID, ctx=context(flow_run_id=None)) == "task-run"


@pytest.mark.behaviour(55)
def test_run_id_from_a_row():
    blank = dict.fromkeys(TaskRunRecord._fields)
    row = TaskRunRecord(**{**blank, "id": UUID(int=1).bytes, "flow_run_id": UUID(int=2).bytes})
    assert key(RUN_ID, ctx=SimpleNamespace(record=row)) == str(UUID(int=2))
    assert key(RUN_ID, ctx=SimpleNamespace(record=row._replace(flow_run_id=None))) == str(UUID(int=1))


def test_flow_parameters():
    assert key(FLOW_PARAMETERS) is None
    assert key(FLOW_PARAMETERS, flow_parameters={"a": 1}) == key(FLOW_PARAMETERS, {"x": 2}, {"a": 1})
    assert key(FLOW_PARAMETERS, flow_parameters={"a": 1}) != key(FLOW_PARAMETERS, flow_parameters={"a": 2})


def test_a_key_function_is_asked():
    policy = CachePolicy.from_cache_key_fn(
        lambda context, inputs: f"{context.task.fn.__name__}-{inputs['x']}"
    )
    assert isinstance(policy, CacheKeyFnPolicy)
    assert key(policy, {"x": 5}) == "first-5"
    assert key(policy + INPUTS, {"x": 5}) != key(policy + INPUTS, {"x": 6})
    without = CachePolicy.from_cache_key_fn(lambda context, parameters: None)
    assert key(without) is None
    assert key(without + without) is None
    assert key(CacheKeyFnPolicy()) is None


def test_a_policy_of_the_users_own():
    class Mine(CachePolicy):
        def compute_key(self, task_ctx, inputs, flow_parameters, **kwargs):
            return "mine"

    assert key(Mine()) == "mine"
    assert key(Mine() + INPUTS) not in ("mine", key(INPUTS))
    assert isinstance(Mine() + INPUTS, CompoundCachePolicy)
    with pytest.raises(NotImplementedError):
        key(CachePolicy())


@pytest.mark.behaviour(57)
@pytest.mark.parametrize("policy", [INPUTS, DEFAULT, INPUTS - "y"])
def test_what_cannot_be_hashed_is_named(policy):
    connection = SimpleNamespace(socket=threading.Lock())
    message = (
        r"^inputs\['conn'\]\.socket: expected a value that can be hashed, got _thread\.lock; "
        r'exclude it with policy - "conn"$'
    )
    with pytest.raises(HashError, match=message):
        key(policy, {"x": 1, "conn": connection})
    with pytest.raises(HashError, match=r"^flow_parameters\['conn'\]\.socket: .* leave it out"):
        key(FLOW_PARAMETERS, flow_parameters={"conn": connection})


def test_policies_need_no_heavy_import():
    script = (
        "import sys, prefect.cache_policies\n"
        "found = {'pydantic', 'asyncio', 'numpy', 'cloudpickle'} & set(sys.modules)\n"
        "sys.exit(', '.join(found) or 0)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
