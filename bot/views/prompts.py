"""The questions that the agent pane suggests, by what a person does and what waits."""

from dataclasses import dataclass

MAX_PROMPTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFacts:
    """The person who opens the pane, and the cases that wait."""

    #: Cases that wait for a decision of this person.
    waiting: int = 0
    #: Of these, those whose time to decide has passed.
    late: int = 0
    #: Whether the person decides anything.
    is_decider: bool = False
    #: Whether the person answers for the whole desk.
    is_lead: bool = False
    #: Whether the person may raise a case.
    may_raise: bool = False


def suggest_prompts(facts: PromptFacts) -> tuple[str, ...]:
    """Choose four questions, the most useful first."""
    prompts = []
    if facts.waiting:
        prompts.append("What waits on me?")
    if facts.late:
        prompts.append("What is overdue on me?")
    if facts.is_lead:
        prompts.append("Who is holding things up?")
        prompts.append("What did you do by yourself yesterday?")
    if facts.is_decider:
        prompts.append("What is due today?")
        prompts.append("What did I decide this week?")
    elif facts.may_raise:
        prompts.append("What did I raise?")
    prompts += [
        "What is open?",
        "What came in overnight?",
        "What can you handle?",
        "Anything late?",
    ]
    return tuple(prompts[:MAX_PROMPTS])
