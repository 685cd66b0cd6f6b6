"""Beginning a project: its `prefect.yaml` and `.prefectignore`."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Final

import yaml

from prefect._base.notset import NotSet
from prefect._version import __version__

__all__ = ["configure_project_by_recipe", "create_default_prefect_yaml", "initialize_project"]

_STEPS: Final = "prefect.deployments.steps."
_BUILD: Final = [
    {
        f"{_STEPS}run_shell_script": {
            "id": "build",
            "script": "docker build --tag {image_name}:{tag} .",
        }
    }
]
_PUSH: Final = [{f"{_STEPS}run_shell_script": {"script": "docker push {image_name}:{tag}"}}]
_CLONE: Final = [{f"{_STEPS}git_clone": {"id": "clone", "repository": "{repository}", "branch": "{branch}"}}]
_RECIPES: Final[dict[str, dict[str, Any]]] = {
    "local": {"pull": [{f"{_STEPS}set_working_directory": {"directory": "{directory}"}}]},
    "git": {"pull": _CLONE},
    "docker": {
        "build": _BUILD,
        "push": _PUSH,
        "pull": [{f"{_STEPS}set_working_directory": {"directory": "/opt/prefect/{name}"}}],
    },
    "docker-git": {"build": _BUILD, "push": _PUSH, "pull": _CLONE},
}
_SAMPLE: Final = """
# What `prefect deploy --all` registers. Remove the # and fill in.
deployments: []
# - name: nightly
#   entrypoint: flows.py:my_flow
#   parameters: {}
#   work_pool:
#     name: my-pool
#   schedules:
#   - cron: 0 2 * * *
#     timezone: UTC
"""
_IGNORED: Final = """# what is not uploaded with the code, in the form of a .gitignore
.git/
.prefectignore
.venv/
venv/
.env
__pycache__/
*.pyc
.ipynb_checkpoints/
.mypy_cache/
.pytest_cache/
.ruff_cache/
.DS_Store
"""


def configure_project_by_recipe(recipe: str, **formatting_kwargs: Any) -> dict[str, Any] | type[NotSet]:
    """What a recipe says, with its fields filled in.

    Args:
        recipe: local, git, docker or docker-git.
        formatting_kwargs: the fields: `directory`, `repository`, `branch`, `name`, `image_name`, `tag`.

    Raises:
        ValueError: there is no such recipe.
    """
    if recipe not in _RECIPES:
        raise ValueError(f"Unknown recipe {recipe!r} provided: there are {', '.join(_RECIPES)}.")
    return _formatted(_RECIPES[recipe], formatting_kwargs)


def create_default_prefect_yaml(
    path: str, name: str | None = None, contents: dict[str, Any] | None = None
) -> bool:
    """Write a `prefect.yaml` into a folder, unless there is one; whether it was written.

    Args:
        path: of the folder.
        name: of the project; the folder's unless given.
        contents: "build", "push" and "pull".
    """
    file = Path(path, "prefect.yaml")
    if file.exists():
        return False
    given = contents or {}
    own = {"name": name or file.absolute().parent.name, "prefect-version": __version__.partition("+")[0]}
    parts = [
        "# Deployments of this project: where their code comes from, and when they run.\n",
        _yaml(own),
        "\n# steps before a deployment is registered, such as building an image\n",
        _yaml({"build": given.get("build")}),
        "\n# steps after that, such as uploading code\n",
        _yaml({"push": given.get("push")}),
        "\n# steps before a run, by who executes it: how it gets at the code\n",
        _yaml({"pull": given.get("pull")}),
        _SAMPLE,
    ]
    file.write_text("".join(parts), encoding="utf-8")
    return True


def initialize_project(
    name: str | None = None, recipe: str | None = None, inputs: dict[str, Any] | None = None
) -> list[str]:
    """Write `prefect.yaml` and `.prefectignore` into the working folder, unless they are there.

    Args:
        name: of the project; the folder's unless given.
        recipe: how runs get at the code; "git" in a clone of a repository, else "local".
        inputs: fields of the recipe, where they are not what is found here.

    Returns:
        The names of the files that were written.

    Raises:
        ValueError: there is no such recipe.
    """
    here = Path.cwd()
    remote = _git("remote", "get-url", "origin")
    fields = {
        "directory": str(here),
        "name": here.name,
        "repository": _public(remote) or "https://example.com/me/my-flows.git",
        "branch": _git("rev-parse", "--abbrev-ref", "HEAD") or "main",
        "image_name": here.name.lower(),
        "tag": "latest",
        **(inputs or {}),
    }
    contents = configure_project_by_recipe(recipe or ("git" if remote else "local"), **fields)
    made: list[str] = []
    if not (here / ".prefectignore").exists():
        (here / ".prefectignore").write_text(_IGNORED, encoding="utf-8")
        made.append(".prefectignore")
    if create_default_prefect_yaml(".", name, contents):  # pyright: ignore[reportArgumentType] # a mapping, or it raised
        made.append("prefect.yaml")
    return made


def _formatted(value: Any, fields: dict[str, Any]) -> Any:
    if isinstance(value, str):
        for name, field in fields.items():
            value = value.replace("{%s}" % name, str(field))  # noqa: UP031 - braces
        return value
    if isinstance(value, dict):
        return {key: _formatted(one, fields) for key, one in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return [_formatted(one, fields) for one in value]


def _yaml(content: dict[str, Any]) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def _git(*words: str) -> str:
    """What git says here; nothing where this is no repository, or there is no git."""
    try:
        done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)  # noqa: S603, S607 - fixed words
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _public(url: str) -> str:
    """The URL without credentials: the file is committed."""
    from prefect.runner._git import split_login  # only for projects in a clone

    return split_login(url)[0]
