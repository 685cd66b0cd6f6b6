"""Type checkers see through `@flow` and `@task`: pyright, strict, over the files in `samples/`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SAMPLES = sorted((HERE / "samples").glob("*.py"))


@pytest.fixture(scope="module")
def complaints() -> dict[str, list[str]]:
    """What pyright says, by file name; one run for all files, since starting it is most of its time."""
    pyright = shutil.which(
        "pyright", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    )
    if pyright is None:
        if os.environ.get("CI"):
            pytest.fail("pyright is not installed; CI needs it")
        pytest.skip("pyright is not installed: pip install 'pluperfect[check]'")
    command = [pyright, "--project", str(HERE), "--pythonpath", sys.executable, "--outputjson"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(answer.stdout)
    assert report["summary"]["filesAnalyzed"] == len(SAMPLES)
    found: dict[str, list[str]] = {path.name: [] for path in SAMPLES}
    for entry in report["generalDiagnostics"]:
        line = entry["range"]["start"]["line"] + 1
        found[Path(entry["file"]).name].append(f"line {line}: {entry['message']}")
    return found


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_pyright_agrees(path: Path, complaints: dict[str, list[str]]):
    assert complaints[path.name] == []
