"""Questions about a case: on its card, in threads and messages."""

from collections.abc import Sequence

from bot.cases.case import Case
from bot.cases.entries import Entry, InquiryAnswered
from bot.cases.inquiries import find_inquiry, is_pending
from bot.cases.inquiry import AnswerType, Inquiry, InquiryAnswer
from bot.views.inquiries import FrequentInquiry, InquiryMessage
from handlers.cards import ids
from handlers.cards.blocks import actions_block, button
from handlers.cards.rows import Permalink, describe_outcome
from handlers.cards.text import (
    Json,
    bullets,
    clean,
    date_run,
    escape_mrkdwn,
    link_run,
    mrkdwn_time,
    paragraph,
    plain_text,
    rich_text,
    text_run,
)
from handlers.cards.wording import as_sentence, plural

# On a card a question takes one line; it is whole where it is answered.
MAX_ON_CARD = 42
MAX_NAME = 60
MAX_VALUE = 200
MAX_VALUE_ON_CARD = 36
CLOCK_RULE = "The time to decide keeps running."
# The rule of segregation of duties, for whoever answers.
AUTHOR_RULE = "The plan is made again with your answer, so you cannot approve it."


def inquiry_line(case: Case) -> list[str | Json]:
    """Write the open question on a card, else the latest answer.

    An answer that the plan uses is among the facts of the evidence line.
    """
    pending = [one for one in case.activity.inquiries if is_pending(case, one)]
    if pending:
        return [plain_text(_pending_text(pending), 300)]
    for inquiry in reversed(case.activity.inquiries):
        if inquiry.answer and not inquiry.fact:
            text = (
                f"{_quote(inquiry, MAX_ON_CARD)} {_answer_text(inquiry.answer, MAX_VALUE_ON_CARD)}"
            )
            return [plain_text(text, 300), mrkdwn_time(inquiry.answer.at)]
    return []


def inquiry_blocks(
    view: InquiryMessage, permalink: Permalink, mentions: Sequence[Json] = ()
) -> list[Json]:
    """Build the message with a question, then with its outcome.

    ``mentions`` notify the group that is asked.
    """
    inquiry, case = view.inquiry, view.row.case
    link = link_run(permalink(view.row.channel, view.row.ts), case.id)
    title = text_run(f"  {clean(case.signal.title, 150)}")
    if inquiry.answer or not view.is_pending:
        question = paragraph(text_run(_question(inquiry)))
        return [rich_text(question, paragraph(*_outcome(view)), paragraph(link, title))]
    head: list[Json] = []
    for mention in mentions:
        head += [mention, text_run(" ")]
    head.append(text_run(f"{_name(inquiry.by_name)} asks:"))
    rules = f". {CLOCK_RULE}"
    if inquiry.fact:
        rules += f" {AUTHOR_RULE}"
    deadline = date_run(case.timers.sla.decide_by)
    body = [
        paragraph(*head),
        paragraph(text_run(_question(inquiry), bold=True)),
        paragraph(link, title),
        paragraph(text_run("To be decided by "), deadline, text_run(rules)),
    ]
    return [rich_text(*body), _answer_buttons(case.id, inquiry)]


def inquiry_text(view: InquiryMessage) -> str:
    """Write the notification line of the message with a question."""
    inquiry, case = view.inquiry, view.row.case
    if inquiry.answer:
        text = f"{_question(inquiry)} {_answer_text(inquiry.answer)}"
    elif view.is_pending:
        text = f"{_name(inquiry.by_name)} asks: {_question(inquiry)} ({case.id})"
    else:
        text = f"{case.id}: the answer is no longer needed"
    return escape_mrkdwn(text, 250)


def inquiry_reference(case_id: str, number: int) -> str:
    """Write which question a button or a form is about."""
    return f"{case_id} {number}"


def describe_answer(case: Case, body: InquiryAnswered) -> str:
    """Write the question and its answer for a note."""
    inquiry = find_inquiry(case, body.inquiry)
    question = f"“{clean(inquiry.question, 200)}” " if inquiry else ""
    text = f"{question}{clean(str(body.value), 400)}"
    if not body.is_replanned:
        return text
    return f"{as_sentence(text)} The plan is made again; earlier approvals no longer count"


def file_links(case: Case, note_entries: Sequence[Entry]) -> list[Json]:
    """Build a link for each file that was given as an answer."""
    links = []
    for entry in note_entries:
        if not isinstance(entry.body, InquiryAnswered):
            continue
        inquiry = find_inquiry(case, entry.body.inquiry)
        if inquiry and inquiry.answer_type is AnswerType.FILE:
            # The address itself stands in the note, so that the link hides nothing.
            links.append(paragraph(link_run(str(entry.body.value), "Open the file")))
    return links


def inquiry_summary(inquiry: Inquiry) -> str:
    """Write a question and its answer in one line."""
    text = f"{_name(inquiry.by_name)} asked {_name(inquiry.to_name)}: {_quote(inquiry, 200)}"
    if inquiry.answer:
        return f"{text} {_answer_text(inquiry.answer)}, {inquiry.answer.at:%d %b %H:%M} UTC"
    if inquiry.is_closed:
        return f"{text} not answered in time"
    return f"{text} no answer yet"


def frequent_inquiries(inquiries: Sequence[FrequentInquiry]) -> Json:
    """Build the list of the most frequent questions."""
    items = []
    for inquiry in inquiries:
        question = text_run(f"“{clean(inquiry.question, 120)}”", bold=True)
        times = plural(inquiry.count, "time")
        items.append([question, text_run(f" {times} for {clean(inquiry.kind_title, 60)}")])
    title = text_run("Asked most often: worth a look-up in the playbook", bold=True)
    return rich_text(paragraph(title), bullets(items))


def _pending_text(pending: Sequence[Inquiry]) -> str:
    inquiry = pending[-1]
    more = len(pending) - 1
    text = f"Asked {_name(inquiry.to_name)}: {_quote(inquiry, MAX_ON_CARD)}"
    if more:
        text += f" and {plural(more, 'other question')}."
    return f"{text} {CLOCK_RULE}"


def _outcome(view: InquiryMessage) -> list[Json]:
    answer = view.inquiry.answer
    if answer:
        return [text_run(f"{_answer_text(answer)}, "), date_run(answer.at)]
    outcome = as_sentence(describe_outcome(view.row.case))
    return [text_run(f"The answer is no longer needed. {outcome}")]


def _answer_buttons(case_id: str, inquiry: Inquiry) -> Json:
    reference = inquiry_reference(case_id, inquiry.number)
    if inquiry.answer_type is not AnswerType.CHOICE:
        buttons = [button("Answer…", ids.INQUIRY_ANSWER, reference)]
    else:
        buttons = []
        for place, option in enumerate(inquiry.options):
            value = f"{reference} {place}"
            buttons.append(button(option, ids.INQUIRY_CHOICES[place], value))
    return actions_block(f"inquiry:{reference}", buttons)


def _answer_text(answer: InquiryAnswer, limit: int = MAX_VALUE) -> str:
    return f"{clean(str(answer.value), limit)} · {_name(answer.by_name)}"


def _quote(inquiry: Inquiry, limit: int) -> str:
    return f"“{clean(inquiry.question, limit)}”"


def _question(inquiry: Inquiry) -> str:
    return clean(inquiry.question, 200)


def _name(name: str) -> str:
    return clean(name, MAX_NAME) or "Somebody"
