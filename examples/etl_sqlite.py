"""Extract, transform, load into SQLite, all or nothing.

    python examples/etl_sqlite.py [FILE.db]

Two deliveries of orders are loaded. The first is sound. The second claims a total that its rows do not add
up to; that is found only after the rows were inserted, so the transaction runs the `on_rollback` hook of the
loading task, and the table is as if that delivery had never come.
"""

from __future__ import annotations

import csv
import io
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from prefect import flow, get_run_logger, task
from prefect.transactions import Transaction, get_transaction, transaction

SOUND = """total 63.50
order,customer,amount
1001,ada,19.90
1002,grace,not-a-number
1003,edsger,43.60
"""
SHORT = """total 99.00
order,customer,amount
1004,barbara,12.00
1005,donald,7.25
"""


class Order(NamedTuple):
    number: int
    customer: str
    cents: int


@task
def extract(delivery: str) -> tuple[int, list[dict[str, str]]]:
    """The promised total in cents, and the rows as they came."""
    headline, _, table = delivery.partition("\n")
    return round(float(headline.removeprefix("total ")) * 100), list(csv.DictReader(io.StringIO(table)))


@task
def transform(rows: list[dict[str, str]]) -> list[Order]:
    """The rows that can be read; the others are logged, not guessed."""
    orders: list[Order] = []
    for row in rows:
        try:
            orders.append(
                Order(int(row["order"]), row["customer"].title(), round(float(row["amount"]) * 100))
            )
        except ValueError:
            get_run_logger().warning("row left out: %s", row)
    return orders


@task
def load(orders: list[Order], database: Path) -> int:
    get_transaction().set("loaded", (database, [order.number for order in orders]))
    with closing(sqlite3.connect(database)) as db, db:
        db.execute(
            "CREATE TABLE IF NOT EXISTS orders (number INTEGER PRIMARY KEY, customer TEXT, cents INTEGER)"
        )
        db.executemany("INSERT INTO orders VALUES (?, ?, ?)", orders)
    return len(orders)


@load.on_rollback
def unload(txn: Transaction) -> None:
    """Take out exactly what the task of this transaction put in."""
    database, numbers = txn.get("loaded")
    with closing(sqlite3.connect(database)) as db, db:
        db.executemany("DELETE FROM orders WHERE number = ?", [(number,) for number in numbers])
    print(f"rolled back: {len(numbers)} orders removed")


@task
def check_total(orders: list[Order], promised: int) -> None:
    found = sum(order.cents for order in orders)
    if found != promised:
        raise ValueError(f"the delivery promised {promised / 100:.2f} and holds {found / 100:.2f}")


@flow
def load_delivery(delivery: str, database: Path) -> int:
    promised, rows = extract(delivery)
    orders = transform(rows)
    with transaction():
        count = load(orders, database)
        check_total(orders, promised)
    return count


def main(database: Path) -> None:
    database.unlink(missing_ok=True)
    load_delivery(SOUND, database)
    refused = load_delivery(SHORT, database, return_state=True)
    print(f"second delivery: {refused.name}, {refused.message}")
    with closing(sqlite3.connect(database)) as db:
        count, cents = db.execute("SELECT count(*), sum(cents) FROM orders").fetchone()
    print(f"{database} holds {count} orders worth {cents / 100:.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "orders.db"))
