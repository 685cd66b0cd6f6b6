"""Texts of records: PrefectFormatter, its tracebacks, JsonFormatter."""

from __future__ import annotations

import json
import logging
import sys
from uuid import UUID

import pytest

from prefect._base.notset import NotSet
from prefect.exceptions import PrefectException
from prefect.logging import _tracebacks
from prefect.logging.formatters import JsonFormatter, PrefectFormatter, format_exception_info


def record(name="x", message="hello %s", args=("you",), exc_info=None, **fields):
    made = logging.LogRecord(name, logging.INFO, "/p/f.py", 12, message, args, exc_info, func="fn")
    made.__dict__.update(fields)
    return made


FORMATTER = PrefectFormatter(
    "%(name)s: %(message)s",
    flow_run_fmt="Flow run %(flow_run_name)r: %(message)s",
    task_run_fmt="Task run %(task_run_name)r: %(message)s",
)


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (record(), "x: hello you"),
        (record("prefect.flow_runs", flow_run_name="otter"), "Flow run 'otter': hello you"),
        (record("prefect.task_runs", task_run_name="load-1"), "Task run 'load-1': hello you"),
        (record("prefect.flow_runs.child", flow_run_name="otter"), "prefect.flow_runs.child: hello you"),
        (record("prefect.flow_runs"), "prefect.flow_runs: hello you"),
    ],
)
def test_each_kind_of_record_has_its_format(made, text):
    assert FORMATTER.format(made) == text


def test_the_time_is_that_of_each_record():
    formatter = PrefectFormatter("%(asctime)s.%(msecs)03d", datefmt="%H:%M:%S")
    formatter.converter = __import__("time").gmtime
    texts = [
        formatter.format(record(created=second, msecs=second % 1 * 1000))
        for second in (0, 0.25, 59, 3600, 0.5)
    ]
    assert texts == ["00:00:00.000", "00:00:00.250", "00:00:59.000", "01:00:00.000", "00:00:00.500"]


def test_the_time_may_stand_in_a_run_format_only():
    formatter = PrefectFormatter("%(message)s", datefmt="%Y", flow_run_fmt="%(asctime)s %(message)s")
    made = record("prefect.flow_runs", flow_run_name="otter", created=0.0)
    assert formatter.format(made) in {"1970 hello you", "1969 hello you"}


def test_other_styles_and_defaults():
    braces = PrefectFormatter(
        "{message}", style="{", flow_run_fmt="{flow_run_name}! {message}", defaults={"flow_run_name": "?"}
    )
    assert braces.format(record("prefect.flow_runs")) == "?! hello you"
    with pytest.raises(ValueError, match="[Ii]nvalid format"):
        PrefectFormatter("%(message)s", flow_run_fmt="{bad")


def raised_by(run, *args):
    try:
        run(*args)
    except BaseException:
        return sys.exc_info()
    raise AssertionError("nothing was raised")


def users_mistake(x):
    return x.no_such_attribute


def through_the_engine(function, *args):
    """Call it through code whose file lies in this package, as the engine's does."""
    code = compile("def call(function, args):\n    return function(*args)\n", _tracebacks.__file__, "exec")
    scope = {}
    exec(code, scope)
    return scope["call"](function, args)


def test_a_traceback_shows_the_user_s_frames_and_not_the_engine_s():
    text = FORMATTER.format(record(exc_info=raised_by(through_the_engine, users_mistake, 1)))
    assert text.startswith("x: hello you\nTraceback (most recent call last):\n")
    assert "in users_mistake\n    return x.no_such_attribute" in text
    assert _tracebacks.__file__ not in text
    assert text.endswith("AttributeError: 'int' object has no attribute 'no_such_attribute'")


def test_the_causes_of_an_exception_are_folded_too():
    def wrap():
        try:
            through_the_engine(users_mistake, 1)
        except AttributeError as error:
            raise ValueError("wrapped") from error

    text = _tracebacks.format_for_user(raised_by(through_the_engine, wrap))
    assert "direct cause of the following exception" in text
    assert _tracebacks.__file__ not in text


def test_an_error_of_ours_that_is_meant_shows_its_message_and_no_frames():
    code = compile("def call(error):\n    raise error\n", _tracebacks.__file__, "exec")
    scope = {}
    exec(code, scope)
    kind, error, frames = raised_by(scope["call"], PrefectException("do this instead"))
    text = _tracebacks.format_for_user((kind, error, frames.tb_next))
    assert text == "prefect.exceptions.PrefectException: do this instead"


def test_a_fault_of_ours_keeps_its_frames():
    code = compile("def call():\n    raise KeyError('ours')\n", _tracebacks.__file__, "exec")
    scope = {}
    exec(code, scope)
    kind, error, frames = raised_by(scope["call"])
    assert _tracebacks.__file__ in _tracebacks.format_for_user((kind, error, frames.tb_next))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups are of Python 3.11")
def test_the_members_of_a_group_are_folded():
    def raise_group():
        raise ExceptionGroup("several", [raised_by(through_the_engine, users_mistake, 1)[1]])  # noqa: F821

    text = _tracebacks.format_for_user(raised_by(raise_group))
    assert "users_mistake" in text
    assert _tracebacks.__file__ not in text


def test_other_handlers_get_the_whole_traceback():
    made = record(exc_info=raised_by(through_the_engine, users_mistake, 1))
    FORMATTER.format(made)
    assert made.exc_text is None
    assert _tracebacks.__file__ in logging.Formatter().format(made)


def test_a_stack_is_shown_below_the_message():
    assert FORMATTER.format(record(stack_info="Stack (most recent call last):\n  here")).endswith("\n  here")


def test_json_lines_have_every_field():
    exc_info = raised_by(users_mistake, 1)
    made = record(exc_info=exc_info, flow_run_id=UUID(int=1), odd=NotSet, text="ü")
    text = JsonFormatter("default", None, "%").format(made)
    assert "\n" not in text
    fields = json.loads(text)
    assert (fields["name"], fields["msg"], fields["args"], fields["severity"]) == (
        "x",
        "hello %s",
        ["you"],
        "INFO",
    )
    assert fields["exc_info"]["type"] == "AttributeError"
    assert "users_mistake" in fields["exc_info"]["traceback"]
    assert (fields["flow_run_id"], fields["text"]) == (str(UUID(int=1)), "ü")
    assert fields["odd"].startswith("<non-serializable: ")
    assert json.loads(JsonFormatter("pretty").format(made)) == fields
    assert "\n" in JsonFormatter("pretty").format(made)


def test_json_knows_two_formats():
    with pytest.raises(ValueError, match="expected the format 'pretty' or 'default', got 'nice'"):
        JsonFormatter("nice")


def test_format_exception_info():
    shown = format_exception_info(raised_by(users_mistake, 1))
    assert (shown["type"], shown["message"]) == (
        "AttributeError",
        "'int' object has no attribute 'no_such_attribute'",
    )
    assert (
        shown["traceback"].rstrip().splitlines()[-1].strip().startswith(("return x.no_such_attribute", "^"))
    )
