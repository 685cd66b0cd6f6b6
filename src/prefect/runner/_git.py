"""The git command, with credentials that stand in no argument, no file, no log and no error.

They are taken out of the URL and given to git by a credential helper that reads them from git's own environment, and
that is asked for one host only: a submodule or a redirect elsewhere never sees them.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, unquote, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_HELPER: Final = (
    '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" '
    '"$PREFECT__GIT_USERNAME" "$PREFECT__GIT_PASSWORD"; }; f'
)
_TOKEN_USERS: Final = (("bitbucket", "x-token-auth"), ("gitlab", "oauth2"))
_SCP_LIKE: Final = re.compile(r"^[\w.-]+@[\w.-]+:(?!//)")
_MOST_SAID: Final = 2_000  # characters of what git says that stand in an error


class Login(NamedTuple):
    """Who asks for a repository."""

    username: str
    password: str

    def redacted(self, text: str) -> str:
        """The text without the password, however it is spelled in there."""
        for secret in {self.password, quote(self.password, safe="")}:
            if secret:
                text = text.replace(secret, "********")
        return text


def split_login(url: str) -> tuple[str, Login | None]:
    """The URL without credentials, and those that stood in it. The user of an ssh URL is part of the address."""
    parts = urlsplit(url) if "://" in url else None
    if parts is None or "@" not in parts.netloc:
        return url, None
    user, _, host = parts.netloc.rpartition("@")
    username, _, password = user.partition(":")
    if parts.scheme not in {"http", "https"}:
        return urlunsplit(parts._replace(netloc=f"{username}@{host}")), None
    clean = urlunsplit(parts._replace(netloc=host))
    if not password:  # https://TOKEN@host
        return clean, Login(_token_user(host), unquote(username))
    return clean, Login(unquote(username), unquote(password))


def login_of(url: str, credentials: Any) -> Login | None:
    """The login that credentials mean for a repository.

    Args:
        url: of the repository.
        credentials: a block or a mapping with a `token`, `access_token` or `password`, and maybe a `username`; a
            Secret block; or the secret itself.

    Raises:
        ValueError: there is a username, and no secret.
    """
    if credentials is None:
        return None
    made = getattr(credentials, "format_git_credentials", None)
    if made is not None:
        return split_login(made(url))[1]
    fields = _fields(credentials)
    secret = next(
        (text for key in ("token", "access_token", "password", "value") if (text := _text(fields.get(key)))),
        None,
    )
    username = _text(fields.get("username"))
    if secret is None:
        if username:
            raise ValueError("If a username is provided, an access token or password must also be provided.")
        return None
    host = urlsplit(url).netloc
    if not username and "bitbucket" in host and ":" in secret:
        username, _, secret = secret.partition(":")
    return Login(username or _token_user(host), secret)


def _fields(credentials: Any) -> Mapping[str, Any]:
    if hasattr(credentials, "keys"):
        return credentials
    if isinstance(credentials, str) or hasattr(credentials, "get_secret_value"):
        return {"token": credentials}
    names = ("token", "access_token", "password", "value", "username")
    return {name: getattr(credentials, name, None) for name in names}


def _text(value: Any) -> str | None:
    """What a text, a SecretStr or a Secret block says."""
    if hasattr(value, "get_block_placeholder"):
        value = getattr(value, "value", None)
    for reveal in ("get_secret_value", "get"):
        if hasattr(value, reveal) and not isinstance(value, str):
            value = getattr(value, reveal)()
    return value if isinstance(value, str) and value else None


def _token_user(host: str) -> str:
    """The name that a host wants beside a token; most take any."""
    return next((user for part, user in _TOKEN_USERS if part in host), "x-access-token")


def is_git_url(source: str) -> bool:
    """Whether a source is a repository by its looks: `git@host:path`, `git://…`, or a URL that ends in `.git`."""
    if _SCP_LIKE.match(source):
        return True
    parts = urlsplit(source)
    known = {"http", "https", "ssh", "git", "git+ssh", "file"}
    return parts.scheme == "git" or (parts.scheme in known and parts.path.rstrip("/").endswith(".git"))


class GitFailed(RuntimeError):
    """Git could not do it; `code` is its exit code, and the message has no credentials in it."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def git(*words: str, url: str, login: Login | None = None, folder: Path | None = None) -> str:
    """What git says to these words.

    Args:
        words: the arguments; none of them may hold a secret.
        url: of the repository, without credentials.
        login: who asks.
        folder: where; the working folder if None.

    Raises:
        GitFailed: it could not.
        RuntimeError: there is no git.
    """
    try:
        done = subprocess.run(  # noqa: S603 - without a shell
            ["git", *words],  # noqa: S607 - whichever the user has installed
            cwd=folder,
            env={**os.environ, **_environment(url, login)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as exc:
        if folder is not None and not folder.is_dir():
            raise
        raise RuntimeError("Expected the command `git`, found none. Install git (apt install git).") from exc
    if done.returncode != 0:
        said = done.stderr.strip()[-_MOST_SAID:]
        text = f"`git {' '.join(words)}` failed with exit code {done.returncode}: {said}"
        raise GitFailed(login.redacted(text) if login is not None else text, done.returncode)
    return done.stdout.strip()


def _environment(url: str, login: Login | None) -> dict[str, str]:
    """Git asks nobody, and has the login for this host."""
    quiet = {"GIT_TERMINAL_PROMPT": "0"}
    if login is None:
        return quiet
    if "\n" in login.username + login.password:
        raise ValueError("Expected git credentials in one line, got several.")
    parts = urlsplit(url)
    key = f"credential.{parts.scheme}://{parts.netloc}.helper"
    first = int(os.environ.get("GIT_CONFIG_COUNT", "0") or 0)
    return {
        **quiet,
        "GIT_CONFIG_COUNT": str(first + 2),
        f"GIT_CONFIG_KEY_{first}": key,
        f"GIT_CONFIG_VALUE_{first}": "",  # no other helper is asked, or told
        f"GIT_CONFIG_KEY_{first + 1}": key,
        f"GIT_CONFIG_VALUE_{first + 1}": _HELPER,
        "PREFECT__GIT_USERNAME": login.username,
        "PREFECT__GIT_PASSWORD": login.password,
    }
