"""Commands and groups as this command line has them: named positionals, lazy groups, helpful refusals."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Command(click.Command):
    """A command whose positionals can be given by name too: `profile rename --name a --new-name b`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note the words that came, for `Positional`, and parse them."""
        ctx.meta[_WORDS] = list(args)
        return super().parse_args(ctx, args)


_WORDS = "prefect.cli.words"


class Positional(click.Argument):
    """An argument by position, or by its name with two dashes."""

    _flag_needs_value = False  # click's parser asks this of all that it takes for an option

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Take part in the parsing as an option if the words name it, else as an argument."""
        flag = "--" + (self.name or "").replace("_", "-")
        words = ctx.meta.get(_WORDS, [])
        if any(word == flag or word.startswith(flag + "=") for word in words):
            action = "append" if self.nargs != 1 else "store"
            parser.add_option(obj=self, opts=[flag], dest=self.name, action=action, nargs=1)
        else:
            super().add_to_parser(parser, ctx)


def argument(name: str, **options: Any) -> Callable[[Any], Any]:
    """`click.argument`, for a `Positional`."""
    return click.argument(name, cls=Positional, **options)


class Group(click.Group):
    """A group of commands: without a word it shows its help; to an unknown word it names the closest.

    `aliases` are other names of its commands, by themselves; the list of commands does not show them.
    """

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, aliases: Mapping[str, str] | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.aliases = aliases or {}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name or alias."""
        return super().get_command(ctx, self.aliases.get(cmd_name, cmd_name))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show the help if nothing was asked for."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of the first word."""
        command = self.get_command(ctx, args[0])
        if command is None and not args[0].startswith("-"):
            self._refuse(ctx, args[0])
        return super().resolve_command(ctx, args)

    def _refuse(self, ctx: click.Context, word: str) -> NoReturn:
        known = self.list_commands(ctx)
        close = difflib.get_close_matches(word, known, n=1)
        advice = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}."
        raise click.UsageError(f"Expected a command of `{ctx.command_path}`, got {word!r}: {advice}", ctx)


class Entry(NamedTuple):
    """A command that is imported when it is used.

    `target` is `module:attribute`, `help` its one line in the list, `aliases` its other names.
    `needs_settings` is off for commands that must work while settings are wrong, because they mend them.
    """

    target: str
    help: str
    aliases: tuple[str, ...] = ()
    needs_settings: bool = True


class LazyGroup(Group):
    """A group that knows its commands by a table, and imports only the one that is used."""

    def __init__(self, *args: Any, entries: dict[str, Entry], **options: Any) -> None:
        super().__init__(*args, **options)
        self.entries = entries
        self._names = {alias: name for name, entry in entries.items() for alias in (name, *entry.aliases)}

    def entry(self, name: str) -> Entry | None:
        """The entry of a command, by its name or an alias."""
        return self.entries.get(self._names.get(name, ""))

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of all commands, without aliases."""
        return sorted(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        """Import the command, if there is one of that name."""
        entry = self.entry(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        return getattr(import_module(module), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (", ".join((name, *self.entries[name].aliases)), self.entries[name].help)
                    for name in self.list_commands(ctx)
                ]
            )
