"""The questions that were not answered well, for those of their channel."""

from collections.abc import Sequence

from bot.views.question_list import QuestionListView, ReviewedQuestion
from handlers.cards.blocks import context_block, heading, modal
from handlers.cards.text import Json, bullets, clean, paragraph, rich_text, text_run

MAX_TEXT = 200
MAX_READING = 120


def question_list_modal(view: QuestionListView) -> Json:
    """Build the window that lists them."""
    blocks = question_list_blocks(view)
    if view.is_empty:
        blocks = [context_block("Every question was understood, and nobody disliked an answer.")]
    return modal("Questions to review", blocks, close="Close")


def question_list_blocks(view: QuestionListView) -> list[Json]:
    """Build a list for each sort of question that there is."""
    blocks = [
        *_section("Not understood, or the answer did not help", view.failures),
        *_section("Meant in another way", view.choices),
        *_section("Answered, with words left aside", view.partly_read),
    ]
    if view.more:
        blocks.append(context_block(f"and {view.more:,} more"))
    return blocks


def describe_question(question: ReviewedQuestion) -> list[Json]:
    """Build one line: the question, and the reading or the words that were left aside."""
    runs = [text_run(f"“{clean(question.text, MAX_TEXT)}”")]
    if question.count > 1:
        runs.append(text_run(f"  {question.count:,} times"))
    if question.choice:
        runs.append(text_run(f"  → {clean(question.choice, MAX_READING)}", bold=True))
    elif question.left_aside:
        words = ", ".join(f"“{clean(word, 40)}”" for word in question.left_aside[:5])
        runs.append(text_run(f"  without {words}"))
    return runs


def _section(title: str, questions: Sequence[ReviewedQuestion]) -> list[Json]:
    if not questions:
        return []
    items = [describe_question(question) for question in questions]
    return [heading(title), rich_text(bullets(items))]


def review_lines(view: QuestionListView) -> list[Json]:
    """Build the part of the weekly review: examples, the most frequent first."""
    items = [describe_question(question) for question in (*view.choices, *view.failures)]
    if not items:
        return []
    title = text_run("What people asked that I got wrong", bold=True)
    return [rich_text(paragraph(title), bullets(items))]
