"""What newcomers get wrong: each mistake is found, with its place and what to do."""

import json
import sqlite3
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from bot.cases.finding import Finding, Severity
from bot.cli import terminal
from bot.cli.app import COUNTERSIGN
from bot.cli.findings import find_all_problems, group_by_cause, print_findings
from bot.connectors import sql_mysql
from bot.settings import PACKAGED_LIBRARY, load
from tests.servers import create_database

TABLES = """
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, status TEXT, placed_on TEXT,
  total NUMERIC, margin_at_risk NUMERIC);
CREATE TABLE notes (id INTEGER PRIMARY KEY, order_id INTEGER, text TEXT);
INSERT INTO orders VALUES (1, 'Ana', 'open', '2026-01-01', 90, 30);
"""
POLICY = """\
currency: EUR
medium_above: 100
high_above: 500
tiers:
  low: {approvers: [{group: floor-managers}], expires: 24h}
  medium: {approvers: [{group: floor-managers}], expires: 24h}
  high: {approvers: [{group: finance}], expires: 8h}
actions:
  shop.hurry: {per_plan: 200, amount_per_day: 1000, times_per_day: 50}
"""
SYSTEMS = """\
systems:
  shop:
    title: shop system
    connector: sql
    url_env: SHOP_URL
    timeout: 1500ms
    actions:
      hurry:
        title: Hurry the order
        parameters: {order_id: integer, reason: text}
        titles: {order_id: Order, reason: Reason}
        target: "order:{order_id}"
        summary: "Hurry the order of {customer}"
        done: "Hurried the order of {customer}"
        preview: "the order of {customer} is urgent"
        amount: total
        precondition: "SELECT customer, status, total FROM orders WHERE id = :order_id"
        statement: "UPDATE orders SET status = 'urgent' WHERE id = :order_id"
        undo: "UPDATE orders SET status = :was_status WHERE id = :order_id"
"""
CHANNELS = """\
default: {zone: Europe/Berlin, days: [mon, tue], open: "08:00-18:00"}
titles: {C0ORDERS: orders, C0OTHER: other}
"""
SOURCES = """\
sources:
  shop_hook:
    format: signal
    token_env: [SHOP_HOOK_TOKEN]
"""
PLAYBOOK = """\
kind: late_order
title: Order that is late
channel: C0ORDERS
examples: [An order is late, Where is the parcel of Ana, It was not sent, Still waiting]
signal:
  system: shop
  every: 60s
  query: |
    SELECT 'order:' || id AS subject, customer || ' waits' AS title, id AS order_id
    FROM orders WHERE status = 'open' AND placed_on < :now
what: "{order.customer} has waited since {order.placed_on}."
brief: "{order.total} ordered"
evidence:
  - name: order
    system: shop
    query: SELECT customer, placed_on, total, margin_at_risk FROM orders WHERE id = :order_id
    parameters: {order_id: signal.order_id}
    show: {customer: Customer, total: Total}
  - name: notes
    system: shop
    query: SELECT COUNT(*) AS number FROM notes WHERE order_id = :order_id
    parameters: {order_id: signal.order_id}
stake: {amount: order.margin_at_risk, why: "{order.customer} may leave."}
actions:
  - action: shop.hurry
    when: "notes.number == `0`"
    otherwise: "Somebody wrote {notes.number} notes already."
    parameters: {order_id: signal.order_id, reason: "'late'"}
    reason: "{order.customer} waits."
approval: {expires: 24h}
owners: {business: floor-managers, operations: floor-managers, technical: finance, governance: finance, next: finance}
measure: {decide_for: 4h, resolve_for: 24h, follow_up_for: 10m, denominator: orders}
"""
UNRECOGNISED = """\
kind: unrecognised
title: Something else
channel: C0OTHER
what: "{signal.title}"
stake: {why: Nobody knows.}
approval: {expires: 24h}
owners: {business: floor-managers, operations: floor-managers, technical: finance, governance: finance, next: finance}
measure: {decide_for: 4h, resolve_for: 24h, follow_up_for: 10m, denominator: cases}
"""
FILES = {
    "policy.yml": POLICY,
    "systems.yml": SYSTEMS,
    "channels.yml": CHANNELS,
    "sources.yml": SOURCES,
    "playbooks/late_order.yml": PLAYBOOK,
    "playbooks/unrecognised.yml": UNRECOGNISED,
}
LATE, UNKNOWN = "playbooks/late_order.yml", "playbooks/unrecognised.yml"
BANK = """\
  bank:
    title: bank
    connector: http
    base_url: {address}
    hosts: [127.0.0.1]
    private_hosts: [127.0.0.1]
    token_env: BANK_TOKEN
    lookups:
      balance: {{path: /{path}, fields: {{balance: amount}}}}
"""


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A change of one file, and what must be said about it."""

    name: str
    file: str
    before: str
    after: str
    #: The text at whose first letter the finding is; in the changed file.
    at: str
    #: Part of the sentence.
    says: str
    #: Part of the suggestion.
    suggests: str = ""
    is_hint: bool = False
    variables: dict[str, str] = field(default_factory=dict)


def mistake(name, file, before, after, *, at, says, suggests="", **more) -> Mistake:
    return Mistake(
        name=name,
        file=file,
        before=before,
        after=after,
        at=at,
        says=says,
        suggests=suggests,
        **more,
    )


MISTAKES = [
    # --- columns and tables ---
    mistake("column of a signal", LATE, "'order:' || id AS", "'order:' || idd AS",
            at="idd", says="no such column: idd", suggests="id"),
    mistake("table", LATE, "FROM notes", "FROM note",
            at="note WHERE", says="no such table: note", suggests="Did you mean notes?"),
    mistake("column of evidence", LATE, "margin_at_risk FROM", "margin_at_rsk FROM",
            at="margin_at_rsk FROM", says="no such column: margin_at_rsk",
            suggests="Did you mean margin_at_risk?"),
    mistake("column in the stake", LATE, "order.margin_at_risk", "order.margin_at_rsk",
            at="order.margin_at_rsk", says="order has no margin_at_rsk",
            suggests="Did you mean margin_at_risk?"),
    mistake("column in a precondition", "systems.yml", "SELECT customer, status, total FROM",
            "SELECT customer, statis, total FROM",
            at="statis", says="no such column: statis", suggests="Did you mean status?"),
    mistake("column in a statement", "systems.yml", "SET status = 'urgent'", "SET sttus = 'urgent'",
            at="sttus", says="no such column: sttus", suggests="Did you mean status?"),
    mistake("column in a template", LATE, "{order.placed_on}", "{order.plced_on}",
            at="order.plced_on", says="order has no plced_on", suggests="Did you mean placed_on?"),
    mistake("column in a sentence of an action", "systems.yml", 'preview: "the order of {customer}',
            'preview: "the order of {custmer}',
            at="custmer", says="reads no column custmer", suggests="Did you mean customer?"),
    mistake("column to show", LATE, "show: {customer: Customer, total: Total}",
            "show: {customer: Customer, totl: Total}",
            at="totl", says="order gives no column totl", suggests="Did you mean total?"),
    mistake("no subject", LATE, "AS subject", "AS sbject",
            at="sbject", says="the query gives no column subject", suggests="AS subject"),
    mistake("fact of the signal", LATE, "order_id: signal.order_id, reason",
            "order_id: signal.orderid, reason",
            at="signal.orderid", says="signal has no orderid", suggests="Did you mean order_id?"),
    mistake("look-up in a condition", LATE, "notes.number == `0`", "note.number == `0`",
            at="note.number", says="there is no look-up note", suggests="Did you mean notes?"),
    mistake("bare true", LATE, "notes.number == `0`", "notes.number == true",
            at="true", says="true is read as the name of a fact", suggests="`true`"),
    mistake("amount", "systems.yml", "amount: total", "amount: totals",
            at="totals", says="the amount of shop.hurry is totals", suggests="total"),
    mistake("two look-ups of one name", LATE, "- name: notes", "- name: order",
            at="name: order\n    system: shop\n    query: SELECT COUNT",
            says="another look-up is already called order", suggests="something else"),
    mistake("look-up that writes", LATE, "query: SELECT COUNT(*) AS number FROM notes WHERE",
            "query: DELETE FROM notes WHERE", at="query: DELETE", says="must be a SELECT"),
    mistake("statement that reads", "systems.yml", "UPDATE orders SET status = 'urgent' WHERE",
            "SELECT status FROM orders WHERE", at='statement: "SELECT',
            says="must be an INSERT, UPDATE or DELETE"),
    mistake("syntax", "systems.yml", "UPDATE orders SET status = :was_status WHERE",
            "UPDATE orders SETT status = :was_status WHERE", at="SETT",
            says='near "SETT": syntax error'),
    # --- parameters ---
    mistake("parameter that is not declared", "systems.yml", "'urgent' WHERE id = :order_id",
            "'urgent' WHERE id = :ordr_id",
            at="ordr_id", says="nothing fills :ordr_id", suggests="Did you mean order_id?"),
    mistake("parameter that is not given", LATE, "parameters: {order_id: signal.order_id, reason: "
            "\"'late'\"}", "parameters: {order_id: signal.order_id}",
            at="shop.hurry", says="shop.hurry takes order_id, reason; given order_id",
            suggests="Give reason"),
    mistake("undo of a column that is not read", "systems.yml", ":was_status", ":was_state",
            at="was_state", says="nothing fills :was_state", suggests="Did you mean was_status?"),
    mistake("type", "systems.yml", "order_id: integer", "order_id: integr",
            at="order_id: integr", says="Input should be", suggests="Did you mean integer?"),
    # --- policy ---
    mistake("action without a limit", "policy.yml", "  shop.hurry: {", "  shop.hury: {",
            at="shop.hurry", says="policy.yml does not list 'shop.hurry'"),
    mistake("limit of an unknown action", "policy.yml", "times_per_day: 50}",
            "times_per_day: 50}\n  shop.hury: {times_per_day: 5}",
            at="shop.hury", says="systems.yml does not declare",
            suggests="Did you mean shop.hurry?"),
    mistake("limits out of order", "policy.yml", "per_plan: 200", "per_plan: 2000",
            at="amount_per_day", says="amount_per_day is below per_plan"),
    mistake("risk out of order", "policy.yml", "medium_above: 100", "medium_above: 1000",
            at="high_above", says="high_above is below medium_above"),
    mistake("alone without an undo", "systems.yml",
            '        undo: "UPDATE orders SET status = :was_status WHERE id = :order_id"\n', "",
            at="alone", says="cannot be undone, so it never will", suggests="Give it an undo"),
    mistake("no approvers", "policy.yml", "high: {approvers: [{group: finance}]",
            "high: {approvers: []", at="approvers: []", says="at least 1 item",
            suggests="nobody may decide"),
    mistake("passkeys without an address", "policy.yml", "high_above: 500\n",
            "high_above: 500\nstep_up_above: 900\n", at="step_up_above",
            says="COUNTERSIGN_PUBLIC_URL is not set"),
    mistake("group", LATE, "owners: {business: floor-managers", "owners: {business: floor-manager",
            at="floor-manager,", says="the group floor-manager is named here alone",
            suggests="Did you mean floor-managers?", is_hint=True),
    mistake("currency", LATE, "stake: {amount", "stake: {currency: GBP, amount",
            at="GBP", says="the stake of late_order is in GBP", suggests="Leave it out for EUR"),
    # --- files ---
    mistake("tab", LATE, "  system: shop\n  every", "\tsystem: shop\n  every",
            at="\tsystem", says="cannot start any token", suggests="spaces"),
    mistake("indentation", "policy.yml", "medium_above: 100", "   medium_above: 100",
            at="medium_above", says="mapping values are not allowed", suggests="indentation"),
    mistake("duplicate key", "policy.yml", "high_above: 500\n", "high_above: 500\nhigh_above: 600\n",
            at="high_above: 600", says='found duplicate key "high_above"', suggests="Keep one"),
    mistake("unknown field", LATE, "  every: 60s", "  evry: 60s",
            at="evry", says="signal.evry", suggests="Did you mean every?"),
    mistake("duration", LATE, "approval: {expires: 24h}", "approval: {expires: one day}",
            at="expires: one", says="must be a duration", suggests="24h"),
    mistake("kind that is there", UNKNOWN, "kind: unrecognised", "kind: late_order",
            at="late_order", says="another playbook is already for late_order"),
    mistake("channel", LATE, "channel: C0ORDERS", "channel: C0ORDER",
            at="C0ORDER", says="no title for C0ORDER", suggests="Did you mean C0ORDERS?"),
    mistake("time zone", "channels.yml", "Europe/Berlin", "Europe/Berln",
            at="Europe/Berln", says="no time zone", suggests="Did you mean Europe/Berlin?"),
    mistake("hours", "channels.yml", "08:00-18:00", "8-18", at="open", says="default.open"),
    mistake("preset", "sources.yml", "format: signal", "preset: strpe",
            at="strpe", says="no preset", suggests="stripe"),
    # --- what another newcomer got wrong ---
    mistake("key of the file", LATE, "evidence:", "evidense:",
            at="evidense", says="evidense: Extra inputs", suggests="Did you mean evidence?"),
    mistake("key of a look-up", LATE, "    parameters: {order_id: signal.order_id}\n    show",
            "    paramters: {order_id: signal.order_id}\n    show",
            at="paramters", says="evidence.0.paramters", suggests="Did you mean parameters?"),
    mistake("key of a limit", "policy.yml", "times_per_day", "time_per_day",
            at="time_per_day", says="shop.hurry.time_per_day", suggests="Did you mean times_per_day?"),
    mistake("key that is nowhere", "policy.yml", "per_plan: 200", "colour: 200",
            at="colour", says="shop.hurry.colour", suggests="Here may stand alone, amount_per_day"),
    mistake("connector", "systems.yml", "connector: sql", "connector: sqll",
            at="sqll", says="Input tag 'sqll'", suggests="Did you mean sql?"),
    mistake("limit in another currency", "policy.yml", "per_plan: 200", "per_plan: 200 USD",
            at="per_plan", says="valid decimal", suggests="no currency"),
    mistake("currency by its name", "policy.yml", "currency: EUR", "currency: Euro",
            at="currency", says="currency: must be a currency as three capital letters",
            suggests="EUR"),
    mistake("group of nobody", "policy.yml", "actions:\n", "groups: {owners: []}\nactions:\n",
            at="owners: []", says="nobody is in the group owners", suggests="List people"),
    mistake("more approvers than people", "policy.yml", "high: {approvers: [{group: finance}]",
            "high: {approvers: [{group: finance, count: 3}]",
            at="{group: finance, count", says="3 of finance must approve, and only 2 people",
            suggests="Lower count"),
    mistake("e-mail as a group", "policy.yml", "low: {approvers: [{group: floor-managers}]",
            "low: {approvers: [{group: ana@shop.example}]",
            at="group: ana@", says="must be the name of a user group", suggests="groups:"),
    mistake("person as an owner", LATE, "business: floor-managers", "business: U0ANA",
            at="business: U0ANA", says="must be the name of a user group", suggests="groups:"),
    mistake("name of a kind", LATE, "kind: late_order", "kind: Late order",
            at="kind", says="must be a name of lower-case letters", suggests="low_stock"),
    mistake("address in place of a variable", "systems.yml", "url_env: SHOP_URL",
            "url_env: sqlite:///shop.db", at="url_env", says="must be the name of an environment",
            suggests="set it in .env"),
    mistake("variable", "systems.yml", "url_env: SHOP_URL", "url_env: SHOP_URI",
            at="SHOP_URI", says="SHOP_URI is not set", suggests="Did you mean SHOP_URL?"),
    mistake("action of another system", LATE, "action: shop.hurry", "action: shp.hurry",
            at="shp.hurry", says="has no action 'shp.hurry'", suggests="Did you mean shop.hurry?"),
    mistake("one sign for equal", LATE, "notes.number == `0`", "notes.number = 0",
            at="when", says="is no expression that can be read", suggests="Compare with =="),
    mistake("number without backticks", LATE, "notes.number == `0`", "notes.number == 0",
            at='0"\n    otherwise', says="is no expression that can be read", suggests="backticks"),
    mistake("words of Python", LATE, "notes.number == `0`", "!notes.number and order.total",
            at="and order", says="is no expression that can be read", suggests="&&"),
    mistake("text without quotes", LATE, "reason: \"'late'\"", "reason: late",
            at="late}", says="there is no look-up late", suggests="single quotes"),
    mistake("form in a placeholder", LATE, "{order.total} ordered", "{order.total:.2f} ordered",
            at="brief", says="{order.total:.2f} is no placeholder", suggests="{order.total}"),
    mistake("brace that is not closed", LATE, "{order.customer} may", "{order.customer may",
            at="why", says="is no placeholder", suggests="between two braces"),
    mistake("two braces", "systems.yml", 'preview: "the order of {customer}',
            'preview: "the order of {{customer}}', at="preview", says="is no placeholder"),
    mistake("part of a value", LATE, "{order.total} ordered", "{order.total.net} ordered",
            at="order.total.net", says="is one value, and has no net", suggests="order.total"),
    mistake("placeholder in a title", LATE, "title: Order that", "title: Order {signal.title} that",
            at="title", says="so {signal.title} stays in it", suggests="what"),
    mistake("duration with a space", LATE, "follow_up_for: 10m", "follow_up_for: 10 min",
            at="follow_up_for", says="must be a duration", suggests="no space"),
    mistake("negative duration", LATE, "decide_for: 4h", "decide_for: -4h",
            at="decide_for", says="must be a duration", suggests="24h"),
    mistake("duration of nothing", LATE, "every: 60s", "every: 0s",
            at="every", says="must be at least 1s", suggests="not 0"),
    mistake("time-out of nothing", "systems.yml", "timeout: 1500ms", "timeout: 0s",
            at="timeout", says="greater than or equal to 100ms", suggests="Raise it"),
    mistake("cron", LATE, "every: 60s", 'every: "0 0 9 * * 1"',
            at="every", says="must be a duration", suggests="24h"),
    mistake("days of another language", "channels.yml", "[mon, tue]", "[mon, di]",
            at="di]", says="Input should be 'mon'", suggests="Choose one"),
    mistake("statement without WHERE", "systems.yml", "'urgent' WHERE id = :order_id\"", "'urgent'\"",
            at="statement", says="the statement of shop.hurry names no parameter",
            suggests="WHERE id = :order_id", is_hint=True),
    mistake("second statement", LATE, "FROM notes WHERE", "FROM notes; DROP TABLE notes; --",
            at="query: SELECT COUNT", says='near ";"', suggests="Write one statement"),
    mistake("second document", UNKNOWN, "title: Something else", "---\ntitle: Something else",
            at="---", says="another document", suggests="a file of its own"),
    mistake("tag", LATE, "title: Order", "title: !!str Order", at="title",
            says="anchors, aliases and tags", suggests="in quotes"),
]  # fmt: skip


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("shop") / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(TABLES)
    connection.close()
    return path


@pytest.fixture
def folder(tmp_path):
    target = tmp_path / "library"
    (target / "playbooks").mkdir(parents=True)
    for name, text in FILES.items():
        (target / name).write_text(text)
    return target


@pytest.fixture
def find(tmp_path, folder, database):
    """Check the library; return the findings."""

    def find(**variables):
        settings = load(environment(tmp_path, folder, database, **variables))
        return find_all_problems(settings)[0]

    return find


def environment(tmp_path, folder, database, **variables):
    return {
        "SLACK_BOT_TOKEN": "xoxb-none",
        "SLACK_APP_TOKEN": "xapp-none",
        "COUNTERSIGN_DATA_DIR": str(tmp_path / "data"),
        "COUNTERSIGN_LIBRARY_DIR": str(folder),
        "SHOP_URL": f"sqlite:///{database}",
        "SHOP_HOOK_TOKEN": "a-token-of-the-shop",
        **variables,
    }


def change(folder, file, before, after):
    text = (folder / file).read_text()
    assert before in text, (file, before)
    (folder / file).write_text(text.replace(before, after, 1))


def position(text: str, part: str) -> tuple[int, int]:
    """Return line and column of the first letter of a part."""
    start = text.index(part)
    line = text.count("\n", 0, start) + 1
    return line, start - text.rfind("\n", 0, start)


def test_a_library_without_mistakes_is_in_place(find):
    assert find() == []


def test_the_table_has_each_mistake_once():
    assert len({one.name for one in MISTAKES}) == len(MISTAKES) == 75


@pytest.mark.parametrize("case", MISTAKES, ids=lambda one: one.name)
def test_each_mistake_is_found_with_its_place_and_a_suggestion(folder, find, case):
    change(folder, case.file, case.before, case.after)
    place = case.file
    if case.name == "alone without an undo":
        change(folder, "policy.yml", "times_per_day: 50}", "times_per_day: 50, alone: true}")
        place = "policy.yml"
    if case.name == "more approvers than people":
        change(folder, "policy.yml", "actions:\n", "groups: {finance: [U0ANA, U0BEN]}\nactions:\n")
    if case.name in {"action without a limit"}:
        place = LATE
    findings = find()
    matches = [one for one in findings if case.says in one.sentence]
    assert matches, findings
    finding = matches[0]
    assert finding.file == place
    assert (finding.line, finding.column) == position((folder / place).read_text(), case.at)
    assert case.suggests in finding.suggestion
    assert finding.severity is (Severity.HINT if case.is_hint else Severity.ERROR)
    assert "\n" not in finding.sentence


# --- what is no mistake in a text -----------------------------------------------------------------


def test_a_file_that_ends_in_yaml_is_named(folder, find):
    (folder / "playbooks" / "late_order.yml").rename(folder / "playbooks" / "late_order.yaml")
    (finding,) = [one for one in find() if one.file.endswith(".yaml")]
    assert (finding.file, finding.severity) == ("playbooks/late_order.yaml", Severity.ERROR)
    assert finding.suggestion == "Rename it to late_order.yml."


def remove(path):
    path.unlink()


def lead_nowhere(path):
    path.unlink()
    path.symlink_to(path.parent / "nothing.yml")


def make_a_folder(path):
    path.unlink()
    path.mkdir()


def move_below(path):
    (path.parent / "old").mkdir()
    path.rename(path.parent / "old" / path.name)


@pytest.mark.parametrize(
    ("file", "spoil", "line", "says", "suggests"),
    [
        ("policy.yml", remove, 1, "is missing", "countersign init"),
        ("policy.yml", make_a_folder, 1, "is a folder", "another name"),
        (LATE, lead_nowhere, 1, "leads nowhere", "Remove the link"),
        (LATE, lambda path: path.write_text(""), 1, "is empty", "remove it"),
        (
            LATE,
            lambda path: path.write_text("late order"),
            1,
            "must be a mapping",
            "kind: low_stock",
        ),
        (LATE, lambda path: path.write_bytes(PLAYBOOK.encode("utf-16")), 1, "UTF-8", "Save it"),
        (LATE, lambda path: path.write_bytes(b"kind: a\ntitle: \xe4"), 2, "UTF-8", "Save it"),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_a_file_that_cannot_be_read_is_named_with_what_to_do(
    folder, find, file, spoil, line, says, suggests
):
    spoil(folder / file)
    (finding,) = [one for one in find() if one.file == file]
    assert (finding.line, finding.column) == (line, 1)
    assert says in finding.sentence
    assert suggests in finding.suggestion


def test_what_editors_leave_beside_a_playbook_and_other_ends_of_lines_are_no_mistakes(folder, find):
    (folder / "playbooks" / ".#late_order.yml").symlink_to("nobody@nowhere")
    (folder / "playbooks" / "late_order.yml~").write_text("kind: [")
    for path in (folder / "policy.yml", folder / LATE):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert find() == []


def test_a_playbook_in_a_folder_below_the_others_is_named(folder, find):
    move_below(folder / LATE)
    (finding,) = [one for one in find() if one.severity is Severity.ERROR]
    assert finding.file == "playbooks/old/late_order.yml"
    assert finding.suggestion == "Move it into playbooks/ itself."


def test_a_library_without_playbooks_is_a_hint(folder, find):
    for path in (folder / "playbooks").iterdir():
        path.unlink()
    assert "the library has no playbook" in " ".join(one.sentence for one in find())


def test_a_file_with_a_misspelt_name_is_named(folder, find):
    (folder / "channel.yml").write_text(CHANNELS)
    (finding,) = find()
    assert (finding.file, finding.suggestion) == ("channel.yml", "Did you mean channels.yml?")


def test_a_playbook_beside_the_others_is_sent_to_its_folder(folder, find):
    (folder / "late.yml").write_text(PLAYBOOK)
    assert [one.suggestion for one in find()] == ["Move it into playbooks/."]


def test_a_secret_that_is_not_set_is_named_with_its_system(find):
    (finding,) = find(SHOP_URL="")
    assert "SHOP_URL is not set" in finding.sentence
    assert finding.place == "systems.yml:5:14"


def test_a_database_that_is_not_there_is_named_once(find, tmp_path):
    (finding,) = find(SHOP_URL=f"sqlite:///{tmp_path / 'nothing.db'}")
    assert "shop cannot be reached: unable to open database file" in finding.sentence
    assert finding.place == "systems.yml:5:5"


@pytest.mark.parametrize(
    "url", ["postgres://u@127.0.0.1/shop", "oracle://u@127.0.0.1/shop", "the database"]
)
def test_an_address_with_a_wrong_driver_is_named(find, url):
    (finding,) = find(SHOP_URL=url)
    assert "SHOP_URL is no address of a database" in finding.sentence
    assert "postgresql+psycopg://" in finding.suggestion


def test_a_time_out_above_the_lease_is_named(find):
    sentences = [one.sentence for one in find(COUNTERSIGN_LEASE_FOR="1")]
    assert any("let one call to shop take less than a lease" in one for one in sentences)


def test_what_nobody_uses_is_a_hint(folder, find):
    change(folder, LATE, '    when: "notes', '    when: "order.total > `0` && notes')
    change(folder, "systems.yml", "      hurry:", "      hurry_up:")
    change(folder, "policy.yml", "shop.hurry", "shop.hurry_up")
    text = (folder / LATE).read_text()
    start, end = text.index("actions:"), text.index("approval:")
    (folder / LATE).write_text(text[:start] + text[end:])
    change(folder, LATE, "examples: [", "#")
    findings = find(SHOP_HOOK_TOKEN="")
    assert {one.severity for one in findings} == {Severity.HINT}
    sentences = " ".join(one.sentence for one in findings)
    assert "no playbook offers shop.hurry_up" in sentences
    assert "late_order has no examples" in sentences
    assert "a source has no secret set" in sentences


# --- HTTP -----------------------------------------------------------------------------------------


class _Bank(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        is_known = self.headers["Authorization"] == "Bearer good"
        status = 401 if not is_known else {"/balance": 200}.get(self.path, 404)
        self.send_response(status)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def bank():
    server = HTTPServer(("127.0.0.1", 0), _Bank)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("token", "path", "says"),
    [
        ("good", "balance", ""),
        ("bad", "balance", "bank answers 401: it does not take BANK_TOKEN"),
        ("good", "balances", "bank answers 404: it has no /balances"),
    ],
)
def test_an_http_system_is_asked(folder, find, bank, token, path, says):
    text = SYSTEMS + BANK.format(address=bank, path=path)
    (folder / "systems.yml").write_text(text)
    assert [one.sentence for one in find(BANK_TOKEN=token)] == ([says] if says else [])


def test_an_http_system_that_is_away_is_named(folder, find):
    text = SYSTEMS + BANK.format(address="http://127.0.0.1:9", path="balance")
    (folder / "systems.yml").write_text(text)
    (finding,) = find(BANK_TOKEN="good")
    assert "cannot reach bank" in finding.sentence
    assert finding.place.startswith("systems.yml:")


# --- the world is only read -----------------------------------------------------------------------


def test_the_check_changes_nothing(find, database):
    before = database.read_bytes()
    assert find() == []
    assert database.read_bytes() == before


def test_mistakes_are_found_on_postgresql_too(folder, tmp_path, postgres, find):
    create_database(postgres, "shop_check")
    url = f"{postgres}/shop_check"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in filter(str.strip, TABLES.split(";")):
            connection.exec_driver_sql(statement)
    assert find(SHOP_URL=url) == []
    change(folder, LATE, "margin_at_risk FROM", "margin_at_rsk FROM")
    change(folder, "systems.yml", "SET status = 'urgent'", "SET sttus = 'urgent'")
    findings = {one.file: one for one in find(SHOP_URL=url)}
    assert 'column "margin_at_rsk" does not exist' in findings[LATE].sentence
    assert findings[LATE].suggestion == "Did you mean margin_at_risk?"
    assert findings["systems.yml"].suggestion == "Did you mean status?"
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT status FROM orders").scalar() == "open"
    engine.dispose()


def test_mistakes_are_found_on_mariadb_too(folder, mariadb, find):
    with mariadb.database() as url:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            for statement in filter(str.strip, TABLES.split(";")):
                connection.exec_driver_sql(statement)
        url = url.replace("mysql+pymysql", "mysql")
        assert find(SHOP_URL=url) == []
        change(folder, LATE, "margin_at_risk FROM", "margin_at_rsk FROM")
        change(folder, "systems.yml", "SET status = 'urgent'", "SET sttus = 'urgent'")
        findings = {one.file: one for one in find(SHOP_URL=url)}
        assert "Unknown column 'margin_at_rsk'" in findings[LATE].sentence
        assert findings[LATE].suggestion == "Did you mean margin_at_risk?"
        assert findings["systems.yml"].suggestion == "Did you mean status?"
        with engine.begin() as connection:
            assert connection.exec_driver_sql("SELECT status FROM orders").scalar() == "open"
            connection.exec_driver_sql("ALTER TABLE orders ENGINE = MyISAM")
        change(folder, "systems.yml", "SET sttus = 'urgent'", "SET status = 'urgent'")
        sentences = [one.sentence for one in find(SHOP_URL=url) if one.file == "systems.yml"]
        assert sentences
        assert all("orders is of the engine MyISAM, which rolls" in one for one in sentences)
        engine.dispose()


def test_a_driver_that_is_not_installed_is_named_with_what_to_do(find, monkeypatch):
    monkeypatch.setattr(sql_mysql, "find_spec", lambda name: None)
    (finding,) = find(SHOP_URL="mysql://u@127.0.0.1/shop")
    assert "pip install 'countersign[mysql]'" in finding.sentence


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path, folder, database):
    def run(*arguments, **variables):
        variables = environment(tmp_path, folder, database, **variables)
        return CliRunner().invoke(COUNTERSIGN, ["check", *arguments], env=variables)

    return run


def test_the_status_tells_fine_from_mistakes_and_from_what_could_not_be_checked(run, folder):
    fine = run()
    assert (fine.exit_code, fine.stdout) == (0, "Everything is in place.\n")
    assert run(SHOP_HOOK_TOKEN="").exit_code == 0
    change(folder, LATE, "margin_at_risk FROM", "margin_at_rsk FROM")
    wrong = run()
    assert wrong.exit_code == 1
    line, column = position((folder / LATE).read_text(), "margin_at_rsk FROM")
    assert f"{LATE}:{line}:{column}: " in wrong.stdout
    assert run(COUNTERSIGN_LIBRARY_DIR="/nonexistent").exit_code == 2
    assert run(COUNTERSIGN_MODE="lively").exit_code == 2


def test_slack_is_asked_where_somebody_wants_it(run, emulator):
    there = {"SLACK_BOT_TOKEN": "xoxb-emulator", "SLACK_API_URL": f"{emulator.url}/api/"}
    answer = run("--slack", **there)
    assert answer.exit_code == 1
    assert "C0ORDERS" in answer.stdout
    assert "C0ORDERS" not in run(**there).stdout
    without = run("--slack").stdout
    assert "SLACK_BOT_TOKEN is not set" in without
    away = run("--slack", **{**there, "SLACK_API_URL": "http://127.0.0.1:9/api/"})
    assert "Slack cannot be asked now" in away.stdout


def test_that_slack_is_not_set_up_is_the_last_thing_said_and_no_mistake(run):
    without = run()
    assert (without.exit_code, without.stdout) == (0, "Everything is in place.\n")
    assert without.stderr.startswith(
        "Slack: not set up yet. `countersign run` needs SLACK_BOT_TOKEN"
    )
    assert "Slack" in run(SLACK_BOT_TOKEN="").stderr
    assert "Slack" not in run(SLACK_BOT_TOKEN="xoxb-1").stderr
    assert "Slack" not in run(COUNTERSIGN_SLACK_CLIENT_ID="1.2").stderr


def test_whoever_checks_the_sample_hears_that_it_is_none_of_theirs(run):
    sample = run(COUNTERSIGN_LIBRARY_DIR=str(PACKAGED_LIBRARY))
    assert sample.stderr.startswith("Note: this is the library of the sample company.")
    assert "sample company" not in run().stderr


def test_machines_get_json(run, folder):
    change(folder, LATE, "margin_at_risk FROM", "margin_at_rsk FROM")
    plain = json.loads(run("--json").stdout)
    assert plain["ok"] is False
    (finding,) = [one for one in plain["findings"] if one["severity"] == "error"]
    assert finding["file"] == LATE
    assert finding["suggestion"] == "Did you mean margin_at_risk?"


def test_one_cause_is_said_once_with_its_count(find, folder):
    change(
        folder,
        "sources.yml",
        "sources:\n",
        "sources:\n  other:\n    format: signal\n    token_env: [OTHER_TOKEN]\n",
    )
    (cause,) = group_by_cause(find(SHOP_HOOK_TOKEN=""))
    assert (len(cause.findings), cause.places) == (2, ["sources.yml:2:3", "sources.yml:5:3"])
    assert len(cause.suggestions) == 2


def test_each_thing_to_do_has_a_line_of_its_own(run, folder):
    change(
        folder,
        "sources.yml",
        "sources:\n",
        "sources:\n  other:\n    format: signal\n    token_env: [OTHER_TOKEN]\n",
    )
    lines = run(SHOP_HOOK_TOKEN="").stdout.splitlines()
    assert lines[0] == "• hint: a source has no secret set, so it cannot send (2 times)."
    assert lines[1] == (
        "    sources.yml:2:3: Set OTHER_TOKEN, or take other out if nobody uses it."
    )
    assert lines[2].startswith("    sources.yml:5:3: Set SHOP_HOOK_TOKEN")
    assert lines[3:] == ["Everything that is needed is in place; hints: 1."]


def test_a_terminal_of_eighty_columns_breaks_no_word(monkeypatch, capsys):
    monkeypatch.setattr(terminal.out, "width", 80)
    monkeypatch.setattr(terminal.out, "_force_terminal", True)
    findings = [
        Finding(
            sentence="a source has no secret set, so it cannot send",
            suggestion=f"Set COUNTERSIGN_SOURCE_{name}_TOKEN, or take it out if nobody uses it.",
            severity=Severity.HINT,
            file="sources.yml",
            line=line,
        )
        for line, name in enumerate(("STRIPE", "ALERTMANAGER"), start=1)
    ]
    print_findings(findings, otherwise="", as_json=False)
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert "    sources.yml:2: Set COUNTERSIGN_SOURCE_ALERTMANAGER_TOKEN, or take it out if" in text
    # What goes on stands below its beginning.
    assert "\n    nobody uses it." in text
