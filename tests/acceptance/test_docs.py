"""Every code block of the README and of docs/ is run as it stands, page by page, in the order of the page.

- A `python` block is run. One that names a file after the language (```python pipeline.py) is written to that file,
  and a shell block of the page runs it.
- A `sh` block is run by bash and must succeed.
- In a `console` block the lines after `$ ` are run, and what they print must be what the page shows; `...` stands for
  anything. A command that shows its output is judged by it, one that shows none must succeed.
- Any other language (text, toml, …) is not code to be run.
- A block after `<!-- not run: why -->` is left alone.

Each page has a folder and a PREFECT_HOME of its own, with `examples/` beside it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>.+?) -->\n)?```(?P<language>\w+)(?: (?P<name>\S+))?\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    name: str | None
    code: str
    line: int
    runs: bool


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            found["language"],
            found["name"],
            found["code"],
            text.count("\n", 0, found.start("code")),
            found["reason"] is None,
        )
        for found in FENCE.finditer(text)
    ]


class Reader:
    """Somebody who types what the page says."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder / "work"
        shutil.copytree(
            ROOT / "examples", self.folder / "examples", ignore=shutil.ignore_patterns("__pycache__")
        )
        self.groups: list[int] = []
        here = Path(sys.executable).parent
        self.environment = {**environment, "PATH": f"{here}{os.pathsep}{environment['PATH']}"}

    def run(self, block: Block) -> None:
        if block.language == "python" and block.name:
            (self.folder / block.name).write_text(block.code, encoding="utf-8")
        elif block.language == "python":
            self.command([sys.executable, "-c", block.code])
        elif block.language == "sh":
            self.command(["bash", "-euo", "pipefail", "-c", block.code])
        elif block.language == "console":
            for command, shown in session(block.code):
                printed = self.command(["bash", "-c", command], must_succeed=not shown)
                if shown and not as_pattern(shown).fullmatch(f"{printed.strip()}\n"):
                    raise AssertionError(f"expected of `{command}`:\n{shown}\ngot:\n{printed}")

    def command(self, words: list[str], *, must_succeed: bool = True) -> str:
        process = subprocess.Popen(
            words,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.groups.append(process.pid)
        said, _ = process.communicate(timeout=120)
        assert not must_succeed or process.returncode == 0, (
            f"{words[-1]}\nended with {process.returncode}:\n{said}"
        )
        return said

    def close(self) -> None:
        """End what the page has left in the background."""
        for group in self.groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


def session(code: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output that the page shows."""
    parts = re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]
    return [(command, shown.strip()) for command, _, shown in (part.partition("\n") for part in parts)]


def as_pattern(shown: str) -> re.Pattern[str]:
    """The output that fits: `...` stands for anything, on a line of its own for any number of lines, even none."""
    parts = [
        r"(?:[^\n]*\n)*?"
        if line.strip() == "..."
        else re.escape(line.rstrip()).replace(r"\.\.\.", ".*?") + r"[ \t]*\n"
        for line in shown.splitlines()
    ]
    return re.compile("".join(parts), re.DOTALL)


def code_blocks(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.language in {"python", "sh", "console"}]


@pytest.mark.parametrize("page", [page for page in PAGES if code_blocks(page)], ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page, tmp_path, environment):
    with contextlib.closing(Reader(tmp_path, environment)) as reader:
        for block in code_blocks(page):
            if block.runs:
                try:
                    reader.run(block)
                except (AssertionError, subprocess.TimeoutExpired) as exc:
                    pytest.fail(f"{page.relative_to(ROOT)}, line {block.line}: {exc}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_named_block_is_used_by_the_page(page):
    shell = "\n".join(block.code for block in code_blocks(page) if block.language != "python")
    named = [block.name for block in code_blocks(page) if block.name]
    assert [name for name in named if name not in shell and Path(name).stem not in shell] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_fence_is_read(page):
    """A fence that the pattern above misses would be code that nobody runs."""
    text = page.read_text(encoding="utf-8")
    assert len(re.findall(r"^\s*```", text, re.MULTILINE)) == 2 * len(blocks(page))
