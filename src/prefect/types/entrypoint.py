"""How a flow is found by another process."""

from __future__ import annotations

from enum import Enum

__all__ = ["EntrypointType"]


class EntrypointType(Enum):
    """`file_path`: `path/to/file.py:name`; `module_path`: `package.module:name`."""

    FILE_PATH = "file_path"
    MODULE_PATH = "module_path"
