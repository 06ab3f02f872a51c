"""The forms that ask about a case, and that answer."""

from bot.cases.actor import is_person
from bot.cases.approval import either
from bot.cases.askable_facts import AskableFact, askable_facts
from bot.cases.case import Case
from bot.cases.inquiries import (
    MAX_ANSWER_LENGTH,
    MAX_OPTION_LENGTH,
    MAX_OPTIONS,
    MAX_QUESTION_LENGTH,
)
from bot.cases.inquiry import Addressee, AnswerType, Inquiry
from bot.cases.playbook import Playbook
from bot.views.labels import start_upper
from handlers.cards import ids
from handlers.cards.blocks import MAX_OPTIONS as MAX_SELECT_OPTIONS
from handlers.cards.blocks import form, input_block, option, static_select, text_input
from handlers.cards.inquiry_message import AUTHOR_RULE, CLOCK_RULE, inquiry_reference
from handlers.cards.text import Json, clean, paragraph, plain_text, rich_text, text_run

ANSWER_LABELS = {
    AnswerType.CHOICE: "One of these answers",
    AnswerType.NUMBER: "A number",
    AnswerType.DATE: "A date",
    AnswerType.TEXT: "A text",
    AnswerType.FILE: "A link to a file",
}
COLLEAGUE_HINT = "Only where “A colleague” is asked."
OPTIONS_HINT = f"One a line, 2 to {MAX_OPTIONS}. Only used where the answer is one of them."
# Room for every option with its line break.
MAX_OPTIONS_TEXT = MAX_OPTIONS * (MAX_OPTION_LENGTH + 2)


def ask_form(case: Case, playbook: Playbook) -> Json:
    """Build the form of a question and its sort of answer."""
    rule = f"The case stays open until somebody decides. {CLOCK_RULE}"
    addressees = _addressees(case, playbook)
    whom = static_select(ids.WHOM, addressees, initial_option=addressees[0])
    types = [option(label, answer_type) for answer_type, label in ANSWER_LABELS.items()]
    question = text_input(ids.QUESTION, max_length=MAX_QUESTION_LENGTH)
    options = text_input(
        ids.OPTIONS,
        max_length=MAX_OPTIONS_TEXT,
        multiline=True,
        initial_value="Yes\nNo",
    )
    return form(
        ids.ASK_FORM,
        private_metadata=ids.token(case),
        title=f"Ask about {case.id}",
        submit="Ask",
        blocks=[
            rich_text(paragraph(text_run(rule))),
            input_block("whom", "Whom?", whom),
            input_block("to", "Which colleague?", _colleague(), hint=COLLEAGUE_HINT, optional=True),
            input_block("question", "The question", question),
            input_block(
                "type",
                "The answer is",
                static_select(ids.ANSWER_TYPE, types, initial_option=types[0]),
            ),
            input_block(
                "options", "Answers to choose from", options, hint=OPTIONS_HINT, optional=True
            ),
            *_fact_input(askable_facts(playbook, case)),
        ],
    )


def answer_form(case: Case, inquiry: Inquiry) -> Json:
    """Build the form in which a question is answered."""
    parts = [
        paragraph(text_run(f"{clean(inquiry.by_name, 60)} asks:")),
        paragraph(text_run(clean(inquiry.question, MAX_QUESTION_LENGTH), bold=True)),
        paragraph(text_run(f"{case.id}  {clean(case.signal.title, 150)}")),
    ]
    if inquiry.fact:
        parts.append(paragraph(text_run(AUTHOR_RULE)))
    label, element, hint = _answer_input(inquiry)
    return form(
        ids.ANSWER_FORM,
        private_metadata=inquiry_reference(case.id, inquiry.number),
        title=f"Answer {case.id}",
        submit="Answer",
        blocks=[rich_text(*parts), input_block("answer", label, element, hint=hint)],
    )


def _addressees(case: Case, playbook: Playbook) -> list[Json]:
    addressees = []
    if is_person(case.signal.requester or ""):
        addressees.append(option("Whoever raised it", Addressee.REQUESTER))
    addressees.append(option("A colleague", Addressee.COLLEAGUE))
    owners = clean(either([playbook.owners.business]), 60)
    addressees.append(option(f"The owners: {owners}", Addressee.OWNER))
    return addressees


def _colleague() -> Json:
    return {
        "type": "users_select",
        "action_id": ids.TO,
        "placeholder": plain_text("Choose a colleague"),
    }


def _fact_input(facts: tuple[AskableFact, ...]) -> list[Json]:
    """Build the menu of facts; nothing without one."""
    if not facts:
        return []
    options = []
    for fact in facts[:MAX_SELECT_OPTIONS]:
        label = start_upper(fact.label)
        options.append(option(f"{label} (a number)" if fact.is_number else label, fact.name))
    select = static_select(ids.FACT, options, placeholder="No: it is evidence only")
    hint = "The plan is made again with the answer. Whoever answers cannot approve that plan."
    return [
        input_block("fact", "Does it set a value of the plan?", select, hint=hint, optional=True)
    ]


def _answer_input(inquiry: Inquiry) -> tuple[str, Json, str]:
    """Return label, field and hint of the answer."""
    match inquiry.answer_type:
        case AnswerType.CHOICE:
            options = [option(text, text) for text in inquiry.options]
            return "Your answer", static_select(ids.ANSWER, options), ""
        case AnswerType.NUMBER:
            number = {
                "type": "number_input",
                "action_id": ids.ANSWER,
                "is_decimal_allowed": True,
            }
            return "Your answer, a number", number, ""
        case AnswerType.DATE:
            return "Your answer, a date", {"type": "datepicker", "action_id": ids.ANSWER}, ""
        case AnswerType.TEXT:
            text = text_input(ids.ANSWER, max_length=MAX_ANSWER_LENGTH, multiline=True)
            return "Your answer", text, ""
        case AnswerType.FILE:
            hint = "Share the file where whoever asks can open it, and paste its link."
            link = {"type": "url_text_input", "action_id": ids.ANSWER}
            return "The link to the file", link, hint
