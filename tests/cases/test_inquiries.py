"""Inquiries: who may ask and answer, what counts as an answer, and what follows from it."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.audit.verifier import CaseState, Log, entry_problems
from bot.cases.approval import ApprovalRequirement, Person
from bot.cases.canonical import from_json, to_plain
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.commands import (
    Approve,
    AskQuestion,
    Clear,
    GiveAnswer,
    Recur,
    Reject,
    Snooze,
)
from bot.cases.decide import decide
from bot.cases.entries import (
    Gathered,
    InquiryAnswered,
    InquiryOpened,
    RejectReason,
    entry_plain,
)
from bot.cases.errors import BadRequest, LedgerBroken, NotEligible, Refusal, Superseded, TooLate
from bot.cases.evidence import Evidence
from bot.cases.inquiries import (
    MAX_ANSWER_LENGTH,
    MAX_INQUIRIES,
    MAX_OPTION_LENGTH,
    MAX_QUESTION_LENGTH,
    MAX_UNANSWERED,
    asker_of,
    find_inquiry,
    is_pending,
    must_be_answerable,
    rests_on_answers,
)
from bot.cases.inquiry import AnswerType, Inquiry, InquiryAnswer
from bot.cases.lifecycle import State
from tests.cases.making import (
    ANA,
    BEN,
    CARLA,
    CASES,
    HOUR,
    NOW,
    OMAR,
    caller,
    do,
    entry_after,
    opened,
    parked,
    proposed,
    record,
    referred,
    resolved,
    signal,
)

LATER = NOW + HOUR
QUESTION = "Is the delivery confirmed?"
TWO = (ApprovalRequirement("floor-managers", 2),)


def question(case, person=ANA, **changes) -> AskQuestion:
    fields = {
        "to": BEN.id,
        "to_name": BEN.name,
        "question": QUESTION,
        "answer_type": AnswerType.CHOICE,
        "options": ("Yes", "No"),
    }
    return AskQuestion(caller(person), CardSnapshot.of(case), **{**fields, **changes})


def asking(case=None, **changes) -> Case:
    """A case with one open question, to Ben."""
    case = case or proposed()
    return do(case, question(case, **changes))


def answer(case, text="Yes", person=BEN, number=None, **more) -> GiveAnswer:
    number = number or case.activity.inquiries[-1].number
    return GiveAnswer(by=caller(person, **more), inquiry=number, text=text)


# --- ask ------------------------------------------------------------------------------------------


def test_a_question_is_an_entry_and_the_case_goes_on_waiting():
    case = proposed()
    (entry,) = decide(case, question(case, key="V1"), LATER).entries
    assert entry.body == InquiryOpened(
        to=BEN.id,
        to_name="Ben",
        question=QUESTION,
        answer_type=AnswerType.CHOICE,
        options=("Yes", "No"),
        key="V1",
        by_name="Ana",
    )
    assert entry.actor.id == ANA.id
    after = do(case, question(case, key="V1"), at=LATER)
    assert after.activity.inquiries == (
        Inquiry(
            number=3,
            question=QUESTION,
            answer_type=AnswerType.CHOICE,
            options=("Yes", "No"),
            by=ANA.id,
            by_name="Ana",
            to=BEN.id,
            to_name="Ben",
            at=LATER,
            key="V1",
        ),
    )
    # The clock goes on, the plan and what the card showed are as they were.
    assert (after.state, after.timers.sla) == (State.PROPOSED, case.timers.sla)
    assert after.timers.due_at == case.timers.due_at
    assert CardSnapshot.of(after) == CardSnapshot.of(case)
    # Whoever is asked may see the case.
    assert BEN.id in after.activity.people


@pytest.mark.threat("C1")
@pytest.mark.parametrize(
    ("changes", "field", "complaint"),
    [
        ({"to": ""}, "whom", "choose whom to ask"),
        ({"to": ANA.id}, "whom", "choose somebody other than yourself"),
        ({"question": " \n "}, "question", "write the question"),
        ({"question": "x" * (MAX_QUESTION_LENGTH + 1)}, "question", "at most 200 characters"),
        ({"options": ("Yes",)}, "options", "2 to 10 different answers"),
        ({"options": ("Yes", " ", "Yes ")}, "options", "2 to 10 different answers"),
        ({"options": tuple(map(str, range(11)))}, "options", "2 to 10 different answers"),
        ({"options": ("Yes", "x" * (MAX_OPTION_LENGTH + 1))}, "options", "at most 75 characters"),
        (
            {"answer_type": AnswerType.FILE, "fact": "stock.on_hand"},
            "fact",
            "a file is evidence; it gives no value for the plan",
        ),
    ],
)
def test_what_is_no_question(changes, field, complaint):
    case = proposed()
    with pytest.raises(BadRequest, match=complaint) as failure:
        decide(case, question(case, **changes), NOW)
    assert failure.value.field == field


def test_a_question_is_one_line_and_its_longest_form_is_taken():
    case = proposed()
    options = tuple(f"{place} {'x' * (MAX_OPTION_LENGTH - 2)}" for place in range(10))
    after = do(case, question(case, question="a\x00 \n b" + "c" * 190, options=options))
    (inquiry,) = after.activity.inquiries
    assert inquiry.question == "a\ufffd b" + "c" * 190
    assert inquiry.options == options


def test_only_a_choice_has_options():
    after = asking(answer_type=AnswerType.DATE, options=("Yes", "No"))
    assert after.activity.inquiries[0].options == ()


def test_one_press_is_one_question():
    case = asking(key="V1")
    for again in (question(case, key="V1", question="Another?"), question(case, key="V2")):
        with pytest.raises(TooLate, match="Ben has been asked that already"):
            decide(case, again, NOW)
    # Another person, or the same one after the answer, may be asked.
    assert len(do(case, question(case, to=CARLA.id)).activity.inquiries) == 2
    case = do(case, answer(case))
    assert len(do(case, question(case)).activity.inquiries) == 2


def test_the_questions_of_a_case_are_bounded():
    case = proposed()
    for number in range(MAX_UNANSWERED):
        case = do(case, question(case, question=f"How many {number}?"))
    with pytest.raises(BadRequest, match="wait for one of them"):
        decide(case, question(case, question="One more?"), NOW)
    for inquiry in case.activity.inquiries:
        case = do(case, answer(case, number=inquiry.number))
    for number in range(MAX_INQUIRIES - MAX_UNANSWERED):
        case = do(case, question(case, question=f"And {number}?"))
        case = do(case, answer(case))
    with pytest.raises(BadRequest, match="that is the most"):
        decide(case, question(case, question="One more?"), NOW)


@pytest.mark.parametrize("state", CASES, ids=lambda state: state.name)
def test_only_a_waiting_case_offers_the_question(state):
    case = CASES[state]()
    if state in {State.PROPOSED, State.REFERRED}:
        assert do(case, question(case)).activity.inquiries
        return
    with pytest.raises(Refusal):
        decide(case, question(case), NOW)


def test_a_question_is_about_what_the_card_showed():
    case = proposed()
    stale = replace(CardSnapshot.of(case), revision=0)
    with pytest.raises(Superseded):
        decide(case, replace(question(case), snapshot=stale), NOW)


# --- answer ---------------------------------------------------------------------------------------


def test_an_answer_becomes_evidence_with_its_source():
    case = asking()
    (entry,) = decide(case, answer(case), LATER).entries
    assert entry.body == InquiryAnswered(inquiry=3, value="Yes", by_name="Ben")
    assert (entry.actor.id, entry.surface) == (BEN.id, "slack")
    after = do(case, answer(case), at=LATER)
    (inquiry,) = after.activity.inquiries
    assert inquiry.answer == InquiryAnswer(value="Yes", by=BEN.id, by_name="Ben", at=LATER)
    assert after.assessment.evidence[-1] == Evidence(
        name="answer.3",
        label=QUESTION,
        value="Yes",
        source="answer by Ben",
        read_at=LATER,
    )
    assert (after.state, after.proposal) == (State.PROPOSED, case.proposal)
    assert BEN.id not in after.authors
    assert not rests_on_answers(after)


@pytest.mark.parametrize("maker", [proposed, referred])
def test_an_answer_that_the_plan_uses_has_it_made_again(maker):
    case = maker()
    changes = {"answer_type": AnswerType.NUMBER, "fact": "stock.on_hand"}
    case = asking(case, **changes)
    (entry,) = decide(case, answer(case, "12"), NOW).entries
    assert entry.body.is_replanned
    after = do(case, answer(case, "12"))
    # The same card shows the next revision.
    assert (after.state, after.generation) == (State.OPEN, case.generation)
    assert (after.proposal.approvals, after.proposal.expires_at) == ((), None)
    assert after.activity.status_reason is None
    assert rests_on_answers(after)
    # Whoever gave the value approves no plan that rests on it.
    assert BEN.id in after.authors


@pytest.mark.threat("B12")
def test_approvals_before_the_answer_do_not_count_for_the_plan_after_it():
    case = proposed(factors=TWO)
    case = do(case, Approve(caller(ANA), CardSnapshot.of(case)))
    case = asking(case, answer_type=AnswerType.NUMBER, fact="stock.on_hand", person=OMAR)
    assert len(case.proposal.approvals) == 1
    assert do(case, answer(case, "12")).proposal.approvals == ()


def test_a_snoozed_case_takes_the_answer_and_plans_when_it_wakes():
    case = asking(answer_type=AnswerType.NUMBER, fact="stock.on_hand")
    snooze = Snooze(caller(OMAR), CardSnapshot.of(case), until=LATER, reason="later")
    case = do(case, snooze)
    after = do(case, answer(case, "12"))
    assert (after.state, after.timers.snoozed_until) == (State.SNOOZED, LATER)
    assert rests_on_answers(after)


def test_only_who_was_asked_may_answer():
    case = asking()
    for person in (ANA, OMAR, CARLA):
        with pytest.raises(NotEligible, match="this question is for somebody else"):
            decide(case, answer(case, person=person), NOW)
    guest = Person(BEN.id, "Ben", guest=True)
    with pytest.raises(NotEligible, match="only members of this workspace"):
        decide(case, answer(case, person=guest), NOW)


def test_a_group_answers_through_any_member_but_the_one_who_asks():
    case = asking(to="floor-managers", to_name="@floor-managers")
    with pytest.raises(NotEligible, match="you asked this"):
        decide(case, answer(case, person=ANA), NOW)
    with pytest.raises(NotEligible, match="for somebody else"):
        decide(case, answer(case, person=BEN), NOW)
    with pytest.raises(NotEligible, match="for somebody else"):
        decide(case, answer(case, person=OMAR, groups={}), NOW)
    after = do(case, answer(case, person=OMAR))
    assert after.activity.inquiries[0].answer.by_name == "Omar"


def test_a_question_is_answered_once():
    case = asking(to="floor-managers", to_name="@floor-managers")
    case = do(case, answer(case, person=OMAR))
    with pytest.raises(TooLate, match="you have answered this already: Yes"):
        decide(case, answer(case, "No", person=OMAR), NOW)
    groups = {"floor-managers": frozenset({OMAR.id, CARLA.id})}
    with pytest.raises(TooLate, match="Omar has answered this already: Yes"):
        decide(case, answer(case, "No", person=CARLA, groups=groups), NOW)


def test_there_is_no_answer_to_nothing():
    case = asking()
    with pytest.raises(BadRequest, match="there is no such question"):
        decide(case, answer(case, number=99), NOW)
    assert find_inquiry(case, 99) is None
    assert (asker_of(case, 99), asker_of(case, 3)) == ("", ANA.id)
    with pytest.raises(LedgerBroken, match="has no question 99"):
        record(case, InquiryAnswered(inquiry=99, value="Yes", by_name="Ben"))


def test_a_decided_case_needs_no_answer():
    case = asking()
    case = do(case, Approve(caller(OMAR), CardSnapshot.of(case)))
    assert not is_pending(case, case.activity.inquiries[0])
    with pytest.raises(TooLate, match="EX-1 is approved; the answer is no longer needed"):
        decide(case, answer(case), NOW)
    # It was asked before the plan drifted, and is asked still.
    assert case.activity.inquiries[0].is_unanswered
    for maker in (parked, resolved):
        case = maker()
        forged = record(case, InquiryOpened(**fields_of_question()), actor=entry_actor(ANA))
        with pytest.raises(TooLate, match="no longer needed"):
            must_be_answerable(forged, forged.activity.inquiries[0].number, caller(BEN))


def fields_of_question():
    return {
        "to": BEN.id,
        "to_name": "Ben",
        "question": QUESTION,
        "answer_type": AnswerType.TEXT,
        "by_name": "Ana",
    }


def entry_actor(person):
    return caller(person).actor


def test_a_case_that_ends_closes_its_questions_for_good():
    case = asking()
    case = do(case, answer(case))
    case = do(case, question(case, question="And the invoice?"))
    rejection = Reject(caller(OMAR), CardSnapshot.of(case), RejectReason.DUPLICATE)
    ended = do(case, rejection)
    assert [one.is_closed for one in ended.activity.inquiries] == [False, True]
    with pytest.raises(TooLate, match="EX-1 is rejected; the answer is no longer needed"):
        decide(ended, answer(ended), NOW)


def test_a_case_that_is_back_asks_its_old_questions_no_more():
    case = asking()
    case = do(case, Clear(signal(key="gone")))
    case = do(case, Recur(signal(key="again"), reopen=True))
    assert case.state is State.OPEN
    assert not is_pending(case, case.activity.inquiries[0])


# --- the values of answers ------------------------------------------------------------------------


def value_of(answer_type, text, options=("Yes", "No")):
    case = asking(answer_type=answer_type, options=options)
    return do(case, answer(case, text)).activity.inquiries[0].answer.value


@pytest.mark.parametrize(
    ("answer_type", "text", "value"),
    [
        (AnswerType.CHOICE, "No", "No"),
        (AnswerType.NUMBER, "12", 12),
        (AnswerType.NUMBER, " -1,200 ", -1200),
        (AnswerType.NUMBER, "12.50", 12.5),
        (AnswerType.NUMBER, "1e3", 1000),
        (AnswerType.DATE, "2026-11-27", "2026-11-27"),
        (AnswerType.TEXT, " They called. ", "They called."),
        (AnswerType.TEXT, "a\x00b", "a\ufffdb"),
        (AnswerType.FILE, "https://files.example/note.pdf", "https://files.example/note.pdf"),
    ],
)
def test_what_is_an_answer(answer_type, text, value):
    assert value_of(answer_type, text) == value


@pytest.mark.threat("C4")
@pytest.mark.parametrize(
    ("answer_type", "text", "complaint"),
    [
        *[(answer_type, " ", "give an answer") for answer_type in AnswerType],
        (AnswerType.CHOICE, "Perhaps", "choose one of the answers"),
        (AnswerType.NUMBER, "many", "write a number"),
        (AnswerType.NUMBER, "NaN", "too large"),
        (AnswerType.NUMBER, "Infinity", "too large"),
        (AnswerType.NUMBER, "1e12", "too large"),
        (AnswerType.NUMBER, "9" * 3_000, "too large"),
        (AnswerType.NUMBER, "1e999999", "too large"),
        (AnswerType.NUMBER, "0.0000001", "6 decimal places"),
        (AnswerType.DATE, "tomorrow", "choose a date"),
        (AnswerType.DATE, "2026-02-30", "choose a date"),
        (AnswerType.TEXT, "x" * (MAX_ANSWER_LENGTH + 1), "at most 1,000 characters"),
        (AnswerType.FILE, "http://files.example/a", "begins with https"),
        (AnswerType.FILE, "javascript:alert(1)", "begins with https"),
        (AnswerType.FILE, "https://", "begins with https"),
        (AnswerType.FILE, "https://bank.example@evil.example/", "begins with https"),
        (AnswerType.FILE, "https://a.example/b c", "begins with https"),
        (AnswerType.FILE, "https://a.example/\u202egnp.exe", "begins with https"),
        (AnswerType.FILE, "https://[not-an-address/", "paste the link"),
        (AnswerType.FILE, "https://a.example/" + "x" * 2_000, "begins with https"),
    ],
)
def test_what_is_no_answer(answer_type, text, complaint):
    with pytest.raises(BadRequest, match=complaint) as failure:
        value_of(answer_type, text)
    assert failure.value.field == "answer"


@pytest.mark.threat("C4")
@given(st.sampled_from(AnswerType), st.text(max_size=300))
def test_any_text_is_an_answer_or_is_refused_in_the_field(answer_type, text):
    case = asking(answer_type=answer_type)
    try:
        after = do(case, answer(case, text))
    except BadRequest as refusal:
        assert refusal.field == "answer"
        return
    # What was taken is in the ledger, and reads back as it is.
    entry = decide(case, answer(case, text), NOW).entries[0]
    assert entry_plain(entry)["body"]["value"] == after.activity.inquiries[0].answer.value


# --- stored, folded and verified ------------------------------------------------------------------


def test_a_case_of_an_earlier_release_has_no_questions():
    plain = to_plain(proposed())
    del plain["activity"]["inquiries"]
    assert from_json(Case, json.dumps(plain)) == proposed()


def findings(*entries):
    case = CaseState(Log())
    return [problem for entry in entries for problem in entry_problems(entry_plain(entry), case)]


def history(case=None):
    """The entries of a question to Ben and its answer, on the opening."""
    base = opened()
    first = entry_after(base, InquiryOpened(**fields_of_question()), actor=entry_actor(ANA))
    reply = InquiryAnswered(inquiry=2, value="Yes", by_name="Ben", fact="stock.on_hand")
    second = replace(first, version=3, body=reply, actor=entry_actor(BEN))
    return replace(first, version=2), second


@pytest.mark.threat("B12")
def test_the_verifier_takes_one_answer_from_whoever_was_asked():
    first, second = history()
    opening = entry_after(opened(), Gathered(evidence=(), what="what", why="why", stake=None))
    opening = replace(opening, version=1)
    assert findings(opening, first, second) == []
    twice = replace(second, version=4)
    assert findings(opening, first, second, twice) == [
        "EX-1: an answer to a question that was not asked, or was answered before"
    ]
    stranger = replace(second, actor=entry_actor(CARLA))
    assert findings(opening, first, stranger) == [
        "EX-1: an answer by another person than the one who was asked"
    ]
    early = replace(second, version=2)
    assert findings(opening, early) == [
        "EX-1: an answer to a question that was not asked, or was answered before"
    ]


@pytest.mark.threat("B12")
def test_the_verifier_counts_no_approval_of_who_gave_the_plan_its_value():
    state = CaseState(Log())
    first, second = history()
    opening = replace(
        entry_after(opened(), Gathered(evidence=(), what="what", why="why", stake=None)), version=1
    )
    plain = [entry_plain(entry) for entry in (opening, first, second)]
    for entry in plain:
        assert list(entry_problems(entry, state)) == []
    assert state.requesters == {BEN.id}
    state.votes, state.authorised_digest = {ANA.id: ANA.id}, "0" * 64
    again = replace(first, version=4)
    reply = replace(second.body, inquiry=4, is_replanned=True)
    third = replace(second, version=5, body=reply)
    for entry in (again, third):
        assert list(entry_problems(entry_plain(entry), state)) == []
    assert (state.votes, state.authorised_digest) == ({}, None)
