"""Steps that run commands of this machine."""

from __future__ import annotations

import asyncio
import os
import shlex
import string
import sys
from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["RunShellScriptResult", "pip_install_requirements", "run_shell_script"]


class RunShellScriptResult(TypedDict):
    """What a script wrote."""

    stdout: str
    stderr: str


async def run_shell_script(  # noqa: PLR0917 - a public signature
    script: str,
    directory: str | None = None,
    env: dict[str, str] | None = None,
    stream_output: bool = True,
    expand_env_vars: bool = False,
    shell: bool = False,
) -> RunShellScriptResult:
    """Run commands, one a line; the first that fails ends it.

    Args:
        script: the commands. Quotes are those of a shell; nothing else is, unless `shell` says so.
        directory: where; the working folder if None.
        env: variables on top of those of this process.
        stream_output: write what they write here too, as it comes.
        expand_env_vars: put variables in the place of `$NAME` and `${NAME}`.
        shell: give each line to `/bin/sh`, with pipes, `&&` and so on.

    Raises:
        RuntimeError: a command failed; with its exit code and what it wrote to stderr.
        FileNotFoundError: there is no such command.
    """
    environment = {**os.environ, **(env or {})}
    written: tuple[list[str], list[str]] = ([], [])
    for line in script.splitlines():
        command = string.Template(line).safe_substitute(environment) if expand_env_vars else line
        if not command.strip():
            continue
        code, texts = await _run(command, shell, directory, environment, stream_output=stream_output)
        for kept, text in zip(written, texts, strict=True):
            kept.append(text)
        if code != 0:
            raise RuntimeError(f"`run_shell_script` failed with error code {code}: {texts[1].strip()}")
    return {"stdout": "".join(written[0]).strip(), "stderr": "".join(written[1]).strip()}


async def pip_install_requirements(
    directory: str | None = None, requirements_file: str = "requirements.txt", stream_output: bool = True
) -> dict[str, Any]:
    """Install the requirements of a file into this environment, with pip.

    Args:
        directory: of the file; the working folder if None.
        requirements_file: its name.
        stream_output: write what pip writes here too, as it comes.

    Raises:
        RuntimeError: pip failed; with what it wrote to stderr.
    """
    words = [sys.executable, "-m", "pip", "install", "-r", requirements_file]
    code, (stdout, stderr) = await _run(words, False, directory, os.environ, stream_output=stream_output)
    if code != 0:
        raise RuntimeError(f"pip_install_requirements failed with error code {code}: {stderr}")
    return {"stdout": stdout.strip(), "stderr": stderr.strip()}


async def _run(
    command: str | list[str], shell: bool, directory: str | None, env: Any, *, stream_output: bool
) -> tuple[int, tuple[str, str]]:
    """The exit code, and what was written to stdout and stderr."""
    options: dict[str, Any] = {
        "cwd": directory,
        "env": env,
        "stdin": asyncio.subprocess.DEVNULL,
        "stdout": asyncio.subprocess.PIPE,
        "stderr": asyncio.subprocess.PIPE,
    }
    if shell and isinstance(command, str):
        process = await asyncio.create_subprocess_shell(command, **options)
    else:
        words = shlex.split(command) if isinstance(command, str) else command
        process = await asyncio.create_subprocess_exec(*words, **options)
    assert process.stdout is not None
    assert process.stderr is not None
    stdout, stderr = await asyncio.gather(
        _read(process.stdout, sys.stdout if stream_output else None),
        _read(process.stderr, sys.stderr if stream_output else None),
    )
    return await process.wait(), (stdout, stderr)


async def _read(stream: asyncio.StreamReader, copy_to: TextIO | None) -> str:
    parts: list[str] = []
    while chunk := await stream.read(65_536):
        parts.append(chunk.decode("utf-8", "replace"))
        if copy_to is not None:
            copy_to.write(parts[-1])
            copy_to.flush()
    return "".join(parts)
