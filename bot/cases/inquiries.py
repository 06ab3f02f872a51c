"""Ask about a case, and answer.

The case stays pending, and its time to decide keeps running.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import assert_never
from urllib.parse import urlsplit

from bot.cases.approval import is_colleague
from bot.cases.caller import Caller
from bot.cases.canonical import Scalar
from bot.cases.case import Case
from bot.cases.commands import AskQuestion, GiveAnswer, InquiryCommand
from bot.cases.entries import Entry, InquiryAnswered, InquiryBody, InquiryOpened
from bot.cases.errors import BadRequest, LedgerBroken, NotEligible, TooLate
from bot.cases.inquiry import AnswerType, Inquiry, InquiryAnswer
from bot.cases.lifecycle import WAITING, State
from bot.cases.text import storable

MAX_QUESTION_LENGTH = 200
MIN_OPTIONS, MAX_OPTIONS = 2, 10
# As long as the text of a button may be.
MAX_OPTION_LENGTH = 75
MAX_ANSWER_LENGTH = 1_000
MAX_URL_LENGTH = 2_000
MAX_NUMBER = Decimal(10) ** 12
MAX_DECIMALS = 6
#: Questions of one case without an answer, and questions of one case in all.
MAX_UNANSWERED, MAX_INQUIRIES = 5, 20

# In these states there is a proposal, which an answer may change.
_PROPOSAL_STATES = frozenset({State.PROPOSED, State.REFERRED})

# --- decide -----------------------------------------------------------------------------------


def decide(case: Case, command: InquiryCommand) -> tuple[InquiryBody, ...]:
    """Find the entry of a question or an answer.

    Raises:
        Refusal: an expected no, safe to show the person who asked.
    """
    match command:
        case AskQuestion():
            return (_ask(case, command),)
        case GiveAnswer():
            return (_answer(case, command),)
        case _:
            assert_never(command)


def _ask(case: Case, command: AskQuestion) -> InquiryOpened:
    if not command.to:
        raise BadRequest("choose whom to ask", field="whom")
    if command.to == command.by.person.id:
        raise BadRequest("choose somebody other than yourself", field="whom")
    question = _one_line(command.question)
    if not question:
        raise BadRequest("write the question", field="question")
    if len(question) > MAX_QUESTION_LENGTH:
        limit = f"a question has at most {MAX_QUESTION_LENGTH} characters"
        raise BadRequest(limit, field="question")
    _must_be_new(case, command, question)
    if command.fact and command.answer_type is AnswerType.FILE:
        raise BadRequest("a file is evidence; it gives no value for the plan", field="fact")
    return InquiryOpened(
        to=command.to,
        to_name=command.to_name,
        question=question,
        answer_type=command.answer_type,
        options=_options(command),
        fact=command.fact,
        key=command.key,
        by_name=command.by.person.name,
    )


def _must_be_new(case: Case, command: AskQuestion, question: str) -> None:
    """Refuse a question that was asked already, or one too many."""
    open_count = 0
    for inquiry in case.activity.inquiries:
        is_same_form = command.key and inquiry.key == command.key
        is_same_question = inquiry.is_unanswered and (
            (inquiry.to, inquiry.question) == (command.to, question)
        )
        if is_same_form or is_same_question:
            raise TooLate(f"{inquiry.to_name} has been asked that already")
        open_count += inquiry.is_unanswered
    if open_count >= MAX_UNANSWERED:
        limit = f"{open_count} questions about {case.id} wait for an answer; wait for one of them"
        raise BadRequest(limit, field="question")
    if len(case.activity.inquiries) >= MAX_INQUIRIES:
        limit = f"{MAX_INQUIRIES} questions were asked about {case.id}; that is the most"
        raise BadRequest(limit, field="question")


def _options(command: AskQuestion) -> tuple[str, ...]:
    """Return the answers to choose from; none for another type."""
    if command.answer_type is not AnswerType.CHOICE:
        return ()
    options = tuple(dict.fromkeys(filter(None, map(_one_line, command.options))))
    if not MIN_OPTIONS <= len(options) <= MAX_OPTIONS:
        limit = f"write {MIN_OPTIONS} to {MAX_OPTIONS} different answers, one a line"
        raise BadRequest(limit, field="options")
    if any(len(option) > MAX_OPTION_LENGTH for option in options):
        limit = f"an answer to choose has at most {MAX_OPTION_LENGTH} characters"
        raise BadRequest(limit, field="options")
    return options


def _one_line(text: str) -> str:
    return " ".join(storable(text).split())


def _answer(case: Case, command: GiveAnswer) -> InquiryAnswered:
    inquiry = must_be_answerable(case, command.inquiry, command.by)
    return InquiryAnswered(
        inquiry=inquiry.number,
        value=_read_value(inquiry, command.text.strip()),
        by_name=command.by.person.name,
        fact=inquiry.fact,
        # In other states the proposal is yet to be made, and will know the answer.
        is_replanned=bool(inquiry.fact) and case.state in _PROPOSAL_STATES,
    )


def must_be_answerable(case: Case, number: int, by: Caller) -> Inquiry:
    """Return the inquiry that this person may answer now.

    Raises:
        BadRequest: there is no such question.
        NotEligible: somebody else is asked.
        TooLate: it has been answered, or the case no longer waits.
    """
    inquiry = find_inquiry(case, number)
    if inquiry is None:
        raise BadRequest("there is no such question")
    _must_be_asked(inquiry, by)
    if inquiry.answer:
        giver = "you have" if inquiry.answer.by == by.person.id else f"{inquiry.answer.by_name} has"
        raise TooLate(f"{giver} answered this already: {inquiry.answer.value}")
    if not is_pending(case, inquiry):
        raise TooLate(f"{case.id} is {case.state}; the answer is no longer needed")
    return inquiry


def _must_be_asked(inquiry: Inquiry, by: Caller) -> None:
    members = by.groups.get(inquiry.to, frozenset())
    if by.person.id != inquiry.to and by.person.id not in members:
        raise NotEligible("this question is for somebody else")
    if by.person.id == inquiry.by:
        raise NotEligible("you asked this; somebody else answers it")
    if not is_colleague(by.person):
        raise NotEligible("only members of this workspace may answer")


def _read_value(inquiry: Inquiry, text: str) -> Scalar:
    """Read the text of an answer as its type has it.

    Raises:
        BadRequest: it is none of that type.
    """
    if not text:
        raise BadRequest("give an answer", field="answer")
    match inquiry.answer_type:
        case AnswerType.CHOICE:
            if text not in inquiry.options:
                raise BadRequest("choose one of the answers", field="answer")
            return text
        case AnswerType.NUMBER:
            return _read_number(text)
        case AnswerType.DATE:
            return _read_date(text)
        case AnswerType.TEXT:
            return _read_text(text)
        case AnswerType.FILE:
            return _read_url(text)
        case _:
            assert_never(inquiry.answer_type)


def _read_number(text: str) -> int | float:
    try:
        number = Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise BadRequest("write a number, like 12 or 12.5", field="answer") from None
    if not number.is_finite() or abs(number) >= MAX_NUMBER:
        raise BadRequest("that number is too large", field="answer")
    if number == number.to_integral_value():
        return int(number)
    if number != round(number, MAX_DECIMALS):
        limit = f"a number has at most {MAX_DECIMALS} decimal places"
        raise BadRequest(limit, field="answer")
    return float(number)


def _read_date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise BadRequest("choose a date", field="answer") from None


def _read_text(text: str) -> str:
    if len(text) > MAX_ANSWER_LENGTH:
        limit = f"an answer has at most {MAX_ANSWER_LENGTH:,} characters"
        raise BadRequest(limit, field="answer")
    return storable(text)


def _read_url(text: str) -> str:
    """Read the address of a file, which is kept and never opened."""
    try:
        address = urlsplit(text)
    except ValueError:
        raise BadRequest("paste the link to the file", field="answer") from None
    is_plain = text.isprintable() and " " not in text and len(text) <= MAX_URL_LENGTH
    if not is_plain or address.scheme != "https" or not address.hostname or "@" in address.netloc:
        raise BadRequest("paste the link to the file; it begins with https://", field="answer")
    return text


# --- questions about a case -------------------------------------------------------------------


def find_inquiry(case: Case, number: int) -> Inquiry | None:
    """Return the inquiry with this number, or None."""
    for inquiry in case.activity.inquiries:
        if inquiry.number == number:
            return inquiry
    return None


def asker_of(case: Case, number: int) -> str:
    """Return the account that asked this, or an empty text."""
    inquiry = find_inquiry(case, number)
    return inquiry.by if inquiry else ""


def is_pending(case: Case, inquiry: Inquiry) -> bool:
    """Tell whether the answer still matters: the case is not decided."""
    return inquiry.is_unanswered and case.state in WAITING


def rests_on_answers(case: Case) -> bool:
    """Tell whether a fact of the case is a person's answer."""
    return any(inquiry.gives_fact for inquiry in case.activity.inquiries)


# --- apply ------------------------------------------------------------------------------------


def apply(case: Case, body: InquiryBody, entry: Entry) -> Case:
    """Return the case after a question or an answer."""
    match body:
        case InquiryOpened():
            return _apply_question(case, body, entry)
        case InquiryAnswered():
            return _apply_answer(case, body, entry)
        case _:
            assert_never(body)


def _apply_question(case: Case, body: InquiryOpened, entry: Entry) -> Case:
    inquiry = Inquiry(
        number=entry.version,
        question=body.question,
        answer_type=body.answer_type,
        options=body.options,
        by=str(entry.actor),
        by_name=body.by_name,
        to=body.to,
        to_name=body.to_name,
        at=entry.at,
        fact=body.fact,
        key=body.key,
    )
    return _with_inquiries(case, (*case.activity.inquiries, inquiry))


def _apply_answer(case: Case, body: InquiryAnswered, entry: Entry) -> Case:
    inquiry = find_inquiry(case, body.inquiry)
    if inquiry is None:
        raise LedgerBroken(f"{case.id} has no question {body.inquiry}")
    answer = InquiryAnswer(
        value=body.value,
        by=str(entry.actor),
        by_name=body.by_name,
        at=entry.at,
    )
    after = replace(inquiry, answer=answer)
    inquiries = tuple(
        after if one.number == inquiry.number else one for one in case.activity.inquiries
    )
    case = _with_inquiries(case, inquiries)
    evidence = (*case.assessment.evidence, *after.evidence())
    case = replace(case, assessment=replace(case.assessment, evidence=evidence))
    if not body.is_replanned:
        return case
    # The card stays, and shows the next revision; what was approved was another plan.
    proposal = replace(
        case.proposal,
        approvals=(),
        step_ups=(),
        expires_at=None,
    )
    return replace(case.with_reason(None), proposal=proposal)


def close_unanswered(case: Case) -> Case:
    """Close the open questions of a case that has ended."""
    if not any(inquiry.is_unanswered for inquiry in case.activity.inquiries):
        return case
    inquiries = tuple(
        replace(inquiry, is_closed=True) if inquiry.is_unanswered else inquiry
        for inquiry in case.activity.inquiries
    )
    return _with_inquiries(case, inquiries)


def _with_inquiries(case: Case, inquiries: tuple[Inquiry, ...]) -> Case:
    return replace(case, activity=replace(case.activity, inquiries=inquiries))
