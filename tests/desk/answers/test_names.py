"""Names of whoever acts or owns, as people read them, and what is said where nobody can tell."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.approval import ApprovalRequirement
from bot.cases.errors import ChatFailed
from bot.cases.policy import TierRule
from bot.desk.answers.names import Names, scope_title
from bot.views.labels import Labels
from bot.views.query import ME, About, Ask, Query
from tests.desk.answers.asking import ANA, CARLA, asker, fact_answers, whole
from tests.desk.answers.asking import ask as ask_about
from tests.fakes.directory import FakeDirectory
from tests.world import policy

NAMED = "people:UCARLA+UDEV"
LABELS = Labels(
    kinds={"low_stock": "Running low"},
    actions={"house.order_stock": "Order stock"},
    systems={"house": "the house database"},
)


class SilentDirectory(FakeDirectory):
    """A Slack that is away."""

    def person(self, who, *, fresh=False):
        raise ChatFailed("Slack does not answer")

    def groups(self, handles, *, fresh=False):
        raise ChatFailed("Slack does not answer")


@pytest.fixture
def directory():
    return FakeDirectory()


@pytest.fixture
def names(directory):
    return Names(directory)


@pytest.fixture
def named_world(small_world):
    """A desk whose small plans are approved by people named one by one."""
    tier = TierRule((ApprovalRequirement(NAMED, 1),), timedelta(hours=4))
    small_world.library.rules = policy(tiers={**small_world.library.rules.tiers, "low": tier})
    small_world.library.deciders = lambda: ["floor-managers", NAMED]
    return small_world


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (ANA, "Ana"),
        ("finance", "@finance"),
        (NAMED, "Carla or Dev"),
        ("policy:0123", "policy"),
        ("source:api", "the source api"),
        ("operator:root", "root, who runs Countersign"),
        ("countersign", "Countersign"),
        ("T9/UGONE", "a colleague"),
    ],
)
def test_every_sort_of_account_has_a_name(names, account, words):
    assert names.account(account) == words


def test_an_owner_is_named_with_everybody_who_can_take_the_case(directory, names):
    assert names.owner(ANA) == "Ana"
    assert names.owner("floor-managers") == "@floor-managers (Ana, Omar)"
    assert names.owner(NAMED) == "Carla or Dev"
    # Guests, apps and people who left cannot; nor can an account that nobody knows.
    directory.change("omar", active=False)
    directory.members["floor-managers"].add("gone")
    assert names.owner("floor-managers") == "@floor-managers (Ana)"
    directory.change("ana", guest=True)
    assert names.owner("floor-managers") == "@floor-managers"
    assert names.owner("nobody-here") == "@nobody-here"


def test_two_people_of_one_name_are_named_once(directory, names):
    directory.people[CARLA] = replace(directory.people[CARLA], name="Ana")
    assert names.people([CARLA, ANA, "T1/UDEV"]) == ("Ana", "Dev")


def test_while_slack_is_away_nobody_is_named_and_nothing_fails():
    names = Names(SilentDirectory())
    assert names.find(ANA) is None
    assert names.owner(ANA) == "a colleague"
    assert names.owner("floor-managers") == "@floor-managers"
    assert names.owner(NAMED) == "those named for it"
    assert names.groups(["finance", "owners"]) == {"finance": frozenset(), "owners": frozenset()}
    assert names.colleagues("finance") == ()


@pytest.mark.parametrize(
    ("scope", "title"),
    [
        ("", "everything"),
        ("kind:low_stock", "“Running low”"),
        ("kind:spilled_wine", "“spilled wine”"),
        ("action:house.order_stock", "“Order stock”"),
        ("system:house", "the house database"),
    ],
)
def test_a_pause_is_titled_by_what_it_stops(scope, title):
    assert scope_title(scope, LABELS) == title


# --- people named one by one --------------------------------------------------------------------


def test_people_named_one_by_one_are_named_wherever_an_approval_is_wanted(named_world):
    case = named_world.proposed()
    answer = ask_about(named_world, case, ask=Ask.WHO_MAY_APPROVE, by=CARLA)
    assert answer.text == "EX-1 can be approved by Carla or Dev."
    assert answer.facts == ("You may approve it.",)
    assert "1 approval is missing: Carla or Dev." in whole(ask_about(named_world, case))
    text = whole(ask_about(named_world, case, About.APPROVER, Ask.WHY, by=CARLA))
    assert "It needs 1 of Carla or Dev." in text
    assert "You are named for it." in text
    assert "people:" not in text


def test_people_named_one_by_one_are_told_apart_from_groups_with_a_name(named_world):
    def members(of, by=ANA):
        query = Query(ask=Ask.WHO, about=About.MEMBERS, of=of)
        return fact_answers(named_world).people.answer(query, asker(named_world, by))

    assert members("").facts == (
        "In @floor-managers: Ana and Omar.",
        "Named one by one: Carla and Dev.",
    )
    assert members(ME, by=CARLA).text == "You are in a group whose members are named one by one."
    assert members(CARLA).text == "Carla is in a group whose members are named one by one."


def test_the_limits_name_no_account(named_world):
    query = Query(ask=Ask.CAPABILITY, about=About.LIMITS)
    facts = fact_answers(named_world).product.answer(query, asker(named_world)).facts
    assert facts[0] == (
        "Up to £250.00, and if it can be undone: one of those named for it, within 4 hours."
    )
