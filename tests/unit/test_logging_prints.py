"""log_prints: behaviour 63, and that nobody else's print is touched."""

from __future__ import annotations

import asyncio
import builtins
import io
import sys
import threading

import pytest
from logging_runs import a_store, flow_run, lines_of, some_records, task_run  # noqa: F401 - fixtures among them

from prefect.logging.loggers import patch_print, print_as_log


@pytest.mark.behaviour(63)
def test_a_print_is_an_info_log_that_shows_its_caller(store, records, capsys):
    def speaker():
        print("hello", "you", sep="-", end="!\n")

    with flow_run(log_prints=True) as run, patch_print():
        speaker()
    record = records[-1]
    assert (record.name, record.levelname, record.getMessage()) == ("prefect.flow_runs", "INFO", "hello-you!")
    assert (record.funcName, record.pathname, record.lineno) == (
        "speaker",
        __file__,
        speaker.__code__.co_firstlineno + 1,
    )
    assert capsys.readouterr().out == ""
    assert [line.message for line in lines_of(store, run)] == ["hello-you!"]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_print_to_the_console_is_a_log(store, records, stream):
    with flow_run(log_prints=True), patch_print():
        print("text", file=getattr(sys, stream))
    assert records[-1].getMessage() == "text"


def test_a_print_to_another_file_is_a_print(store, records):
    file = io.StringIO()
    with flow_run(log_prints=True), patch_print():
        print("text", 1, file=file, flush=True)
    assert file.getvalue() == "text 1\n"
    assert records == []


@pytest.mark.behaviour(63)
def test_a_task_that_does_not_log_prints_prints(store, records, capsys):
    with flow_run(log_prints=True), patch_print():
        with task_run(log_prints=False):
            print("aloud")
        with task_run(log_prints=True):
            print("on record")
    assert capsys.readouterr().out == "aloud\n"
    assert [(r.name, r.getMessage()) for r in records] == [("prefect.task_runs", "on record")]


def test_percent_signs_and_brackets_stay_what_they_are(store, records):
    with flow_run(log_prints=True), patch_print():
        print("100% of [bold]%s")
    assert records[-1].getMessage() == "100% of [bold]%s"


def test_outside_of_a_run_and_in_other_threads_print_prints(store, capsys):
    with patch_print():
        print("no run")
        with flow_run(log_prints=True):
            thread = threading.Thread(target=print, args=("a thread of the user's own",))
            thread.start()
            thread.join()
    assert capsys.readouterr().out == "no run\na thread of the user's own\n"
    print_as_log("straight")
    assert capsys.readouterr().out == "straight\n"


def test_coroutines_keep_their_prints_apart(store, records, capsys):
    async def speak(name, log_prints, turn):
        with flow_run(name, log_prints=log_prints), patch_print():
            await turn.wait()
            print(f"from {name}")

    async def both():
        turn = asyncio.Event()
        speakers = asyncio.gather(speak("logged", True, turn), speak("printed", False, turn))
        await asyncio.sleep(0)
        turn.set()
        await speakers

    asyncio.run(both())
    assert [r.getMessage() for r in records] == ["from logged"]
    assert capsys.readouterr().out == "from printed\n"


def test_the_last_run_to_end_puts_print_back():
    original = builtins.print
    first, second = patch_print(), patch_print()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert builtins.print is print_as_log
    second.__exit__(None, None, None)
    assert builtins.print is original


def test_a_print_that_the_user_replaced_meanwhile_is_left_alone(monkeypatch):
    def replacement(*args):
        pass

    with monkeypatch.context() as patch:
        with patch_print():
            patch.setattr(builtins, "print", replacement)
        assert builtins.print is replacement
