"""The clients of the API: `get_client()`, `PrefectClient` and `SyncPrefectClient`."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, overload

from prefect.client._http import manner_of, open_async_client, open_client
from prefect.client._method import AsyncCaller, SyncCaller
from prefect.client._methods.artifacts import ArtifactMethods
from prefect.client._methods.automations import AutomationMethods
from prefect.client._methods.blocks import BlockDocumentMethods, BlockTypeMethods
from prefect.client._methods.concurrency import ConcurrencyLimitMethods, GlobalConcurrencyLimitMethods
from prefect.client._methods.deployments import DeploymentMethods
from prefect.client._methods.events import EventMethods
from prefect.client._methods.flow_runs import FlowRunMethods
from prefect.client._methods.logs import LogMethods
from prefect.client._methods.server import ServerMethods
from prefect.client._methods.task_runs import TaskRunMethods
from prefect.client._methods.variables import VariableMethods
from prefect.client._methods.work_pools import WorkPoolMethods, WorkQueueMethods
from prefect.client._transport import InProcess, OverHttp, Transport
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from types import TracebackType

    import httpx
    from typing_extensions import Self


class ServerType(Enum):
    """What a client asks."""

    EPHEMERAL = "ephemeral"
    SERVER = "server"
    CLOUD = "cloud"
    UNCONFIGURED = "unconfigured"


class _Methods(
    ArtifactMethods,
    AutomationMethods,
    BlockDocumentMethods,
    BlockTypeMethods,
    ConcurrencyLimitMethods,
    DeploymentMethods,
    EventMethods,
    FlowRunMethods,
    GlobalConcurrencyLimitMethods,
    LogMethods,
    ServerMethods,
    TaskRunMethods,
    VariableMethods,
    WorkPoolMethods,
    WorkQueueMethods,
):
    """Everything that both clients ask."""

    @property
    def server_type(self) -> ServerType:
        """A server, or the store of this process, which counts as a server that is started for it."""
        return ServerType.EPHEMERAL if isinstance(self._transport, InProcess) else ServerType.SERVER


class SyncPrefectClient(_Methods, SyncCaller):
    """A client whose methods return answers; a context manager.

    Args:
        api: the URL of a server (`http://host:4200/api`); None for the store of this process.
        auth_string: `user:password` for a server that asks for it.
        api_key: a token for a server that asks for it.
        httpx_settings: further arguments of `httpx.Client`.
    """

    def __init__(
        self,
        api: str | None,
        *,
        auth_string: str | None = None,
        api_key: str | None = None,
        httpx_settings: dict[str, Any] | None = None,
    ) -> None:
        self._http: httpx.Client | None = None
        self._transport: Transport = InProcess()
        if api:
            manner = manner_of(api, auth_string, api_key)
            self._http = open_client(manner, httpx_settings)
            self._transport = OverHttp(manner, self._http, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            self._http.close()


class PrefectClient(_Methods, AsyncCaller):
    """A client whose methods are awaited; an asynchronous context manager. Arguments as of `SyncPrefectClient`."""

    def __init__(
        self,
        api: str | None,
        *,
        auth_string: str | None = None,
        api_key: str | None = None,
        httpx_settings: dict[str, Any] | None = None,
    ) -> None:
        self._http: httpx.AsyncClient | None = None
        self._transport: Transport = InProcess()
        if api:
            manner = manner_of(api, auth_string, api_key)
            self._http = open_async_client(manner, httpx_settings)
            self._transport = OverHttp(manner, None, self._http)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.aclose()


@overload
def get_client(
    httpx_settings: dict[str, Any] | None = None, sync_client: Literal[False] = False
) -> PrefectClient: ...
@overload
def get_client(
    httpx_settings: dict[str, Any] | None = None, *, sync_client: Literal[True]
) -> SyncPrefectClient: ...
def get_client(
    httpx_settings: dict[str, Any] | None = None, sync_client: bool = False
) -> PrefectClient | SyncPrefectClient:
    """A client of the API that the settings name; without `PREFECT_API_URL`, of the store of this process."""
    api = get_current_settings().api
    kind = SyncPrefectClient if sync_client else PrefectClient
    return kind(api.url, auth_string=api.auth_string, api_key=api.key, httpx_settings=httpx_settings)
