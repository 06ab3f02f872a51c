"""Approvals: who is eligible, and when everybody who is required has approved."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.approval import (
    Approval,
    ApprovalRequirement,
    can_be_met,
    either,
    ineligibility_reason,
    is_colleague,
    names_of,
    people_of,
    quorum_met,
    unfit,
)
from tests.cases.making import ANA, BEN, CARLA, GROUPS, NOW, OMAR

FLOOR = (ApprovalRequirement("floor-managers", 1),)
BOTH = (ApprovalRequirement("ops-leads", 1), ApprovalRequirement("finance", 1))
PEOPLE = ("T1/UA", "T1/UB", "T1/UC", "T1/UD")


def approval(person: str, behalf_of: str = "") -> Approval:
    return Approval(person=person, name=person, digest="d", at=NOW, behalf_of=behalf_of)


# --- one person -----------------------------------------------------------------------------------

UNFIT = [
    ({"active": False}, "your account is deactivated"),
    ({"bot": True}, "apps and workflows never approve"),
    ({"guest": True}, "guests cannot approve"),
    ({"external": True}, "people from other organisations cannot approve"),
]


@pytest.mark.parametrize(("facts", "reason"), UNFIT, ids=[str(facts) for facts, _ in UNFIT])
def test_an_account_that_is_no_colleague_decides_nothing(facts, reason):
    person = replace(ANA, **facts)
    assert unfit(person) == reason
    assert not is_colleague(person)
    # Membership and a clear conscience do not help.
    assert ineligibility_reason(person, authors=(), factors=FLOOR, groups=GROUPS) == reason


@pytest.mark.parametrize("facts", [{}, {"away": "on holiday"}, {"name": "guest"}])
def test_a_colleague_is_one_whatever_their_name_or_status(facts):
    person = replace(ANA, **facts)
    assert unfit(person) is None
    assert is_colleague(person)
    assert ineligibility_reason(person, authors=(), factors=FLOOR, groups=GROUPS) is None


def test_the_first_reason_against_an_account_is_that_it_is_deactivated():
    everything = replace(ANA, active=False, bot=True, guest=True, external=True)
    assert unfit(everything) == "your account is deactivated"


AUTHOR = "whoever raised or edited a plan, gave it a value, or gains from it, cannot approve it"


@pytest.mark.parametrize(
    ("person", "authors", "factors", "reason"),
    [
        (ANA, (), FLOOR, None),
        (ANA, (OMAR.id,), FLOOR, None),
        (ANA, (ANA.id,), FLOOR, AUTHOR),
        # An author outside the group hears first that they are an author.
        (BEN, (BEN.id,), FLOOR, AUTHOR),
        (BEN, (), FLOOR, "only @floor-managers may approve this"),
        (BEN, (), BOTH, None),
        (ANA, (), BOTH, "only @finance or @ops-leads may approve this"),
        (ANA, (), (), "nobody is named who may approve this"),
        (ANA, (), (ApprovalRequirement("nobody", 1),), "only @nobody may approve this"),
    ],
)
def test_eligibility_is_membership_without_authorship(person, authors, factors, reason):
    assert ineligibility_reason(person, authors=authors, factors=factors, groups=GROUPS) == reason


@given(
    person=st.sampled_from([ANA, BEN, CARLA, OMAR]),
    flags=st.fixed_dictionaries({name: st.booleans() for name in ("guest", "bot", "external")}),
    authors=st.sets(st.sampled_from([ANA.id, BEN.id])),
    groups=st.lists(st.sampled_from([*GROUPS, "nobody"]), max_size=3),
)
def test_somebody_is_eligible_exactly_as_a_colleague_a_member_and_no_author(
    person, flags, authors, groups
):
    candidate = replace(person, **flags)
    factors = [ApprovalRequirement(group, 1) for group in groups]
    is_member = any(person.id in GROUPS.get(group, ()) for group in groups)
    is_eligible = is_member and not any(flags.values()) and person.id not in authors
    reason = ineligibility_reason(candidate, authors=authors, factors=factors, groups=GROUPS)
    assert (reason is None) is is_eligible


# --- one approval ---------------------------------------------------------------------------------


def test_an_approval_counts_for_whoever_delegated():
    assert approval("T1/UA").principal == "T1/UA"
    assert approval("T1/UA", behalf_of="T1/UB").principal == "T1/UB"


def test_the_approval_of_policy_is_told_from_that_of_a_person():
    assert approval("policy:9f86").is_by_policy
    assert not approval("T1/UA").is_by_policy
    assert not approval("operator:root").is_by_policy


# --- a quorum -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factors", "voters", "is_met"),
    [
        ((), [ANA.id], False),
        (FLOOR, [], False),
        (FLOOR, [ANA.id], True),
        (FLOOR, [BEN.id], False),
        (FLOOR, [ANA.id, OMAR.id], True),
        ((ApprovalRequirement("floor-managers", 2),), [ANA.id], False),
        ((ApprovalRequirement("floor-managers", 2),), [ANA.id, ANA.id], False),
        ((ApprovalRequirement("floor-managers", 2),), [ANA.id, OMAR.id], True),
        ((ApprovalRequirement("floor-managers", 3),), [ANA.id, OMAR.id, BEN.id], False),
        (BOTH, [BEN.id], False),
        (BOTH, [BEN.id, CARLA.id], True),
        (BOTH, [CARLA.id, BEN.id], True),
        ((ApprovalRequirement("nobody", 1),), [ANA.id, BEN.id, CARLA.id], False),
        ((ApprovalRequirement("floor-managers", 0),), [ANA.id], False),
        ((*FLOOR, ApprovalRequirement("finance", -1)), [ANA.id], False),
    ],
)
def test_a_quorum_is_a_person_of_its_own_for_each_place(factors, voters, is_met):
    assert quorum_met([approval(voter) for voter in voters], factors, GROUPS) is is_met


SEATED = ApprovalRequirement("a", 1), ApprovalRequirement("b", 1)
MEMBERS = {"a": frozenset(PEOPLE[:2]), "b": frozenset(PEOPLE[1:3])}


@pytest.mark.parametrize(
    ("votes", "is_met"),
    [
        # UA stands in for UB, and uses up both.
        ([approval("T1/UA", "T1/UB"), approval("T1/UC")], True),
        ([approval("T1/UA", "T1/UB"), approval("T1/UB")], False),
        ([approval("T1/UA", "T1/UB"), approval("T1/UA")], False),
        ([approval("T1/UA", "T1/UB"), approval("T1/UD", "T1/UC")], True),
        ([approval("T1/UA", "T1/UB"), approval("T1/UC", "T1/UB")], False),
        # A vote for somebody outside the groups takes no place.
        ([approval("T1/UA", "T1/UD"), approval("T1/UC")], False),
        ([approval("T1/UD"), approval("T1/UA"), approval("T1/UC")], True),
    ],
)
def test_delegated_approvals_take_a_place_once(votes, is_met):
    assert quorum_met(votes, SEATED, MEMBERS) is is_met


@given(
    counts=st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 2)), min_size=1, max_size=2),
    voters=st.permutations(PEOPLE),
    size=st.integers(0, 4),
)
def test_the_order_of_the_votes_never_decides(counts, voters, size):
    factors = [ApprovalRequirement(*count) for count in counts]
    votes = [approval(voter) for voter in voters[:size]]
    answers = {quorum_met(order, factors, MEMBERS) for order in itertools.permutations(votes, size)}
    assert len(answers) == 1


@given(
    votes=st.lists(
        st.builds(approval, st.sampled_from(PEOPLE), st.sampled_from(["", *PEOPLE])), max_size=4
    ),
    count=st.integers(1, 3),
)
def test_a_quorum_needs_as_many_people_as_places(votes, count):
    factors = (ApprovalRequirement("everybody", count),)
    groups = {"everybody": frozenset(PEOPLE)}
    if quorum_met(votes, factors, groups):
        assert len({vote.principal for vote in votes}) >= count


# --- people named one by one ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "people"),
    [
        ("floor-managers", ()),
        ("owner:technical", ()),
        ("people:", ()),
        ("people:UANA", ("UANA",)),
        ("people:UANA+UBEN", ("UANA", "UBEN")),
        ("people:UANA++UBEN+", ("UANA", "UBEN")),
    ],
)
def test_the_people_of_a_group_stand_in_its_name_or_nowhere(group, people):
    assert people_of(group) == people


@pytest.mark.parametrize(
    ("factors", "is_possible"),
    [
        ((), True),
        ((ApprovalRequirement("ops-leads", 5),), True),
        ((ApprovalRequirement("people:UA", 1),), True),
        ((ApprovalRequirement("people:UA", 2),), False),
        ((ApprovalRequirement("people:UA+UB", 2),), True),
        ((ApprovalRequirement("people:UA", 1), ApprovalRequirement("people:UA", 1)), False),
        ((ApprovalRequirement("people:UA+UB", 1), ApprovalRequirement("people:UA", 1)), True),
        ((ApprovalRequirement("people:UA+UB", 2), ApprovalRequirement("people:UA", 1)), False),
        # Nobody is known of a group, so it is never in the way.
        ((ApprovalRequirement("people:UA", 1), ApprovalRequirement("finance", 9)), True),
    ],
)
def test_people_named_one_by_one_must_suffice(factors, is_possible):
    assert can_be_met(factors) is is_possible


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("groups", "text"),
    [
        (["finance"], "@finance"),
        (["ops-leads", "finance"], "@finance or @ops-leads"),
        (["owners", "ops-leads", "finance"], "@finance, @ops-leads or @owners"),
        (["people:UANA", "people:UBEN"], "those named for it"),
        (["people:UANA", "finance"], "@finance or those named for it"),
        (["finance", "finance"], "@finance"),
    ],
)
def test_groups_are_named_as_people_read_them(groups, text):
    assert either(groups) == text


def test_no_account_is_ever_read_out():
    assert names_of(["people:UANA+UBEN"]) == ["those named for it"]
    assert names_of([]) == []
