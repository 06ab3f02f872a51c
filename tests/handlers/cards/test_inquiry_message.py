"""Questions on cards, in messages, in notes and in the review."""

import json
from dataclasses import replace

import pytest

from bot.cases import commands as commands
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.entries import InquiryAnswered, InquiryOpened, RejectReason
from bot.cases.evolve import evolve
from bot.cases.inquiries import is_pending
from bot.cases.inquiry import AnswerType
from bot.emulator.blocks import validate
from bot.views.inquiries import FrequentInquiry, InquiryMessage
from handlers.cards import ids
from handlers.cards.case_card import case_card
from handlers.cards.inquiry_message import (
    describe_answer,
    frequent_inquiries,
    inquiry_blocks,
    inquiry_line,
    inquiry_summary,
    inquiry_text,
)
from handlers.cards.notes import note_blocks, note_text, trail_lines
from tests.cases.making import (
    ANA,
    BEN,
    CARLA,
    NOW,
    OMAR,
    asker,
    entry_after,
    with_fields,
    write,
)
from tests.handlers.cards.examples import (
    answered_case,
    apply_commands,
    asking_case,
    low_risk_case,
    note_of,
    permalink,
    row,
)
from tests.handlers.cards.markup import ATTACKS, live_parts, mrkdwn_texts

MENTION = {"type": "usergroup", "usergroup_id": "S0OPS"}


def message(case, number=0) -> InquiryMessage:
    inquiry = case.activity.inquiries[number]
    return InquiryMessage(
        key="inquiry:EX-1:3",
        inquiry=inquiry,
        row=row(case),
        is_pending=is_pending(case, inquiry),
    )


def buttons(blocks):
    return [
        (element["text"]["text"], element["action_id"], element["value"])
        for block in blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]


def words_of(blocks) -> str:
    texts = []
    for block in blocks:
        for part in block.get("elements", []):
            texts += [run.get("text", "") for run in part.get("elements", [])]
    return " ".join(text for text in texts if isinstance(text, str))


# --- on the card ----------------------------------------------------------------------------------


def test_a_card_says_in_one_line_whom_was_asked_and_that_the_clock_runs():
    (line,) = inquiry_line(asking_case())
    assert line["text"] == (
        "Asked Ben: “Is the delivery confirmed?” The time to decide keeps running."
    )
    assert line in [
        part for block in case_card(asking_case()) for part in block.get("elements", [])
    ]


def test_a_card_names_the_last_of_several_questions():
    case = asking_case()
    more = commands.AskQuestion(
        asker(ANA),
        CardSnapshot.of(case),
        to=CARLA.id,
        to_name="Carla",
        question="Is it paid?",
        answer_type=AnswerType.TEXT,
    )
    (line,) = inquiry_line(apply_commands(case, more))
    assert line["text"].startswith("Asked Carla: “Is it paid?” and 1 other question. ")


def test_a_card_shows_the_answer_with_its_source_and_time():
    text, time = inquiry_line(answered_case())
    assert text["text"] == "“Is the delivery confirmed?” Yes · Ben"
    assert time.startswith(f"<!date^{int(NOW.timestamp())}^")


def test_a_card_without_questions_says_nothing_of_them():
    assert inquiry_line(low_risk_case()) == []


def test_an_unanswered_question_of_a_decided_case_is_not_on_its_card():
    case = asking_case()
    decided = with_fields(case, inquiries=(replace(case.activity.inquiries[0], is_closed=True),))
    assert inquiry_line(decided) == []


# --- where it is answered -------------------------------------------------------------------------


def test_a_choice_is_a_button_for_each_answer():
    blocks = inquiry_blocks(message(asking_case()), permalink)
    assert validate(blocks) == []
    assert buttons(blocks) == [
        ("Yes", ids.INQUIRY_CHOICES[0], "EX-1 3 0"),
        ("No", ids.INQUIRY_CHOICES[1], "EX-1 3 1"),
    ]
    text = words_of(blocks)
    assert "Ana asks: Is the delivery confirmed? EX-1   Merlot is running low" in text
    assert "The time to decide keeps running." in text


@pytest.mark.parametrize("answer_type", sorted(set(AnswerType) - {AnswerType.CHOICE}))
def test_any_other_answer_is_given_in_a_form(answer_type):
    blocks = inquiry_blocks(message(asking_case(answer_type=answer_type)), permalink)
    assert validate(blocks) == []
    assert buttons(blocks) == [("Answer…", ids.INQUIRY_ANSWER, "EX-1 3")]


def test_whoever_gives_the_plan_its_value_is_told_what_that_means():
    case = asking_case(answer_type=AnswerType.NUMBER, fact="stock.on_hand")
    text = words_of(inquiry_blocks(message(case), permalink))
    assert "so you cannot approve it" in text
    assert "so you cannot" not in words_of(inquiry_blocks(message(asking_case()), permalink))


def test_a_group_is_mentioned():
    case = asking_case(to="ops-leads", to_name="@ops-leads")
    blocks = inquiry_blocks(message(case), permalink, [MENTION])
    assert validate(blocks) == []
    assert blocks[0]["elements"][0]["elements"][0] == MENTION


def test_a_message_becomes_its_outcome():
    blocks = inquiry_blocks(message(answered_case()), permalink, [MENTION])
    assert validate(blocks) == []
    assert buttons(blocks) == []
    # Nobody is called about an answer.
    assert "usergroup" not in json.dumps(blocks)
    assert "Yes · Ben, " in words_of(blocks)
    assert inquiry_text(message(answered_case())) == "Is the delivery confirmed? Yes · Ben"


def test_a_case_that_is_decided_first_needs_no_answer():
    case = asking_case()
    rejection = commands.Reject(asker(OMAR), CardSnapshot.of(case), RejectReason.DUPLICATE)
    case = apply_commands(case, rejection)
    blocks = inquiry_blocks(message(case), permalink)
    assert validate(blocks) == []
    assert buttons(blocks) == []
    assert "The answer is no longer needed. Rejected by Omar" in words_of(blocks)
    assert inquiry_text(message(case)) == "EX-1: the answer is no longer needed"


def test_the_lock_screen_shows_who_asks_what():
    assert inquiry_text(message(asking_case())) == "Ana asks: Is the delivery confirmed? (EX-1)"


def test_what_a_message_shows_has_a_name():
    case = asking_case()
    rejection = commands.Reject(asker(OMAR), CardSnapshot.of(case), RejectReason.DUPLICATE)
    ended = apply_commands(case, rejection)
    names = [message(one).status for one in (case, answered_case(), ended)]
    assert names == ["pending", "answered", "over:REJECTED"]


# --- notes, history and review --------------------------------------------------------------------


def test_the_thread_says_what_was_answered_and_what_follows():
    case = answered_case()
    body = InquiryAnswered(inquiry=3, value="Yes", by_name="Ben")
    assert note_text(note_of(case, [entry_after(case, body)])) == (
        "Ben answered “Is the delivery confirmed?” Yes."
    )
    replanned = replace(body, is_replanned=True)
    assert describe_answer(case, replanned).endswith(
        "Yes. The plan is made again; earlier approvals no longer count"
    )
    assert describe_answer(case, replace(body, inquiry=99)) == "Yes"


def test_a_file_is_a_link_to_what_the_note_says():
    url = "https://files.example/note.pdf"
    case = asking_case(answer_type=AnswerType.FILE)
    answer = commands.GiveAnswer(by=asker(BEN), inquiry=3, text=url)
    entries = write(case, answer).entries
    (block,) = note_blocks(note_of(apply_commands(case, answer), entries), permalink)
    assert validate([block]) == []
    assert url in words_of([block])
    (link,) = [one for part in block["elements"] for one in part["elements"] if "url" in one]
    assert (link["url"], link["text"]) == (url, "Open the file")


def test_the_history_has_question_and_answer():
    case = low_risk_case()
    question = asking_case().activity.inquiries[0]
    body = InquiryOpened(
        to=question.to,
        to_name=question.to_name,
        question=question.question,
        answer_type=question.answer_type,
        by_name=question.by_name,
    )
    (line,) = trail_lines(case, [entry_after(case, body)])
    assert line.endswith("Ana asked Ben: “Is the delivery confirmed?”")
    (inquiry,) = asking_case().activity.inquiries
    assert inquiry_summary(inquiry) == ("Ana asked Ben: “Is the delivery confirmed?” no answer yet")
    assert inquiry_summary(replace(inquiry, is_closed=True)).endswith("not answered in time")
    (inquiry,) = answered_case().activity.inquiries
    assert inquiry_summary(inquiry).endswith(f"Yes · Ben, {NOW:%d %b %H:%M} UTC")


def test_the_review_names_what_is_asked_most_often():
    frequent = FrequentInquiry(
        kind_title="Running low", question="Is the delivery confirmed?", count=6
    )
    block = frequent_inquiries([frequent])
    assert validate([block]) == []
    text = words_of([block])
    assert text.startswith("Asked most often: worth a look-up in the playbook")
    assert "6 times for Running low" in json.dumps(block)


# --- hostile text ---------------------------------------------------------------------------------


def hostile_question(text, answer=None):
    case = asking_case(to="ops-leads", to_name="@ops-leads")
    inquiry = replace(
        case.activity.inquiries[0],
        question=text,
        options=(text, f"{text}2"),
        by_name=text,
        to_name=text,
    )
    case = with_fields(case, inquiries=(inquiry,))
    if answer is not None:
        body = InquiryAnswered(inquiry=3, value=answer, by_name=text)
        case = evolve(case, entry_after(case, body, actor=asker(BEN).actor))
    return replace(case, signal=replace(case.signal, title=text))


@pytest.mark.threat("C7")
@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_no_question_and_no_answer_is_ever_markup(text):
    for case in (hostile_question(text), hostile_question(text, answer=text)):
        card = case_card(case)
        assert validate(card) == []
        assert live_parts(card) == []
        blocks = inquiry_blocks(message(case), lambda channel, ts: "")
        assert validate(blocks) == []
        assert live_parts(blocks) == []
        assert mrkdwn_texts(blocks) == []
        assert "<" not in inquiry_text(message(case))
    review = frequent_inquiries([FrequentInquiry(kind_title=text, question=text, count=2)])
    assert validate([review]) == []
    assert live_parts([review]) == []
