"""Settings of packages written for Prefect 3, from the environment."""

# What is handed in is Any, and narrowing Any makes it partially unknown.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import os
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, model_validator


def build_settings_config(path: tuple[str, ...] = (), frozen: bool = False) -> Any:
    """How the settings of a package are read: from `PREFECT_<PATH>_<FIELD>`."""
    prefix = "_".join(("PREFECT", *path)).upper() + "_"
    return ConfigDict(**cast("Any", {"frozen": frozen, "extra": "ignore", "env_prefix": prefix}))


class PrefectBaseSettings(BaseModel):
    """Settings of a package: what is not given comes from the environment, or else from the default."""

    @model_validator(mode="before")
    @classmethod
    def _from_environment(cls, given: Any) -> Any:
        prefix = cast("dict[str, Any]", cls.model_config).get("env_prefix", "PREFECT_")
        found: dict[str, Any] = {}
        for name in cls.model_fields:
            value = os.environ.get(f"{prefix}{name}".upper())
            if value is not None:
                found[name] = value
        return found | cast("dict[str, Any]", given) if isinstance(given, dict) else given
