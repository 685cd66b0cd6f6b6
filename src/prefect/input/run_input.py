"""Typed inputs of flow runs: what a pause waits for, and what runs send to each other."""

# Types are handed in at run time: what is made of them is Any.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, Union, cast, overload
from uuid import UUID

from pydantic import BaseModel, ConfigDict, PrivateAttr, create_model

from prefect._base.drive import drive_async
from prefect._base.ids import new_uuid
from prefect.client._use import either
from prefect.context import EngineContext
from prefect.input.actions import creating, ensure_flow_run_id, reading
from prefect.input.handlers import GetAutomaticInputHandler, GetInputHandler
from prefect.input.keysets import Keyset, keyset_from_base_key, keyset_from_paused_state

if TYPE_CHECKING:
    from collections.abc import Generator

    from typing_extensions import Self

    from prefect.model.objects import FlowRunInput

__all__ = [
    "AutomaticRunInput",
    "BaseRunInput",
    "GetAutomaticInputHandler",
    "GetInputHandler",
    "Keyset",
    "RunInput",
    "RunInputMetadata",
    "asend_input",
    "keyset_from_base_key",
    "keyset_from_paused_state",
    "receive_input",
    "run_input_subclass_from_type",
    "send_input",
]

T = TypeVar("T")
R = TypeVar("R", bound="RunInput")

_RUN = "prefect.flow-run."


class RunInputMetadata(BaseModel):
    """Where an input came from: its key, who sent it, and the run that it was sent to."""

    key: str
    sender: Union[str, None] = None
    receiver: UUID


class BaseRunInput(BaseModel):
    """A model that can be sent to a flow run."""

    model_config = ConfigDict(extra="forbid")
    _description: ClassVar[str | None] = None
    _metadata: RunInputMetadata | None = PrivateAttr(None)

    @property
    def metadata(self) -> RunInputMetadata | None:
        """Where it came from; None for one that was made here."""
        return self._metadata

    @classmethod
    def keyset_from_type(cls) -> Keyset:
        """The keys that begin with the class's name."""
        return keyset_from_base_key(cls.__name__.lower())

    @classmethod
    def save(cls, keyset: Keyset, flow_run_id: UUID | None = None) -> None:
        """Say, for a flow run (by default this one), what is expected under these keys: the schema."""
        return either(cls.saving(keyset, flow_run_id))

    @classmethod
    async def asave(cls, keyset: Keyset, flow_run_id: UUID | None = None) -> None:
        """The async form of `save`."""
        await drive_async(cls.saving(keyset, flow_run_id))

    @classmethod
    def saving(cls, keyset: Keyset, flow_run_id: UUID | None) -> Generator[Any, Any, None]:
        """The steps of `save`."""
        yield from creating(keyset["schema"], cls.model_json_schema(), flow_run_id, None)
        if cls._description is not None:
            yield from creating(keyset["description"], cls._description, flow_run_id, None)

    @classmethod
    def load(cls, keyset: Keyset, flow_run_id: UUID | None = None) -> Self:
        """What a flow run (by default this one) was answered under these keys; without an answer, the defaults.

        Raises:
            ValidationError: it is not what was expected.
        """
        return either(cls.loading(keyset, flow_run_id))

    @classmethod
    async def aload(cls, keyset: Keyset, flow_run_id: UUID | None = None) -> Self:
        """The async form of `load`."""
        return await drive_async(cls.loading(keyset, flow_run_id))

    @classmethod
    def loading(cls, keyset: Keyset, flow_run_id: UUID | None) -> Generator[Any, Any, Any]:
        """The steps of `load`."""
        receiver = ensure_flow_run_id(flow_run_id)
        found = yield from reading(keyset["response"], receiver)
        loaded = cls.model_validate(found or {})
        loaded._metadata = RunInputMetadata(key=keyset["response"], receiver=receiver)
        return loaded

    @classmethod
    def load_from_flow_run_input(cls, flow_run_input: FlowRunInput) -> Self:
        """What was sent. Raises ValidationError where it is something else."""
        loaded = cls.model_validate(json.loads(flow_run_input.value))
        loaded._metadata = RunInputMetadata(
            key=flow_run_input.key, sender=flow_run_input.sender, receiver=flow_run_input.flow_run_id
        )
        return loaded

    @classmethod
    def with_initial_data(cls, description: str | None = None, **kwargs: Any) -> type[Self]:
        """The same class with other defaults, which a form shows.

        Args:
            description: shown above the form; Markdown.
            kwargs: the defaults, by field.
        """
        fields: dict[str, Any] = {
            name: (cls.model_fields[name].annotation, value) for name, value in kwargs.items()
        }
        made: Any = create_model(cls.__name__, __base__=cls, **fields)
        if description is not None:
            made._description = description
        return made

    def send_to(self, flow_run_id: UUID, sender: str | None = None, key_prefix: str | None = None) -> None:
        """Send it to a flow run. Raises ObjectNotFound."""
        return either(_sending(self, flow_run_id, sender, key_prefix))

    async def asend_to(
        self, flow_run_id: UUID, sender: str | None = None, key_prefix: str | None = None
    ) -> None:
        """The async form of `send_to`."""
        await drive_async(_sending(self, flow_run_id, sender, key_prefix))

    def respond(self, run_input: Any, sender: str | None = None, key_prefix: str | None = None) -> None:
        """Send something to the flow run that has sent this. Raises RuntimeError where no run has."""
        return either(_sending(run_input, self._sender(), sender, key_prefix))

    async def arespond(
        self, run_input: Any, sender: str | None = None, key_prefix: str | None = None
    ) -> None:
        """The async form of `respond`."""
        await drive_async(_sending(run_input, self._sender(), sender, key_prefix))

    def _sender(self) -> UUID:
        sender = self._metadata.sender if self._metadata is not None else None
        if sender is None or not sender.startswith(_RUN):
            raise RuntimeError(
                f"Cannot respond to an input that no flow run has sent; its sender is {sender!r}."
            )
        return UUID(sender.removeprefix(_RUN))


class RunInput(BaseRunInput):
    """The base of typed inputs: its fields are what is asked for."""

    @classmethod
    def receive(  # noqa: PLR0917 - Prefect's signature
        cls,
        timeout: float | None = 3600,
        poll_interval: float = 10,
        raise_timeout_error: bool = False,
        exclude_keys: set[str] | None = None,
        key_prefix: str | None = None,
        flow_run_id: UUID | None = None,
    ) -> GetInputHandler[Self]:
        """Iterate over what is sent to a flow run; the arguments are those of `receive_input`."""
        return GetInputHandler(
            cls,
            key_prefix or _prefix(cls),
            timeout=timeout,
            poll_interval=poll_interval,
            raise_timeout_error=raise_timeout_error,
            exclude_keys=exclude_keys,
            flow_run_id=flow_run_id,
        )

    @classmethod
    def subclass_from_base_model_type(cls, model_cls: type[BaseModel]) -> type[RunInput]:
        """An input with the fields of another model."""
        return cast("Any", create_model(f"{model_cls.__name__}RunInput", __base__=(cls, model_cls)))


class AutomaticRunInput(BaseRunInput, Generic[T]):
    """A value of a plain type."""

    value: T

    @classmethod
    def loading(cls, keyset: Keyset, flow_run_id: UUID | None) -> Generator[Any, Any, Any]:
        """The steps of `load`: the value itself."""
        loaded = yield from super().loading(keyset, flow_run_id)
        return loaded.value

    @classmethod
    def subclass_from_type(cls, _type: type[T]) -> type[AutomaticRunInput[T]]:
        """The input whose value is of that type."""
        name = getattr(_type, "__name__", str(_type))
        return cast("Any", create_model(f"{name}AutomaticRunInput", __base__=cls, value=(_type, ...)))

    @classmethod
    def receive(  # noqa: PLR0917 - Prefect's signature
        cls,
        timeout: float | None = 3600,
        poll_interval: float = 10,
        raise_timeout_error: bool = False,
        exclude_keys: set[str] | None = None,
        key_prefix: str | None = None,
        flow_run_id: UUID | None = None,
        with_metadata: bool = False,
    ) -> GetAutomaticInputHandler[T]:
        """Iterate over what is sent to a flow run; the arguments are those of `receive_input`."""
        return GetAutomaticInputHandler(
            cls,
            key_prefix or _prefix(cls),
            timeout=timeout,
            poll_interval=poll_interval,
            raise_timeout_error=raise_timeout_error,
            exclude_keys=exclude_keys,
            flow_run_id=flow_run_id,
            with_metadata=with_metadata,
        )


def run_input_subclass_from_type(_type: Any) -> type[AutomaticRunInput[Any] | RunInput]:
    """The input of a type: a `RunInput` itself, of another model one with its fields, else one with a `value`."""
    if inspect.isclass(_type):
        if issubclass(_type, (RunInput, AutomaticRunInput)):
            return cast("Any", _type)
        if issubclass(_type, BaseModel):
            return RunInput.subclass_from_base_model_type(_type)
    if isinstance(_type, BaseModel):
        return RunInput.subclass_from_base_model_type(type(_type))
    return AutomaticRunInput[Any].subclass_from_type(_type)


def send_input(
    run_input: Any, flow_run_id: UUID, sender: str | None = None, key_prefix: str | None = None
) -> None:
    """Send something to a flow run.

    Args:
        run_input: a `RunInput`, another model, or a plain value.
        flow_run_id: to which.
        sender: from whom; by default, from within a flow run, that run.
        key_prefix: how its key begins; by default with the name of its type, as `receive_input` expects.

    Raises:
        ObjectNotFound: there is no such run.
    """
    return either(_sending(run_input, flow_run_id, sender, key_prefix))


async def asend_input(
    run_input: Any, flow_run_id: UUID, sender: str | None = None, key_prefix: str | None = None
) -> None:
    """The async form of `send_input`."""
    await drive_async(_sending(run_input, flow_run_id, sender, key_prefix))


@overload
def receive_input(  # type: ignore[reportOverlappingOverload] # a RunInput is handed on itself, anything else by its value
    input_type: type[R],
    timeout: float | None = 3600,
    poll_interval: float = 10,
    raise_timeout_error: bool = False,
    exclude_keys: set[str] | None = None,
    key_prefix: str | None = None,
    flow_run_id: UUID | None = None,
    with_metadata: bool = False,
) -> GetInputHandler[R]: ...
@overload
def receive_input(
    input_type: type[T],
    timeout: float | None = 3600,
    poll_interval: float = 10,
    raise_timeout_error: bool = False,
    exclude_keys: set[str] | None = None,
    key_prefix: str | None = None,
    flow_run_id: UUID | None = None,
    with_metadata: bool = False,
) -> GetAutomaticInputHandler[T]: ...
def receive_input(  # noqa: PLR0917 - Prefect's signature
    input_type: Any,
    timeout: float | None = 3600,
    poll_interval: float = 10,
    raise_timeout_error: bool = False,
    exclude_keys: set[str] | None = None,
    key_prefix: str | None = None,
    flow_run_id: UUID | None = None,
    with_metadata: bool = False,
) -> Any:
    """Iterate, with `for` or `async for`, over what is sent to a flow run.

    Args:
        input_type: of what type: a `RunInput`, another model, or a plain type.
        timeout: seconds to wait for the next one; None: for ever. After it the iteration ends.
        poll_interval: seconds between two looks, where there is only a server of another make to look at.
        raise_timeout_error: whether the iteration raises TimeoutError instead of ending.
        exclude_keys: what is left out.
        key_prefix: how the keys begin; by default with the name of the type.
        flow_run_id: of which run; by default the one that this code is part of.
        with_metadata: for a plain type, whether to give the input (`.value`, `.metadata`) instead of the value.

    Raises:
        RuntimeError: no run is given, and this is part of none.
    """
    model: Any = run_input_subclass_from_type(input_type)
    options = {"with_metadata": with_metadata} if issubclass(model, AutomaticRunInput) else {}
    return model.receive(
        timeout=timeout,
        poll_interval=poll_interval,
        raise_timeout_error=raise_timeout_error,
        exclude_keys=exclude_keys,
        key_prefix=key_prefix,
        flow_run_id=flow_run_id,
        **options,
    )


def _prefix(model: type[BaseRunInput]) -> str:
    return f"{model.__name__.lower()}-auto"


def _sending(
    run_input: Any, flow_run_id: UUID, sender: str | None, key_prefix: str | None
) -> Generator[Any, Any, None]:
    context = EngineContext.get()
    if sender is None and context is not None:
        sender = f"{_RUN}{UUID(bytes=context.record.id)}"
    value: BaseRunInput = run_input
    if not isinstance(run_input, BaseRunInput):
        model: Any = run_input_subclass_from_type(type(run_input))
        is_model = isinstance(run_input, BaseModel)
        value = model.model_validate(run_input.model_dump() if is_model else {"value": run_input})
    key = f"{key_prefix or _prefix(type(value))}-{new_uuid()}"
    yield from creating(key, value, flow_run_id, sender)
