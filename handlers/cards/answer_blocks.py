"""An answer: what was understood, the sentence from the record, the cases with the way to each, and whether it helped."""

from bot.views.answers import Answer
from handlers.cards import ids
from handlers.cards.rows import Link
from handlers.cards.text import (
    Json,
    bullets,
    clean,
    context,
    escaped,
    link,
    paragraph,
    plain,
    quote,
    rich,
    say,
)


def answer_blocks(answer: Answer, to: Link, question_id: str = "") -> list[Json]:
    """The blocks of an answer. ``question_id``: the question that a thumb is about; empty for no thumbs."""
    blocks: list[Json] = []
    if answer.text:
        blocks.append(rich(paragraph(say(clean(answer.text, 2_500, lines=6)))))
    if answer.told:
        label = say(
            f"In the words of the model {clean(answer.model, 60)}, from the cases below",
            italic=True,
        )
        blocks.append(rich(paragraph(label), quote(clean(answer.told, 1_500, lines=12))))
    if answer.lines:
        lines = bullets(
            [
                link(to(line.channel, line.ts), line.case_id),
                say(f"  {clean(line.title, 110)}", bold=True),
                say(f"  {line.state}  ·  {clean(line.detail, 140)}"),
            ]
            for line in answer.lines
        )
        blocks.append(rich(lines))
    if answer.more:
        blocks.append(context(f"and {answer.more:,} more"))
    if answer.examples:
        blocks.append(rich(bullets([say(f"“{example}”")] for example in answer.examples)))
    if answer.understood:
        blocks.append(context(plain(f"Understood: {answer.understood}", 300)))
    return blocks + ([_thumbs(question_id)] if question_id else [])


def answer_text(answer: Answer) -> str:
    """The line in a notification."""
    names = ", ".join(line.case_id for line in answer.lines)
    return escaped(f"{answer.text or answer.told} {names}".strip(), 300) or "No answer"


def _thumbs(question_id: str) -> Json:
    def thumb(words: str, vote: str) -> Json:
        return {"text": plain(words), "value": f"{vote} {question_id}"}

    buttons = {
        "type": "feedback_buttons",
        "action_id": ids.FEEDBACK,
        "positive_button": thumb("That helped", "up"),
        "negative_button": thumb("It did not", "down"),
    }
    return {"type": "context_actions", "elements": [buttons]}
