"""`make fuzz`: schemathesis over our own OpenAPI document, and frames to the websockets; this script starts the server.

python tests/fuzz/run.py                      # 20,000 requests at least, 100,000 frames
python tests/fuzz/run.py --requests 2000 --frames 0 --seed 7

Ends with 1 where an answer was a 5xx, or was not what the document says, where a websocket was closed otherwise than
it should, or where the server's log holds a traceback. Two checks of schemathesis' are left out
because they do not hold here on purpose, and one because it cannot: a header that is missing is one of FastAPI's that
we do not require; authentication is one for the whole server (tests/server/test_auth.py holds it); what a path
answers to other methods is Starlette's. `negative_data_rejection` and `positive_data_acceptance` are off as well:
text is read as a number where one is meant, as Prefect 3 does, and a name that is taken, or a filter that means
nothing, is refused though its schema is met.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from fuzz.frames import Fuzz  # noqa: E402 - this is a script, and its package stands beside it

USER = "fuzz:fuzz"  # users that the fuzz makes do not shut it out: this string goes on to be the owner's
LEFT_OUT = (
    "unsupported_method,ignored_auth,missing_required_header,negative_data_rejection,positive_data_acceptance"
)
PHASES = (("coverage", 1), ("fuzzing", 40))  # then fuzzing again and again


def main() -> None:
    options = arguments()
    statuses: Counter[int] = Counter()
    failed = False
    with tempfile.TemporaryDirectory() as scratch, serving(Path(scratch)) as (url, log):
        failed |= talk(url, options.frames, options.seed)
        turn = 0  # the first goes over every case of the document: the second, at random, is not left out
        while options.requests and (turn < len(PHASES) or sum(statuses.values()) < options.requests):
            phase, examples = PHASES[min(turn, 1)]
            failed |= fuzz(url, Path(scratch), phase, examples, options.seed + turn, statuses)
            turn += 1
            print(f"{sum(statuses.values()):,} requests: {dict(sorted(statuses.items()))}", flush=True)
        text = log.read_text(errors="replace")
    if "| ERROR " in text or "Traceback" in text:
        print(text[-20_000:])
    sys.exit(failed or "| ERROR " in text or "Traceback" in text)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, Path]]:
    """A server of its own, with an empty store; its URL, and the file that it logs to."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = folder / "server.log"
    environment = {
        **os.environ,
        "PREFECT_HOME": str(folder / "home"),
        "PREFECT_SERVER_API_AUTH_STRING": USER,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_LOGS_STREAM_OUT_ENABLED": "true",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with log.open("w") as out, subprocess.Popen(command, env=environment, stdout=out, stderr=out) as server:
        try:
            wait_for(f"{url}/api/health", server)
            yield url, log
        finally:
            server.terminate()


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(url)
        except OSError:
            if server.poll() is not None:
                sys.exit("the server did not start")
            time.sleep(0.1)
        else:
            return


def talk(url: str, frames: int, seed: int) -> bool:
    """Talk to the websockets; prints what they did wrong; whether they did anything."""
    port = urllib.parse.urlsplit(url).port
    fuzzing = Fuzz(("127.0.0.1", port), USER, seed)
    fuzzing.talk(frames)
    endings = dict(sorted(fuzzing.endings.items(), key=str))
    print(f"{fuzzing.frames:,} frames in {sum(endings.values()):,} conversations: {endings}", flush=True)
    for found in fuzzing.found:
        print(found)
    return bool(fuzzing.found)


def fuzz(url: str, folder: Path, phase: str, examples: int, seed: int, statuses: Counter[int]) -> bool:
    """One run of schemathesis: adds what was answered, and prints what it found; whether it found anything."""
    report = folder / "report.ndjson"
    command = [tool(), "run", f"{url}/openapi.json", "--auth", USER, "--phases", phase, "--seed", str(seed)]
    command += ["--max-examples", str(examples), "--exclude-checks", LEFT_OUT, "--continue-on-failure"]
    command += [
        "--no-shrink",
        "--suppress-health-check",
        "all",
        "--request-timeout",
        "30",
        "--warnings",
        "off",
    ]
    command += ["--report", "ndjson", "--report-ndjson-path", str(report), "--no-color"]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    with report.open() as lines:
        for line in lines:
            recorded = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
            for one in recorded.get("interactions", {}).values():
                statuses[(one.get("response") or {}).get("status_code", 0)] += 1
    if done.returncode:
        print(done.stdout[-20_000:], done.stderr[-5_000:])
    return bool(done.returncode)


def tool() -> str:
    """schemathesis' command: `PLUPERFECT_SCHEMATHESIS`, or that of this Python's environment."""
    return os.environ.get("PLUPERFECT_SCHEMATHESIS") or str(Path(sys.executable).parent / "schemathesis")


if __name__ == "__main__":
    main()
