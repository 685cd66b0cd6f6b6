"""`@flow` and `@task` on methods (behaviour 9)."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.forms import Form
from prefect import flow, task


def nothing() -> None:
    """Do nothing."""


@pytest.mark.behaviour(9)
@pytest.mark.parametrize("decorator", [flow, task])
def test_instance_methods(decorator: Any, form: Form):
    class Counter:
        step = 2

        @decorator
        @form
        def add(self, x):
            return self.step + x

    counter = Counter()
    assert form.run(counter.add, 1) == 3
    assert form.run(counter.add, x=1) == 3
    assert type(counter.add) is type(Counter.add) is type(decorator(nothing))


@pytest.mark.behaviour(9)
@pytest.mark.parametrize("decorator", [flow, task])
def test_instance_methods_called_on_the_class(decorator: Any, form: Form):
    class Counter:
        step = 2

        @decorator
        @form
        def add(self, x):
            return self.step + x

    assert form.run(Counter.add, Counter(), 1) == 3


@pytest.mark.behaviour(9)
@pytest.mark.parametrize("decorator", [flow, task])
@pytest.mark.parametrize("decorator_is_outer", [True, False])
def test_class_methods_in_either_decorator_order(decorator: Any, decorator_is_outer: bool, form: Form):
    def add(cls, x):
        return cls.step + x

    class Counter:
        step = 2
        method = (
            decorator(classmethod(form(add))) if decorator_is_outer else classmethod(decorator(form(add)))
        )

    class Bigger(Counter):
        step = 10

    assert form.run(Counter.method, 1) == 3
    assert form.run(Counter().method, 1) == 3
    assert form.run(Bigger.method, 1) == 11
    assert type(Counter.method) is type(decorator(nothing))


@pytest.mark.behaviour(9)
@pytest.mark.parametrize("decorator", [flow, task])
@pytest.mark.parametrize("decorator_is_outer", [True, False])
def test_static_methods_in_either_decorator_order(decorator: Any, decorator_is_outer: bool, form: Form):
    def double(x):
        return x * 2

    class Tools:
        method = (
            decorator(staticmethod(form(double)))
            if decorator_is_outer
            else staticmethod(decorator(form(double)))
        )

    assert form.run(Tools.method, 2) == 4
    assert type(Tools.method) is type(decorator(nothing))


@pytest.mark.behaviour(9)
@pytest.mark.parametrize("decorator", [flow, task])
def test_subclasses_bind_to_themselves(decorator: Any, form: Form):
    class Base:
        def value(self):
            return "base"

        @decorator
        @form
        def show(self):
            return self.value()

    class Derived(Base):
        def value(self):
            return "derived"

    assert form.run(Base().show) == "base"
    assert form.run(Derived().show) == "derived"


@pytest.mark.behaviour(9)
@pytest.mark.parametrize("decorator", [flow, task])
def test_self_and_arguments_are_not_copied(decorator: Any, form: Form):
    class Holder:
        @decorator
        @form
        def keep(self, items):
            self.kept = items
            return self

    holder, items = Holder(), [1, 2]
    assert form.run(holder.keep, items) is holder
    assert holder.kept is items


@pytest.mark.behaviour(9)
def test_bound_tasks_submit_and_map(form: Form):
    class Scale:
        def __init__(self, factor):
            self.factor = factor

        @task
        @form
        def by(self, x):
            return self.factor * x

    @flow
    @form
    def parent():
        scale = Scale(3)
        return scale.by.submit(2).result(), scale.by.map([1, 2]).result()

    assert form.run(parent) == (6, [3, 6])


@pytest.mark.mends_the_original  # there, looking a method up on one instance rebinds it for every holder
@pytest.mark.behaviour(9)
def test_two_instances_do_not_share_a_binding(form: Form):
    class Named:
        def __init__(self, name):
            self.name = name

        @task
        @form
        def tell(self):
            return self.name

    tell_first, tell_second = Named("first").tell, Named("second").tell
    assert form.run(tell_second) == "second"
    assert form.run(tell_first) == "first"
