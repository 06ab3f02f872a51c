"""Playbooks in files: what they say, and every constraint violated with its complaint."""

import copy
from datetime import timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from bot.cases.approval import ApprovalRequirement
from bot.cases.playbook import CONNECTOR_PARAMETERS, ActionOffer, Playbook
from bot.cases.policy import Stage
from tests.world import playbook

PLAYBOOK = TypeAdapter(Playbook)
FILE = {
    "kind": "low_stock",
    "title": "Running low",
    "channel": "C0STOCK",
    "signal": {"system": "house", "query": "SELECT 1 AS subject", "every": "60s"},
    "examples": ["We are almost out of Merlot"],
    "what": "{stock.product}: {stock.on_hand} left",
    "evidence": [
        {
            "name": "stock",
            "system": "house",
            "query": "SELECT on_hand FROM stock WHERE id = :id",
            "parameters": {"id": "signal.product_id"},
            "show": {"on_hand": "On hand"},
        }
    ],
    "stake": {"why": "It sells out on Friday", "amount": "stock.at_risk"},
    "actions": [
        {
            "action": "house.order_stock",
            "when": "stock.on_hand < `5`",
            "parameters": {"quantity": "stock.quantity"},
            "reason": "Below par",
            "edit": ["quantity"],
            "then": [{"action": "house.assign_note", "reason": "So that somebody counts it"}],
        },
        {"action": "house.give_notice", "reason": "Nothing else fits"},
    ],
    "approval": {"approvers": [{"group": "floor-managers"}], "expires": "12h"},
    "owners": {
        "business": "floor-managers",
        "operations": "ops-leads",
        "technical": "ops-leads",
        "governance": "owners",
        "next": "ops-leads",
    },
    "measure": {"decide_for": "4h", "resolve_for": "24h", "follow_up_for": "10m"},
}


def file_with(path: str, value) -> dict:
    """The file with another value at this path; None takes the field away."""
    *folders, name = [int(part) if part.isdigit() else part for part in path.split(".")]
    content = copy.deepcopy(FILE)
    place = content
    for folder in folders:
        place = place[folder]
    if value is None:
        del place[name]
    else:
        place[name] = value
    return content


def read(content: dict) -> Playbook:
    return PLAYBOOK.validate_python(content)


def test_a_file_is_read_field_by_field():
    book = read(FILE)
    assert (book.kind, book.channel, book.checksum) == ("low_stock", "C0STOCK", "")
    assert (book.detection.system, book.detection.every) == ("house", timedelta(minutes=1))
    assert book.evidence[0].show == {"on_hand": "On hand"}
    # In the currency of policy, which the library knows.
    assert (book.stake.amount, book.stake.currency) == ("stock.at_risk", "")
    assert book.terms.factors == (ApprovalRequirement("floor-managers", 1),)
    assert (book.terms.expires_for, book.terms.stage) == (timedelta(hours=12), Stage.SUPERVISED)
    assert book.measure.follow_up_for == timedelta(minutes=10)
    assert book.owners.next_owner == "ops-leads"


@pytest.mark.parametrize(
    "path",
    [
        "signal",
        "examples",
        "evidence",
        "actions",
        "stake.amount",
        "approval.approvers",
        "approval.expires",
        "actions.0.when",
        "actions.0.edit",
        "actions.0.then",
        "evidence.0.show",
        "evidence.0.parameters",
    ],
)
def test_a_playbook_may_leave_this_out(path):
    read(file_with(path, None))


@pytest.mark.parametrize(
    "path",
    [
        "kind",
        "title",
        "channel",
        "what",
        "stake",
        "stake.why",
        "approval",
        "owners",
        "owners.business",
        "owners.operations",
        "owners.technical",
        "owners.governance",
        "owners.next",
        "measure",
        "measure.decide_for",
        "measure.resolve_for",
        "measure.follow_up_for",
        "signal.system",
        "signal.query",
        "signal.every",
        "evidence.0.name",
        "evidence.0.system",
        "evidence.0.query",
        "actions.0.action",
        "actions.0.reason",
    ],
)
def test_a_playbook_may_not_leave_this_out(path):
    with pytest.raises(ValidationError) as failure:
        read(file_with(path, None))
    (error,) = failure.value.errors()
    assert error["msg"] == "Field required"
    assert error["loc"][-1] == path.rpartition(".")[2]


LATER = {"action": "house.note", "reason": "and so on"}
COMPLAINTS = [
    ("kind", "Low stock", "String should match pattern"),
    ("kind", "l", "String should match pattern"),
    ("title", "", "at least 1 character"),
    ("title", "x" * 501, "at most 500 characters"),
    ("channel", "Stock Room", "String should match pattern"),
    ("channel", "U0ANA", "String should match pattern"),
    ("signal.system", "House!", "String should match pattern"),
    ("signal.query", "SELECT", "at least 8 characters"),
    ("signal.query", "S" * 4001, "at most 4000 characters"),
    ("signal.every", "0s", "must be at least 1s and at most 3650d"),
    ("signal.every", "often", "must be a duration like 30s"),
    ("signal.domain", "Stock", "String should match pattern"),
    ("examples", [""], "at least 1 character"),
    ("examples", ["x"] * 101, "at most 100 items"),
    ("what", "", "at least 1 character"),
    ("evidence.0.name", "signal", "signal is what came in; call the look-up something else"),
    ("evidence.0.name", "Stock", "String should match pattern"),
    ("evidence.0.query", "SELECT", "at least 8 characters"),
    ("evidence.0.parameters", {"id": "a.["}, "not a JMESPath expression"),
    ("evidence.0.parameters", {"was_id": "x"}, "was_id is filled by the desk itself"),
    ("evidence.0.show", {"on_hand": ""}, "at least 1 character"),
    ("evidence.0.show", {"On hand": "x"}, "String should match pattern"),
    ("evidence", [FILE["evidence"][0]] * 11, "at most 10 items"),
    ("stake.why", "", "at least 1 character"),
    ("stake.amount", "a.[", "not a JMESPath expression"),
    ("stake.currency", "pounds", "String should match pattern"),
    ("beneficiary", "a.[", "not a JMESPath expression"),
    ("actions.0.action", "order_stock", "String should match pattern"),
    ("actions.0.action", "House.order", "String should match pattern"),
    ("actions.0.when", "a.[", "not a JMESPath expression"),
    ("actions.0.parameters", {"quantity": "a.["}, "not a JMESPath expression"),
    ("actions.0.reason", "", "at least 1 character"),
    ("actions.0.edit", ["supplier"], "edit names supplier, which is no parameter here"),
    ("actions.0.edit", ["b_x", "a_x"], "edit names a_x, b_x, which is no parameter here"),
    ("actions.0.then", [LATER] * 5, "at most 4 items"),
    ("actions.0.then", [{"action": "house.note"}], "Field required"),
    ("actions", [LATER] * 11, "at most 10 items"),
    ("approval.expires", "0s", "must be at least 1s"),
    ("approval.approvers", [{"group": "a", "owner": "next"}], "name approvers by one of"),
    ("approval.stage", "alone", "Input should be 'shadow', 'supervised' or 'autonomous'"),
    ("owners.next", "", "String should match pattern"),
    ("owners.business", "Floor Managers", "String should match pattern"),
    ("measure.decide_for", "3651d", "must be at least 1s and at most 3650d"),
    ("measure.resolve_for", "3h", "resolve_for is below decide_for"),
    ("absence", {"subjects": [], "title": "x", "within": "1h", "every": "1m"}, "at least 1 item"),
]


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    COMPLAINTS,
    ids=[f"{path}={str(value)[:20]}" for path, value, _ in COMPLAINTS],
)
def test_each_mistake_in_a_playbook_has_its_complaint(path, value, complaint):
    with pytest.raises(ValidationError) as failure:
        read(file_with(path, value))
    error = failure.value.errors()[0]
    assert complaint in error["msg"]
    # The place begins with the field of the file, so that the reader of it can be shown a line.
    assert error["loc"][0] == path.partition(".")[0]


@pytest.mark.parametrize("name", [*sorted(CONNECTOR_PARAMETERS), "was_on_hand"])
def test_what_a_connector_fills_is_no_name_for_a_parameter(name):
    complaint = f"{name} is filled by the desk itself; call the parameter something else"
    with pytest.raises(ValidationError, match=complaint):
        read(file_with("evidence.0.parameters", {name: "signal.product_id"}))


@pytest.mark.parametrize("path", ["[computed]", "checksum", "approval.owners"])
def test_what_the_program_computes_is_in_no_file(path):
    before = read(FILE)
    try:
        book = read(file_with(path, "forged"))
    except ValidationError:
        return
    assert path == "[computed]" or (book.checksum, book.terms) == (before.checksum, before.terms)


def test_an_absence_has_subjects_and_a_span():
    entry = {"subjects": ["till:1"], "title": "{subject} is silent", "within": "1h", "every": "1m"}
    absence = read(file_with("absence", {**entry, "from": "till"})).absence
    assert (absence.subjects, absence.origin) == (("till:1",), "till")
    assert read(file_with("absence", entry)).absence.origin == ""


# --- what follows from a file ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({}, ()),
        ({"id": "signal.product_id"}, ("product_id",)),
        ({"id": " signal.product_id "}, ("product_id",)),
        ({"one": "signal.b", "two": "signal.a", "three": "signal.b"}, ("b", "a")),
        # Every case has these, and no other look-up is asked of a person.
        ({"id": "signal.title"}, ()),
        ({"id": "signal.subject"}, ()),
        ({"id": "stock.supplier_id"}, ()),
        ({"id": "to_string(signal.product_id)"}, ()),
        ({"id": "signal.facts.id"}, ()),
    ],
)
def test_a_case_raised_by_hand_needs_the_facts_that_look_ups_ask_for(parameters, names):
    assert read(file_with("evidence.0.parameters", parameters)).required_facts == names


def test_an_offer_is_found_by_its_action():
    book = read(FILE)
    assert book.offer("house.give_notice").reason == "Nothing else fits"
    assert book.offer("house.order_stock") is book.offers[0]
    # What only follows another action is no offer of its own.
    assert book.offer("house.assign_note") is None
    assert book.offer("") is None


def test_the_actions_of_an_offer_are_those_that_follow_it_too():
    def offer(name: str, *then: ActionOffer) -> ActionOffer:
        return ActionOffer(action=f"house.{name}", reason="because", then=then)

    chain = offer("a", offer("b", offer("c")), offer("d")).chain()
    assert [one.action for one in chain] == ["house.a", "house.b", "house.c", "house.d"]


def test_a_group_with_several_roles_owns_a_playbook_once():
    owners = playbook().owners
    assert owners.handles == ("floor-managers", "ops-leads", "owners")
    assert owners.by_role() == {
        "business": "floor-managers",
        "operations": "ops-leads",
        "technical": "ops-leads",
        "governance": "owners",
        "next": "ops-leads",
    }
