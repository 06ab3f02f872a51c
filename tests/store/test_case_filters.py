"""Each field of a filter: cases for which it holds, and cases for which it does not."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.case import LastDecision
from bot.cases.entries import RejectReason
from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier
from bot.cases.signal import UNRECOGNISED
from bot.ports.case_queries import CaseFilter, Viewer
from bot.store.case_filters import MAX_WORDS
from tests.fakes.clock import NOON
from tests.fakes.directory import principal
from tests.world import HOUR, World, request

ANA, FINN, OMAR = map(principal, ("ana", "finn", "omar"))
TOMORROW = NOON + timedelta(days=1)
SECOND = timedelta(seconds=1)
SINCE_EVER = NOON - timedelta(days=365)


@pytest.fixture
def town(world) -> World:
    """Five cases: waiting, rejected, approved and done, unrecognised, handed over to Finn."""
    row = world.house.rows[0]
    amounts = (7260, 120, 40.1, None, 5000)
    for number, amount in enumerate(amounts, start=1):
        world.house.rows = [{**row, "at_risk": amount}]
        kind = UNRECOGNISED if number == 4 else "low_stock"
        raised_by = OMAR if number == 4 else None
        title = f"Case of Château no{number}"
        world.receive(
            world.signal(f"product:{number}", kind=kind, title=title, requester=raised_by)
        )
        world.work()
    decisions = world.desk.decisions
    world.clock.forward(minutes=10)
    decisions.reject(request("EX-2", ANA, world.seen("EX-2")), reason=RejectReason.OTHER, note="no")
    world.clock.forward(minutes=10)
    decisions.approve(request("EX-3", ANA, world.seen("EX-3")))
    world.work()
    decisions.hand_over(
        request("EX-5", ANA, world.seen("EX-5")), to=FINN, progress="none", remains="all"
    )
    return world


def numbers(world: World, **fields) -> list[int]:
    """The numbers of the cases of this filter, open and ended."""
    filter = CaseFilter(**{"is_any": True, **fields})
    cases = world.store.queries.find(filter, 50)
    assert world.store.queries.count(filter) == world.store.queries.total(filter).cases
    assert world.store.queries.count(filter) == len(cases)
    return sorted(int(case.id.rpartition("-")[2]) for case in cases)


FIELDS = {
    "kinds": ({"kinds": ("low_stock", "odd")}, [1, 2, 3, 5]),
    "text": ({"text": "chateau NO1"}, [1]),
    "text, beginnings of words": ({"text": "cha ca"}, [1, 2, 3, 4, 5]),
    "text, middles of words": ({"text": "hateau"}, []),
    "text, of the plan": ({"text": "order stock"}, [1, 2, 3, 5]),
    "text, not there": ({"text": "zanzibar"}, []),
    "min_stake": ({"min_stake": Decimal(5000)}, [1, 5]),
    "max_stake": ({"max_stake": Decimal(120)}, [2, 3]),
    "min_stake, to the cent": ({"min_stake": Decimal("40.10"), "max_stake": Decimal(41)}, [3]),
    "min_stake, a cent more": ({"min_stake": Decimal("40.101"), "max_stake": Decimal(41)}, []),
    "decided_between": ({"decided_between": (NOON, NOON + timedelta(minutes=15))}, [2]),
    "decided_between, its begin": (
        {"decided_between": (NOON + timedelta(minutes=10), NOON + timedelta(minutes=20))},
        [2],
    ),
    "decided_between, before": ({"decided_between": (SINCE_EVER, NOON)}, []),
    "due_between": ({"due_between": (SINCE_EVER, TOMORROW)}, [1, 4, 5]),
    "due_between, too early": ({"due_between": (SINCE_EVER, NOON)}, []),
    "expires_before": ({"expires_before": TOMORROW + HOUR}, [1, 5]),
    "expires_before, too early": ({"expires_before": NOON + HOUR}, []),
    "owned_by a person": ({"owned_by": (FINN,)}, [5]),
    "owned_by a group": ({"owned_by": ("floor-managers",)}, [1, 2, 3, 4, 5]),
    "owned_by another group": ({"owned_by": ("finance",)}, []),
    "owned_by, part of a name": ({"owned_by": ("floor",)}, []),
    "not_acted_on_by, who voted": ({"not_acted_on_by": (ANA,)}, [1, 2, 4, 5]),
    "not_acted_on_by, who raised": ({"not_acted_on_by": (OMAR,)}, [1, 2, 3, 5]),
    "not_acted_on_by, nobody": ({"not_acted_on_by": (FINN,)}, [1, 2, 3, 4, 5]),
    "approver": ({"approver": "floor-managers"}, [1, 2, 3, 5]),
    "approver, another": ({"approver": "finance"}, []),
    "min_approvals": ({"min_approvals": 1}, [1, 2, 3, 5]),
    "min_approvals, two": ({"min_approvals": 2}, []),
    "is_part_approved": ({"is_part_approved": True}, []),
    "decision": ({"decision": LastDecision.REJECTED}, [2]),
    "decision, approved": ({"decision": "approved"}, [3]),
    "decision, handed over": ({"decision": "handed_over"}, [5]),
    "decision, none such": ({"decision": "taken_back"}, []),
    "decided_by": ({"decided_by": (ANA,)}, [2, 3, 5]),
    "decided_by, policy": ({"decided_by": ("policy",)}, []),
    "action": ({"action": "house.order_stock"}, [1, 2, 3, 5]),
    "action, part of its name": ({"action": "order_stock"}, []),
    "is_automatic": ({"is_automatic": True}, []),
    "risk": ({"risk": RiskTier.LOW}, [1, 2, 3, 5]),
    "risk, high": ({"risk": RiskTier.HIGH}, []),
    "raised_by": ({"raised_by": (OMAR, FINN)}, [4]),
    "raised_by, nobody": ({"raised_by": (ANA,)}, []),
    "source": ({"source": "api"}, [1, 2, 3, 4, 5]),
    "source, another": ({"source": "till"}, []),
    "is_over": ({"is_any": False, "is_over": True}, [2, 3]),
    "open": ({"is_any": False}, [1, 4, 5]),
    "together": ({"min_stake": Decimal(1), "decision": "rejected", "text": "no2"}, [2]),
    "exclusion": ({"exclusion": CaseFilter(decision="rejected")}, [1, 3, 4, 5]),
    "exclusion, of what has no stake": (
        {"exclusion": CaseFilter(min_stake=Decimal(100))},
        [3, 4],
    ),
    "exclusion, of states": ({"exclusion": CaseFilter(states=(State.REJECTED,))}, [1, 3, 4, 5]),
    "exclusion, of all together": (
        {"exclusion": CaseFilter(kinds=("low_stock",), text="no1")},
        [2, 3, 4, 5],
    ),
    "exclusion, of an exclusion": (
        {"exclusion": CaseFilter(kinds=("low_stock",), exclusion=CaseFilter(text="no1"))},
        [1, 4],
    ),
    "exclusion, of nothing": ({"exclusion": CaseFilter(is_over=True)}, [1, 2, 3, 4, 5]),
    "exclusion, of people": ({"exclusion": CaseFilter(decided_by=(ANA,))}, [1, 4]),
}


def test_each_field_of_a_filter(town):
    wrong = {
        name: (numbers(town, **fields), expected)
        for name, (fields, expected) in FIELDS.items()
        if numbers(town, **fields) != expected
    }
    assert wrong == {}


def test_a_viewer_sees_no_more_by_any_field(town):
    nobody = Viewer("T1/UNOBODY", frozenset())
    omar = Viewer(OMAR, frozenset())
    for fields, expected in FIELDS.values():
        assert numbers(town, viewer=nobody, **fields) == []
        assert set(numbers(town, viewer=omar, **fields)) <= {4} & set(expected)


HOSTILE = [
    "%",
    "_",
    "'; DROP TABLE cases; --",
    '"',
    "\\",
    "\x00",
    "\ud83d",
    "x " * 5_000,
    "a" * 10_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_no_pattern_and_no_failure(town, text):
    names = {
        "owned_by": (text,),
        "waits_on": (text,),
        "decided_by": (text,),
        "raised_by": (text,),
        "approver": text,
        "action": text,
        "source": text,
        "kinds": (text,),
        "decision": text,
    }
    for field, value in names.items():
        assert numbers(town, **{field: value}) == []
    assert numbers(town, not_acted_on_by=(text,)) == [1, 2, 3, 4, 5]
    has_words = any(char.isalnum() for char in text)
    assert numbers(town, text=text) == ([] if has_words else [1, 2, 3, 4, 5])


def test_only_so_many_words_narrow(town):
    words = ["case"] + [f"c{'h' if number == 0 else 'a'}" for number in range(2)]
    assert numbers(town, text=" ".join(words)) == [1, 2, 3, 4, 5]
    many = " ".join(f"w{number}" for number in range(MAX_WORDS * 100))
    assert numbers(town, text=many) == []


def test_one_approval_of_two_is_part_of_the_way(small_world):
    small_world.house.amount = Decimal(9000)
    case = small_world.proposed()
    assert numbers(small_world, is_part_approved=True) == []
    first = "ben" if "ops-leads" in case.waits_on else "carla"
    small_world.desk.decisions.approve(
        request(case.id, principal(first), small_world.seen(case)), note="needed"
    )
    assert small_world.store.cases.case(case.id).state is State.PROPOSED
    assert numbers(small_world, is_part_approved=True) == [1]
    assert numbers(small_world, min_approvals=2) == [1]
    assert numbers(small_world, risk=RiskTier.HIGH) == [1]
    assert numbers(small_world, decision="approved") == []
    assert numbers(small_world, not_acted_on_by=(principal(first),)) == []


@pytest.mark.parametrize("more", [{"is_any": True}, {}, {"is_over": True}])
def test_a_text_that_was_looked_up_means_the_same_cases(town, more):
    queries = town.store.queries
    for text in ("chateau", "chateau no1", "zanzibar"):
        filter = CaseFilter(text=text, **more)
        resolved = queries.resolve_text(filter)
        assert resolved.text == ""
        assert queries.find(resolved, 50) == queries.find(filter, 50)
        assert queries.total(resolved) == queries.total(filter)
