"""Run the command line inside a test.

The names are those of the Prefect API; what runs is this package's own command line, in this process.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.cli._app import run

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence


class CycloptsResult:
    """What a command line did: its output, its exit code, and what it raised, if that was no mere mistake."""

    def __init__(
        self, stdout: str, stderr: str, exit_code: int, exception: BaseException | None = None
    ) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self.exit_code = exit_code
        self.exception = exception

    @property
    def output(self) -> str:
        """Standard output, and after it standard error."""
        return self.stdout + self.stderr


class CycloptsCliRunner:
    """Runs command lines in this process, with the streams captured."""

    def invoke(self, args: str | Sequence[str], input: str | None = None) -> CycloptsResult:
        """Run a command line.

        Args:
            args: the words after `prefect`, or one text that is split as a shell does.
            input: what a person types; None: nobody is there to be asked.
        """
        words = shlex.split(args) if isinstance(args, str) else list(args)
        stdout, stderr, stdin = io.StringIO(), io.StringIO(), _Typed(input)
        exception: BaseException | None = None
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr), _stdin(stdin):
            try:
                exit_code = run(words)
            except SystemExit as exit_:
                exit_code = exit_.code if isinstance(exit_.code, int) else int(bool(exit_.code))
            except Exception as error:
                exit_code, exception = 1, error
        return CycloptsResult(stdout.getvalue(), stderr.getvalue(), exit_code, exception)


class _Typed(io.StringIO):
    """Standard input with a person at it, if there is something typed."""

    def __init__(self, text: str | None) -> None:
        super().__init__(text or "")
        self._is_person = text is not None

    def isatty(self) -> bool:
        return self._is_person


@contextlib.contextmanager
def _stdin(replacement: io.StringIO) -> Generator[None, None, None]:
    before, sys.stdin = sys.stdin, replacement
    try:
        yield
    finally:
        sys.stdin = before


def check_contains(cli_result: CycloptsResult, content: str, should_contain: bool) -> None:
    """Assert that the output holds `content`, or that it does not; blanks at line ends do not count."""
    output = _normalized(cli_result.output)
    wanted = _normalized(textwrap.dedent(content))
    if (wanted in output) != should_contain:
        verb = "Expected" if should_contain else "Did not expect"
        raise AssertionError(f"{verb} in the output:\n\n{wanted}\n\nwhich is:\n\n{output}")


def _normalized(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def invoke_and_assert(  # noqa: PLR0917 - the API's signature
    command: str | list[str],
    user_input: str | None = None,
    prompts_and_responses: Sequence[tuple[str, ...]] | None = None,
    expected_output: str | None = None,
    expected_output_contains: str | Iterable[str] | None = None,
    expected_output_does_not_contain: str | Iterable[str] | None = None,
    expected_line_count: int | None = None,
    expected_code: int | None = 0,
    echo: bool = True,
    temp_dir: str | None = None,
) -> CycloptsResult:
    """Run a command line and check what it did.

    Args:
        command: the words after `prefect`.
        user_input: what a person types.
        prompts_and_responses: pairs of a question that must appear, and the answer to type; a third item must
            appear too.
        expected_output: the whole output.
        expected_output_contains: a text, or several, that the output holds.
        expected_output_does_not_contain: a text, or several, that it does not hold.
        expected_line_count: the number of lines of output.
        expected_code: the exit code; None: any.
        echo: print the output, which pytest shows when the test fails.
        temp_dir: the working directory.

    Raises:
        AssertionError: something was not as expected.
    """
    dialogue = prompts_and_responses or ()
    typed = "".join(f"{line}\n" for line in [*filter(None, [user_input]), *(turn[1] for turn in dialogue)])
    with _working_directory(temp_dir):
        result = CycloptsCliRunner().invoke(command, typed or user_input)
    if echo:
        print(result.output)  # noqa: T201 - for the report of a failed test
    if expected_code is not None and result.exit_code != expected_code:
        raise AssertionError(
            f"Expected exit code {expected_code}, got {result.exit_code}."
        ) from result.exception
    if expected_output is not None:
        wanted, got = _normalized(textwrap.dedent(expected_output)), _normalized(result.output)
        assert got == wanted, f"Expected the output:\n\n{wanted}\n\ngot:\n\n{got}"
    asked = [text for question, _, *also in dialogue for text in (question, *also)]
    for content in [*_texts(expected_output_contains), *asked]:
        check_contains(result, content, should_contain=True)
    for content in _texts(expected_output_does_not_contain):
        check_contains(result, content, should_contain=False)
    count = len(result.output.splitlines())
    if expected_line_count is not None:
        assert count == expected_line_count, f"Expected {expected_line_count} lines, got {count}."
    return result


@contextlib.contextmanager
def _working_directory(folder: str | None) -> Generator[None, None, None]:
    before = Path.cwd()
    os.chdir(folder or before)
    try:
        yield
    finally:
        os.chdir(before)


def _texts(given: str | Iterable[str] | None) -> list[str]:
    return [given] if isinstance(given, str) else list(given or ())


@contextlib.contextmanager
def temporary_console_width(console: Any, width: int) -> Generator[None, None, None]:
    """Give a rich console another width until the block ends."""
    before, console.width = console.width, width
    try:
        yield
    finally:
        console.width = before
