"""How runs are retried."""

from __future__ import annotations

from typing import Any, Literal, cast

from pydantic import Field, field_validator, model_validator

from prefect.model.base import PrefectBaseModel

MAXIMUM_RETRY_DELAYS = 50


class _RunPolicy(PrefectBaseModel):
    max_retries: int = 0
    retry_delay_seconds: float = 0
    retries: int | None = None

    @model_validator(mode="before")
    @classmethod
    def populate_deprecated_fields(cls, values: Any) -> Any:
        """`max_retries` and `retry_delay_seconds` are the older names of `retries` and `retry_delay`."""
        if not isinstance(values, dict):
            return values
        given = cast("dict[str, Any]", values)
        older = {"retries": given.get("max_retries"), "retry_delay": given.get("retry_delay_seconds")}
        return given | {name: value for name, value in older.items() if value and not given.get(name)}


class FlowRunPolicy(_RunPolicy):
    """How a flow run is retried, and what it remembers of its pauses."""

    retry_delay: int | None = None
    pause_keys: set[str] | None = Field(default_factory=set[str])
    resuming: bool | None = False
    retry_type: Literal["in_process", "reschedule"] | None = None


class TaskRunPolicy(_RunPolicy):
    """How a task run is retried: delays in seconds, the last of a list repeats."""

    retry_delay: int | float | list[int] | list[float] | None = None
    retry_jitter_factor: float | None = None

    @field_validator("retry_delay")
    @classmethod
    def validate_configured_retry_delays(
        cls, value: float | list[float] | None
    ) -> float | list[float] | None:
        """At most 50 delays."""
        if isinstance(value, list) and len(value) > MAXIMUM_RETRY_DELAYS:
            raise ValueError(f"Can not configure more than {MAXIMUM_RETRY_DELAYS} retry delays per task.")
        return value

    @field_validator("retry_jitter_factor")
    @classmethod
    def validate_jitter_factor(cls, value: float | None) -> float | None:
        """Not negative."""
        if value is not None and value < 0:
            raise ValueError("`retry_jitter_factor` must be >= 0.")
        return value
