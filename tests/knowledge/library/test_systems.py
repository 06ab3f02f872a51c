"""``systems.yml``: each system is read as the declaration of its connector."""

import pytest

from bot.cases.errors import PlaybookInvalid
from bot.cases.plan import Idempotency
from bot.connectors.http_system import HttpSystem
from knowledge.library import load
from tests.knowledge.library.editing import change, refuse

MISTAKES = [
    (
        "precondition: |\n          SELECT b.status",
        "precondition: |\n          DELETE b.status",
        "precondition, verify and facts must be SELECTs",
    ),
    ("url_env: HARBOUR_VINE_URL", "url_env: sqlite:///x", "url_env"),
    ("note_id: integer, staff_id", "key: integer, staff_id", "key is filled by the desk itself"),
    ("note_id: integer, staff_id", "done_key: integer, staff_id", "done_key is filled by the desk"),
    ("note_id: integer, staff_id", "was_open: integer, staff_id", "was_open is filled by the desk"),
]


@pytest.mark.parametrize(("before", "after", "complaint"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_told_where_it_is(folder, before, after, complaint):
    refuse(folder / "systems.yml", before, after, complaint=complaint)


MEANINGLESS = [
    (
        "timeout: 1500ms",
        "timeout: 0s",
        "systems.yml:.*systems.house.sql.timeout: .*greater than or equal to",
    ),
    ("undo_for: 30m", "undo_for: 0m", "systems.yml:.*undo_for: .*at least 1s"),
    ("undo_for: 30m", "undo_for: -30m", "systems.yml:.*undo_for: .*duration like 30s"),
    (
        "parameters: {to: text, text: text}",
        "amount: price\n        parameters: {to: text, text: text}",
        "systems.yml:.*tell: amount names price, which is no parameter",
    ),
    (
        "parameters: {to: text, text: text}",
        "amount: to\n        parameters: {to: text, text: text}",
        "systems.yml:.*tell: amount names to, which is text",
    ),
    ("amount: order_cost", "amount: order_cost\n        currency: quid", "systems.yml:.*currency"),
]


@pytest.mark.threat("D6")
@pytest.mark.parametrize(("before", "after", "complaint"), MEANINGLESS, ids=range(len(MEANINGLESS)))
def test_an_action_that_could_not_be_meant_is_refused_with_file_and_line(
    folder, before, after, complaint
):
    refuse(folder / "systems.yml", before, after, complaint=complaint)


BANK = """systems:
  bank:
    connector: http
    base_url: https://bank.example
    hosts: [bank.example]
    actions:
      pay:
        parameters: {invoice: text, amount: decimal}
        target: "invoice:{invoice}"
        summary: Pay {invoice}
        preview: "{invoice} is paid"
        amount: amount
        idempotency: native_key
        undo_for: 5m
        execute: {method: POST, path: "/payments", body: {invoice: invoice}}
        verify: {path: "/payments/{key}", landed: "state == 'done'"}
        undo: {method: POST, path: "/refunds/{key}"}
"""


def test_a_system_is_read_as_its_connector_declares_it(folder):
    change(folder / "systems.yml", "systems:\n", BANK)
    bank = load(folder).systems["bank"]
    assert isinstance(bank, HttpSystem)
    assert (bank.name, bank.hosts, bank.secret_names()) == ("bank", ("bank.example",), ())
    pay = bank.actions["pay"]
    assert (pay.name, pay.reversible, pay.idempotency) == ("pay", True, Idempotency.NATIVE_KEY)
    assert (pay.execute.method, pay.verify.method, pay.precondition) == ("POST", "GET", None)


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("connector: http", "connector: soap", "systems.bank: .*'sql', 'http', 'message'"),
        ("connector: http", "name: b\n    connector: http", r"systems.bank.http.name: Extra"),
        ("  bank:", "  Bank:", r"systems.Bank.http.\[key\]: String should match"),
        ("      pay:", "      Pay:", r"systems.bank.http.actions.Pay.\[key\]: String should"),
        ("hosts: [bank.example]", "hosts: []", "hosts: List should have at least 1 item"),
        ("amount: amount\n", "amount: fee\n", "amount names fee, which is no parameter and no"),
        ('        undo: {method: POST, path: "/refunds/{key}"}\n', "", "undo_for needs an undo"),
        (
            '        verify: {path: "/payments/{key}", landed: "state == \'done\'"}\n',
            "",
            "only idempotency: none may go without a verify call",
        ),
        ('path: "/payments"', "path: payments", "execute.path: String should match"),
        ("method: POST", "method: FETCH", "execute.method: Input should be 'GET'"),
    ],
    ids=range(10),
)
def test_a_mistake_in_a_system_behind_http_is_told_where_it_is(folder, before, after, complaint):
    assert before in BANK
    change(folder / "systems.yml", "systems:\n", BANK.replace(before, after, 1))
    with pytest.raises(PlaybookInvalid, match=f"systems.yml:[0-9]+: .*{complaint}"):
        load(folder)


def test_a_message_needs_somebody_and_something_to_say(folder):
    file = folder / "systems.yml"
    line = file.read_text().split("      tell:\n")[0].count("\n") + 1
    refuse(
        file,
        "{to: text, text: text}",
        "{to: text}",
        complaint=f"systems.yml:{line}: .*tell: a message takes the parameters to and text",
    )
