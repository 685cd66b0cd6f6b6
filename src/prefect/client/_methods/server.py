"""The server itself: whether it answers, which version it is, where results go by default."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from prefect._api import admin, collections, root
from prefect._version import __version__
from prefect.client._method import Caller, method
from prefect.model.work_pools import ServerDefaultResultStorageUpdate

if TYPE_CHECKING:
    from uuid import UUID

    import httpx

    from prefect.client._method import Steps
    from prefect.model.work_pools import ServerDefaultResultStorage


class ServerMethods(Caller):
    """What both clients ask about the server."""

    _mismatch_checked = False

    @method
    def api_healthcheck(self) -> Steps[Exception | None]:
        """None where the API answers, else the exception that says why it does not."""
        try:
            yield self._ask(root.read_health)
        except Exception as exc:
            return exc
        return None

    @method
    def hello(self) -> Steps[httpx.Response]:
        """A wave: the response of `GET /hello`."""
        return (yield from self._transport.raw("GET", "/hello", {}))

    @method
    def request(
        self,
        method: str,
        path: str,
        params: dict[str, Any] | None = None,
        path_params: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Steps[httpx.Response]:
        """Ask a server anything; the response, whatever its status.

        Args:
            method: of HTTP.
            path: below the API's own, with `{name}` for each of `path_params`.
            params: of the query.
            path_params: of the path.
            kwargs: further arguments of `httpx.Client.request`.

        Raises:
            RuntimeError: the client is of the store of this process, which has no HTTP.
        """
        url = path.format(**path_params) if path_params else path
        return (yield from self._transport.raw(method, url, {"params": params, **kwargs}))

    @method
    def api_version(self) -> Steps[str]:
        """The version of the package that serves."""
        return (yield self._ask(admin.read_server_version))

    def client_version(self) -> str:
        """The version of this package."""
        return __version__

    @method
    def raise_for_api_version_mismatch(self) -> Steps[None]:
        """Raises RuntimeError where the server cannot be reached or is of another major version; warns of an older."""
        try:
            served = yield self._ask(admin.read_server_version)
        except Exception as exc:
            raise RuntimeError(f"The server does not answer: {exc}") from exc
        self._compare(served)

    @method
    def raise_for_api_version_mismatch_once(self) -> Steps[None]:
        """The same, the first time that this client is asked."""
        if not self._mismatch_checked:
            self._compare((yield self._ask(admin.read_server_version)))
            self._mismatch_checked = True

    def _compare(self, served: str) -> None:
        theirs, ours = _parts(served), _parts(__version__)
        if theirs[0] != ours[0]:
            raise RuntimeError(
                f"Expected a server of version {ours[0]}, got {served}: use a client of the same major version."
            )
        if theirs < ours:
            warnings.warn(
                f"The server is of version {served}, this client of {__version__}: upgrade the server.",
                stacklevel=2,
            )

    @method
    def read_worker_metadata(self) -> Steps[dict[str, Any]]:
        """The kinds of workers, by the package that has them."""
        return (yield self._ask(collections.read_view_content, view="aggregate-worker-metadata"))

    @method
    def read_server_default_result_storage(self) -> Steps[ServerDefaultResultStorage]:
        """The block that holds results whose task names none."""
        return (yield self._ask(admin.read_server_default_result_storage))

    @method
    def update_server_default_result_storage(
        self, default_result_storage_block_id: UUID
    ) -> Steps[ServerDefaultResultStorage]:
        """Name another block for them."""
        body = ServerDefaultResultStorageUpdate(
            default_result_storage_block_id=default_result_storage_block_id
        )
        return (yield self._ask(admin.update_server_default_result_storage, body=body))

    @method
    def clear_server_default_result_storage(self) -> Steps[None]:
        """Name none."""
        yield self._ask(admin.clear_server_default_result_storage)


def _parts(version: str) -> tuple[int, ...]:
    """The numbers of a version: `3.9.1+pluperfect.0.1.0` is of the API of 3.9.1."""
    public = version.partition("+")[0]
    return tuple(int(part) for part in public.split(".")[:3] if part.isdigit())
