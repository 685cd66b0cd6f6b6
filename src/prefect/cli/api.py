"""`prefect api`: ask the API anything, with the settings' address and credentials."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from prefect.cli._command import Command, argument
from prefect.cli._output import fail
from prefect.cli._server_url import api_url
from prefect.client._http import manner_of, open_client
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    import httpx

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
NOT_ALLOWED, REFUSED, FAILED, UNREACHABLE = 3, 4, 5, 7  # exit codes


@click.command("api", cls=Command)
@argument("method", type=click.Choice(METHODS, case_sensitive=False))
@argument("path")
@click.option(
    "--data", metavar="JSON", help="The request's JSON; @FILE reads a file, @- or a pipe standard input."
)
@click.option("--header", "-H", "headers", multiple=True, metavar="NAME: VALUE", help="A header; repeatable.")
@click.option("--verbose/--no-verbose", "-v", default=False, help="Show the headers of both sides.")
def api(method: str, path: str, data: str | None, headers: tuple[str, ...], verbose: bool) -> int:
    """Ask the API anything.

    As in `prefect api POST /flows/filter --data '{"limit": 5}'`. Paths are below the API's address. The exit
    code is 0, or 3 for 401 and 403, 4 for other refusals, 5 where the server fails, 7 where none answers.
    """
    import httpx  # 60 ms of import that other commands do not need

    url, settings = api_url(), get_current_settings().api
    content = _content(data)
    sent = {**({"Content-Type": "application/json"} if content else {}), **dict(map(_header, headers))}
    with open_client(manner_of(url, settings.auth_string, settings.key), None) as client:
        try:
            answer = client.request(method.upper(), "/" + path.lstrip("/"), content=content, headers=sent)
        except httpx.TransportError as exc:
            click.echo(f"No server answers at {url}: {exc}. Start one: prefect server start", err=True)
            return UNREACHABLE
    if verbose:
        _show_headers(answer)
    if answer.is_error:
        click.echo(f"{answer.status_code} {answer.reason_phrase}", err=True)
    _show_body(answer)
    return _exit_code(answer.status_code)


def _exit_code(status: int) -> int:
    if status in {401, 403}:
        return NOT_ALLOWED
    return FAILED if status >= 500 else REFUSED if status >= 400 else 0


def _content(data: str | None) -> bytes | None:
    """The bytes to send. Ends the command where they are no JSON."""
    if data is None:
        return None
    if data == "@-":
        text = sys.stdin.read()
    elif data.startswith("@"):
        try:
            text = Path(data[1:]).read_text(encoding="utf-8")
        except OSError as exc:
            fail(f"Expected a file after @, got {data[1:]!r}: {exc.strerror}.")
    else:
        text = data
    try:
        json.loads(text)
    except ValueError as exc:
        fail(f"Expected JSON as --data: {exc}.")
    return text.encode()


def _header(text: str) -> tuple[str, str]:
    name, separator, value = text.partition(":")
    if not separator:
        fail(f"Expected --header 'Name: value', got {text!r}.")
    return name.strip(), value.strip()


_SECRET = frozenset({"authorization", "cookie", "set-cookie", "prefect-csrf-token"})


def _show_headers(answer: httpx.Response) -> None:
    """On stderr, so that the answer can go through a pipe; credentials are not shown."""
    lines = [f"> {answer.request.method} {answer.request.url}"]
    lines += [f"> {name}: {_shown(name, value)}" for name, value in answer.request.headers.items()]
    lines += ["", f"< {answer.status_code} {answer.reason_phrase}"]
    lines += [f"< {name}: {_shown(name, value)}" for name, value in answer.headers.items()]
    click.echo("\n".join(lines) + "\n", err=True)


def _shown(name: str, value: str) -> str:
    return "********" if name.lower() in _SECRET else value


def _show_body(answer: httpx.Response) -> None:
    try:
        text = json.dumps(answer.json(), indent=2, ensure_ascii=False)
    except ValueError:
        text = answer.text
    if text:
        click.echo(text, err=answer.is_error)
