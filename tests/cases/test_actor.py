"""Identities: the text of an actor in the ledger, read and written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.actor import DESK, Actor, ActorKind, Surface, is_person


@pytest.mark.parametrize(
    ("text", "kind", "id"),
    [
        ("T1/UANA", ActorKind.PERSON, "T1/UANA"),
        ("E0ORG/W012AB", ActorKind.PERSON, "E0ORG/W012AB"),
        ("floor-managers", ActorKind.GROUP, "floor-managers"),
        ("countersign", ActorKind.DESK, "countersign"),
        ("source:till", ActorKind.SOURCE, "till"),
        ("source:a/b", ActorKind.SOURCE, "a/b"),
        ("source:a:b", ActorKind.SOURCE, "a:b"),
        ("policy:9f86", ActorKind.POLICY, "9f86"),
        ("operator:root", ActorKind.OPERATOR, "root"),
        ("operator:", ActorKind.OPERATOR, ""),
        # A prefix that no kind has makes neither a kind nor a person of it.
        ("person:T1/UANA", ActorKind.GROUP, "person:T1/UANA"),
        ("people:UANA+UBEN", ActorKind.GROUP, "people:UANA+UBEN"),
        ("desk:x", ActorKind.GROUP, "desk:x"),
        ("", ActorKind.GROUP, ""),
    ],
)
def test_the_text_of_an_actor_has_one_meaning(text, kind, id):
    assert Actor.parse(text) == Actor(kind, id)
    assert is_person(text) is (kind is ActorKind.PERSON)


@given(st.text())
def test_every_text_is_an_actor_and_reads_back_the_same(text):
    actor = Actor.parse(text)
    assert str(actor) == text
    assert Actor.parse(str(actor)) == actor


@pytest.mark.parametrize(
    ("actor", "text"),
    [
        (Actor.from_source("till"), "source:till"),
        (Actor.from_policy("9f86"), "policy:9f86"),
        (Actor.from_operator("root"), "operator:root"),
        (DESK, "countersign"),
    ],
)
def test_nobody_but_a_member_of_a_workspace_is_a_person(actor, text):
    assert str(actor) == text
    assert Actor.parse(text) == actor
    assert not actor.is_person


@given(st.text())
def test_no_name_of_a_source_policy_or_operator_makes_a_person_of_it(name):
    for actor in (Actor.from_source(name), Actor.from_policy(name), Actor.from_operator(name)):
        assert Actor.parse(str(actor)) == actor
        assert not is_person(str(actor))


def test_the_surfaces_in_the_ledger_keep_their_names():
    assert [str(surface) for surface in Surface] == [
        "slack",
        "passkey",
        "command line",
        "intake",
        "scheduler",
        "desk",
        "past",
    ]
