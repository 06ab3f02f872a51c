"""Practice and reviews on a card: questions, buttons and answers.

Practice is what people did by hand where the bot only recommended. A review says whether what ran
alone was right.
"""

from bot.cases.case import Case, Practice
from bot.cases.entries import PracticeObserved
from bot.cases.hindsight import awaits_practice
from bot.cases.lifecycle import State
from bot.cases.practice import PracticeSource
from bot.cases.review import ReviewVerdict, RunReview
from bot.views.labels import mid_sentence
from handlers.cards import ids
from handlers.cards.blocks import button, context_block
from handlers.cards.question import describe_plan
from handlers.cards.text import Json, clean, paragraph, plain_text, rich_text, safe_handle, text_run
from handlers.cards.wording import Wording, as_sentence

MAX_NOTE = 200
MAX_SENTENCE = 350
ONLY_WATCHING = "Only watching: nothing is carried out. What did you do?"


def shadow_question(case: Case, wording: Wording) -> tuple[str, str]:
    """Say what would be done, and ask what people did."""
    plan = case.proposal.plan
    text = mid_sentence(describe_plan(plan, wording)) if plan else "nothing"
    question = clean(f"I would {text}.", 400)
    if case.activity.practice is not None:
        return question, _practice_sentence(case.activity.practice, wording)
    return question, ONLY_WATCHING


def practice_buttons(case: Case, token: str) -> list[Json]:
    """Build the two answers to what was done by hand."""
    if not awaits_practice(case):
        return []
    return [
        button("Did that", ids.DID_THAT, token),
        button("Did something else…", ids.DID_OTHERWISE, token),
    ]


def review_buttons(case: Case, token: str) -> list[Json]:
    """Build the two answers to whether it was right."""
    if not case.is_review_due:
        return []
    return [
        button("Right", ids.REVIEW_RIGHT, token),
        button("Wrong…", ids.REVIEW_WRONG, token),
    ]


def hindsight_blocks(case: Case, wording: Wording) -> list[Json]:
    """Build what a folded card says or asks in hindsight."""
    return [*_practice(case, wording), *_review(case)]


def describe_practice(practice: Practice | PracticeObserved) -> tuple[str, str]:
    """Say who found out what people did, and what it was."""
    by = f"{practice.by_name}:" if practice.by_name else "The system of record shows:"
    detail = f": {practice.detail}" if practice.detail else ""
    if practice.action_agrees and practice.parameters_agree:
        return by, "it was done by hand, as recommended"
    if practice.action_agrees:
        return by, f"it was done by hand with other values{detail}"
    return by, f"it was not done as recommended{detail}"


def _practice_sentence(practice: Practice, wording: Wording) -> str:
    return as_sentence(wording.prose(" ".join(describe_practice(practice)), MAX_SENTENCE))


def _practice(case: Case, wording: Wording) -> list[Json]:
    plan = case.proposal.plan
    if plan is None or not case.is_terminal:
        return []
    practice = case.activity.practice
    if practice is not None and practice.source is PracticeSource.SYSTEM:
        return [context_block(plain_text(_practice_sentence(practice, wording), 400))]
    if not awaits_practice(case):
        # What a person said stands in the line above.
        return []
    recommendation = mid_sentence(describe_plan(plan, wording))
    question = text_run(clean(f"I would {recommendation}.", 400), bold=True)
    return [rich_text(paragraph(question, text_run(" Did somebody do that?")))]


def _review(case: Case) -> list[Json]:
    review = case.activity.review
    if review is None or case.state is not State.RESOLVED:
        return []
    if review.verdict is not None:
        return [context_block(plain_text(_describe_review(review), 400))]
    if not case.is_review_due:
        return []
    question = text_run("Was this right?", bold=True)
    # Plain text, which notifies nobody: an unanswered question stands in the digest once.
    return [rich_text(paragraph(question, text_run(f" {_sample(case, review)}")))]


def _sample(case: Case, review: RunReview) -> str:
    """Say who is asked, and about how many."""
    owner = f"@{safe_handle(case.team)}"
    share = "each of these" if review.one_in == 1 else f"one in {review.one_in} of these"
    return f"It was done alone; {owner} checks {share}."


def _describe_review(review: RunReview) -> str:
    name = clean(review.by_name, 60)
    if review.verdict is ReviewVerdict.RIGHT:
        return f"{name} has looked: it was right."
    return f"{name} has looked: it was wrong. “{clean(review.note, MAX_NOTE)}”"
