"""The question of a card: steps, price, and undo.

It says what runs after a yes, what that costs, and whether it can be undone. It is made of the
plan that will run, and of nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from bot.cases.case import Case
from bot.cases.entries import StepState
from bot.cases.expressions import placeholders, render
from bot.cases.plan import Action, Money, Plan
from bot.cases.results import moved_amount
from bot.desk.case_texts import describe_span
from bot.views.labels import mid_sentence
from bot.views.plan_words import plan_sentence, reason_words, step_labels
from handlers.cards.text import clean
from handlers.cards.wording import Wording, money_text

# A question that is longer is asked in the form, which shows all of it.
MAX_QUESTION = 400
MAX_SUMMARY = 2_000
DRY_RUN = "Dry run: nothing will be changed."


@dataclass(frozen=True, kw_only=True)
class PlanQuestion:
    """The effect of an approval as a question, and its consequence."""

    text: str
    consequence: str
    #: The text is all of it.
    is_complete: bool = True

    def __str__(self) -> str:
        return f"{self.text} {self.consequence}"


def ask(plan: Plan, wording: Wording) -> PlanQuestion:
    """Write the question of a plan."""
    text = f"{describe_plan(plan, wording)}?"
    return PlanQuestion(
        text=clean(text, MAX_QUESTION),
        consequence=describe_consequence(plan),
        is_complete=len(text) <= MAX_QUESTION,
    )


def describe_plan(plan: Plan, wording: Wording) -> str:
    """Write steps and price as one sentence without a full stop."""
    steps = plan_sentence(plan, lambda text: wording.prose(text, MAX_SUMMARY), wording.system)
    return steps + _price(plan.amount, steps, is_most=bool(plan.branches))


def describe_done(case: Case, plan: Plan, wording: Wording) -> str:
    """Write what was done in the past tense, with its price.

    For instance "Ordered 24 × Merlot for £168.00". Of a tree it is the path that was taken.
    """
    if plan.branches:
        return describe_path(case, plan, wording)
    sentences = [_describe_done_action(action, wording) for action in plan.actions]
    if not all(sentences):
        return f"Done: {describe_plan(plan, wording)}"
    steps = _join_steps(sentences)
    return steps + _price(plan.amount, steps)


def describe_path(case: Case, plan: Plan, wording: Wording) -> str:
    """Write the path that a tree took, with its reasons."""
    sentences = []
    for step, record in enumerate(case.execution.steps):
        if record.state is not StepState.LANDED:
            continue
        action = case.action(step)
        sentence = _describe_done_action(action, wording) or wording.prose(
            action.summary, MAX_SUMMARY
        )
        reason = reason_words(plan, step, wording.system)
        sentences.append(
            f"{mid_sentence(reason)}, {mid_sentence(sentence)}" if reason else sentence
        )
    steps = _join_steps(sentences)
    return steps + _price(moved_amount(case), steps)


def _describe_done_action(action: Action, wording: Wording) -> str:
    """Fill the action's template in the past tense.

    Empty when the action has no template, or the plan lacks a fact that the template names.
    """
    template = wording.labels.done_templates.get(action.name, "")
    # The facts that the summary was made of: they stand in the plan, and the approval binds them.
    facts = {**action.precondition, **action.parameters}
    if not set(placeholders(template)) <= set(facts):
        return ""
    return wording.prose(render(template, facts), MAX_SUMMARY)


def _join_steps(sentences: Iterable[str]) -> str:
    first, *others = list(sentences) or ["Do nothing"]
    return ", then ".join([first, *map(mid_sentence, others)])


def describe_consequence(plan: Plan) -> str:
    """Say whether the plan can be undone, or that it changes nothing."""
    if plan.is_dry_run:
        return DRY_RUN
    fixed_count = sum(not action.reversible for action in plan.actions)
    if not fixed_count:
        if plan.undo_for < timedelta(minutes=1):
            return "Can be undone."
        return f"Can be undone for {describe_span(plan.undo_for)}."
    if fixed_count == len(plan.actions):
        return "This cannot be undone."
    labels = zip(step_labels(plan), plan.actions, strict=True)
    fixed_numbers = [label for label, action in labels if not action.reversible]
    noun = "Step" if fixed_count == 1 else "Steps"
    return f"{noun} {' and '.join(fixed_numbers)} cannot be undone."


def _price(amount: Money | None, steps: str, *, is_most: bool = False) -> str:
    if amount is None:
        return ""
    price = money_text(amount)
    # Each number once: a summary may name the amount itself.
    if price in steps:
        return ""
    return f", at most {price}" if is_most else f" for {price}"
