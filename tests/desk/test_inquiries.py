"""Asking about a case: one message to whoever is asked, one answer, and the plan that follows from it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.audit.export import export
from bot.audit.replay import replay
from bot.audit.verifier import verify
from bot.cases.actor import CaseId, Surface, UserId
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.entries import RejectReason
from bot.cases.errors import (
    BadRequest,
    ChatFailed,
    ChatUnknown,
    NotEligible,
    NotNow,
    Refusal,
    TooLate,
)
from bot.cases.inquiry import Addressee, AnswerType
from bot.cases.lifecycle import State
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage
from bot.desk.effects import inquiry_message
from bot.desk.inquiries import InquiryReply, InquiryRequest
from bot.views.inquiries import MIN_COUNT, FrequentInquiry, tally_inquiries
from tests.cases.test_case_facts import inquiry
from tests.desk.test_digest import MONDAY, OFFICE, digest_at
from tests.fakes.directory import principal
from tests.world import playbook, request

ANA, BEN, CARLA, FINN, OMAR, GUEST = map(
    principal, ("ana", "ben", "carla", "finn", "omar", "guest")
)
QUESTION = InquiryRequest(
    addressee=Addressee.COLLEAGUE,
    colleague=BEN,
    text="Is the delivery confirmed?",
    answer_type=AnswerType.CHOICE,
    options=("Yes", "No"),
)
QUANTITY = replace(
    QUESTION, text="How many do we need?", answer_type=AnswerType.NUMBER, fact="stock.quantity"
)


def ask(world, case, question=QUESTION, by=ANA):
    after = world.desk.conversation.inquiries.ask(request(case.id, by, world.seen(case)), question)
    world.work()
    return after.activity.inquiries[-1]


def reply(case, number, by=BEN) -> InquiryReply:
    return InquiryReply(
        case_id=CaseId(case.id), inquiry=number, by=UserId(by), surface=Surface.SLACK
    )


def answer(world, case, text, number=None, by=BEN):
    number = number or world.case(case).activity.inquiries[-1].number
    world.desk.conversation.inquiries.answer(reply(case, number, by), text)
    world.work()
    return world.case(case)


def messages(world):
    """The views of each message with a question, in the order in which they were shown."""
    return list(world.chat.inquiries.values())


def statuses(world):
    return [[view.status for view in views] for views in messages(world)]


# --- a question and its answer --------------------------------------------------------------------


def test_a_question_reaches_one_person_and_its_answer_becomes_evidence(world):
    case = world.proposed()
    number = ask(world, case).number
    ((view,),) = messages(world)
    assert (view.inquiry.to, view.inquiry.to_name, view.is_pending) == (BEN, "Ben", True)
    assert view.row.ts
    after = answer(world, case, "Yes")
    assert (after.state, after.proposal) == (State.PROPOSED, case.proposal)
    fact = after.assessment.evidence[-1]
    assert (fact.value, fact.source) == ("Yes", "answer by Ben")
    assert statuses(world) == [["pending", "answered"]]
    # Whoever asked is told in the thread.
    assert world.chat.calls[-1] == (ANA, False)
    assert world.entry_names(case)[-2:] == ["inquiry.opened", "inquiry.answered"]
    card = world.chat.cards[f"{case.id}/1"][-1]
    assert card.activity.inquiries[0].answer.value == "Yes"
    # An answered question follows its case no more.
    assert f"inquiry:{case.id}:{number}" not in world.store.live_lists.keys_with(case.id)


def test_the_ledger_proves_question_and_answer(world, tmp_path):
    case = world.proposed()
    ask(world, case, QUANTITY)
    answer(world, case, "12")
    world.approve(world.case(case))
    world.work()
    assert world.case(case).state is State.RESOLVED
    assert replay(world.store.database).differences == ()
    export(world.store.ledger, tmp_path / "log.jsonl")
    assert verify(str(tmp_path / "log.jsonl"))[0] == []


def test_an_answer_that_the_plan_uses_makes_the_next_revision_on_the_same_card(small_world):
    world = small_world
    case = world.proposed()
    assert case.proposal.plan.actions[0].parameters["quantity"] == 24
    ask(world, case, QUANTITY, by=OMAR)
    after = answer(world, case, "12")
    assert (after.state, after.proposal.revision, after.generation) == (State.PROPOSED, 2, 1)
    assert after.proposal.plan.actions[0].parameters["quantity"] == 12
    # A press on what was shown before decides nothing.
    with pytest.raises(Refusal, match="newer plan"):
        world.approve(case, seen=CardSnapshot.of(case))
    # The time to decide went on.
    assert after.timers.sla == case.timers.sla
    world.approve(after)
    world.work()
    assert world.case(case).state is State.RESOLVED


@pytest.mark.threat("B12")
def test_whoever_gave_the_plan_its_value_does_not_approve_it(small_world):
    world = small_world
    case = world.proposed()
    ask(world, case, replace(QUANTITY, colleague=OMAR))
    after = answer(world, case, "12", by=OMAR)
    with pytest.raises(NotEligible, match="raised or edited"):
        world.approve(after, "omar")
    assert world.approve(after, "ana").state is State.APPROVED


@pytest.mark.threat("B12")
def test_a_plan_that_rests_on_an_answer_never_runs_by_itself(small_world):
    world = small_world
    case = world.proposed()
    ask(world, case, QUANTITY)
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    world.library.rules = replace(
        world.library.rules, actions={"house.order_stock": ActionLimit(alone=True)}
    )
    # Without an answer policy would let it run.
    other = world.receive(world.signal("product:2")).case_id
    world.work()
    assert world.store.cases.case(other).state is State.RESOLVED
    after = answer(world, case, "12")
    assert (after.state, after.proposal.revision) == (State.PROPOSED, 2)


def test_an_answer_fills_what_the_signal_left_out(small_world):
    world = small_world
    world.library.book = playbook(
        evidence=(
            replace(
                playbook().evidence[0],
                parameters={"product_id": "signal.product_id", "table": "signal.table"},
            ),
        )
    )
    case_id = world.receive(world.signal(requester=FINN)).case_id
    world.work()
    case = world.store.cases.case(case_id)
    assert case.state is State.REFERRED
    question = replace(
        QUESTION,
        addressee=Addressee.REQUESTER,
        text="Which table?",
        answer_type=AnswerType.NUMBER,
        fact="signal.table",
    )
    assert ask(world, case, question).to == FINN
    after = answer(world, case, "7", by=FINN)
    assert after.state is State.PROPOSED
    assert not any(fact.failure for fact in after.assessment.evidence)
    # The signal is as it was received.
    assert "table" not in after.signal.facts


def test_an_answer_outlives_the_next_look(small_world):
    world = small_world
    case = world.proposed()
    ask(world, case)
    answer(world, case, "Yes")
    ask(world, case, QUANTITY)
    after = answer(world, case, "12")
    answers = [fact for fact in after.assessment.evidence if fact.source == "answer by Ben"]
    assert [(fact.name, fact.value) for fact in answers] == [
        (f"answer.{after.activity.inquiries[0].number}", "Yes"),
        ("stock.quantity", 12),
    ]


# --- whom and what --------------------------------------------------------------------------------


def test_the_owners_are_asked_as_a_group_and_any_other_member_answers(small_world):
    world = small_world
    case = world.proposed()
    inquiry_ = ask(world, case, replace(QUESTION, addressee=Addressee.OWNER, colleague=""))
    assert (inquiry_.to, inquiry_.to_name) == ("floor-managers", "@floor-managers")
    with pytest.raises(NotEligible, match="for somebody else"):
        answer(world, case, "Yes", by=BEN)
    with pytest.raises(NotEligible, match="you asked this"):
        answer(world, case, "Yes", by=ANA)
    assert answer(world, case, "Yes", by=OMAR).activity.inquiries[0].answer.by == OMAR


@pytest.mark.parametrize(
    ("changes", "field", "complaint"),
    [
        ({"addressee": Addressee.REQUESTER}, "whom", "nobody raised this by hand"),
        ({"colleague": ""}, "to", "choose a colleague"),
        ({"colleague": principal("nobody")}, "to", "a member of this workspace"),
        ({"colleague": CARLA}, "to", "a member of this workspace"),
        ({"fact": "stock.on_hand"}, "fact", "known already, or not used"),
        ({"fact": "stock.quantity"}, "type", "quantity is a number"),
    ],
)
def test_what_cannot_be_asked(small_world, changes, field, complaint):
    world = small_world
    world.people.change("carla", guest=True)
    case = world.proposed()
    with pytest.raises(BadRequest, match=complaint) as failure:
        ask(world, case, replace(QUESTION, **changes))
    assert failure.value.field == field
    # Refused attempts are part of the record.
    assert world.entry_names(case)[-1] == "attempt.refused"
    assert messages(world) == []


def test_a_stranger_to_the_case_does_not_ask(small_world):
    world = small_world
    case = world.proposed()
    with pytest.raises(NotEligible):
        ask(world, case, by=FINN)


def test_whoever_is_asked_may_see_the_case(small_world):
    world = small_world
    case = world.proposed()
    assert not world.store.queries.is_party(FINN, case.id)
    ask(world, case, replace(QUESTION, colleague=FINN))
    assert world.store.queries.is_party(FINN, case.id)


def test_a_form_is_opened_for_whoever_may_answer(small_world):
    world = small_world
    case = world.proposed()
    number = ask(world, case, replace(QUESTION, answer_type=AnswerType.DATE)).number
    _, opened = world.desk.conversation.inquiries.open(reply(case, number))
    assert opened.number == number
    with pytest.raises(NotEligible):
        world.desk.conversation.inquiries.open(reply(case, number, FINN))
    assert world.entry_names(case)[-1] == "attempt.refused"
    with pytest.raises(BadRequest, match="no such question"):
        world.desk.conversation.inquiries.open(reply(case, 99))


def test_a_choice_is_made_by_its_place(small_world):
    world = small_world
    case = world.proposed()
    number = ask(world, case).number
    for place, number_ in ((2, number), (0, 99)):
        with pytest.raises(BadRequest):
            world.desk.conversation.inquiries.choose(reply(case, number_), place)
    world.desk.conversation.inquiries.choose(reply(case, number), 1)
    assert world.case(case).activity.inquiries[0].answer.value == "No"


# --- once -----------------------------------------------------------------------------------------


def test_a_form_that_is_delivered_twice_is_one_question(small_world):
    world = small_world
    case = world.proposed()
    question = replace(QUESTION, key="V1")
    ask(world, case, question)
    with pytest.raises(TooLate):
        ask(world, case, question)
    assert len(messages(world)) == 1
    assert world.entry_names(case).count("inquiry.opened") == 1


def test_an_answer_that_is_delivered_twice_counts_once(small_world):
    world = small_world
    case = world.proposed()
    ask(world, case)
    answer(world, case, "Yes")
    with pytest.raises(TooLate, match="you have answered this already: Yes"):
        answer(world, case, "No")
    assert world.entry_names(case).count("inquiry.answered") == 1
    assert statuses(world) == [["pending", "answered"]]


def test_of_two_answers_at_the_same_moment_one_counts(world):
    case = world.proposed()
    number = ask(world, case, replace(QUESTION, addressee=Addressee.OWNER, colleague="")).number
    world.people.members["floor-managers"] = {"omar", "carla", "finn"}

    def give(by):
        try:
            world.desk.conversation.inquiries.answer(reply(case, number, by), "Yes")
        except TooLate:
            return "too late"
        return "counts"

    with ThreadPoolExecutor(3) as pool:
        outcomes = sorted(pool.map(give, (OMAR, CARLA, FINN)))
    assert outcomes == ["counts", "too late", "too late"]
    assert world.entry_names(case).count("inquiry.answered") == 1


def test_a_question_whose_post_is_in_doubt_is_looked_for(small_world):
    world = small_world
    case = world.proposed()
    world.desk.conversation.inquiries.ask(request(case.id, ANA, world.seen(case)), QUESTION)
    world.chat.failures = [ChatUnknown("timeout")] * 3
    world.work()
    world.clock.forward(hours=1)
    world.chat.failures = []
    world.work()
    assert statuses(world) == [["pending"]]
    assert world.chat.looked_first


def test_a_question_is_not_sent_again_for_a_repeated_request(small_world):
    world = small_world
    case = world.proposed()
    number = ask(world, case).number
    world.store.outbox.enqueue([inquiry_message(case.id, number, world.clock())])
    world.store.outbox.enqueue([inquiry_message(case.id, 99, world.clock())])
    world.work()
    assert statuses(world) == [["pending"]]


# --- the case is decided first --------------------------------------------------------------------


def test_a_case_that_is_decided_needs_no_answer_and_the_message_says_so(small_world):
    world = small_world
    case = world.proposed()
    ask(world, case)
    world.desk.decisions.reject(
        request(case.id, OMAR, world.seen(case)), reason=RejectReason.DUPLICATE
    )
    world.work()
    assert statuses(world) == [["pending", "over:REJECTED"]]
    with pytest.raises(TooLate, match=f"{case.id} is rejected; the answer is no longer needed"):
        answer(world, case, "Yes")
    assert world.entry_names(case)[-1] == "attempt.refused"


def test_nobody_is_asked_about_a_case_that_was_decided_meanwhile(small_world):
    world = small_world
    case = world.proposed()
    world.desk.conversation.inquiries.ask(request(case.id, ANA, world.seen(case)), QUESTION)
    world.desk.decisions.reject(
        request(case.id, OMAR, world.seen(case)), reason=RejectReason.DUPLICATE
    )
    world.work()
    assert messages(world) == []


# --- the directory is away ------------------------------------------------------------------------


def test_nobody_answers_who_is_not_known(small_world):
    world = small_world
    case = world.proposed()
    number = ask(world, case).number
    with pytest.raises(NotEligible):
        answer(world, case, "Yes", number=number, by=GUEST)
    assert world.entry_names(case)[-1] == "attempt.refused"

    def away(who, *, fresh=False):
        raise ChatFailed("timeout")

    world.people.person = away
    with pytest.raises(NotNow):
        world.desk.conversation.inquiries.answer(reply(case, number), "Yes")
    assert world.case(case).activity.inquiries[0].is_unanswered


# --- the weekly review ----------------------------------------------------------------------------


def test_the_review_names_what_was_asked_most_often(small_world):
    world = small_world
    world.library.calendars = {"C0STOCK": OFFICE}
    world.clock.at = MONDAY - timedelta(days=2)
    for number in range(3):
        case_id = world.receive(world.signal(f"product:{number}")).case_id
        world.work()
        case = world.store.cases.case(case_id)
        ask(
            world,
            case,
            replace(QUESTION, text=f"Is the delivery  {'C' if number else 'c'}onfirmed?"),
        )
        if number == 0:
            ask(world, case, replace(QUESTION, text="Only once?"))
            world.desk.decisions.reject(
                request(case.id, OMAR, world.seen(case)), reason=RejectReason.DUPLICATE
            )
    review = digest_at(world).review
    assert review.inquiries == (
        FrequentInquiry(kind_title="Running low", question="Is the delivery confirmed?", count=3),
    )


def test_only_what_was_asked_in_the_week_is_counted(small_world):
    case = small_world.proposed()
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    questions = tuple(replace(inquiry("", number=number), at=at) for number in range(MIN_COUNT))
    case = replace(case, activity=replace(case.activity, inquiries=questions))
    day = timedelta(days=1)
    assert tally_inquiries([case], {}, (at, at + day)) == (
        FrequentInquiry(kind_title="low_stock", question="How many?", count=MIN_COUNT),
    )
    assert tally_inquiries([case], {}, (at - day, at)) == ()
    assert tally_inquiries([case], {}, (at + day, at + 2 * day)) == ()
