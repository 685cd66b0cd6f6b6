"""Mapping tasks over iterables (behaviours 34 and 35)."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.forms import Form
from prefect import flow, task
from prefect.exceptions import MappingLengthMismatch, MappingMissingIterable, ParameterBindError
from prefect.futures import PrefectFutureList
from prefect.utilities.annotations import quote, unmapped


@task
def good(x: Any = 1) -> Any:
    return x


@task
def bad() -> None:
    raise ValueError("x")


class Indexed:
    """Iterable by index alone."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> int:
        return range(2)[index]


def mapped(form: Form, *args: Any, **kwargs: Any) -> Any:
    """What a flow gets that maps a two-parameter task over the arguments (a callable one is called there)."""

    @task
    @form
    def pair(x, y="default"):
        return x, y

    def prepared(value: Any) -> Any:
        return value() if callable(value) else value

    @flow
    @form
    def parent():
        futures = pair.map(
            *(prepared(arg) for arg in args), **{name: prepared(arg) for name, arg in kwargs.items()}
        )
        return futures.result()

    return form.run(parent)


@pytest.mark.behaviour(34)
@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (([1, 2], [3, 4]), [(1, 3), (2, 4)]),
        (([1, 2], 5), [(1, 5), (2, 5)]),
        (([1, 2], None), [(1, None), (2, None)]),
        (([1, 2], "ab"), [(1, "ab"), (2, "ab")]),
        (([1, 2], b"ab"), [(1, b"ab"), (2, b"ab")]),
        (([1, 2],), [(1, "default"), (2, "default")]),
        (([1, 2], unmapped([5, 6])), [(1, [5, 6]), (2, [5, 6])]),
        ((quote([1, 2]), 3), [(1, 3), (2, 3)]),
        (([1, 2], quote(1)), [(1, 1), (2, 1)]),
        (((1, 2), range(2)), [(1, 0), (2, 1)]),
        (([[1, 2], [3]],), [([1, 2], "default"), ([3], "default")]),
        (([1, 2], {"a": 1, "b": 2}), [(1, "a"), (2, "b")]),
        ((Indexed(),), [(0, "default"), (1, "default")]),
        ((lambda: (n for n in range(2)),), [(0, "default"), (1, "default")]),
        ((lambda: [good.submit(1), good.submit(2)], 3), [(1, 3), (2, 3)]),
        ((lambda: good.submit([7, 8]),), [(7, "default"), (8, "default")]),
        (([1, 2], lambda: good.submit(5)), [(1, 5), (2, 5)]),
        (([1, 2], lambda: unmapped(good.submit([5, 6]))), [(1, [5, 6]), (2, [5, 6])]),
    ],
    ids=[
        "zipped",
        "scalar",
        "none",
        "string",
        "bytes",
        "default",
        "unmapped",
        "quoted-list",
        "quoted-scalar",
        "tuple-and-range",
        "only-the-outer-level",
        "dict-by-key",
        "by-index",
        "generator",
        "futures",
        "future-of-a-list",
        "future-of-a-scalar",
        "unmapped-future",
    ],
)
def test_what_map_iterates_and_what_it_repeats(args: tuple[Any, ...], expected: list[Any], form: Form):
    assert mapped(form, *args) == expected


@pytest.mark.behaviour(34)
def test_map_takes_keywords(form: Form):
    assert mapped(form, x=[1, 2], y=[3, 4]) == [(1, 3), (2, 4)]


@pytest.mark.behaviour(34)
def test_map_does_not_iterate_a_default(form: Form):
    @task
    @form
    def pair(x, y=(1, 2, 3)):
        return x, y

    @flow
    @form
    def parent():
        return pair.map([1, 2]).result()

    assert form.run(parent) == [(1, (1, 2, 3)), (2, (1, 2, 3))]


@pytest.mark.behaviour(34)
def test_map_iterates_variadic_keywords(form: Form):
    @task
    @form
    def variadic(x, **kw):
        return x, kw

    @flow
    @form
    def parent():
        return variadic.map([1, 2], z=[3, 4]).result()

    assert form.run(parent) == [(1, {"z": 3}), (2, {"z": 4})]


@pytest.mark.behaviour(34)
def test_map_over_nothing_gives_nothing(form: Form):
    @flow
    @form
    def parent():
        futures = good.map([])
        assert isinstance(futures, PrefectFutureList)
        return len(futures), futures.result()

    assert form.run(parent) == (0, [])


@pytest.mark.behaviour(34)
def test_map_with_return_state_gives_states(form: Form):
    @task
    @form
    def odd(x):
        if x % 2 == 0:
            raise ValueError("even")
        return x

    @flow
    @form
    def parent():
        states = odd.map([1, 2, 3], return_state=True)
        return [state.name for state in states]

    assert form.run(parent) == ["Completed", "Failed", "Completed"]


@pytest.mark.behaviour(34, 26)
def test_map_waits_for_others(form: Form):
    @flow
    @form
    def parent():
        futures = good.map([1, 2], wait_for=[bad.submit()])
        futures.wait()
        return [future.state.name for future in futures]

    assert form.run(parent) == ["NotReady", "NotReady"]


@pytest.mark.behaviour(34, 10)
def test_map_binds_its_arguments_first(form: Form):
    with pytest.raises(ParameterBindError, match="missing a required argument: 'x'"):
        mapped(form)


@pytest.mark.behaviour(35)
@pytest.mark.parametrize(
    ("args", "lengths"),
    [
        (([1, 2], [1]), "{'x': 2, 'y': 1}"),
        ((lambda: (n for n in range(2)), [1, 2, 3]), "{'x': 2, 'y': 3}"),
        (([], [1]), "{'x': 0, 'y': 1}"),
    ],
    ids=["lists", "generator", "empty"],
)
def test_map_refuses_different_lengths(args: tuple[Any, ...], lengths: str, form: Form):
    with pytest.raises(MappingLengthMismatch) as caught:
        mapped(form, *args)
    assert str(caught.value) == (
        "Received iterable parameters with different lengths. "
        f"Parameters for map must all be the same length. Got lengths: {lengths}"
    )


@pytest.mark.behaviour(35)
@pytest.mark.parametrize(
    ("args", "parameters"),
    [
        ((1, 2), "{'x': 1, 'y': 2}"),
        (("ab",), "{'x': 'ab'}"),
        ((unmapped([1]),), "{'x': unmapped([1])}"),
    ],
    ids=["scalars", "string", "unmapped"],
)
def test_map_needs_an_iterable(args: tuple[Any, ...], parameters: str, form: Form):
    with pytest.raises(MappingMissingIterable) as caught:
        mapped(form, *args)
    assert str(caught.value) == (
        "No iterable parameters were received. Parameters for map must include at least one iterable. "
        f"Parameters: {parameters}"
    )
