"""How commands speak."""

from __future__ import annotations

from datetime import timedelta

import click
import pytest

from prefect._base.clock import VirtualClock, now, use_clock
from prefect.cli._command import Entry, Group, LazyGroup
from prefect.cli._output import fail, format_time, print_json, print_table

NOON = 1_764_590_400_000_000  # 2025-12-01 12:00:00 UTC, in microseconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "now"),
        (-1, "1 second ago"),
        (-119, "1 minute ago"),
        (-3 * 3600, "3 hours ago"),
        (-86_400 * 40, "40 days ago"),
        (90, "in 1 minute"),
    ],
)
def test_times_are_relative_and_absolute(seconds, text):
    with use_clock(VirtualClock(NOON)):
        moment = NOON + seconds * 1_000_000
        assert format_time(moment).startswith(f"{text} (")


def test_times_are_shown_in_the_local_zone():
    with use_clock(VirtualClock(NOON)):
        local = (now() - timedelta(hours=1)).astimezone()
        assert format_time(local) == f"1 hour ago ({local:%Y-%m-%d %H:%M:%S})"


def test_no_time_is_no_text():
    assert format_time(None) == ""


def test_a_piped_table_is_aligned_plain_text(capsys):
    print_table(["Name", "State"], [["a-long-name", ("Failed", "red")], ["b", ""]], title="Runs")

    assert capsys.readouterr().out == "Name         State\na-long-name  Failed\nb\n"


def test_json_keeps_every_script_and_shows_what_it_does_not_know_as_text(capsys):
    print_json({"name": "Zürich", "age": timedelta(seconds=1)})

    assert capsys.readouterr().out == '{\n  "name": "Zürich",\n  "age": "0:00:01"\n}\n'


def test_fail_ends_a_command_with_its_message():
    with pytest.raises(click.ClickException, match="expected X, got Y, do Z") as caught:
        fail("expected X, got Y, do Z")
    assert caught.value.exit_code == 1


def test_a_lazy_group_imports_only_what_is_used_and_nests(capsys):
    entries = {
        "broken": Entry("prefect.cli.no_such_module:command", "Is never imported."),
        "version": Entry("prefect.cli.version:version", "Show the version.", ("versions",)),
    }
    inner = LazyGroup("inner", entries=entries)
    outer = Group("outer", commands={"inner": inner})

    outer.main(["inner", "--help"], standalone_mode=False)
    shown = capsys.readouterr().out
    assert "Is never imported." in shown
    assert "version, versions" in shown
    outer.main(["inner", "versions", "--help"], standalone_mode=False)
    assert "--omit-integrations" in capsys.readouterr().out
