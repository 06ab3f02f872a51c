"""Accounts of people: ids of Slack, declared accounts, and everything else."""

from dataclasses import replace

import pytest

from bot.cases.approval import Approval, ApprovalRequirement, Person
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import Approve, Clear, Recur
from bot.cases.decide import decide
from bot.cases.errors import NotEligible, TooLate
from bot.cases.identity import UNLINKED, Identities, is_slack_account
from bot.cases.intake import MAX_REQUESTERS, OTHERS
from bot.cases.lifecycle import State
from bot.cases.policy import PlaybookTerms
from bot.cases.verdict import Ruling, needs_governance, require_governance
from tests.cases.making import (
    ANA,
    BEN,
    CARLA,
    GROUPS,
    HOUR,
    NOW,
    OMAR,
    approved,
    asker,
    fold_all,
    proposed,
    signal,
    start_step,
    verdict,
    write,
)

pytestmark = pytest.mark.threat("B6")
ANA_TWO = Person("T2/UANATWO", "Ana")
LINKED = Identities.of(
    [[ANA.id, ANA_TWO.id, "staff:17", "Ana@Harbour.example"], [BEN.id, "staff:18"]]
)
TWO = (ApprovalRequirement("floor-managers", 2),)


def do(case, move, now=NOW):
    return fold_all(case, write(case, move, now))


def linked_asker(person, **more):
    groups = {**GROUPS, "floor-managers": GROUPS["floor-managers"] | {ANA_TWO.id}}
    return replace(asker(person), groups=groups, identities=LINKED, **more)


@pytest.mark.parametrize("account", ["T1/UANA", "E0ORG/W012AB", "T012AB3CD/U012AB3CD"])
def test_slacks_own_ids_name_a_person(account):
    assert is_slack_account(account)
    assert UNLINKED.person_of(account) == account


@pytest.mark.parametrize(
    "account",
    [
        "",
        "ana",
        "U0ANA",
        "T1/",
        "/UANA",
        "T1/UANA ",
        "T1/UANA/UBEN",
        "t1/uana",
        "T1/CANA",
        "X1/UANA",
        "T1/UАNA",
        "*",
    ],
)
def test_what_only_looks_like_one_names_nobody(account):
    assert UNLINKED.person_of(account) is None
    assert UNLINKED.unknown_accounts([account]) == (account,)


def test_declared_accounts_are_one_person_in_whatever_case_they_are_written():
    accounts = [ANA.id, ANA_TWO.id, "STAFF:17", " ana@harbour.example"]
    assert {LINKED.person_of(account) for account in accounts} == {ANA.id}
    assert LINKED.is_same_person("staff:17", "ana@harbour.EXAMPLE")
    assert not LINKED.is_same_person("staff:17", "staff:18")
    assert not LINKED.is_same_person("staff:99", "staff:98")
    assert LINKED.person_of("staff:99") is None
    assert LINKED.linked_accounts(["staff:17", "x"]) == {
        ANA.id,
        ANA_TWO.id,
        "staff:17",
        "Ana@Harbour.example",
        "x",
    }


@pytest.mark.parametrize(
    ("people", "wrong"),
    [
        ([[ANA.id, "staff:17"], [BEN.id, "STAFF:17"]], "belongs to two people"),
        ([["staff:17", "staff:18"]], "is an account in Slack"),
    ],
)
def test_what_is_not_exactly_one_person_is_refused(people, wrong):
    with pytest.raises(ValueError, match=wrong):
        Identities.of(people)


# --- whoever raises it again ----------------------------------------------------------------------


def test_whoever_raises_a_known_trouble_again_is_an_author_from_then_on():
    case = do(proposed(), Recur(signal(key="again", requester=ANA.id)))
    assert case.authors == (ANA.id,)
    with pytest.raises(NotEligible, match="raised or edited"):
        decide(case, Approve(asker(ANA), CardSnapshot.of(case)), NOW)
    assert do(case, Approve(asker(OMAR), CardSnapshot.of(case))).state is State.APPROVED


def test_a_trouble_that_came_back_is_of_everybody_who_ever_raised_it():
    case = do(proposed(requester=OMAR.id), Clear(signal(key="gone")))
    back = do(case, Recur(signal(key="again", requester=ANA.id), reopen=True))
    assert (back.state, back.authors) == (State.OPEN, (OMAR.id, ANA.id))
    assert [one.account for one in back.requesters] == [OMAR.id, ANA.id]


def test_raising_it_after_the_yes_takes_nothing_back():
    case = do(approved(), Recur(signal(key="again", requester=ANA.id)), NOW + HOUR)
    assert case.authors == (ANA.id,)
    assert case.authors_before(NOW) == ()
    assert do(case, start_step(case), NOW + HOUR).state is State.RUNNING


def test_so_many_requesters_are_kept_and_the_next_is_somebody_unknown():
    case = proposed()
    for number in range(MAX_REQUESTERS + 5):
        for _ in range(2):
            case = do(case, Recur(signal(key=f"k{number}", requester=f"T1/U{number}")))
    assert len(case.activity.later_requesters) == MAX_REQUESTERS + 1
    assert case.activity.later_requesters[-1].account == OTHERS
    assert UNLINKED.unknown_accounts(case.authors) == (OTHERS,)


# --- linked accounts ------------------------------------------------------------------------------


@pytest.mark.parametrize("author", ["requester", "beneficiary"])
@pytest.mark.parametrize("account", ["staff:17", ANA_TWO.id, "ana@harbour.example"])
def test_whoever_raised_it_or_gains_from_it_approves_it_under_none_of_their_accounts(
    author, account
):
    case = proposed(**{author: account})
    with pytest.raises(NotEligible, match="raised or edited"):
        decide(case, Approve(linked_asker(ANA), CardSnapshot.of(case)), NOW)
    assert do(case, Approve(linked_asker(OMAR), CardSnapshot.of(case))).state is State.APPROVED


def test_two_accounts_of_one_person_are_one_yes():
    case = proposed(factors=TWO)
    case = do(case, Approve(linked_asker(ANA), CardSnapshot.of(case)))
    with pytest.raises(TooLate, match="you have approved this already"):
        decide(case, Approve(linked_asker(ANA_TWO), CardSnapshot.of(case)), NOW)
    assert do(case, Approve(linked_asker(OMAR), CardSnapshot.of(case))).state is State.APPROVED


def test_an_account_is_of_a_group_only_by_itself():
    """Linked accounts do not share their groups."""
    with pytest.raises(NotEligible, match="only @floor-managers"):
        decide(
            proposed(),
            Approve(replace(asker(ANA_TWO), identities=LINKED), CardSnapshot.of(proposed())),
            NOW,
        )


def test_nobody_stands_in_for_themselves():
    factors = (ApprovalRequirement("finance", 1),)
    groups = {**GROUPS, "finance": frozenset({ANA_TWO.id})}
    by = replace(linked_asker(ANA, behalf_of=(ANA_TWO,)), groups=groups)
    case = proposed(factors=factors)
    with pytest.raises(NotEligible, match="only @finance"):
        decide(case, Approve(by, CardSnapshot.of(case)), NOW)


def test_accounts_that_are_linked_after_both_said_yes_count_once_when_the_step_begins():
    groups = {**GROUPS, "floor-managers": frozenset({ANA.id, ANA_TWO.id})}
    case = proposed(factors=TWO)
    for person in (ANA, ANA_TWO):
        case = do(case, Approve(replace(asker(person), groups=groups), CardSnapshot.of(case)))
    assert case.state is State.APPROVED
    people = {ANA.id: ANA, ANA_TWO.id: ANA_TWO}
    unaware = do(case, start_step(case, groups=groups, people=people))
    aware = do(case, start_step(case, groups=groups, people=people, identities=LINKED))
    assert (unaware.state, aware.state) == (State.RUNNING, State.OPEN)
    assert aware.activity.drift_reasons == ("the approvals no longer count",)


def test_an_emergency_is_not_let_through_by_an_author_under_another_account():
    with pytest.raises(NotEligible, match="cannot approve it"):
        decide(
            proposed(requester="staff:17"),
            Approve(
                linked_asker(ANA),
                CardSnapshot.of(proposed(requester="staff:17")),
                "fire",
                emergency=True,
            ),
            NOW,
        )


def test_the_first_yes_of_a_person_is_the_one_that_counts():
    votes = [
        Approval(person=one, name=one, digest="d", at=NOW)
        for one in (ANA.id, "staff:17", BEN.id, ANA_TWO.id)
    ]
    assert [vote.person for vote in LINKED.distinct_votes(votes)] == [ANA.id, BEN.id]
    for_ben = Approval(person=OMAR.id, name="Omar", digest="d", at=NOW, behalf_of="staff:18")
    assert LINKED.distinct_votes([votes[2], for_ben]) == (votes[2],)
    assert UNLINKED.distinct_votes([votes[2], for_ben]) == (votes[2], for_ben)


# --- whom nobody knows ----------------------------------------------------------------------------

TERMS = PlaybookTerms(owners={"governance": "owners"})


def test_the_governance_owners_come_on_top_of_whoever_must_say_yes_anyway():
    ruling = require_governance(verdict(factors=TWO), TERMS)
    assert (ruling.ruling, ruling.factors) == (Ruling.ASK, (*TWO, ApprovalRequirement("owners", 1)))
    assert "not known here, so the governance owners decide" in ruling.reason
    assert needs_governance(ruling)
    already = verdict(factors=(ApprovalRequirement("owners", 1),))
    assert require_governance(already, TERMS).factors == already.factors


def test_what_policy_would_let_run_alone_is_asked_of_them():
    ruling = require_governance(verdict(ruling=Ruling.AUTO_APPROVE, factors=()), TERMS)
    assert (ruling.ruling, ruling.factors) == (Ruling.ASK, (ApprovalRequirement("owners", 1),))


def test_where_no_governance_owners_are_named_nobody_decides():
    assert require_governance(verdict(), PlaybookTerms()).ruling is Ruling.REFUSE
    refusal = verdict(ruling=Ruling.REFUSE)
    assert require_governance(refusal, TERMS) == refusal


def test_nobody_lets_it_through_alone():
    case = proposed(requester="ana", verdict=require_governance(verdict(factors=TWO), TERMS))
    with pytest.raises(NotEligible, match="nobody lets it through alone"):
        decide(case, Approve(asker(CARLA), CardSnapshot.of(case), "fire", emergency=True), NOW)


def test_when_somebody_unknown_raises_it_too_the_question_is_asked_anew_and_once():
    asked_of_two = proposed(factors=TWO)
    case = do(asked_of_two, Approve(asker(OMAR), CardSnapshot.of(asked_of_two)))
    again = do(case, Recur(signal(key="again", requester="ana@elsewhere.example")))
    assert (again.state, again.proposal.approvals) == (State.OPEN, ())
    assert again.activity.drift_reasons == ("somebody who is not known here has raised it too",)
    declared = do(case, Recur(signal(key="again", requester="staff:17"), identities=LINKED))
    assert (declared.state, len(declared.proposal.approvals)) == (State.PROPOSED, 1)
    asked = proposed(verdict=require_governance(verdict(factors=TWO), TERMS))
    assert do(asked, Recur(signal(key="again", requester="bea"))).state is State.PROPOSED


def test_joined_accounts_are_one_person_by_either_file_and_through_both():
    one = Identities.of([["T1/UANA", "staff:17"], ["T1/UBEN", "ben@a.example"]])
    other = Identities.of([["T1/UBEN", "Staff:17"], ["T1/UCARLA", "staff:9"]])
    joint = one.join(other)
    assert joint.is_same_person("T1/UANA", "T1/UBEN")
    assert joint.is_same_person("T1/UANA", "ben@a.example")
    assert not joint.is_same_person("T1/UANA", "T1/UCARLA")
    assert joint.person_of("staff:9") == "T1/UCARLA"
    assert one.join(Identities()).checksum == one.checksum == Identities().join(one).checksum
