"""The facts of a case: of its signal, look-ups and answers."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bot.cases.case import Case
from bot.cases.evidence import SIGNAL, Evidence, facts_of
from bot.cases.plan import STEPS


def case_facts(case: Case, evidence: Iterable[Evidence]) -> dict[str, Any]:
    """Nest all facts of a case for the expressions of its playbook.

    An answer stands for what the signal left out, and never for what it says. The latest counts.
    """
    facts = facts_of(case.signal, evidence)
    signal_facts = facts[SIGNAL]
    for inquiry in reversed(case.activity.inquiries):
        item, _, column = inquiry.fact.partition(".")
        if item == SIGNAL and inquiry.answer:
            signal_facts.setdefault(column, inquiry.answer.value)
    if case.execution.earlier_steps:
        facts[STEPS] = {step.name: dict(step.facts) for step in case.execution.earlier_steps}
    return facts


def done_evidence(case: Case, label_of: Callable[[str], str]) -> tuple[Evidence, ...]:
    """List what earlier plans have done, and what they were told."""
    evidence = []
    for step in case.execution.earlier_steps:
        name = f"{STEPS}.{step.name}"
        values = {"": step.action.summary, **step.facts}
        for fact, value in values.items():
            full_name = f"{name}.{fact}" if fact else name
            label = label_of(fact) if fact else "Done already"
            evidence.append(
                Evidence(
                    name=full_name,
                    label=label,
                    value=value,
                    source=step.action.system,
                    read_at=step.at,
                )
            )
    return tuple(evidence)


def facts_for_lookups(case: Case, evidence: Sequence[Evidence]) -> dict[str, Any]:
    """Nest the facts that the next look-up may use.

    An answer stands for what no look-up has found yet.
    """
    answers: list[Evidence] = []
    for inquiry in case.activity.inquiries:
        answers += inquiry.evidence(inquiry.fact)
    return case_facts(case, [*answers, *evidence])
