"""`make bench`: the same scripts, with public names only, on this package and on the peer, turn by turn.

python benchmarks/run.py                                # all rows, three rounds; writes docs/benchmarks.md
python benchmarks/run.py --scripts calls,flows          # some of the scripts; prints only
python benchmarks/run.py --scripts server:creating      # one part of a script
python benchmarks/run.py --peer PYTHON                  # a Python that has the peer already
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from environments import OUT, others_python, peer_python
from page import write_page
from rows import OTHER_SCRIPTS, SCRIPTS, Figures
from table import as_text

HERE = Path(__file__).parent


def main() -> None:
    options = arguments()
    OUT.mkdir(exist_ok=True)
    (OUT / ".gitignore").write_text("*\n")
    peer, others = (
        options.peer or peer_python(),
        None if options.no_others else options.others or others_python(),
    )
    with tempfile.TemporaryDirectory(dir=OUT) as scratch:
        rounds = measure_all(options, {"ours": Path(sys.executable), "peer": peer}, others, Path(scratch))
    results = {name: medians(figures) for name, figures in rounds.items()}
    print(as_text(results))
    profile = profile_of_a_call(Path(sys.executable))
    print(f"\nWhere the time of one direct task call goes:\n{profile}")
    if options.scripts == SCRIPTS:
        (OUT / "results.json").write_text(json.dumps(results, indent=2) + "\n")
        write_page(results, profile, HERE.parent / "docs")


def measure_all(
    options: argparse.Namespace, contenders: dict[str, Path], others: Path | None, scratch: Path
) -> dict[str, list[Figures]]:
    """For each contender, what each script reported in each round."""
    rounds: dict[str, list[Figures]] = {name: [] for name in [*contenders, "others"]}
    homes = {name: warm_home(name, python, scratch / name) for name, python in contenders.items()}
    for turn in range(1, options.rounds + 1):
        for script in options.scripts:
            for name, python in contenders.items():  # A B A B: a busy minute of the machine hits both
                say(f"round {turn} of {options.rounds}: {script} on {name}")
                rounds[name].append(measure(python, script, options.seconds, homes[name]))
        for script in OTHER_SCRIPTS if others else ():
            say(f"round {turn} of {options.rounds}: {script}")
            rounds["others"].append(measure(others, script, options.seconds, None))
    return rounds


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each loop measures")
    parser.add_argument("--scripts", type=lambda names: names.split(","), default=SCRIPTS)
    parser.add_argument("--peer", type=Path, help="a Python that has the peer; the default makes a venv")
    parser.add_argument(
        "--others", type=Path, help="a Python that has DBOS and Dask; the default makes a venv"
    )
    parser.add_argument("--no-others", action="store_true", help="leave DBOS, Dask and bare threads out")
    return parser.parse_args()


def measure(python: Path, script: str, seconds: float, home: Path | None) -> Figures:
    """What one script reports, or its parts named after colons; nothing when it failed, and why is said."""
    script, *parts = script.split(":")
    with tempfile.TemporaryDirectory() as folder:
        used = shutil.copytree(home, Path(folder) / "home") if home else Path(folder)
        ended = subprocess.run(
            [str(python), str(HERE / "measures" / f"{script}.py"), str(seconds), *parts],
            env=clean_environment(used),
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    if ended.returncode:
        say(f"{script} failed: {last_line(ended.stderr)}")
        return {}
    for line in ended.stderr.splitlines():
        if line.startswith("note: "):
            say(line)
    return json.loads(ended.stdout.strip().splitlines()[-1])


def profile_of_a_call(python: Path) -> str:
    """What profile_call.py prints."""
    command = [str(python), str(HERE / "profile_call.py")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def warm_home(name: str, python: Path, home: Path) -> Path:
    """A PREFECT_HOME that has seen a run: making the database is measured only where it is the point.

    Also makes sure that each side is what it is called: one of them could be installed over the other.
    """
    home.mkdir()
    code = "import prefect; prefect.flow(lambda: None, name='warm')(); print(prefect.__version__)"
    ended = subprocess.run(
        [str(python), "-c", code], env=clean_environment(home), capture_output=True, text=True, check=False
    )
    version = ended.stdout.strip()
    if ended.returncode or ("pluperfect" in version) != (name == "ours"):
        raise SystemExit(f"expected {name} at {python}, got version {version!r}; {last_line(ended.stderr)}")
    return home


def clean_environment(home: Path) -> dict[str, str]:
    """No settings but the home, and nothing that changes how Python starts: bytecode is cached, as usual.

    The peer's temporary server gets all the time it wants; on a busy machine it would give up after 20 s.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PYTHON"))}
    patience = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120"}
    return {**kept, **patience, "PREFECT_HOME": str(home)}


def medians(rounds: list[Figures]) -> Figures:
    names = dict.fromkeys(name for figures in rounds for name in figures)
    return {name: statistics.median(figures[name] for figures in rounds if name in figures) for name in names}


def last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
