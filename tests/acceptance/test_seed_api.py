"""The public API as its users know it: every example runs, every signature is accepted, older forms work."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import itertools
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from third_party_runner import ThreadPerTaskRunner

import prefect
import prefect.tasks
from conformance import observe
from conformance.forms import Form
from prefect import Flow, Task, flow, task
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFutureList
from prefect.tasks import TaskOptions, exponential_backoff, task_input_hash

EXAMPLES = Path(__file__).parent / "seed_api"

# --- the examples -----------------------------------------------------------------------------------


def load(name: str) -> ModuleType:
    """The example file, executed anew."""
    spec = importlib.util.spec_from_file_location(f"seed_api_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def use_flows(module: ModuleType) -> None:
    assert module.my_workflow() == "Hello, Prefect!"
    assert module.data_pipeline("data.csv") is None
    assert module.monitored_flow() is None
    pipeline = module.data_pipeline
    assert (pipeline.name, pipeline.version) == ("Data Processing Pipeline", "1.0.0")
    assert (pipeline.retries, pipeline.retry_delay_seconds, pipeline.timeout_seconds) == (3, 60, 3600)
    assert pipeline.description == "Process incoming data files"


def use_tasks(module: ModuleType) -> None:
    assert module.process_data(10) == 20
    assert module.expensive_computation(4) == 16
    assert module.api_call("https://example.com") is None
    assert module.workflow() == 400
    assert module.api_call.tags == {"api", "external"}


def use_caching(module: ModuleType) -> None:
    assert module.cached_computation(2, 3) == 8
    assert module.cached_computation(2, y=3) == 8
    assert module.api_with_backoff() is None
    delays = module.api_with_backoff.retry_delay_seconds
    assert len(delays) == 5
    assert delays == sorted(set(delays))


def use_types(module: ModuleType) -> None:
    assert module.typed_flow() == 1


def use_serving(module: ModuleType) -> None:
    assert module.data_pipeline() is None
    assert module.monitoring_flow() is None


USES: dict[str, Callable[[ModuleType], None]] = {
    "flows": use_flows,
    "tasks": use_tasks,
    "caching": use_caching,
    "types": use_types,
    "serving": use_serving,
}


@pytest.mark.parametrize("name", USES)
def test_each_example_runs(name: str):
    USES[name](load(name))


def test_no_example_is_left_out():
    assert sorted(path.stem for path in EXAMPLES.glob("*.py")) == sorted(USES)


@pytest.mark.parametrize("order", list(itertools.permutations(["flows", "tasks", "caching"])), ids="-".join)
def test_examples_run_in_any_order(order: tuple[str, ...]):
    modules = {name: load(name) for name in order}
    for name in order:
        USES[name](modules[name])
    for name in order:
        USES[name](modules[name])


def test_hooks_of_the_examples_run(capsys: pytest.CaptureFixture[str]):
    load("flows").monitored_flow()
    load("types").typed_flow()
    printed = capsys.readouterr().out
    assert "Flow completed!" in printed
    assert "Flow failed!" not in printed
    assert "typed is Completed" in printed
    assert "typed-flow is Completed" in printed


# --- the signatures ---------------------------------------------------------------------------------


def documented() -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every signature of `signatures.txt`, by its dotted name."""
    found = {}
    for node in ast.parse((EXAMPLES / "signatures.txt").read_text()).body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for member in members:
            assert isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef))
            found[prefix + member.name] = member
    return found


DOCUMENTED = documented()


def actual(name: str) -> Any:
    """What the package has under a documented name."""
    if name in {"task_input_hash", "exponential_backoff"}:
        return getattr(prefect.tasks, name)
    owner, _, method = name.rpartition(".")
    return (
        getattr({"Flow": flow(work), "Task": task(work)}[owner], method) if owner else getattr(prefect, name)
    )


def options(name: str) -> dict[str, Any]:
    """The documented keyword arguments and their defaults (`fn` and `self` come by position)."""
    arguments = DOCUMENTED[name].args
    positional = [arg.arg for arg in arguments.args][-len(arguments.defaults) :] if arguments.defaults else []
    by_position = zip(positional, arguments.defaults, strict=True)
    by_keyword = zip([arg.arg for arg in arguments.kwonlyargs], arguments.kw_defaults, strict=True)
    pairs = [*by_position, *by_keyword]
    return {arg: ast.literal_eval(default) for arg, default in pairs if default is not None and arg != "fn"}


def work(x: int = 1) -> int:
    """Work."""
    return x


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_documented_parameter_is_accepted(name: str):
    several = (work, work) if DOCUMENTED[name].args.vararg else ()
    inspect.signature(actual(name)).bind(*several, **options(name))


@pytest.mark.parametrize("name", ["flow", "task"])
def test_the_defaults_are_the_documented_ones(name: str):
    parameters = inspect.signature(actual(name)).parameters
    assert {option: parameters[option].default for option in options(name)} == options(name)


@pytest.mark.parametrize("name", ["flow", "task"])
def test_giving_every_default_changes_nothing(name: str):
    plain, explicit = actual(name)(work), actual(name)(work, **options(name))
    for option in options(name).keys() - {"validate_parameters", "task_runner"}:
        if hasattr(plain, option) and not callable(getattr(plain, option)):
            assert getattr(explicit, option) == getattr(plain, option), option
    assert explicit() == plain() == 1


@pytest.mark.parametrize("name", ["flow", "task"])
def test_the_decorator_takes_its_options_with_and_without_a_function(name: str):
    decorator = actual(name)
    assert (
        decorator(work)()
        == decorator()(work)()
        == decorator(name="n")(work)()
        == decorator(work, name="n")()
        == 1
    )


@pytest.mark.parametrize("name", ["Flow", "Task"])
def test_with_options_takes_every_documented_option(name: str):
    original = {"Flow": flow, "Task": task}[name](work, name="original", retries=2)
    changed = original.with_options(**options(f"{name}.with_options"))
    assert isinstance(changed, type(original))
    assert changed.name == "original"


SHARED_ATTRIBUTES = {
    "name",
    "fn",
    "description",
    "version",
    "timeout_seconds",
    "retries",
    "retry_delay_seconds",
    "isasync",
}


@pytest.mark.parametrize(
    ("kind", "own_attributes"),
    [
        (Flow, {"flow_run_name", "task_runner", "validate_parameters"}),
        (Task, {"tags", "cache_key_fn", "cache_expiration", "retry_condition_fn"}),
    ],
)
def test_documented_attributes_are_there(kind: type, own_attributes: set[str]):
    made = kind(work)
    assert {name for name in SHARED_ATTRIBUTES | own_attributes if not hasattr(made, name)} == set()
    assert made.fn is work
    assert made.isasync is False


def test_task_options_has_the_documented_keys():
    documented_keys = {
        "name",
        "description",
        "tags",
        "version",
        "cache_key_fn",
        "cache_expiration",
        "retries",
        "retry_delay_seconds",
        "retry_condition_fn",
        "timeout_seconds",
    }
    assert documented_keys <= TaskOptions.__annotations__.keys()


# --- older forms ------------------------------------------------------------------------------------


def test_task_input_hash_hashes_whatever_it_is_given():
    assert isinstance(task_input_hash(1, "a", x=[1, 2]), str)
    assert task_input_hash(1, x={"a": 1, "b": 2}) == task_input_hash(1, x={"b": 2, "a": 1})
    hashes = [
        task_input_hash(),
        task_input_hash(1),
        task_input_hash(1, 2),
        task_input_hash((1, 2)),
        task_input_hash(x=1),
        task_input_hash(y=1),
        task_input_hash("1"),
    ]
    assert len(set(hashes)) == len(hashes)


def test_task_input_hash_serves_as_a_cache_key_fn(form: Form):
    calls = []

    @task(cache_key_fn=task_input_hash)
    @form
    def compute(x, y=0):
        calls.append((x, y))
        return x + y

    @flow
    @form
    def twice():
        first = yield compute(1)
        again = yield compute(1, return_state=True)
        other = yield compute(2)
        return first, again.name, other

    assert form.run(twice) == (1, "Cached", 2)
    assert form.run(twice) == (1, "Cached", 2)
    assert calls == [(1, 0), (2, 0)]


def test_task_input_hash_tells_tasks_apart(form: Form):
    @task(cache_key_fn=task_input_hash)
    @form
    def add(x):
        return x + 1

    @task(cache_key_fn=task_input_hash)
    @form
    def subtract(x):
        return x - 1

    @flow
    @form
    def both():
        return (yield add(1)), (yield subtract(1))

    assert form.run(both) == (2, 0)


def test_exponential_backoff_is_callable_with_a_number_of_retries():
    assert exponential_backoff(2.0)(4) == [2.0, 4.0, 8.0, 16.0]
    assert exponential_backoff(backoff_factor=10)(3) == [10, 20, 40]


def test_exponential_backoff_is_iterable_and_finite():
    delays = list(exponential_backoff(2.0))
    assert delays[:4] == [2.0, 4.0, 8.0, 16.0]
    assert len(delays) == 50
    assert list(exponential_backoff()) == delays


def test_both_forms_of_exponential_backoff_are_retry_delays():
    for delay in (exponential_backoff(2.0), list(exponential_backoff(2.0))[:5]):
        retried = task(retries=5, retry_delay_seconds=delay)(work)
        assert retried.retry_delay_seconds == [2.0, 4.0, 8.0, 16.0, 32.0]


def test_task_with_options_takes_a_version():
    assert task(work, version="1").with_options(version="2").version == "2"


# --- a third party's task runner --------------------------------------------------------------------


@task
def good(x: Any = 1) -> Any:
    return x


@task
def bad() -> None:
    raise ValueError("x")


def third_party_flow(form: Form) -> Callable[[Any], Any]:
    return lambda body: flow(task_runner=ThreadPerTaskRunner("hello"))(form(body))


def test_a_third_party_runner_runs_tasks(form: Form):
    @task
    @form
    def double(x):
        return x * 2

    @third_party_flow(form)
    def parent():
        return double.submit(double.submit(1)).result(), double.map([1, 2]).result()

    assert form.run(parent) == (4, [2, 4])


def test_a_third_party_runner_leaves_the_engine_in_charge(form: Form):
    @third_party_flow(form)
    def parent():
        held_up = good.submit(1, wait_for=[bad.submit()])
        held_up.wait()
        states = [held_up.state, good.submit(2, return_state=True)]
        mapped = good.map([1, 2])
        assert isinstance(mapped, PrefectFutureList)
        with pytest.raises(ValueError, match="^x$"):
            bad.submit().result()
        return {"names": [state.name for state in states]}

    assert form.run(parent) == {"names": ["NotReady", "Completed"]}


def test_futures_of_a_third_party_aggregate(form: Form):
    @third_party_flow(form)
    def parent():
        return [good.submit(), bad.submit()]

    state = form.run(parent, return_state=True)
    assert (state.type.value, state.message) == ("FAILED", "1/2 states failed.")
    assert all(isinstance(child, State) for child in state.result(raise_on_failure=False))


def test_runs_of_a_third_party_runner_are_on_record(form: Form):
    @third_party_flow(form)
    def parent():
        return {"id": str(good.submit(7, return_state=True).state_details.task_run_id)}

    state = form.run(parent, return_state=True)
    run = observe.task_run(state.result()["id"])
    assert (run.state_type, run.flow_run_id) == ("COMPLETED", state.state_details.flow_run_id)


def test_retries_work_on_a_third_party_runner(form: Form):
    attempts = []

    @task(retries=2)
    @form
    def flaky():
        attempts.append(1)
        if len(attempts) < 3:
            raise ValueError("again")
        return len(attempts)

    @third_party_flow(form)
    def parent():
        return flaky.submit().result()

    assert form.run(parent) == 3


def test_a_flow_runs_on_a_duplicate_of_its_runner():
    runner = ThreadPerTaskRunner("hello")

    @flow(task_runner=runner)
    def parent():
        used = prefect.context.FlowRunContext.get().task_runner
        return used is not runner, type(used), used.greeting, used.name

    assert parent() == (True, ThreadPerTaskRunner, "hello", "threadper")
    assert runner.threads == []


def test_a_runner_that_is_not_started_maps_nothing():
    with pytest.raises(RuntimeError, match="started"):
        ThreadPerTaskRunner().map(good, {"x": [1, 2]})
