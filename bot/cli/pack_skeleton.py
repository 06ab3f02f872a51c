"""The files of a new pack, which passes its check as it is."""

import re
from pathlib import Path

from bot.cases.errors import BadRequest

_NAME = re.compile(r"[a-z][a-z0-9_]{1,48}")

PACK = """\
name: NAME
title: Your trade
description: What this pack watches over, in one sentence.
version: 0.1.0
# The figures that show whether it earns its keep.
measures:
  - kind: order_late
    watch: share of late orders whose customer was told before they asked
    why: Whoever is told early forgives.
"""
SYSTEMS = """\
# The systems and what may be done there. url_env names the variable with the address; nothing secret stands in this file.
systems:
  house:
    title: operations system
    connector: sql
    url_env: COMPANY_DATABASE_URL
    timeout: 1500ms
    actions:
      promise_day:
        title: Promise another day
        parameters: {order_id: integer, day: date}
        titles: {order_id: Order, day: Day}
        target: "order:{order_id}"
        summary: "Promise order {order_id} to {customer} for {day}"
        done: "Promised order {order_id} to {customer} for {day}"
        preview: "order {order_id} is promised for {day}; now it is {due_on}"
        # A SELECT whose one row must be as it was when the plan was made.
        precondition: "SELECT customer, due_on, status FROM orders WHERE id = :order_id"
        statement: "UPDATE orders SET due_on = :day WHERE id = :order_id AND status = 'open'"
        undo_for: 30m
        undo: "UPDATE orders SET due_on = :was_due_on WHERE id = :order_id AND due_on = :day"
"""
POLICY = """\
# What may run, and who must say yes. An empty list means nobody.
currency: GBP
medium_above: 250
high_above: 2500
largest_scope: 5
tiers:
  low: {approvers: [{group: floor-managers}], expires: 24h}
  medium: {approvers: [{group: ops-leads}], expires: 24h}
  high: {approvers: [{group: ops-leads}, {group: finance}], expires: 8h}
emergency: {group: owners, review_for: 48h}
# What is not listed here never runs.
actions:
  house.promise_day: {times_per_day: 40}
window: 24h
"""
CHANNELS = """\
# Working hours, and what people call each channel.
default: {zone: Europe/London, days: [mon, tue, wed, thu, fri], open: "09:00-18:00", holidays: none, digest: "09:00", review: mon}
titles:
  C0OPS: operations
"""
PLAYBOOK = """\
kind: order_late
title: Order that is late
channel: C0OPS # operations
# What people say when they report such a case: recognition learns from it.
examples:
  - An order is late and nobody has told the customer
  - The customer asks where the order is
# Each row is a case. :now is always given. Its columns besides subject and title are facts, like signal.order_id below.
signal:
  system: house
  every: 5m
  query: |
    SELECT 'order:' || o.id AS subject, 'Order ' || o.id || ' of ' || o.customer || ' is late' AS title, o.id AS order_id
    FROM orders o WHERE o.status = 'open' AND o.due_on BETWEEN date(:now, '-14 days') AND date(:now, '-1 day')
  choices: |
    SELECT 'Order ' || o.id || ' of ' || o.customer AS title, o.id AS order_id FROM orders o WHERE o.status = 'open' ORDER BY o.due_on
what: "Order {order.order_id} of {order.customer} over £{order.value} was due on {order.due_on}."
evidence:
  - name: order
    system: house
    query: SELECT id AS order_id, customer, value, due_on, date(:now, '+2 days') AS next_day FROM orders WHERE id = :order_id
    parameters: {order_id: signal.order_id}
    show: {customer: Customer, value: Worth (£), due_on: Due}
stake: {amount: order.value, why: "{order.customer} waits since {order.due_on}."}
actions:
  - action: house.promise_day
    parameters: {order_id: signal.order_id, day: order.next_day}
    edit: [day]
    reason: "A day that can be kept is better than one that has passed."
approval: {approvers: [{group: ops-leads}], expires: 24h}
owners: {business: ops-leads, operations: ops-leads, technical: ops-leads, governance: owners, next: owners}
measure: {decide_for: 4h, resolve_for: 48h, follow_up_for: 10m, denominator: orders}
"""
COMPANY = """\
-- A made-up company, made anew for every trial. All days are counted from today. Plant what must be found, and what only looks like it.
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, value REAL NOT NULL, due_on TEXT NOT NULL, status TEXT NOT NULL);
INSERT INTO orders VALUES
  (1, 'Marlow & Sons', 420.0, date('now', '-3 days'), 'open'),
  (2, 'Pell & Co', 90.0, date('now', '+3 days'), 'open'),
  (3, 'Sable Arts', 150.0, date('now', '-3 days'), 'delivered');
"""
EXPECTATIONS = """\
# What each playbook must find in the company, with its plan, and what it must leave alone.
kinds:
  order_late:
    found: {"order:1": [house.promise_day]}
    absent: {"order:2": it is not due yet, "order:3": it was delivered}
"""
EXAMPLE = (
    '{"kind": "order_late", "subject": "order:1", "title": "Order 1 is late",'
    ' "facts": {"order_id": 1}}\n'
)


def write_skeleton(folder: Path) -> None:
    """Write the files of a new pack, named like its folder.

    Raises:
        BadRequest: the folder's name cannot be that of a pack.
    """
    name = folder.name.replace("-", "_")
    if not _NAME.fullmatch(name):
        raise BadRequest(
            f"a pack is called like its folder, in small letters, digits and _; not {folder.name}"
        )
    files = {
        "pack.yml": PACK.replace("NAME", name),
        "systems.yml": SYSTEMS,
        "policy.yml": POLICY,
        "channels.yml": CHANNELS,
        "playbooks/order_late.yml": PLAYBOOK,
        "company.sql": COMPANY,
        "expectations.yml": EXPECTATIONS,
        "examples/order_late.jsonl": EXAMPLE,
    }
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
