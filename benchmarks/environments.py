"""The Pythons that the measures run in beside ours: the peer's, and one for the other engines."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from email.parser import BytesParser
from pathlib import Path

OUT = Path(__file__).parent / "out"
PEER = "prefect==3.9.1"
OTHERS = ("dbos", "dask[distributed]")
UNMET = re.compile(r"No matching distribution found for ([A-Za-z0-9._-]+)")


def peer_python() -> Path:
    """The Python of a venv with the peer in it; made at the first call.

    When a pin of the peer's dependencies cannot be met from the registry in use, the dependencies are
    installed with that pin relaxed, and then the peer without dependencies.
    """
    return environment("peer", install_peer)


def others_python() -> Path:
    """The Python of a venv with DBOS and Dask in it; made at the first call."""
    return environment("others", lambda python: pip(python, "install", *OTHERS))


def environment(name: str, install: Callable[[Path], None]) -> Path:
    python, complete = OUT / name / "bin" / "python", OUT / name / "complete"
    if not complete.exists():
        print(f"making the environment {name} ...", file=sys.stderr)
        venv.create(OUT / name, with_pip=True, clear=True)
        install(python)
        complete.touch()
    return python


def install_peer(python: Path) -> None:
    if run_pip(python, "install", PEER).returncode:
        install_relaxed(python, PEER)


def install_relaxed(python: Path, distribution: str) -> None:
    wheels = OUT / "wheels"
    pip(python, "download", "--no-deps", "--dest", str(wheels), distribution)
    [wheel] = wheels.glob(f"{distribution.partition('==')[0]}-*.whl")
    wanted = requirements(wheel)
    while unmet := first_unmet(python, wanted):
        print(
            f"no version of {unmet} is as new as {distribution} asks for: any version will do",
            file=sys.stderr,
        )
        wanted = [unmet if name_of(one) == unmet else one for one in wanted]
    pip(python, "install", "--no-deps", str(wheel))


def first_unmet(python: Path, wanted: list[str]) -> str | None:
    """Install requirements; return the name of the first that no version meets, or None if all are met."""
    ended = run_pip(python, "install", *wanted)
    if ended.returncode == 0:
        return None
    found = UNMET.search(ended.stderr)
    if found is None or not any(name_of(one) == found[1] and one != found[1] for one in wanted):
        raise SystemExit(f"pip could not install the peer's dependencies:\n{ended.stderr}")
    return found[1]


def requirements(wheel: Path) -> list[str]:
    """What a wheel's metadata asks for, extras left out."""
    with zipfile.ZipFile(wheel) as archive:
        [metadata] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        headers = BytesParser().parsebytes(archive.read(metadata))
    return [str(one) for one in headers.get_all("Requires-Dist", []) if "extra ==" not in one]


def name_of(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def pip(python: Path, *arguments: str) -> None:
    ended = run_pip(python, *arguments)
    if ended.returncode:
        raise SystemExit(f"pip {' '.join(arguments)} ended with {ended.returncode}:\n{ended.stderr}")


def run_pip(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    print(peer_python())
