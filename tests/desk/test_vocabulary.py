"""The names that a person who asks may know."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.approval import Person
from bot.desk.vocabulary import Vocabulary
from bot.ports.case_queries import CaseNames, Viewer
from bot.views.query import NameType
from tests.fakes.directory import principal
from tests.world import request

ANA, BEN, FINN = map(principal, ("ana", "ben", "finn"))
STOCK = Viewer(FINN, frozenset({"C0STOCK"}))
OPS = Viewer(FINN, frozenset({"C0OPS"}))


class NumberedNames:
    """The names of cases by number, and how often they were read."""

    def __init__(self):
        self.cases: dict[int, CaseNames] = {}
        self.party: list[CaseNames] = []
        self.rows_read = 0

    def put(self, number, *names, channel="C0STOCK"):
        self.cases[number] = CaseNames(number, channel, names)

    def names_since(self, number, limit):
        page = [self.cases[one] for one in sorted(self.cases) if one > number][:limit]
        self.rows_read += len(page)
        return page

    def names_of_party(self, person, limit):
        return self.party[:limit]


@pytest.fixture
def cases():
    return NumberedNames()


@pytest.fixture
def vocabulary(world, cases):
    return Vocabulary(
        queries=cases, library=world.library, directory=world.people, clock=world.clock
    )


def names_of(vocabulary, viewer, type=NameType.TEXT):
    return {name.name for name in vocabulary.names(viewer) if name.type is type}


def test_people_groups_channels_and_kinds_are_known(world, vocabulary):
    known = vocabulary.names(STOCK)
    assert {name.value for name in known if name.type is NameType.PERSON} >= {ANA, BEN, FINN}
    assert names_of(vocabulary, STOCK, NameType.GROUP) == {
        "floor-managers",
        "ops-leads",
        "finance",
        "owners",
    }
    assert names_of(vocabulary, STOCK, NameType.KIND) == {"Running low"}
    channels = [name.value for name in known if name.type is NameType.CHANNEL]
    assert channels == ["C0STOCK"]


def test_a_first_name_is_known_where_only_one_person_has_it(world, vocabulary):
    world.people.people[ANA] = Person(ANA, "Ana Duarte")
    world.people.people[BEN] = Person(BEN, "Ben Okafor")
    world.people.people[FINN] = Person(FINN, "Ben Walsh")
    people = names_of(vocabulary, STOCK, NameType.PERSON)
    assert {"Ana Duarte", "Ana", "Ben Okafor", "Ben Walsh"} <= people
    assert "Ben" not in people


def test_an_app_is_no_person(world, vocabulary):
    world.people.people[FINN] = Person(FINN, "Countersign", bot=True)
    assert "Countersign" not in names_of(vocabulary, STOCK, NameType.PERSON)


@pytest.mark.threat("C8")
def test_names_in_cases_are_those_of_the_viewers_channels_and_own_cases(cases, vocabulary):
    cases.put(1, "Merlot", "Cellar Direct")
    cases.put(2, "Secret Ltd", channel="C0OPS")
    assert names_of(vocabulary, STOCK) == {"Merlot", "Cellar Direct"}
    assert names_of(vocabulary, OPS) == {"Secret Ltd"}
    assert names_of(vocabulary, Viewer("", frozenset())) == set()
    cases.party = [cases.cases[2]]
    assert names_of(vocabulary, STOCK) == {"Merlot", "Cellar Direct", "Secret Ltd"}


@pytest.mark.threat("C8")
def test_a_case_that_moves_takes_its_names_along(world, cases, vocabulary):
    cases.put(1, "Merlot")
    assert names_of(vocabulary, STOCK) == {"Merlot"}
    cases.put(1, "Merlot", "Rioja", channel="C0OPS")
    world.clock.forward(seconds=10)
    assert names_of(vocabulary, STOCK) == set()
    assert names_of(vocabulary, OPS) == {"Merlot", "Rioja"}


def test_new_cases_are_read_and_the_old_are_not_read_again(world, cases, vocabulary):
    for number in range(1, 3_001):
        cases.put(number, f"Customer {number}")
    assert len(names_of(vocabulary, STOCK)) == 3_000
    first = vocabulary.names(STOCK)
    cases.rows_read = 0
    assert vocabulary.names(STOCK) is first
    assert cases.rows_read == 0
    cases.put(3_001, "Newcomer")
    world.clock.forward(seconds=10)
    assert "Newcomer" in names_of(vocabulary, STOCK)
    assert cases.rows_read <= 500


def test_an_old_case_that_changes_is_found_in_time(world, cases, vocabulary):
    for number in range(1, 501):
        cases.put(number, f"Customer {number}")
    vocabulary.names(STOCK)
    cases.put(350, "Renamed")
    for _ in range(6):
        world.clock.forward(seconds=10)
        vocabulary.names(STOCK)
    assert "Renamed" in names_of(vocabulary, STOCK)
    assert "Customer 350" not in names_of(vocabulary, STOCK)


def test_a_name_of_one_letter_or_of_a_page_is_none(cases, vocabulary):
    cases.put(1, "x", "y" * 1_000, "Merlot")
    assert names_of(vocabulary, STOCK) == {"Merlot"}


def test_names_come_from_real_cases(world):
    vocabulary = Vocabulary(
        queries=world.store.queries,
        library=world.library,
        directory=world.people,
        clock=world.clock,
    )
    case = world.proposed()
    assert "Merlot" in names_of(vocabulary, STOCK)
    assert names_of(vocabulary, OPS) == set()
    world.desk.decisions.hand_over(
        request(case.id, BEN, world.seen(case)), to=FINN, progress="counted", remains="order"
    )
    assert "Merlot" in names_of(vocabulary, replace(OPS, person=FINN))
    world.clock.forward(seconds=timedelta(minutes=1).total_seconds())
    assert "Merlot" not in names_of(vocabulary, replace(OPS, person=ANA))
