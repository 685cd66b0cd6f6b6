"""docs/cli.md names every command, with an example, and every option of it exists."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from prefect.cli._app import prefect

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
SECTIONS = dict(re.findall(r"^### (prefect [a-z -]+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))

# another name of `prefect database`
ELSEWHERE = {"prefect server database"}


def commands(command: click.Command, path: str) -> dict[str, click.Command]:
    """Every command that can be run, by the words that run it; `server database` is another name of `database`."""
    if not isinstance(command, click.Group):
        return {path: command}
    context = click.Context(command)
    found: dict[str, click.Command] = {}
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        if f"{path} {name}" not in ELSEWHERE:
            found |= commands(below, f"{path} {name}")
    return found


COMMANDS = commands(prefect, "prefect")


def test_every_command_has_a_section_and_every_section_a_command():
    assert sorted(SECTIONS) == sorted(COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_section_has_an_example(command):
    examples = "\n".join(re.findall(r"^```\w+\n(.*?)^```", SECTIONS[command], re.MULTILINE | re.DOTALL))
    assert command in examples


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_that_is_named_exists(command):
    words = {word for code in re.findall(r"`([^`\n]+)`", SECTIONS[command]) for word in code.split()}
    named = {word for word in words if word.startswith("--")}
    known = {
        option
        for each in (prefect, *COMMANDS.values())
        for parameter in each.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert named <= known
