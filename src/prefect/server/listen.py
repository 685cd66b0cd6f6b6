"""Where the server listens, and whether it may."""

from __future__ import annotations

import errno
import ipaddress
import socket

from prefect.exceptions import ConfigurationError
from prefect.settings import get_current_settings

_BACKLOG = 2048


def listen(host: str, port: int, *, asks_for_names: bool) -> socket.socket:
    """A socket that listens.

    Args:
        host: an address of this machine, or its name.
        port: 0 for any that is free.
        asks_for_names: whether the server asks who somebody is before it answers.

    Raises:
        ConfigurationError: the port is taken, the address is not this machine's, or it may be reached from
            elsewhere and nobody is asked who they are.
    """
    family, address = _address(host, port)
    if not asks_for_names:
        _require_own_machine(host, address[0])
    # asyncio sends at once only where the protocol is named; else a body waits for the client's late ACK, 40 ms
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as exc:
        listening.close()
        raise _refused(host, port, exc) from exc
    return listening


def url_of(listening: socket.socket, host: str) -> str:
    """`http://host:port`, as a client on this machine reaches it."""
    port: int = listening.getsockname()[1]
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked for, not offered
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _address(host: str, port: int) -> tuple[int, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as exc:
        raise ConfigurationError(
            f"Expected an address of this machine as --host, got {host!r}: {exc}."
        ) from exc
    family, _, _, _, address = found[0]
    return family, (str(address[0]), int(address[1]))


def _require_own_machine(host: str, address: str) -> None:
    allowed = get_current_settings().server.api.allow_unauthenticated
    if allowed or ipaddress.ip_address(address.partition("%")[0]).is_loopback:
        return
    raise ConfigurationError(
        f"Others could reach a server on {host}, run code through it and read everything, and it would ask nobody "
        "who they are.\nDo one of these:\n"
        "  - make a user who may log in: prefect server user create NAME\n"
        "  - set PREFECT_SERVER_API_AUTH_STRING=user:password (clients then set PREFECT_API_AUTH_STRING)\n"
        "  - listen on this machine only: --host 127.0.0.1\n"
        "  - where something in front of it asks for authentication: --allow-unauthenticated"
    )


def _refused(host: str, port: int, exc: OSError) -> ConfigurationError:
    if exc.errno == errno.EADDRINUSE:
        return ConfigurationError(
            f"Port {port} of {host} is already in use. Choose another with --port, or stop what listens there "
            "(a server in the background: prefect server stop)."
        )
    if exc.errno == errno.EACCES:
        return ConfigurationError(
            f"Port {port} may not be used by this user. Choose one from 1024 on with --port."
        )
    return ConfigurationError(f"Expected an address of this machine as --host, got {host!r}: {exc.strerror}.")
