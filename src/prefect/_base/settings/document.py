"""The page of all settings, from the table: `python -m prefect._base.settings.document >docs/settings.md`."""

from __future__ import annotations

import sys
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from prefect._base.settings.kinds import to_text
from prefect._base.settings.table import TABLE

if TYPE_CHECKING:
    from prefect._base.settings.kinds import Spec

_HEAD: Final = """\
# Settings

<!-- Written by `python -m prefect._base.settings.document`: change the table in the code, not this page. -->

Every setting has a name as an environment variable and a path. The path is its attribute in Python
(`get_current_settings().logging.to_api.enabled`) and its key in TOML files; the name is its key in profiles.

A value comes from the strongest source that sets it:

1. arguments: `temporary_settings({...})`, `Settings(...)`
2. the environment
3. `.env` in the working directory
4. `prefect.toml` in the working directory
5. `[tool.prefect]` of `pyproject.toml` in the working directory
6. the active profile of `$PREFECT_HOME/profiles.toml`: the one that `prefect --profile NAME` or
   `PREFECT_PROFILE` names, else the one that `prefect profile use NAME` made active, else the built-in
   `ephemeral`
7. the default

`prefect config view --show-defaults` shows what is in force, and where each value comes from. An ill-typed
value, and an unknown name in a file or profile, is an error that says which, from where, and what was
expected; an environment variable that is almost the name of a setting is a warning. Names that only Prefect
has are accepted, without effect.

Lists are separated by commas. Times are in seconds; where the default reads like `0:00:15`, hours, minutes
and seconds are taken too. Secrets are hidden by `prefect config view`, and in reprs.
"""


def page() -> str:
    """The page, as Markdown."""
    parts = [_HEAD]
    for group, specs in groupby(TABLE, key=_group):
        parts.append(
            f"\n## {group or 'General'}\n\n| name | what it does | takes | default |\n|---|---|---|---|\n"
        )
        parts.extend(_row(spec) for spec in specs)
    return "".join(parts)


def _group(spec: Spec) -> str:
    """The path of the settings beside it: two levels at most, so that a heading stands for several."""
    return ".".join(spec.path.split(".")[:-1][:2])


def _row(spec: Spec) -> str:
    name = f"`{spec.env}`" + (f"<br>also `{spec.alias}`" if spec.alias else "")
    return f"| {name} | {spec.about} | {spec.kind.expects} | {_default(spec.default)} |\n"


def _default(default: Any) -> str:
    if default is None:
        return "unset"
    text = _clock(default) if isinstance(default, timedelta) else to_text(default)
    return f"`{text}`" if text else "empty"


def _clock(duration: timedelta) -> str:
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


if __name__ == "__main__":
    sys.stdout.write(page())
