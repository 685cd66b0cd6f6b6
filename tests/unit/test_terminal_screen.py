"""The block at the bottom of a terminal, on an emulated one."""

from __future__ import annotations

import os

import pytest

from prefect._terminal.screen import Screen
from terminal_screens import Terminal


@pytest.fixture
def terminal():
    made = Terminal(40, 10)
    yield made
    made.close()


@pytest.fixture
def screen(terminal):
    return Screen(terminal.slave)


def shown(terminal):
    terminal.drain()
    return terminal.rows()


def test_output_scrolls_above_the_block(terminal, screen):
    screen.draw(["one", "two"])
    for number in range(20):
        print("line", number, file=terminal.stream)
    assert shown(terminal) == [*(f"line {n}" for n in range(13, 20)), "", "one", "two"]
    assert terminal.everything()[:20] == [f"line {n}" for n in range(20)]


def test_a_partial_line_is_continued_where_it_stopped(terminal, screen):
    terminal.stream.write("so far")
    terminal.stream.flush()
    screen.draw(["block"])
    terminal.stream.write(", so good")
    terminal.stream.flush()
    screen.draw(["other"])
    print("!", file=terminal.stream)
    rows = shown(terminal)
    assert (rows[0], rows[-1]) == ("so far, so good!", "other")


@pytest.mark.parametrize("lines_before", [0, 5, 9, 30])
def test_the_block_makes_room_and_grows_without_losing_a_line(terminal, screen, lines_before):
    for number in range(lines_before):
        print("before", number, file=terminal.stream)
    terminal.stream.write("partial")
    terminal.stream.flush()
    screen.draw(["a"])
    screen.draw(["a", "b", "c"])
    terminal.stream.write(" line\nafter\n")
    terminal.stream.flush()
    rows = shown(terminal)
    assert rows[-3:] == ["a", "b", "c"]
    text = [row for row in terminal.everything()[:-3] if row]
    assert text == [*(f"before {n}" for n in range(lines_before)), "partial line", "after"]


def test_a_smaller_block_leaves_blank_rows(terminal, screen):
    screen.draw(["a", "b", "c"])
    screen.draw(["only"])
    assert shown(terminal)[-3:] == ["only", "", ""]


def test_closing_gives_the_terminal_back(terminal, screen):
    screen.close()
    assert shown(terminal) == [""] * 10
    print("output", file=terminal.stream)
    screen.draw(["a", "b"])
    screen.close()
    print("goes on", file=terminal.stream)
    assert [row for row in shown(terminal) if row] == ["output", "goes on"]
    assert terminal.is_restored()


@pytest.mark.parametrize("size", [(40, 16), (40, 6), (25, 10), (60, 20)])
def test_after_a_resize_there_is_one_block_at_the_bottom(terminal, screen, size):
    for number in range(15):
        print("line", number, file=terminal.stream)
    screen.draw(["one", "two"])
    terminal.drain()
    terminal.resize(*size)
    screen.draw(["one", "two"])
    print("after", file=terminal.stream)
    rows = shown(terminal)
    assert rows[-2:] == ["one", "two"]
    assert rows.count("one") == rows.count("two") == rows.count("after") == 1


@pytest.mark.parametrize("partial", ["", "no newline", "x" * 39])
def test_what_is_said_starts_on_a_line_of_its_own(terminal, screen, partial):
    screen.draw(["block"])
    terminal.stream.write(f"output\n{partial}")
    terminal.stream.flush()
    screen.close()
    screen.say("first\nsecond")
    rows = [row for row in shown(terminal) if row]
    assert rows == ["output", *([partial] if partial else []), "first", "second"]


def test_what_changed_the_margins_meanwhile_is_put_right(terminal, screen):
    screen.draw(["block"])
    os.write(terminal.slave, b"\x1b[r")  # as an editor does when it ends
    screen.draw(["block"])
    for number in range(20):
        print("line", number, file=terminal.stream)
    assert shown(terminal)[-1] == "block"
