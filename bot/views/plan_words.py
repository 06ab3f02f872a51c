"""The steps of a plan in words, with their conditions."""

from collections.abc import Callable, Sequence
from string import ascii_lowercase

from bot.cases.plan import Action, Branch, Cause, Plan
from bot.views.labels import mid_sentence, start_upper

Words = Callable[[str], str]
"""Words for a text or a name."""


def plan_sentence(plan: Plan, text: Words, system: Words) -> str:
    """Write all steps as one sentence without a full stop.

    ``text`` words a summary, ``system`` the title of a system.
    """
    summaries = [text(action.summary) for action in plan.actions] or ["Do nothing"]
    sentence = summaries[0]
    for step, summary in enumerate(summaries[1:], start=1):
        sentence += _link(plan, step, system) + mid_sentence(summary)
    return sentence


def _link(plan: Plan, step: int, system: Words) -> str:
    """Say how a step is joined to the one before."""
    if not plan.is_tree:
        return ", then "
    condition = condition_words(plan, step, system)
    if condition:
        return f"; {condition}, "
    return ", then " if plan.branches[step].after == step - 1 else "; in any case, "


def plan_items(plan: Plan, text: Words, system: Words) -> list[str]:
    """Write each step by itself.

    Those of a tree have their number and condition.
    """
    summaries = [text(action.summary) for action in plan.actions]
    if not plan.is_tree:
        return summaries
    labels = step_labels(plan)
    items = []
    for step, summary in enumerate(summaries):
        condition = condition_words(plan, step, system)
        words = f"{start_upper(condition)}: {mid_sentence(summary)}" if condition else summary
        items.append(f"{labels[step]}. {words}")
    return items


def condition_words(plan: Plan, step: int, system: Words) -> str:
    """Say when a step runs: "if the carrier refuses".

    Empty for always.
    """
    if not plan.is_tree:
        return ""
    branch = plan.branches[step]
    own = f"if {branch.means}" if branch.when else ""
    if branch.cause is Cause.OTHERWISE:
        return f"otherwise, {own}" if own else "otherwise"
    if branch.cause is Cause.REFUSED and branch.after is not None:
        refusal = f"if {name_system(plan.actions[branch.after], system)} refuses"
        return f"{refusal} and {branch.means}" if own else refusal
    return own


def reason_words(plan: Plan, step: int, system: Words) -> str:
    """Say why a step was begun: "as the carrier refused".

    Empty for always.
    """
    if not plan.is_tree:
        return ""
    branch = plan.branches[step]
    if branch.cause is Cause.REFUSED and branch.after is not None:
        return f"as {name_system(plan.actions[branch.after], system)} refused"
    if branch.when:
        return f"as {branch.means}"
    if branch.cause is Cause.OTHERWISE and branch.after is not None:
        return f"as it is not so that {plan.branches[branch.after].means}"
    return ""


def name_system(action: Action, system: Words) -> str:
    """Return the title of a system with its article: "the carrier", "Slack"."""
    title = system(action.system)
    return title if title[:1].isupper() else f"the {title}"


def step_labels(plan: Plan) -> Sequence[str]:
    """List the numbers of the steps.

    Steps that exclude each other share one: "3a" and "3b".
    """
    if not plan.is_tree:
        return [str(number) for number, _ in enumerate(plan.actions, start=1)]
    groups = [_group(plan, step) for step in range(len(plan.branches))]
    labels: list[str] = []
    numbers: dict[int, int] = {}
    letter_counts: dict[int, int] = {}
    for group in groups:
        number = numbers.setdefault(group, len(numbers) + 1)
        letter = ascii_lowercase[letter_counts.get(group, 0)] if groups.count(group) > 1 else ""
        letter_counts[group] = letter_counts.get(group, 0) + 1
        labels.append(f"{number}{letter}")
    return labels


def _group(plan: Plan, step: int) -> int:
    """Return a number that the conditional steps after one share."""
    branch = plan.branches[step]
    while branch.cause is Cause.OTHERWISE and branch.after is not None:
        branch = plan.branches[branch.after]
    is_conditional = bool(branch.when) or branch.cause is Cause.REFUSED
    if not is_conditional or branch.after is None:
        return step
    return -1 - branch.after


def input_words(branch: Branch) -> dict[str, str]:
    """Say what stands for each parameter that an earlier step tells."""
    return {name: limit.words for name, limit in branch.inputs.items()}
