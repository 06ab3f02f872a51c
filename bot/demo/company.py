"""The sample company's system of record: a generated year in SQLite.

Beside ordinary rows it plants exceptions over the past year, more of what happens every other day,
and one of each kind today. The same day and seed always give the same rows.
"""

import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import attrgetter
from pathlib import Path

SCHEMA = """
CREATE TABLE venues (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE staff (id INTEGER PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL,
  venue_id INTEGER NOT NULL REFERENCES venues);
CREATE TABLE bookings (id INTEGER PRIMARY KEY, venue_id INTEGER NOT NULL, guest TEXT NOT NULL,
  party INTEGER NOT NULL, starts_at TEXT NOT NULL, request TEXT, needs_role TEXT,
  status TEXT NOT NULL);
CREATE TABLE rota (id INTEGER PRIMARY KEY, venue_id INTEGER NOT NULL, staff_id INTEGER NOT NULL,
  day TEXT NOT NULL, role TEXT NOT NULL, note TEXT);
CREATE TABLE suppliers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, lead_days INTEGER NOT NULL);
CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, unit TEXT NOT NULL,
  cost REAL NOT NULL, price REAL NOT NULL, margin REAL NOT NULL,
  supplier_id INTEGER NOT NULL REFERENCES suppliers);
CREATE TABLE stock (product_id INTEGER PRIMARY KEY REFERENCES products, on_hand INTEGER NOT NULL,
  on_order INTEGER NOT NULL, expected_use INTEGER NOT NULL, next_peak_on TEXT NOT NULL);
CREATE TABLE renewals (id INTEGER PRIMARY KEY, supplier_id INTEGER NOT NULL, service TEXT NOT NULL,
  yearly_cost REAL NOT NULL, new_cost REAL NOT NULL, renews_on TEXT NOT NULL,
  notice_by TEXT NOT NULL, uses_last_90_days INTEGER NOT NULL, status TEXT NOT NULL);
CREATE TABLE leads (id INTEGER PRIMARY KEY, company TEXT NOT NULL, contact TEXT NOT NULL,
  value INTEGER NOT NULL, owner TEXT NOT NULL, last_contact_at TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE follow_ups (id INTEGER PRIMARY KEY, lead_id INTEGER NOT NULL, due_on TEXT NOT NULL,
  note TEXT);
CREATE TABLE quotes (id INTEGER PRIMARY KEY, lead_id INTEGER NOT NULL, amount INTEGER NOT NULL,
  sent_on TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, supplier_id INTEGER NOT NULL, amount REAL NOT NULL,
  placed_on TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE invoices (id INTEGER PRIMARY KEY, number TEXT NOT NULL, supplier_id INTEGER NOT NULL,
  order_id INTEGER, amount REAL NOT NULL, received_on TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE service_notes (id INTEGER PRIMARY KEY, venue_id INTEGER NOT NULL, text TEXT NOT NULL,
  severity TEXT NOT NULL, raised_at TEXT NOT NULL, closed_at TEXT, assigned_to INTEGER, guest TEXT);
CREATE TABLE shipments (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, value REAL NOT NULL,
  shipped_on TEXT NOT NULL, carrier_status TEXT NOT NULL, warehouse_status TEXT NOT NULL,
  status TEXT NOT NULL);
CREATE TABLE claims (id INTEGER PRIMARY KEY, shipment_id INTEGER NOT NULL, value REAL NOT NULL,
  note TEXT);
CREATE TABLE tasks (id INTEGER PRIMARY KEY, title TEXT NOT NULL, venue_id INTEGER NOT NULL,
  done_by INTEGER NOT NULL, needs_evidence INTEGER NOT NULL, completed_at TEXT, evidence TEXT,
  status TEXT NOT NULL);
CREATE INDEX rota_by_day ON rota (venue_id, day, role);
CREATE INDEX rota_by_staff ON rota (staff_id, day);
CREATE INDEX bookings_by_start ON bookings (starts_at);
CREATE INDEX invoices_by_order ON invoices (order_id);
CREATE INDEX invoices_by_supplier ON invoices (supplier_id, status);
CREATE INDEX orders_by_supplier ON orders (supplier_id, amount);
CREATE INDEX follow_ups_by_lead ON follow_ups (lead_id);
CREATE INDEX quotes_by_lead ON quotes (lead_id);
CREATE INDEX claims_by_shipment ON claims (shipment_id);
CREATE INDEX tasks_by_staff ON tasks (done_by);
"""
# The carrier is another company, and refuses what its own rules forbid.
CARRIER_SCHEMA = """
CREATE TABLE consignments (shipment_id INTEGER PRIMARY KEY, number TEXT NOT NULL,
  is_signed_for INTEGER NOT NULL, hold_until TEXT NOT NULL);
CREATE TABLE holds (id INTEGER PRIMARY KEY, shipment_id INTEGER NOT NULL, answer TEXT NOT NULL,
  held_until TEXT, reference TEXT NOT NULL, note TEXT);
CREATE INDEX holds_by_shipment ON holds (shipment_id);
CREATE TRIGGER signed_for BEFORE INSERT ON holds
WHEN (SELECT is_signed_for FROM consignments c WHERE c.shipment_id = new.shipment_id)
BEGIN SELECT RAISE(ABORT, 'it was signed for, so it cannot be held'); END;
"""
WAREHOUSE_SCHEMA = """
CREATE TABLE deliveries (shipment_id INTEGER PRIMARY KEY, record TEXT NOT NULL, expected_on TEXT);
"""
#: For how long the carrier keeps what it finds, from the day on which it was shipped.
HOLD_DAYS = 14
#: One in so many past shipments was signed for; today's was not.
SIGNED_FOR_EVERY = 3
VENUES = ("Harbour Street", "The Vine Room", "Quayside", "Old Customs House")
ROLES = ("waiter", "chef", "shift lead", "sommelier", "accessibility host")
FIRST_NAMES = (
    "Ada",
    "Bela",
    "Cora",
    "Dina",
    "Eli",
    "Femi",
    "Gil",
    "Hana",
    "Ivo",
    "Jun",
    "Kit",
    "Lena",
    "Milo",
    "Nia",
    "Otis",
    "Pia",
    "Rafi",
    "Sol",
    "Tess",
    "Una",
)
LAST_NAMES = (
    "Abara",
    "Bright",
    "Costa",
    "Dunn",
    "Egan",
    "Flores",
    "Grey",
    "Hale",
    "Ito",
    "Jarvis",
    "Kaur",
    "Lund",
    "Marsh",
    "Novak",
    "Orr",
    "Price",
)
COMPANIES = (
    "Marlow & Sons",
    "Brightside Hotels",
    "Kestrel Events",
    "Northgate Caterers",
    "Fairweather Cruises",
    "Linden Schools",
    "Pell & Co",
    "Sable Arts",
)
SUPPLIERS = (
    "Cellar Direct",
    "Dockside Fish",
    "Greenline Produce",
    "Millstone Bakery",
    "Coldchain Dairy",
    "Bluebell Linen",
    "Rivet Repairs",
    "Ember Gas",
)
WINES = (
    "Merlot Reserve",
    "Albariño",
    "Picpoul",
    "Barolo",
    "Pinot Noir",
    "Sancerre",
    "Rioja Alta",
    "Crémant",
    "Chablis",
    "Malbec",
)
SERVICES = (
    "Booking platform",
    "Linen service",
    "Waste collection",
    "Music licence",
    "Coffee machines",
    "Pest control",
    "Card terminals",
    "Rota software",
)
NOTES = (
    "Fridge 2 reads 9 °C",
    "Wobbly step at the side door",
    "Guest waited 50 minutes for mains",
    "Extractor is loud again",
    "Allergen folder is out of date",
)
TASKS = (
    "Evening fridge temperatures",
    "Fire door check",
    "Allergen sheet signed",
    "Till count",
    "Cellar lock-up",
)
REQUESTS = {
    "sommelier": "wine pairing for the tasting menu",
    "accessibility host": "step-free table and help from the car",
}
SALES_OWNERS = ("Dev Patel", "Mina Roth", "Sam Oduya")
#: Merlot Reserve 2018.
TUTORIAL_PRODUCT = 61
PAST_EXCEPTIONS_PER_KIND = 45
#: What happens every other day: enough of it for a record on which something is let run alone.
FREQUENT_EXCEPTIONS = 120
OLDEST_EXCEPTION_DAYS = 345
#: Above 1 the company grows: the last weeks have more exceptions than those of a year ago.
GROWTH = 1.4
JITTER_STEPS = 5
#: The address of a guest whose complaint is in the service log.
GUEST_IN_LOG = "ivo.kaur@guest.example"
#: What ends an exception of each kind by itself, for the row with this id.
SETTLEMENTS = {
    "booking_no_cover": "UPDATE bookings SET status = 'cancelled' WHERE id = ?",
    "invoice_no_order": "UPDATE invoices SET status = 'withdrawn' WHERE id = ?",
    "lead_cold": "UPDATE leads SET status = 'won' WHERE id = ?",
    "low_stock": "UPDATE stock SET on_hand = expected_use WHERE product_id = ?",
    "renewal_due": "UPDATE renewals SET status = 'renegotiated' WHERE id = ?",
    "service_note_open": (
        "UPDATE service_notes SET closed_at = datetime(raised_at, '+5 days') WHERE id = ?"
    ),
    "shipment_mismatch": "UPDATE shipments SET warehouse_status = 'received' WHERE id = ?",
    "task_no_evidence": "UPDATE tasks SET evidence = 'photo-late.jpg' WHERE id = ?",
}


@dataclass(frozen=True, slots=True)
class SampleException:
    """A planted exception, and the time at which its detector finds it."""

    kind: str
    subject: str
    at: datetime


def write_database(path: Path, today: datetime, *, seed: int = 7) -> list[SampleException]:
    """Write the company's database and return its exceptions by time, today's last."""
    dice = random.Random(seed)  # noqa: S311 (a sample, not a secret)
    company = _Company(dice, today.replace(microsecond=0))
    # The order decides which numbers the dice gives to whom: another one makes another company.
    _make_fixed_tables(company)
    _make_bookings_and_rota(company)
    _make_booking_exceptions(company)
    _make_products_and_stock(company)
    _make_service_notes(company)
    _make_leads(company)
    _make_renewals(company)
    _make_invoices(company)
    _make_shipments(company)
    _make_tasks(company)
    with sqlite3.connect(path) as database:
        # As companies have it: readers do not wait for the writer.
        database.execute("PRAGMA journal_mode=WAL")
        database.executescript(SCHEMA)
        company.insert(database)
        database.commit()
    database.close()
    _write_partners(path.parent, company)
    return sorted(company.exceptions, key=attrgetter("at"))


def _write_partners(folder: Path, company: "_Company") -> None:
    """Write what the carrier and the warehouse know of the shipments."""
    shipments = company.rows("shipments")
    _write_tables(
        folder / "carrier.db",
        schema=CARRIER_SCHEMA,
        statement="INSERT INTO consignments VALUES (?, ?, ?, ?)",
        rows=[_consignment(shipment, row, len(shipments)) for shipment, row in shipments],
    )
    _write_tables(
        folder / "warehouse.db",
        schema=WAREHOUSE_SCHEMA,
        statement="INSERT INTO deliveries VALUES (?, ?, NULL)",
        rows=[(shipment, row["warehouse_status"]) for shipment, row in shipments],
    )


def _consignment(shipment: int, row: dict[str, object], last: int) -> tuple[object, ...]:
    is_signed_for = shipment % SIGNED_FOR_EVERY == 0 and shipment != last
    hold_until = date.fromisoformat(str(row["shipped_on"])) + timedelta(days=HOLD_DAYS)
    return shipment, f"C{shipment:05}", int(is_signed_for), hold_until.isoformat()


def _write_tables(
    path: Path, *, schema: str, statement: str, rows: Sequence[tuple[object, ...]]
) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA journal_mode=WAL")
        database.executescript(schema)
        database.executemany(statement, rows)


def settle_exception(path: Path, exception: SampleException) -> None:
    """Change the exception's row as if the trouble had ended by itself."""
    _, _, row_id = exception.subject.partition(":")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(SETTLEMENTS[exception.kind], [row_id])


class _Company:
    """The rows of every table, with the dice that made them."""

    def __init__(self, dice: random.Random, today: datetime) -> None:
        self.exceptions: list[SampleException] = []
        self.dice = dice
        self.today = today
        self._rows: dict[str, list[dict[str, object]]] = {}

    def add(self, table: str, **columns: object) -> int:
        """Add a row and return the ``id`` that SQLite will give it."""
        rows = self._rows.setdefault(table, [])
        rows.append(columns)
        return len(rows)

    def rows(self, table: str) -> list[tuple[int, dict[str, object]]]:
        """Return the rows of a table with their ids."""
        return list(enumerate(self._rows.get(table, []), start=1))

    def change(self, table: str, row_id: int, **columns: object) -> None:
        """Change columns of a row."""
        self._rows[table][row_id - 1].update(columns)

    def exception_times(self, count: int = PAST_EXCEPTIONS_PER_KIND) -> list[datetime]:
        """Return the times of so many exceptions, and one more now."""
        times = []
        for index in range(count):
            share = (index + self.dice.randrange(JITTER_STEPS) / JITTER_STEPS) / count
            days = int((OLDEST_EXCEPTION_DAYS - 1) * (1 - share) ** GROWTH) + 1
            at = (self.today - timedelta(days=days)).replace(
                hour=self.dice.randrange(8, 19),
                minute=self.dice.randrange(60),
                second=self.dice.randrange(60),
            )
            times.append(at)
        return [*times, self.today]

    def plant(self, kind: str, subject: str, at: datetime) -> None:
        self.exceptions.append(SampleException(kind, subject, at))

    def person_name(self) -> str:
        first = self.dice.choice(FIRST_NAMES)
        return f"{first} {self.dice.choice(LAST_NAMES)}"

    def any_venue(self) -> int:
        return self.dice.randrange(1, len(VENUES) + 1)

    def days_ago(self, days: float) -> str:
        return _date(self.today - timedelta(days=days))

    def insert(self, database: sqlite3.Connection) -> None:
        """Write all rows into the database."""
        for table, rows in self._rows.items():
            names = ", ".join(rows[0])
            marks = ", ".join(f":{name}" for name in rows[0])
            insert = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 (our own names)
            database.executemany(insert, rows)


def _make_fixed_tables(company: _Company) -> None:
    for venue in VENUES:
        company.add("venues", name=venue)
    for index in range(60):
        company.add(
            "staff",
            name=company.person_name(),
            role=ROLES[index % len(ROLES)],
            venue_id=index % len(VENUES) + 1,
        )
    for index in range(40):
        round_number = index // len(SUPPLIERS)
        suffix = f" {round_number + 1}" if round_number else ""
        name = SUPPLIERS[index % len(SUPPLIERS)] + suffix
        company.add(
            "suppliers",
            name=name,
            lead_days=company.dice.randrange(1, 3),
        )


def _make_bookings_and_rota(company: _Company) -> None:
    for days in range(360, -8, -1):
        for venue in range(1, len(VENUES) + 1):
            for _ in range(4):
                _make_booking(company, venue, company.days_ago(days))
            _make_rota(company, venue, days)


def _make_booking(company: _Company, venue: int, day: str) -> None:
    hour = company.dice.randrange(17, 22)
    minute = company.dice.choice(("00", "15", "30"))
    company.add(
        "bookings",
        venue_id=venue,
        guest=company.person_name(),
        party=company.dice.randrange(2, 9),
        starts_at=f"{day} {hour}:{minute}:00",
        request=None,
        needs_role=None,
        status="confirmed",
    )


def _make_rota(company: _Company, venue: int, days: int) -> None:
    """Put staff on the rota of a day.

    Sommeliers and accessibility hosts are on none: they are what bookings lack.
    """
    for slot in range(5):
        staff = (days * 5 + slot * 7 + venue * 3) % 60 + 1
        role = ROLES[(staff - 1) % len(ROLES)]
        if role not in REQUESTS:
            company.add(
                "rota",
                venue_id=venue,
                staff_id=staff,
                day=company.days_ago(days),
                role=role,
                note=None,
            )


def _make_booking_exceptions(company: _Company) -> None:
    for at in company.exception_times(FREQUENT_EXCEPTIONS):
        role = company.dice.choice(tuple(REQUESTS))
        # The detector looks 48 hours ahead.
        next_day = at + timedelta(hours=company.dice.randrange(20, 44))
        booking = company.add(
            "bookings",
            venue_id=company.any_venue(),
            guest=company.person_name(),
            party=company.dice.randrange(4, 13),
            starts_at=_time(next_day.replace(minute=30, second=0)),
            request=REQUESTS[role],
            needs_role=role,
            status="confirmed",
        )
        company.plant("booking_no_cover", f"booking:{booking}", at)


def _make_products_and_stock(company: _Company) -> None:
    times = company.exception_times()
    for index in range(160):
        product = _make_product(company, index)
        if index < len(times):
            _make_low_stock(company, product, times[index])
        else:
            _make_ample_stock(company, product)
    _make_tutorial_stock(company)


def _make_product(company: _Company, index: int) -> int:
    cost = round(company.dice.uniform(4, 14), 2)
    price = round(cost * company.dice.uniform(2.9, 4.2), 2)
    return company.add(
        "products",
        name=f"{WINES[index % len(WINES)]} {2012 + index // len(WINES)}",
        unit="bottles",
        cost=cost,
        price=price,
        margin=round(1 - cost / price, 3),
        supplier_id=index % 5 * 8 + 1,
    )


def _make_low_stock(company: _Company, product: int, at: datetime) -> None:
    # The detector looks five days ahead, for less on hand than the peak uses.
    peak = at + timedelta(days=company.dice.randrange(3, 5))
    company.add(
        "stock",
        product_id=product,
        on_hand=company.dice.randrange(3, 10),
        on_order=0,
        expected_use=company.dice.randrange(24, 40),
        next_peak_on=_date(peak),
    )
    company.plant("low_stock", f"product:{product}", at)


def _make_ample_stock(company: _Company, product: int) -> None:
    company.add(
        "stock",
        product_id=product,
        on_hand=company.dice.randrange(60, 120),
        on_order=0,
        expected_use=company.dice.randrange(10, 40),
        next_peak_on=company.days_ago(-company.dice.randrange(1, 9)),
    )


def _make_tutorial_stock(company: _Company) -> None:
    """Run low on the product that the README's first signal names.

    The detector finds it too, a few days from now.
    """
    company.change(
        "stock",
        TUTORIAL_PRODUCT,
        on_hand=8,
        expected_use=32,
        next_peak_on=company.days_ago(-8),
    )


def _make_service_notes(company: _Company) -> None:
    for days in range(355, 0, -1):
        for _ in range(3):
            raised_at = f"{company.days_ago(days)} {company.dice.randrange(10, 23)}:10:00"
            company.add(
                "service_notes",
                venue_id=company.any_venue(),
                text=company.dice.choice(NOTES),
                severity="low",
                raised_at=raised_at,
                closed_at=f"{company.days_ago(days - 1)} 11:00:00",
                assigned_to=None,
                guest=None,
            )
    for at in company.exception_times(FREQUENT_EXCEPTIONS):
        # The detector looks for open notes of three to ten days ago.
        raising = at - timedelta(days=4, hours=company.dice.randrange(1, 40))
        note = company.add(
            "service_notes",
            venue_id=company.any_venue(),
            text=company.dice.choice(NOTES),
            severity=company.dice.choice(("medium", "high")),
            raised_at=_time(raising),
            closed_at=None,
            assigned_to=None,
            guest=None,
        )
        company.plant("service_note_open", f"service_note:{note}", at)
    # A guest who complained on the spot, and writes about it as well.
    company.add(
        "service_notes",
        venue_id=1,
        text="Soup served cold, replaced and taken off the bill",
        severity="low",
        raised_at=f"{company.days_ago(1)} 20:40:00",
        closed_at=f"{company.days_ago(1)} 22:00:00",
        assigned_to=None,
        guest=GUEST_IN_LOG,
    )


def _make_leads(company: _Company) -> None:
    for days in range(355, 0, -1):
        for _ in range(4):
            _make_old_lead(company, company.days_ago(days))
    for at in company.exception_times():
        # The detector looks for warm leads without contact for two to seven days.
        last_contact = at - timedelta(hours=company.dice.randrange(50, 90))
        lead = company.add(
            "leads",
            company=company.dice.choice(COMPANIES),
            contact=company.person_name(),
            value=company.dice.randrange(800, 12000),
            owner=company.dice.choice(SALES_OWNERS),
            last_contact_at=_time(last_contact),
            status="warm",
        )
        amount = company.dice.randrange(500, 9000)
        company.add(
            "quotes",
            lead_id=lead,
            amount=amount,
            sent_on=_date(last_contact),
        )
        company.plant("lead_cold", f"lead:{lead}", at)


def _make_old_lead(company: _Company, day: str) -> None:
    lead = company.add(
        "leads",
        company=company.dice.choice(COMPANIES),
        contact=company.person_name(),
        value=company.dice.randrange(400, 9000),
        owner=company.dice.choice(SALES_OWNERS),
        last_contact_at=f"{day} 15:00:00",
        status=company.dice.choice(("won", "lost", "cold")),
    )
    company.add(
        "quotes",
        lead_id=lead,
        amount=company.dice.randrange(300, 8000),
        sent_on=day,
    )


def _make_renewals(company: _Company) -> None:
    for at in company.exception_times():
        # The detector looks a week ahead, for costs that rise by more than 5 %.
        notice_by = at + timedelta(days=company.dice.randrange(3, 6))
        yearly_cost = company.dice.randrange(300, 5000)
        renewal = company.add(
            "renewals",
            supplier_id=company.dice.randrange(1, 41),
            service=company.dice.choice(SERVICES),
            yearly_cost=yearly_cost,
            new_cost=round(yearly_cost * company.dice.uniform(1.08, 1.4)),
            renews_on=_date(notice_by + timedelta(days=30)),
            notice_by=_date(notice_by),
            uses_last_90_days=_uses_of_service(company, at),
            status="active",
        )
        company.plant("renewal_due", f"renewal:{renewal}", at)


def _uses_of_service(company: _Company, at: datetime) -> int:
    """Return how often a service was used, mostly too rarely."""
    is_rare = company.dice.random() < 0.8 or at == company.today
    return company.dice.randrange(0, 14) if is_rare else 60


def _make_invoices(company: _Company) -> None:
    for days in range(355, 6, -1):
        for _ in range(5):
            _make_paid_invoice(company, days)
    for index, at in enumerate(company.exception_times()):
        _make_invoice_without_order(company, index, at)


def _make_paid_invoice(company: _Company, days: int) -> None:
    supplier = company.dice.randrange(1, 41)
    amount = round(company.dice.uniform(60, 2400), 2)
    order = company.add(
        "orders",
        supplier_id=supplier,
        amount=amount,
        placed_on=company.days_ago(days + 4),
        status="delivered",
    )
    company.add(
        "invoices",
        number=f"INV-{days:03d}{order:05d}",
        supplier_id=supplier,
        order_id=order,
        amount=amount,
        received_on=company.days_ago(days),
        status="paid",
    )


def _make_invoice_without_order(company: _Company, index: int, at: datetime) -> None:
    """Add an invoice that names no order.

    Two of three have a matching order nevertheless.
    """
    supplier = company.dice.randrange(1, 9)
    amount = round(company.dice.uniform(90, 3600), 2)
    # An order of the same amount that no invoice names: the invoice may be for it.
    if index % 3 != 1:
        company.add(
            "orders",
            supplier_id=supplier,
            amount=amount,
            placed_on=_date(at - timedelta(days=6)),
            status="delivered",
        )
    invoice = company.add(
        "invoices",
        number=f"INV-X{index:04d}",
        supplier_id=supplier,
        order_id=None,
        amount=amount,
        received_on=_date(at - timedelta(days=1)),
        status="received",
    )
    company.plant("invoice_no_order", f"invoice:{invoice}", at)


def _make_shipments(company: _Company) -> None:
    for days in range(355, 6, -1):
        for _ in range(5):
            company.add(
                "shipments",
                customer=company.dice.choice(COMPANIES),
                value=round(company.dice.uniform(80, 1800), 2),
                shipped_on=company.days_ago(days),
                carrier_status="delivered",
                warehouse_status="received",
                status="closed",
            )
    for at in company.exception_times():
        # Delivered, says the carrier; the warehouse disagrees.
        shipment = company.add(
            "shipments",
            customer=company.dice.choice(COMPANIES),
            value=round(company.dice.uniform(120, 2200), 2),
            shipped_on=_date(at - timedelta(days=2)),
            carrier_status="delivered",
            warehouse_status=company.dice.choice(("not received", "two cases short")),
            status="open",
        )
        company.plant("shipment_mismatch", f"shipment:{shipment}", at)


def _make_tasks(company: _Company) -> None:
    for days in range(355, 0, -1):
        for venue in range(1, len(VENUES) + 1):
            company.add(
                "tasks",
                title=company.dice.choice(TASKS),
                venue_id=venue,
                done_by=company.dice.randrange(1, 61),
                needs_evidence=1,
                completed_at=f"{company.days_ago(days)} 23:05:00",
                evidence=f"photo-{days}-{venue}.jpg",
                status="complete",
            )
    for at in company.exception_times(FREQUENT_EXCEPTIONS):
        # The detector looks two days back.
        completion = at - timedelta(hours=company.dice.randrange(2, 30))
        task = company.add(
            "tasks",
            title=company.dice.choice(TASKS),
            venue_id=company.any_venue(),
            done_by=company.dice.randrange(1, 61),
            needs_evidence=1,
            completed_at=_time(completion),
            evidence=None,
            status="complete",
        )
        company.plant("task_no_evidence", f"task:{task}", at)


def _date(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
