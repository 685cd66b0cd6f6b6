"""What the live view shows: text in cells, counts, rows for every width, the summary."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import pytest

from prefect._base.ids import new_id
from prefect._terminal.render import Heading, rows, summary
from prefect._terminal.tally import MAX_TASKS, OTHERS, Tally
from prefect._terminal.text import Look, cells, clean, duration, fit
from prefect.model.records import TaskRunRecord

PLAIN = Look(colors=False)
HEADING = Heading("0192-id", "calm-otter", "etl", 65.4)


def row(task="load", type="COMPLETED", name=None, run_id=None):
    return TaskRunRecord(
        id=run_id or new_id(),
        flow_run_id=b"f" * 16,
        attempt=1,
        task_key=f"{task}-0123abcd",
        name=f"{task}-a1b",
        created=0,
        flow_run_run_count=1,
        parent_task_run_id=None,
        process_id=None,
        memo=None,
        state_type=type,
        state_name=name or type.title(),
        state_timestamp=0,
    )


def tally_of(*observed, **expected):
    made = Tally()
    for name, count in expected.items():
        made.expect(name, count)
    made.observe(observed)
    return made


def block(tally, width=80, height=8, look=PLAIN):
    return rows(HEADING, list(tally.tasks.values()), width, height, look)


# text


@pytest.mark.parametrize(
    ("text", "width", "fitted"),
    [
        ("abc", 5, "abc  "),
        ("abcdef", 4, "abc…"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日… "),
        ("a", 0, ""),
    ],
)
def test_text_is_cut_or_padded_to_its_cells(text, width, fitted):
    assert fit(text, width) == fitted
    assert cells(fit(text, width)) == width


def test_a_name_cannot_move_the_cursor():
    assert clean("a\x1b[2Jb\nc") == "a?[2Jb?c"
    assert cells("e\u0301") == 1


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (9.9, "9s"), (59, "59s"), (65.4, "1m 05s"), (3725, "1h 02m"), (-1, "0s")]
)
def test_durations_are_short(seconds, text):
    assert duration(seconds) == text


def test_durations_with_tenths():
    assert [duration(seconds, tenths=True) for seconds in (0.05, 3.24, 12.9)] == ["0.1s", "3.2s", "12s"]


# counts


def test_a_run_counts_once_in_its_present_state():
    run_id = new_id()
    tally = Tally()
    for state in (
        ("PENDING", None),
        ("RUNNING", None),
        ("SCHEDULED", "AwaitingRetry"),
        ("RUNNING", "Retrying"),
    ):
        tally.observe([row("load", *state, run_id)])
    assert +tally.totals() == Counter(running=1)
    tally.observe([row("load", "COMPLETED", None, run_id)])
    tally.observe([row("load", "COMPLETED", "RolledBack", run_id)])
    assert +tally.totals() == Counter(completed=1)


def test_states_are_told_apart():
    tally = tally_of(
        row(type="COMPLETED"),
        row(type="COMPLETED", name="Cached"),
        row(type="FAILED", name="TimedOut"),
        row(type="CRASHED"),
        row(type="CANCELLED"),
        row(type="PENDING", name="NotReady"),
        row(type="COMPLETED", name="RolledBack"),  # of a run that was forgotten long ago
    )
    assert +tally.totals() == Counter(completed=1, cached=1, failed=1, crashed=1, cancelled=1, waiting=1)


def test_a_hundred_thousand_runs_are_counted_in_bounded_memory():
    tally = Tally()

    def thousand():
        ids = [new_id() for _ in range(1000)]
        tally.observe([row("load", "RUNNING", None, run_id) for run_id in ids])
        tally.observe([row("load", "COMPLETED", None, run_id) for run_id in ids])

    for _ in range(10):
        thousand()
    tracemalloc.start()
    try:
        for _ in range(90):
            thousand()
        grown, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert +tally.totals() == Counter(completed=100_000)
    assert grown < 3_000_000


def test_any_number_of_task_names_is_counted_under_a_bounded_number():
    tally = tally_of(*(row(f"task {n}") for n in range(MAX_TASKS + 50)))
    assert len(tally.tasks) == MAX_TASKS + 1
    assert tally.tasks[OTHERS].finished == 50
    assert tally.totals()["completed"] == MAX_TASKS + 50


# rows


def test_a_mapped_task_has_a_bar_and_what_it_has_done_of_what_is_expected():
    tally = tally_of(*(row() for _ in range(50)), row(type="FAILED"), row(type="RUNNING"), load=1000)
    head, line = block(tally)
    assert head == "── etl / calm-otter " + "─" * 50 + " 1m 05s ──"
    assert cells(head) == 80
    assert line == "  load  ━─────────────────────────────  51/1,000  1 failed  1 running  0s"


def test_a_task_that_is_not_mapped_has_counts():
    assert block(tally_of(row(), row(type="COMPLETED", name="Cached")))[1] == "  load  1 done  1 cached  0s"


def test_a_bar_is_full_only_at_the_end_and_failures_show_in_it():
    tally = tally_of(*(row() for _ in range(999)), row(type="FAILED"), load=1000)
    bar = block(tally, look=Look())[1]
    assert "━\x1b[0m\x1b[31m━\x1b[0m" in bar
    assert "─" not in bar
    assert "─" in block(tally_of(*(row() for _ in range(999)), load=1000))[1]


def test_more_runs_than_expected_are_not_more_than_all():
    assert "3/3" in block(tally_of(row(), row(), row(), load=2))[1]


def test_ascii_and_no_colours_where_the_terminal_has_no_others():
    text = "\n".join(block(tally_of(row(), load=2), look=Look(colors=False, unicode=False)))
    assert text.isascii()
    assert "#####....." in text
    assert "\x1b" in "\n".join(block(tally_of(row()), look=Look()))


@pytest.mark.parametrize("width", [8, 20, 39, 60, 79, 200])
@pytest.mark.parametrize("height", [1, 2, 4, 8])
def test_rows_never_take_more_room_than_there_is(width, height):
    observed = [
        row(f"a task with quite a long name 日本 {n}", type)
        for n in range(9)
        for type in ("COMPLETED", "FAILED")
    ]
    lines = block(tally_of(*observed, **{"a task with quite a long name 日本 1": 20_000}), width, height)
    assert len(lines) <= height
    if width >= 20:
        assert max(map(cells, lines)) <= width


def test_where_there_is_no_room_active_and_recent_tasks_are_shown():
    tally = tally_of(row("old"), row("broken", "FAILED"), row("slow", "RUNNING"))
    tally.observe([row("recent")])
    lines = block(tally, height=4)
    assert [line.split()[0] for line in lines[1:3]] == ["slow", "recent"]
    assert lines[3] == "  and 2 more tasks, 1 of their runs failed"


def test_other_flow_runs_are_counted_in_the_heading():
    assert block_head(HEADING._replace(others=2)).startswith("── etl / calm-otter and 2 more ──")


def block_head(heading):
    return rows(heading, [], 80, 8, PLAIN)[0]


def test_nothing_is_shown_where_nothing_fits():
    assert rows(HEADING, [], 80, 0, PLAIN) == []


# the summary


def test_a_completed_run_ends_with_counts_and_the_command_that_shows_more():
    text = summary(HEADING, "Completed", "All states completed.", Counter(completed=1200, cached=3), PLAIN)
    assert text.splitlines() == [
        "Completed  etl / calm-otter in 1m 05s",
        "  task runs: 1,200 completed, 3 cached",
        "  more:  prefect flow-run inspect 0192-id",
    ]


@pytest.mark.parametrize("state", ["Failed", "Crashed", "TimedOut"])
def test_a_failed_run_ends_with_its_message_and_how_to_retry(state):
    text = summary(HEADING, state, "it broke\nbadly", Counter(), Look())
    assert "\x1b[31m" + state in text
    assert text.splitlines()[1:] == [
        "  it broke",
        "  more:  prefect flow-run inspect 0192-id",
        "  retry: prefect flow-run retry 0192-id",
    ]


def test_a_cancelled_run_is_not_to_be_retried():
    assert "retry" not in summary(HEADING, "Cancelled", None, Counter(), PLAIN)
