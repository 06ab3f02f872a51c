"""The sample company's system of record: a year of business in SQLite, made by a seeded generator around a given day.

Beside the ordinary rows it plants trouble: about fifty past troubles of each kind, spread over the year, and one of each today.
"""

import random
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

SCHEMA = """
CREATE TABLE venues (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE staff (id INTEGER PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, venue_id INTEGER NOT NULL REFERENCES venues);
CREATE TABLE bookings (id INTEGER PRIMARY KEY, venue_id INTEGER NOT NULL, guest TEXT NOT NULL, party INTEGER NOT NULL,
  starts_at TEXT NOT NULL, request TEXT, needs_role TEXT, status TEXT NOT NULL);
CREATE TABLE rota (id INTEGER PRIMARY KEY, venue_id INTEGER NOT NULL, staff_id INTEGER NOT NULL, day TEXT NOT NULL, role TEXT NOT NULL, note TEXT);
CREATE TABLE suppliers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, lead_days INTEGER NOT NULL);
CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, unit TEXT NOT NULL, cost REAL NOT NULL, price REAL NOT NULL,
  margin REAL NOT NULL, supplier_id INTEGER NOT NULL REFERENCES suppliers);
CREATE TABLE stock (product_id INTEGER PRIMARY KEY REFERENCES products, on_hand INTEGER NOT NULL, on_order INTEGER NOT NULL,
  expected_use INTEGER NOT NULL, next_peak_on TEXT NOT NULL);
CREATE TABLE renewals (id INTEGER PRIMARY KEY, supplier_id INTEGER NOT NULL, service TEXT NOT NULL, yearly_cost REAL NOT NULL,
  new_cost REAL NOT NULL, renews_on TEXT NOT NULL, notice_by TEXT NOT NULL, uses_last_90_days INTEGER NOT NULL, status TEXT NOT NULL);
CREATE TABLE leads (id INTEGER PRIMARY KEY, company TEXT NOT NULL, contact TEXT NOT NULL, value INTEGER NOT NULL, owner TEXT NOT NULL,
  last_contact_at TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE follow_ups (id INTEGER PRIMARY KEY, lead_id INTEGER NOT NULL, due_on TEXT NOT NULL, note TEXT);
CREATE TABLE quotes (id INTEGER PRIMARY KEY, lead_id INTEGER NOT NULL, amount INTEGER NOT NULL, sent_on TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, supplier_id INTEGER NOT NULL, amount REAL NOT NULL, placed_on TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE invoices (id INTEGER PRIMARY KEY, number TEXT NOT NULL, supplier_id INTEGER NOT NULL, order_id INTEGER, amount REAL NOT NULL,
  received_on TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE service_notes (id INTEGER PRIMARY KEY, venue_id INTEGER NOT NULL, text TEXT NOT NULL, severity TEXT NOT NULL,
  raised_at TEXT NOT NULL, closed_at TEXT, assigned_to INTEGER);
CREATE TABLE shipments (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, value REAL NOT NULL, shipped_on TEXT NOT NULL,
  carrier_status TEXT NOT NULL, warehouse_status TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE claims (id INTEGER PRIMARY KEY, shipment_id INTEGER NOT NULL, value REAL NOT NULL, note TEXT);
CREATE TABLE tasks (id INTEGER PRIMARY KEY, title TEXT NOT NULL, venue_id INTEGER NOT NULL, done_by INTEGER NOT NULL,
  needs_evidence INTEGER NOT NULL, completed_at TEXT, evidence TEXT, status TEXT NOT NULL);
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
VENUES = ("Harbour Street", "The Vine Room", "Quayside", "Old Customs House")
ROLES = ("waiter", "chef", "shift lead", "sommelier", "accessibility host")
FIRST = (
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
LAST = (
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
PAST_OF_EACH = 53


@dataclass(frozen=True, slots=True)
class Trouble:
    """A planted trouble: its kind, the row's subject, and a time at which its detection finds it."""

    kind: str
    subject: str
    at: datetime


def build(path: Path, today: datetime, *, seed: int = 7) -> list[Trouble]:
    """Write the company's database and return its troubles in order of time; those of today come last."""
    maker = _Maker(random.Random(seed), today.replace(microsecond=0))  # noqa: S311 (a sample, not a secret)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.executescript(SCHEMA)
        maker.fill(database)
        database.commit()
    database.close()
    return sorted(maker.troubles, key=lambda trouble: trouble.at)


class _Maker:
    def __init__(self, dice: random.Random, today: datetime) -> None:
        self.dice = dice
        self.today = today
        self.troubles: list[Trouble] = []
        self._rows: dict[str, list[tuple[object, ...]]] = {}

    def fill(self, database: sqlite3.Connection) -> None:
        self._fixed()
        for make in (
            self._bookings,
            self._stock,
            self._notes,
            self._leads,
            self._renewals,
            self._invoices,
            self._shipments,
            self._tasks,
        ):
            make()
        for table, rows in self._rows.items():
            marks = ",".join("?" * len(rows[0]))
            database.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 (our own table names)

    def _add(self, table: str, *values: object) -> int:
        rows = self._rows.setdefault(table, [])
        rows.append((len(rows) + 1, *values))
        return len(rows)

    def _moments(self) -> list[datetime]:
        """When the troubles of one kind arise: spread over the year at working hours, and once an hour ago."""
        past = []
        for index in range(PAST_OF_EACH):
            day = self.today - timedelta(days=345 - index * 6 - self.dice.randrange(5))
            past.append(
                day.replace(
                    hour=self.dice.randrange(8, 19),
                    minute=self.dice.randrange(60),
                    second=self.dice.randrange(60),
                )
            )
        return [*past, self.today]

    def _trouble(self, kind: str, subject: str, at: datetime) -> None:
        self.troubles.append(Trouble(kind, subject, at))

    def _name(self) -> str:
        return f"{self.dice.choice(FIRST)} {self.dice.choice(LAST)}"

    def _day(self, ago: float) -> str:
        return f"{self.today - timedelta(days=ago):%Y-%m-%d}"

    def _fixed(self) -> None:
        for venue in VENUES:
            self._add("venues", venue)
        for index in range(60):
            self._add("staff", self._name(), ROLES[index % len(ROLES)], index % len(VENUES) + 1)
        for index in range(40):
            self._add(
                "suppliers",
                f"{SUPPLIERS[index % 8]}{'' if index < 8 else f' {index // 8 + 1}'}",
                self.dice.randrange(1, 3),
            )

    def _bookings(self) -> None:
        for ago in range(360, -8, -1):
            for venue in range(1, 5):
                for _ in range(4):
                    starts = f"{self._day(ago)} {self.dice.randrange(17, 22)}:{self.dice.choice(('00', '15', '30'))}:00"
                    self._add(
                        "bookings",
                        venue,
                        self._name(),
                        self.dice.randrange(2, 9),
                        starts,
                        None,
                        None,
                        "confirmed",
                    )
                for slot in range(5):
                    staff = (ago * 5 + slot * 7 + venue * 3) % 60 + 1
                    if (staff - 1) % len(ROLES) < 3:
                        self._add(
                            "rota",
                            venue,
                            staff,
                            self._day(ago),
                            ROLES[(staff - 1) % len(ROLES)],
                            None,
                        )
        for at in self._moments():
            role = self.dice.choice(tuple(REQUESTS))
            moment = (at + timedelta(hours=self.dice.randrange(20, 44))).replace(
                minute=30, second=0
            )
            venue = self.dice.randrange(1, 5)
            booking = self._add(
                "bookings",
                venue,
                self._name(),
                self.dice.randrange(4, 13),
                f"{moment:%Y-%m-%d %H:%M:%S}",
                REQUESTS[role],
                role,
                "confirmed",
            )
            self._trouble("booking_no_cover", f"booking:{booking}", at)

    def _stock(self) -> None:
        moments = self._moments()
        for index in range(160):
            cost = round(self.dice.uniform(4, 14), 2)
            price = round(cost * self.dice.uniform(2.9, 4.2), 2)
            product = self._add(
                "products",
                f"{WINES[index % 10]} {2012 + index // 10}",
                "bottles",
                cost,
                price,
                round(1 - cost / price, 3),
                index % 5 * 8 + 1,
            )
            if index < len(moments):
                at = moments[index]
                peak = at + timedelta(days=self.dice.randrange(3, 5))
                self._rows.setdefault("stock", []).append(
                    (
                        product,
                        self.dice.randrange(3, 10),
                        0,
                        self.dice.randrange(24, 40),
                        f"{peak:%Y-%m-%d}",
                    )
                )
                self._trouble("low_stock", f"product:{product}", at)
            else:
                self._rows["stock"].append(
                    (
                        product,
                        self.dice.randrange(60, 120),
                        0,
                        self.dice.randrange(10, 40),
                        self._day(-self.dice.randrange(1, 9)),
                    )
                )

    def _notes(self) -> None:
        for ago in range(355, 0, -1):
            for _ in range(3):
                raised = f"{self._day(ago)} {self.dice.randrange(10, 23)}:10:00"
                self._add(
                    "service_notes",
                    self.dice.randrange(1, 5),
                    self.dice.choice(NOTES),
                    "low",
                    raised,
                    f"{self._day(ago - 1)} 11:00:00",
                    None,
                )
        for at in self._moments():
            noted = at - timedelta(days=4, hours=self.dice.randrange(1, 40))
            note = self._add(
                "service_notes",
                self.dice.randrange(1, 5),
                self.dice.choice(NOTES),
                self.dice.choice(("medium", "high")),
                f"{noted:%Y-%m-%d %H:%M:%S}",
                None,
                None,
            )
            self._trouble("service_note_open", f"service_note:{note}", at)

    def _leads(self) -> None:
        owners = ("Dev Patel", "Mina Roth", "Sam Oduya")
        for ago in range(355, 0, -1):
            for _ in range(4):
                lead = self._add(
                    "leads",
                    self.dice.choice(COMPANIES),
                    self._name(),
                    self.dice.randrange(400, 9000),
                    self.dice.choice(owners),
                    f"{self._day(ago)} 15:00:00",
                    self.dice.choice(("won", "lost", "cold")),
                )
                self._add("quotes", lead, self.dice.randrange(300, 8000), self._day(ago))
        for at in self._moments():
            last = at - timedelta(hours=self.dice.randrange(50, 90))
            lead = self._add(
                "leads",
                self.dice.choice(COMPANIES),
                self._name(),
                self.dice.randrange(800, 12000),
                self.dice.choice(owners),
                f"{last:%Y-%m-%d %H:%M:%S}",
                "warm",
            )
            self._add("quotes", lead, self.dice.randrange(500, 9000), f"{last:%Y-%m-%d}")
            self._trouble("lead_cold", f"lead:{lead}", at)

    def _renewals(self) -> None:
        for at in self._moments():
            notice = at + timedelta(days=self.dice.randrange(3, 6))
            yearly = self.dice.randrange(300, 5000)
            renewal = self._add(
                "renewals",
                self.dice.randrange(1, 41),
                self.dice.choice(SERVICES),
                yearly,
                round(yearly * self.dice.uniform(1.08, 1.4)),
                f"{notice + timedelta(days=30):%Y-%m-%d}",
                f"{notice:%Y-%m-%d}",
                self.dice.randrange(0, 14) if self.dice.random() < 0.8 or at == self.today else 60,
                "active",
            )
            self._trouble("renewal_due", f"renewal:{renewal}", at)

    def _invoices(self) -> None:
        for ago in range(355, 6, -1):
            for _ in range(5):
                supplier, amount = self.dice.randrange(1, 41), round(self.dice.uniform(60, 2400), 2)
                order = self._add("orders", supplier, amount, self._day(ago + 4), "delivered")
                self._add(
                    "invoices",
                    f"INV-{ago:03d}{order:05d}",
                    supplier,
                    order,
                    amount,
                    self._day(ago),
                    "paid",
                )
        for index, at in enumerate(self._moments()):
            supplier, amount = self.dice.randrange(1, 9), round(self.dice.uniform(90, 3600), 2)
            if index % 3 != 1:
                self._add(
                    "orders", supplier, amount, f"{at - timedelta(days=6):%Y-%m-%d}", "delivered"
                )
            invoice = self._add(
                "invoices",
                f"INV-X{index:04d}",
                supplier,
                None,
                amount,
                f"{at - timedelta(days=1):%Y-%m-%d}",
                "received",
            )
            self._trouble("invoice_no_order", f"invoice:{invoice}", at)

    def _shipments(self) -> None:
        for ago in range(355, 6, -1):
            for _ in range(5):
                self._add(
                    "shipments",
                    self.dice.choice(COMPANIES),
                    round(self.dice.uniform(80, 1800), 2),
                    self._day(ago),
                    "delivered",
                    "received",
                    "closed",
                )
        for at in self._moments():
            shipment = self._add(
                "shipments",
                self.dice.choice(COMPANIES),
                round(self.dice.uniform(120, 2200), 2),
                f"{at - timedelta(days=2):%Y-%m-%d}",
                "delivered",
                self.dice.choice(("not received", "two cases short")),
                "open",
            )
            self._trouble("shipment_mismatch", f"shipment:{shipment}", at)

    def _tasks(self) -> None:
        for ago in range(355, 0, -1):
            for venue in range(1, 5):
                self._add(
                    "tasks",
                    self.dice.choice(TASKS),
                    venue,
                    self.dice.randrange(1, 61),
                    1,
                    f"{self._day(ago)} 23:05:00",
                    f"photo-{ago}-{venue}.jpg",
                    "complete",
                )
        for at in self._moments():
            done = at - timedelta(hours=self.dice.randrange(2, 30))
            task = self._add(
                "tasks",
                self.dice.choice(TASKS),
                self.dice.randrange(1, 5),
                self.dice.randrange(1, 61),
                1,
                f"{done:%Y-%m-%d %H:%M:%S}",
                None,
                "complete",
            )
            self._trouble("task_no_evidence", f"task:{task}", at)
