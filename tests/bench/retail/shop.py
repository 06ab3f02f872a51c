"""The shop's records as a database, and what has changed in it."""

import contextlib
import gzip
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = Any

SCHEMA = """
CREATE TABLE users (user_id TEXT PRIMARY KEY, name TEXT, address TEXT, email TEXT, orders TEXT);
CREATE TABLE payment_methods (user_id TEXT, method_id TEXT, source TEXT, balance REAL, detail TEXT,
  PRIMARY KEY (user_id, method_id));
CREATE TABLE variants (item_id TEXT PRIMARY KEY, product_id TEXT, name TEXT, options TEXT,
  available INTEGER, price REAL);
CREATE TABLE orders (order_id TEXT PRIMARY KEY, user_id TEXT, status TEXT, address TEXT, items TEXT,
  fulfillments TEXT, payment_history TEXT, cancel_reason TEXT, return_items TEXT,
  return_payment_method_id TEXT, exchange_items TEXT, exchange_new_items TEXT,
  exchange_payment_method_id TEXT, exchange_price_difference REAL);
CREATE VIEW order_items AS
  SELECT o.order_id, j.key AS position, j.value AS line, j.value ->> 'item_id' AS item_id,
    j.value ->> 'product_id' AS product_id, j.value ->> 'name' AS name, j.value ->> 'price' AS price,
    row_number() OVER (PARTITION BY o.order_id, j.value ->> 'item_id' ORDER BY j.key) AS nth
  FROM orders o, json_each(o.items) j;
CREATE VIEW paid AS
  SELECT o.order_id, json_array_length(o.payment_history) AS entries,
    o.payment_history ->> '$[0].payment_method_id' AS method,
    round((SELECT sum(j.value ->> 'amount') FROM json_each(o.payment_history) j), 2) AS paid
  FROM orders o;
-- The shop's own bookkeeping: what an order's payments take from a gift card or give back to it.
CREATE TRIGGER gift_cards AFTER UPDATE OF payment_history ON orders BEGIN
  UPDATE payment_methods SET balance = round(balance + (
    SELECT sum(CASE j.value ->> 'transaction_type' WHEN 'refund' THEN 1 ELSE -1 END * (j.value ->> 'amount'))
    FROM json_each(new.payment_history) j
    WHERE j.key >= json_array_length(old.payment_history)
      AND j.value ->> 'payment_method_id' = payment_methods.method_id), 2)
  WHERE user_id = new.user_id AND source = 'gift_card' AND method_id IN (
    SELECT j.value ->> 'payment_method_id' FROM json_each(new.payment_history) j
    WHERE j.key >= json_array_length(old.payment_history));
END;
"""
#: The columns that hold JSON.
JSON_COLUMNS = frozenset(
    {
        "address",
        "items",
        "fulfillments",
        "payment_history",
        "return_items",
        "exchange_items",
        "exchange_new_items",
    }
)
TABLES = {
    "orders": "order_id",
    "users": "user_id",
    "payment_methods": "user_id || ' ' || method_id",
}
#: A row by its table and key.
Place = tuple[str, str]
Rows = dict[Place, tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True)
class Records:
    """The files of the set."""

    orders: Mapping[str, Json]
    users: Mapping[str, Json]
    products: Mapping[str, Json]
    tasks: Sequence[Json]
    #: The right write calls, each with the fields that it changes.
    writes: Sequence[Json]


def read_records(folder: Path) -> Records | None:
    """Read the set; None where it is not there."""
    if not (folder / "write_diffs.jsonl.gz").exists():
        return None
    return Records(
        orders=_read(folder / "orders.json.gz"),
        users=_read(folder / "users.json.gz"),
        products=_read(folder / "products.json.gz"),
        tasks=_read_lines(folder / "tasks.jsonl.gz"),
        writes=_read_lines(folder / "write_diffs.jsonl.gz"),
    )


def _read(path: Path) -> Json:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def _read_lines(path: Path) -> list[Json]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


class Shop:
    """The database of the shop."""

    def __init__(self, path: Path, records: Records) -> None:
        """Write the records into a new file."""
        self.url = f"sqlite:///{path}"
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.executescript(SCHEMA)
        self._load(records)
        self.pristine = self.rows()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _load(self, records: Records) -> None:
        for order_id, order in records.orders.items():
            self._insert("orders", {**order, "order_id": order_id})
        for user_id, user in records.users.items():
            methods = user["payment_methods"]
            plain = {name: json.dumps(user[name]) for name in ("address", "orders")}
            name = f"{user['name']['first_name']} {user['name']['last_name']}"
            self._insert(
                "users", {"user_id": user_id, "name": name, "email": user["email"], **plain}
            )
            for method_id, method in methods.items():
                detail = {key: value for key, value in method.items() if key != "balance"}
                self._insert(
                    "payment_methods",
                    {
                        "user_id": user_id,
                        "method_id": method_id,
                        "source": method["source"],
                        "balance": method.get("balance"),
                        "detail": json.dumps(detail),
                    },
                )
        for product in records.products.values():
            for variant in product["variants"].values():
                row = {**variant, "product_id": product["product_id"], "name": product["name"]}
                self._insert("variants", {**row, "options": json.dumps(variant["options"])})

    def _insert(self, table: str, row: Mapping[str, Json]) -> None:
        values = [
            json.dumps(value) if isinstance(value, dict | list) else value for value in row.values()
        ]
        marks = ", ".join("?" for _ in row)
        self._database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", values)

    def rows(self) -> Rows:
        """Read every row that a call may change."""
        rows: Rows = {}
        for table, key in TABLES.items():
            for name, *values in self._database.execute(f"SELECT {key}, * FROM {table}"):
                rows[table, name] = tuple(values)
        return rows

    def restore(self, places: Sequence[Place]) -> None:
        """Put rows back as they were loaded."""
        for table, key in places:
            values = self.pristine[table, key]
            marks = ", ".join("?" for _ in values)
            self._database.execute(f"REPLACE INTO {table} VALUES ({marks})", values)

    def order(self, order_id: str) -> Json:
        """Return an order as it is now."""
        row = self._database.execute(
            "SELECT items, payment_history FROM orders WHERE order_id = ?", [order_id]
        ).fetchone()
        return {"items": json.loads(row[0]), "payment_history": json.loads(row[1])}

    def set_status(self, order_id: str, status: str) -> None:
        """Change an order as somebody else would."""
        self._database.execute(
            "UPDATE orders SET status = ? WHERE order_id = ?", [status, order_id]
        )

    def columns(self, table: str) -> list[str]:
        """Name the columns of a table."""
        return [row[1] for row in self._database.execute(f"PRAGMA table_info({table})")]


def changed_places(before: Rows, after: Rows) -> list[Place]:
    """List the rows that differ."""
    return [
        place for place in before.keys() | after.keys() if before.get(place) != after.get(place)
    ]


def changed_fields(shop: Shop, before: Rows, after: Rows) -> dict[tuple[str, str, str], Json]:
    """Find each field that differs, with its new value, in the form of the recorded changes."""
    fields = {}
    for table, key in changed_places(before, after):
        old, new = before[table, key], after[table, key]
        for column, was, now in zip(shop.columns(table), old, new, strict=True):
            if was == now:
                continue
            for path, value in _leaves(table, key, column, was=was, now=now):
                fields[path] = value
    return fields


def _leaves(
    table: str, key: str, column: str, *, was: Any, now: Any
) -> Iterator[tuple[tuple[str, str, str], Json]]:
    if table == "payment_methods":
        user_id, _, method_id = key.partition(" ")
        yield ("users", user_id, f"payment_methods/{method_id}/{column}"), rounded(now)
        return
    if column not in JSON_COLUMNS:
        yield (table, key, column), rounded(now)
        return
    value = json.loads(now)
    previous = json.loads(was) if was else None
    if column != "address":
        # The order of keys is no change.
        if rounded(value) != rounded(previous):
            yield (table, key, column), rounded(value)
        return
    for name in previous.keys() | value.keys():
        if previous.get(name) != value.get(name):
            yield (table, key, f"address/{name}"), value.get(name)


def recorded_fields(write: Mapping[str, Json]) -> dict[tuple[str, str, str], Json]:
    """Return the recorded changes of a call, with each field's new value."""
    return {(kind, key, path): rounded(now) for kind, key, path, _, now in write["changes"]}


def rounded(value: Json) -> Json:
    """Round all money to the cent, which is as precise as the records are."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return round(float(value), 2)
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return value


@contextlib.contextmanager
def open_shop(path: Path, records: Records) -> Iterator[Shop]:
    """Open a shop with these records."""
    with contextlib.closing(Shop(path, records)) as shop:
        yield shop
