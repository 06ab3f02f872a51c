"""The answer to a question: text, cases and feedback buttons."""

from collections.abc import Sequence

from bot.views.answers import Answer, AnswerLine
from handlers.cards import ids
from handlers.cards.blocks import actions_block, button, context_block
from handlers.cards.rows import Permalink
from handlers.cards.text import (
    Json,
    bullets,
    clean,
    escape_mrkdwn,
    link_run,
    paragraph,
    plain_text,
    quote,
    rich_text,
    text_run,
)

# More would push the answer out of sight; the whole list has a button for each case.
MAX_OPEN_BUTTONS = 10


def answer_blocks(answer: Answer, permalink: Permalink, question_id: str = "") -> list[Json]:
    """Build the blocks of an answer.

    ``question_id`` is the question that feedback is about; without one there are no buttons.
    """
    blocks: list[Json] = []
    if answer.text:
        text = clean(answer.text, 2_500, lines=6)
        blocks.append(rich_text(paragraph(text_run(text))))
    if answer.model_text:
        blocks.append(_model_answer(answer))
    if answer.lines:
        items = [_case_line(line, permalink) for line in answer.lines]
        blocks.append(rich_text(bullets(items)))
        blocks += _open_buttons(answer.lines)
    if answer.more:
        blocks.append(context_block(f"and {answer.more:,} more"))
    if answer.examples:
        items = [[text_run(f"“{example}”")] for example in answer.examples]
        blocks.append(rich_text(bullets(items)))
    if answer.reading:
        blocks.append(context_block(plain_text(f"Understood: {answer.reading}", 300)))
    if question_id:
        blocks.append(_feedback_buttons(question_id))
    return blocks


def _open_buttons(lines: Sequence[AnswerLine]) -> list[Json]:
    """Build the buttons that have a card drawn, for cases without one."""
    blocks = []
    for line in [line for line in lines if not line.ts][:MAX_OPEN_BUTTONS]:
        open_button = button(f"Open {line.case_id}", ids.OPEN, f"{line.case_id}:0")
        blocks.append(actions_block(f"open:{line.case_id}", [open_button]))
    return blocks


def answer_text(answer: Answer) -> str:
    """Write the notification line of an answer."""
    case_ids = ", ".join(line.case_id for line in answer.lines)
    text = f"{answer.text or answer.model_text} {case_ids}".strip()
    return escape_mrkdwn(text, 300) or "No answer"


def _model_answer(answer: Answer) -> Json:
    """Quote a model's text under a label that says whose it is."""
    label = f"In the words of the model {clean(answer.model, 60)}, from the cases below"
    text = clean(answer.model_text, 1_500, lines=12)
    return rich_text(paragraph(text_run(label, italic=True)), quote(text))


def _case_line(line: AnswerLine, permalink: Permalink) -> list[Json]:
    return [
        link_run(permalink(line.channel, line.ts), line.case_id),
        text_run(f"  {clean(line.title, 110)}", bold=True),
        text_run(f"  {line.state}  ·  {clean(line.detail, 140)}"),
    ]


def _feedback_buttons(question_id: str) -> Json:
    buttons = {
        "type": "feedback_buttons",
        "action_id": ids.FEEDBACK,
        "positive_button": _feedback_button("That helped", f"up {question_id}"),
        "negative_button": _feedback_button("It did not", f"down {question_id}"),
    }
    return {"type": "context_actions", "elements": [buttons]}


def _feedback_button(label: str, value: str) -> Json:
    return {
        "text": plain_text(label),
        "value": value,
    }
