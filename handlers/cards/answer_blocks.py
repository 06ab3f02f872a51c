"""The answer to a question: first line, facts, figures, cases and controls."""

from collections.abc import Mapping, Sequence

from bot.views.answers import MAX_ROWS, Answer
from bot.views.labels import start_upper
from bot.views.rows import CaseRow
from handlers.cards import ids
from handlers.cards.answer_table import figure_table, trend_chart
from handlers.cards.blocks import actions_block, button, context_block, heading
from handlers.cards.grant_form import named_grant_blocks
from handlers.cards.offer_blocks import offer_blocks
from handlers.cards.rows import Permalink, case_rows
from handlers.cards.text import (
    Json,
    bullets,
    clean,
    escape_mrkdwn,
    link_run,
    paragraph,
    plain_text,
    rich_text,
    text_run,
)
from handlers.cards.wording import as_sentence

# A thread is read on a phone: what is longer is no answer.
MAX_TEXT = 1_000
MAX_FACT = 500
MAX_FACTS = 20
MAX_GRANTS = 15
MAX_READING = 200
MAX_CHOICES = 3
MAX_EXAMPLES = 20
MAX_WORDS_LEFT_ASIDE = 5
# Slack accepts no more in a message.
MAX_BLOCKS = 50
HOW_TO_NARROW = "Ask for fewer at once: “the oldest three”, “only the late ones”."
# Words of a reading that say nothing by themselves.
_PLAIN_TEXT = """
a all and are by case cases for from in is it list of on open over that the their to with
what who how many when
"""
PLAIN_WORDS = frozenset(_PLAIN_TEXT.split())
# Words that begin alike are the same word in another form.
WORD_BEGINNING = 4


def answer_blocks(
    answer: Answer,
    permalink: Permalink,
    question_id: str = "",
    *,
    has_first_line: bool = True,
) -> list[Json]:
    """Build the blocks of an answer.

    ``question_id`` is the question that feedback is about; without one there are no buttons for
    that. ``has_first_line`` is false where the first line stands above the blocks already.
    """
    blocks = _sentences(answer, permalink, has_first_line=has_first_line)
    below = []
    if answer.left_aside:
        # Who reads the first line has to know at once that it is not all of the answer.
        blocks += _understanding(answer)
    else:
        below += _understanding(answer)
    if question_id:
        below += _feedback(question_id, answer)
    blocks += [
        *offer_blocks(answer.offers, permalink),
        *_grants(answer),
        *_figures(answer),
        *_cases(answer, permalink, question_id),
        *_choices(answer, question_id),
        *_examples(answer),
    ]
    return [*blocks[: MAX_BLOCKS - len(below)], *below]


def answer_text(answer: Answer) -> str:
    """Write the notification line of an answer."""
    return escape_mrkdwn(answer.text, 300) or "No answer"


def first_line(answer: Answer) -> str:
    """Return the sentence that is the answer itself."""
    return clean(answer.text, MAX_TEXT, lines=4)


def choice_blocks(choices: Sequence[str], question_id: str) -> list[Json]:
    """Build a button for each reading of a question.

    The value is the place of the reading in the log, and the question.
    """
    blocks = []
    for place, choice in enumerate(choices[:MAX_CHOICES]):
        choose = button(start_upper(choice), ids.CHOOSE_READING, f"{place} {question_id}")
        # One row each: Slack accepts no action id twice in one row.
        blocks.append(actions_block(f"choice:{place}:{question_id}", [choose]))
    return blocks


def example_list(examples: Sequence[str]) -> Json:
    """Build a list of questions that can be asked."""
    items = [[text_run(f"“{clean(example, MAX_FACT)}”")] for example in examples[:MAX_EXAMPLES]]
    return rich_text(bullets(items))


def _sentences(answer: Answer, permalink: Permalink, *, has_first_line: bool) -> list[Json]:
    """Build the first line in bold, and the facts below it."""
    parts = []
    text = first_line(answer)
    if has_first_line and text:
        parts.append(paragraph(text_run(text, bold=True)))
    facts = [clean(fact, MAX_FACT) for fact in answer.facts if clean(fact, MAX_FACT)]
    links = {str(row.case.id): permalink(row.channel, row.ts) for row in answer.rows if row.ts}
    items = [_fact(fact, links) for fact in facts[:MAX_FACTS]]
    if len(facts) > MAX_FACTS:
        items.append([text_run(f"and {len(facts) - MAX_FACTS} more")])
    if items:
        parts.append(bullets(items))
    if not parts:
        return []
    return [rich_text(*parts)]


def _fact(fact: str, links: Mapping[str, str]) -> list[Json]:
    """Build a fact; the case that it begins with becomes a link."""
    case_id, colon, rest = fact.partition(":")
    if colon and links.get(case_id):
        return [link_run(links[case_id], case_id), text_run(f":{rest}")]
    return [text_run(fact)]


def _grants(answer: Answer) -> list[Json]:
    """Build the meters of grants, and count those left out."""
    blocks = []
    for meter, title in answer.grants[:MAX_GRANTS]:
        blocks += named_grant_blocks(meter, title)
    more = len(answer.grants) - MAX_GRANTS
    if more > 0:
        blocks.append(context_block(f"and {more:,} more. Stop one of them with its case."))
    return blocks


def _figures(answer: Answer) -> list[Json]:
    table = figure_table(answer.table, answer.table_titles)
    if answer.is_trend:
        return [*trend_chart(answer.table, answer.table_titles), *table]
    return table


def _cases(answer: Answer, permalink: Permalink, question_id: str) -> list[Json]:
    """Build the rows of the cases, and count those left out."""
    # An offer names its case already, and has the button that was asked for.
    offered_ids = {offer.row.case.id for offer in answer.offers if offer.row}
    # An ended case has no button: what a fact says of it is its row.
    described_ids = {
        row.case.id
        for row in answer.rows
        if row.case.is_terminal and _is_described(row, answer.facts)
    }
    shown_ids = offered_ids | described_ids
    rows = [row for row in answer.rows if row.case.id not in shown_ids][:MAX_ROWS]
    if not rows and not described_ids:
        return []
    blocks = []
    if rows and answer.rows_title:
        blocks.append(heading(clean(answer.rows_title, MAX_READING)))
    blocks += case_rows("answer", rows, permalink)
    more = answer.total - len(rows) - len(shown_ids)
    if more > 0:
        blocks.append(_more(more, answer, question_id))
    return blocks


def _is_described(row: CaseRow, facts: Sequence[str]) -> bool:
    """Tell whether one of the shown facts begins with the case."""
    return any(fact.startswith(f"{row.case.id}:") for fact in facts[:MAX_FACTS])


def _more(more: int, answer: Answer, question_id: str) -> Json:
    """Build the button to the whole list, or advise a narrower question."""
    # Under a title of their own the rows are not those that were asked for.
    if not question_id or answer.rows_title:
        return context_block(f"and {more:,} more. {HOW_TO_NARROW}")
    show_all = button(f"Show all, {more:,} more", ids.SHOW_ALL, f"question:{question_id}")
    return actions_block(f"all:{question_id}", [show_all])


def _choices(answer: Answer, question_id: str) -> list[Json]:
    """Build the readings of a question that was not answered yet."""
    if answer.reading or not question_id:
        return []
    return choice_blocks(answer.choices, question_id)


def _examples(answer: Answer) -> list[Json]:
    if not answer.examples:
        return []
    return [example_list(answer.examples)]


def _understanding(answer: Answer) -> list[Json]:
    """Say in one line how the question was read, where that matters."""
    parts = []
    if answer.reading and _is_reading_worth_a_line(answer):
        parts.append(as_sentence(f"Understood: {clean(answer.reading, MAX_READING)}"))
    if answer.left_aside:
        parts.append(f"I left aside {_quote(answer.left_aside)}.")
    if answer.read_by:
        parts.append(f"Read by {clean(answer.read_by, 60)}.")
    if not parts:
        return []
    return [context_block(plain_text(" ".join(parts), 600))]


def _is_reading_worth_a_line(answer: Answer) -> bool:
    """Tell whether the answer could be taken for another question's."""
    if answer.left_aside or answer.read_by:
        return True
    has_result = bool(answer.rows or answer.table or answer.total)
    is_of_one_case = len(answer.rows) == 1 and answer.rows[0].case.id in answer.reading
    if not has_result or is_of_one_case or answer.offers:
        return False
    return _says_more(answer.reading, answer.text)


def _quote(words: Sequence[str]) -> str:
    """Quote the words that narrowed nothing: “stuck” and “zanzibar”."""
    quotes = [f"“{clean(word, 40)}”" for word in words[:MAX_WORDS_LEFT_ASIDE]]
    if len(words) > MAX_WORDS_LEFT_ASIDE:
        quotes.append("other words")
    *others, last = quotes
    if not others:
        return last
    return f"{', '.join(others)} and {last}"


def _says_more(reading: str, text: str) -> bool:
    """Tell whether a reading says anything that the first line does not."""
    line_words = _words(text)
    for word in _words(reading) - PLAIN_WORDS:
        beginning = word[:WORD_BEGINNING]
        if not any(line_word.startswith(beginning) for line_word in line_words):
            return True
    return False


def _words(text: str) -> set[str]:
    return {word.strip(".,;:!?“”\"'()") for word in text.casefold().split()} - {""}


def _feedback(question_id: str, answer: Answer) -> list[Json]:
    """Build the thumbs, and the way to the other readings."""
    thumbs = {
        "type": "feedback_buttons",
        "action_id": ids.FEEDBACK,
        "positive_button": _feedback_button("That helped", f"up {question_id}"),
        "negative_button": _feedback_button("It did not", f"down {question_id}"),
    }
    blocks: list[Json] = [{"type": "context_actions", "elements": [thumbs]}]
    is_choice = bool(_choices(answer, question_id))
    if not is_choice:
        reread = button("Not what I meant", ids.REREAD, question_id)
        blocks.append(actions_block(f"reread:{question_id}", [reread]))
    return blocks


def _feedback_button(label: str, value: str) -> Json:
    return {
        "text": plain_text(label),
        "value": value,
    }
