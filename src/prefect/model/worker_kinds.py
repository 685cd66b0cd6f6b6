"""The kinds of workers, and what a work pool of each may be told."""

from __future__ import annotations

from typing import Any

_TEXTS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}
_VARIABLES: dict[str, dict[str, Any]] = {
    "name": {"title": "Name", "description": "What the process is called in logs.", "type": "string"},
    "env": {"title": "Environment Variables", "description": "Set in the process, by name.", **_TEXTS},
    "labels": {"title": "Labels", "description": "Kept with the process, by name.", **_TEXTS},
    "command": {
        "title": "Command",
        "description": "Executes the run; leave it empty for the usual one.",
        "type": "string",
    },
    "stream_output": {
        "title": "Stream Output",
        "description": "Whether the worker prints what the process prints.",
        "type": "boolean",
        "default": True,
    },
    "working_dir": {
        "title": "Working Directory",
        "description": "The folder that the process starts in; a temporary one where none is named.",
        "type": "string",
        "format": "path",
    },
}

# by type: as `GET /collections/views/aggregate-worker-metadata` shows them
WORKER_KINDS: dict[str, dict[str, Any]] = {
    "process": {
        "type": "process",
        "display_name": "Process",
        "description": "Executes each flow run in a process of its own, on the machine of the worker.",
        "documentation_url": None,
        "install_command": None,
        "is_beta": False,
        "logo_url": None,
        "default_base_job_configuration": {
            "job_configuration": {name: f"{{{{ {name} }}}}" for name in _VARIABLES},
            "variables": {"type": "object", "properties": _VARIABLES},
        },
    }
}
