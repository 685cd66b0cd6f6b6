"""Every exception of the public API. The names and bases are those of the Prefect 3 API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import httpx
    from typing_extensions import Self

    class PrefectHTTPStatusError(httpx.HTTPStatusError):
        """A server refused a request; the message holds what it said."""

        @classmethod
        def from_httpx_error(cls, httpx_error: httpx.HTTPStatusError) -> Self:
            """The same error, with what the server said in its message."""
            ...


def __getattr__(name: str) -> Any:
    """`PrefectHTTPStatusError`: its base comes from httpx, which programs without a server never need."""
    if name != "PrefectHTTPStatusError":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import httpx  # 60 ms of import

    class PrefectHTTPStatusError(httpx.HTTPStatusError):
        """A server refused a request; the message holds what it said."""

        @classmethod
        def from_httpx_error(cls, httpx_error: httpx.HTTPStatusError) -> Self:
            """The same error, with what the server said in its message."""
            said = f"{httpx_error}\nResponse: {httpx_error.response.text}"
            return cls(said, request=httpx_error.request, response=httpx_error.response)

    PrefectHTTPStatusError.__qualname__ = name
    globals()[name] = PrefectHTTPStatusError
    return PrefectHTTPStatusError


def exception_traceback(exc: BaseException) -> str:
    """The traceback of `exc` as text."""
    import traceback  # only needed once something failed

    return "".join(traceback.format_exception(type(exc), exc, exc.__traceback__))


class PrefectException(Exception):
    """The base of every error this package raises on purpose."""


class CrashedRun(PrefectException):
    """Raised for the result of a crashed run."""


class FailedRun(PrefectException):
    """Raised for the result of a failed run that holds no exception of its own."""


class CancelledRun(PrefectException):
    """Raised for the result of a cancelled run."""


class PausedRun(PrefectException):
    """Raised for the result of a paused run; `state` is its state."""

    def __init__(self, *args: Any, state: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.state = state


class UnfinishedRun(PrefectException):
    """Raised for the result of a run that has not ended."""


class MissingFlowError(PrefectException):
    """A script holds no flow."""


class UnspecifiedFlowError(PrefectException):
    """A script holds several flows and none was named."""


_MISSING_RESULT = (
    "State data is missing. Typically, this occurs when result persistence is disabled and the state has been "
    "retrieved from the API."
)


class MissingResult(PrefectException):
    """A result was not persisted, or cannot be read any more."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*(args or (_MISSING_RESULT,)))


class ScriptError(PrefectException):
    """A flow's script failed while it was imported; `user_exc` is what it raised."""

    def __init__(self, user_exc: BaseException, path: str) -> None:
        super().__init__(f"Script at {path!r} encountered an exception: {user_exc!r}")
        self.user_exc = user_exc
        self.path = path


class ParameterTypeError(PrefectException):
    """A flow run was called with parameters that its annotations refuse."""

    def __init__(self, msg: str) -> None:
        super().__init__(msg)

    @classmethod
    def from_errors(cls, errors: Iterable[dict[str, Any]]) -> ParameterTypeError:
        """One line for each of pydantic's error dicts."""
        lines = (f" - {'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in errors)
        return cls("Flow run received invalid parameters:\n" + "\n".join(lines))

    @classmethod
    def from_validation_error(cls, exc: Any) -> ParameterTypeError:
        """The same, from pydantic's `ValidationError`."""
        return cls.from_errors(exc.errors())


class ParameterBindError(TypeError, PrefectException):
    """The arguments do not fit the function's signature (behaviour 10)."""

    def __init__(self, msg: str) -> None:
        super().__init__(msg)

    @classmethod
    def from_bind_failure(
        cls, fn: Callable[..., Any], exc: TypeError, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> ParameterBindError:
        """Say which function, what it expected, and what came."""
        import inspect  # only needed once something failed

        signature = str(inspect.signature(fn)).split(" -> ")[0].strip("()")
        name = getattr(fn, "__name__", repr(fn))
        return cls(
            f"Error binding parameters for function '{name}': {exc}.\n"
            f"Function '{name}' has signature '{signature}' but received args: {args} and "
            f"kwargs: {list(kwargs)}."
        )


class SignatureMismatchError(PrefectException, TypeError):
    """A deployment's parameters do not fit its flow."""

    def __init__(self, msg: str) -> None:
        super().__init__(msg)


class _HTTPFailure(PrefectException):
    def __init__(self, http_exc: Exception | None, *args: Any, **kwargs: Any) -> None:
        self.http_exc = http_exc
        super().__init__(*(args or ((str(http_exc),) if http_exc is not None else ())), **kwargs)


class ObjectNotFound(_HTTPFailure):
    """The asked object does not exist (HTTP 404 where a server is asked)."""

    def __init__(
        self, http_exc: Exception | None = None, help_message: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        self.help_message = help_message
        super().__init__(http_exc, *((help_message,) if help_message else args), **kwargs)


class ObjectAlreadyExists(_HTTPFailure):
    """An object of that name exists (HTTP 409)."""


class ObjectLimitReached(_HTTPFailure):
    """A limit on the number of objects was reached (HTTP 403)."""


class ObjectUnsupported(_HTTPFailure):
    """The server does not know this kind of object."""


class UpstreamTaskError(PrefectException):
    """An upstream run did not complete."""


class MissingContextError(PrefectException, RuntimeError):
    """The call needs an active flow or task run."""


class MissingProfileError(PrefectException, ValueError):
    """The named profile does not exist."""


class ReservedArgumentError(PrefectException, TypeError):
    """A function uses `return_state` or `wait_for` as a parameter name."""


class InvalidNameError(PrefectException, ValueError):
    """A name holds characters that are not allowed."""


class PrefectSignal(BaseException):
    """The base of what stops a run from inside; not an `Exception`, so that user code does not swallow it."""


class Abort(PrefectSignal):
    """The rules refused a transition: the run must stop without reporting."""


class Pause(PrefectSignal):
    """The run is paused or suspended; `state` is its state."""

    def __init__(self, *args: Any, state: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.state = state


class ExternalSignal(BaseException):
    """The base of what stops a run from outside."""


class TerminationSignal(ExternalSignal):
    """The process received SIGTERM; `signal` is its number."""

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal


class MappingLengthMismatch(PrefectException):
    """The iterables given to `.map` differ in length."""


class MappingMissingIterable(PrefectException):
    """`.map` was given no iterable."""


class BlockMissingCapabilities(PrefectException):
    """A block cannot do what was asked of it."""


class ProtectedBlockError(PrefectException):
    """A built-in block type was to be changed."""


class InvalidRepositoryURLError(PrefectException):
    """A repository URL is not understood."""


class InfrastructureError(PrefectException):
    """The base of infrastructure failures."""


class InfrastructureNotFound(PrefectException):
    """The infrastructure of a run cannot be found."""


class InfrastructureNotAvailable(PrefectException):
    """The infrastructure of a run cannot be reached from here."""


class NotPausedError(PrefectException):
    """A run that is not paused was to be resumed."""


class FlowPauseTimeout(PrefectException):
    """Nobody resumed a paused run in time."""


class FlowRunWaitTimeout(PrefectException):
    """A flow run did not end in the time it was given."""


class FlowRunWatchError(PrefectException):
    """A flow run cannot be watched."""


class PrefectImportError(ImportError):
    """An optional part is not installed."""

    def __init__(self, message: str) -> None:
        super().__init__(message)


class SerializationError(PrefectException):
    """A value cannot be turned into bytes, or bytes into a value."""


class ConfigurationError(PrefectException):
    """A setting or a combination of options is wrong."""


class EventTooLarge(PrefectException):
    """An event is larger than the server takes; sizes in bytes."""

    def __init__(self, size: int, maximum: int) -> None:
        super().__init__(f"Event is too large to emit ({size} > {maximum} bytes)")
        self.size = size
        self.maximum = maximum


class ProfileSettingsValidationError(PrefectException):
    """Settings of a profile are ill-typed; `errors` holds (setting, error) pairs."""

    def __init__(self, errors: list[tuple[Any, Any]]) -> None:
        super().__init__("; ".join(f"{setting}: {error}" for setting, error in errors))
        self.errors = errors


class HashError(PrefectException):
    """A cache input cannot be hashed; the message names the part."""


class StoreError(PrefectException):
    """The store cannot be opened, read or written; the message says which file, why, and what to do."""
