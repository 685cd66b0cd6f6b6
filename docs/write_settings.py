"""Write docs/settings.md from the table of settings; with --check, only say whether it is up to date.

python docs/write_settings.py [--check]
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from prefect._base.settings.kinds import Spec
from prefect._base.settings.table import TABLE

PAGE = Path(__file__).with_name("settings.md")
HEAD = """# Settings

<!-- written by docs/write_settings.py (`make docs`) from the table of settings -->

Each setting is an environment variable, a key of a profile in `$PREFECT_HOME/profiles.toml`, or a key in
`prefect.toml`, `pyproject.toml` (`[tool.prefect]`) or `.env` in the working directory. The environment wins
over `.env`, that over the TOML files, and those over the profile. In TOML files the name is the one in
lower case, with dots: `PREFECT_LOGGING_LEVEL` is `logging.level`. An unknown name or a value of the wrong
type is an error that says which, and where it stands. `prefect config view --show-defaults` shows what is
in force.

Except for `server.database`, the settings of the server, of workers, runners and deployments are read and
checked, and take effect with the server, which comes in a later version.
"""


def group_of(spec: Spec) -> str:
    """The heading it stands under: `server.database.timeout` under `server.database`."""
    parts = spec.path.split(".")
    return (
        ".".join(parts[: 2 if parts[0] == "server" and len(parts) > 2 else 1])
        if len(parts) > 1
        else "general"
    )


def row(spec: Spec) -> str:
    also = f" Also `{spec.alias}`." if spec.alias else ""
    cells = (f"`{spec.env}`", shown(spec.default), f"{spec.about}{also}".replace("|", "\\|"))
    return f"| {' | '.join(cells)} |"


def shown(default: object) -> str:
    """A default as one would write it; nothing where the setting is unset."""
    if default is None:
        return ""
    if isinstance(default, (set, frozenset, list, tuple)):
        default = ",".join(sorted(map(str, default)))
    return f"`{default}`" if str(default) else "empty"


def page() -> str:
    lines = [HEAD]
    for group, specs in groupby(sorted(TABLE, key=lambda spec: (group_of(spec), spec.env)), key=group_of):
        lines += [
            f"## {group}\n",
            "| setting | default | what it does |",
            "|---|---|---|",
            *map(row, specs),
            "",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/settings.md is out of date: run `make docs`")
