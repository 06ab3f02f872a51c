"""Rows of the company's database that its own detectors find, one of each kind at will."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.demo.company import SampleException

#: Not among the products of the sample, so that a name stands for one case.
FIRST_VINTAGE = 1981
ROLE = "sommelier"
REQUEST = "wine pairing for the tasting menu"


@dataclass(frozen=True)
class Troubles:
    """Insert what a detector finds at a time."""

    path: Path

    def make(self, kind: str, at: datetime, amount: int, name: str) -> SampleException:
        """Insert one trouble of this kind. ``name``: the wine, supplier, customer … of it."""
        at = at.replace(tzinfo=None)
        with closing(sqlite3.connect(self.path)) as database, database:
            row_id = MAKERS[kind](database, at, amount, name)
        subject = SUBJECTS[kind]
        return SampleException(kind, f"{subject}:{row_id}", at)

    def run(self, statement: str, **parameters: Any) -> None:
        """Change the database as somebody outside the bot would."""
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute(statement, parameters)


def _insert(database: sqlite3.Connection, table: str, **columns: Any) -> int:
    names = ", ".join(columns)
    marks = ", ".join(f":{name}" for name in columns)
    cursor = database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", columns)
    return int(cursor.lastrowid or 0)


def _id_of(database: sqlite3.Connection, table: str, name: str) -> int:
    found = database.execute(f"SELECT id FROM {table} WHERE name = ?", [name]).fetchone()
    return int(found[0])


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _low_stock(database: sqlite3.Connection, at: datetime, amount: int, name: str) -> int:
    (count,) = database.execute(
        "SELECT count(*) FROM products WHERE name LIKE ?", [f"{name} 19%"]
    ).fetchone()
    product = _insert(
        database,
        "products",
        name=f"{name} {FIRST_VINTAGE + count}",
        unit="bottles",
        cost=8.0,
        # Twenty bottles are missing: the margin at risk is the amount.
        price=8.0 + max(amount, 240) / 20,
        margin=0.7,
        supplier_id=1,
    )
    _insert(
        database,
        "stock",
        product_id=product,
        on_hand=8,
        on_order=0,
        expected_use=28,
        next_peak_on=_day(at + timedelta(days=4)),
    )
    return product


def _invoice(database: sqlite3.Connection, at: datetime, amount: int, name: str) -> int:
    supplier = _id_of(database, "suppliers", name)
    _insert(
        database,
        "orders",
        supplier_id=supplier,
        amount=amount,
        placed_on=_day(at - timedelta(days=6)),
        status="delivered",
    )
    (count,) = database.execute("SELECT count(*) FROM invoices").fetchone()
    return _insert(
        database,
        "invoices",
        number=f"INV-Q{count:05d}",
        supplier_id=supplier,
        order_id=None,
        amount=amount,
        received_on=_day(at - timedelta(days=1)),
        status="received",
    )


def _booking(database: sqlite3.Connection, at: datetime, amount: int, name: str) -> int:
    starts_at = (at + timedelta(hours=30)).replace(minute=30, second=0)
    venue = _id_of(database, "venues", name)
    # Another booking of that evening may have been given its cover already.
    database.execute(
        "DELETE FROM rota WHERE venue_id = ? AND day = ? AND role = ?",
        [venue, _day(starts_at), ROLE],
    )
    return _insert(
        database,
        "bookings",
        venue_id=venue,
        guest="Ida Quill",
        party=max(4, amount),
        starts_at=_time(starts_at),
        request=REQUEST,
        needs_role=ROLE,
        status="confirmed",
    )


def _shipment(database: sqlite3.Connection, at: datetime, amount: int, name: str) -> int:
    return _insert(
        database,
        "shipments",
        customer=name,
        value=float(amount),
        shipped_on=_day(at - timedelta(days=2)),
        carrier_status="delivered",
        warehouse_status="two cases short",
        status="open",
    )


def _lead(database: sqlite3.Connection, at: datetime, amount: int, name: str) -> int:
    last_contact = at - timedelta(hours=60)
    lead = _insert(
        database,
        "leads",
        company=name,
        contact="Vera Pike",
        value=amount,
        owner="Mina Roth",
        last_contact_at=_time(last_contact),
        status="warm",
    )
    _insert(database, "quotes", lead_id=lead, amount=amount - 100, sent_on=_day(last_contact))
    return lead


def _renewal(database: sqlite3.Connection, at: datetime, amount: int, name: str) -> int:
    notice_by = at + timedelta(days=5)
    return _insert(
        database,
        "renewals",
        supplier_id=_id_of(database, "suppliers", "Bluebell Linen"),
        service=name,
        yearly_cost=amount * 4,
        new_cost=amount * 5,
        renews_on=_day(notice_by + timedelta(days=30)),
        notice_by=_day(notice_by),
        uses_last_90_days=6,
        status="active",
    )


def _service_note(database: sqlite3.Connection, at: datetime, amount: int, name: str) -> int:
    return _insert(
        database,
        "service_notes",
        venue_id=_id_of(database, "venues", name),
        text="Extractor is loud again",
        severity="high",
        raised_at=_time(at - timedelta(days=4, hours=2)),
        closed_at=None,
        assigned_to=None,
    )


def _task(database: sqlite3.Connection, at: datetime, amount: int, name: str) -> int:
    return _insert(
        database,
        "tasks",
        title="Till count",
        venue_id=_id_of(database, "venues", name),
        done_by=5,
        needs_evidence=1,
        completed_at=_time(at - timedelta(hours=5)),
        evidence=None,
        status="complete",
    )


Maker = Callable[[sqlite3.Connection, datetime, int, str], int]

MAKERS: dict[str, Maker] = {
    "booking_no_cover": _booking,
    "invoice_no_order": _invoice,
    "lead_cold": _lead,
    "low_stock": _low_stock,
    "renewal_due": _renewal,
    "service_note_open": _service_note,
    "shipment_mismatch": _shipment,
    "task_no_evidence": _task,
}

#: How the detectors call the subject of each kind.
SUBJECTS = {
    "booking_no_cover": "booking",
    "invoice_no_order": "invoice",
    "lead_cold": "lead",
    "low_stock": "product",
    "renewal_due": "renewal",
    "service_note_open": "service_note",
    "shipment_mismatch": "shipment",
    "task_no_evidence": "task",
}
