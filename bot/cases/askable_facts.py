"""The facts of a playbook that a person's answer may give.

An answer never takes the place of what a system says, except where the playbook lets people edit
the parameter that it fills.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.cases.case import Case
from bot.cases.case_facts import case_facts
from bot.cases.evidence import OWN_FACTS, SIGNAL, Evidence, facts_of
from bot.cases.expressions import Facts, find_scalar
from bot.cases.inquiry import is_answer
from bot.cases.playbook import Playbook

_FACT = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_QUOTED = re.compile(r"'[^']*'|`[^`]*`|\"[^\"]*\"")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskableFact:
    """A fact that an answer may give."""

    #: "item.column".
    name: str
    label: str
    #: It is a number as far as is known, so the answer must be one.
    is_number: bool = False


def askable_facts(playbook: Playbook, case: Case) -> tuple[AskableFact, ...]:
    """List the facts that people may edit, then facts no system knows."""
    known_facts = case_facts(case, case.assessment.evidence)
    # An answer may be wrong: what only a person said may be asked again.
    evidence = [fact for fact in case.assessment.evidence if not is_answer(fact)]
    facts = facts_of(case.signal, evidence)
    editable = editable_facts(playbook)
    labels = _labels(playbook)
    names = dict.fromkeys([*editable, *_used_facts(playbook)])
    askable = []
    for name in names:
        if name not in editable and find_scalar(name, facts) is not None:
            continue
        label = editable.get(name) or labels.get(name)
        fact = AskableFact(
            name=name,
            label=label or _as_words(name.partition(".")[2]),
            is_number=_is_number(find_scalar(name, known_facts)),
        )
        askable.append(fact)
    return tuple(askable)


def editable_facts(playbook: Playbook) -> dict[str, str]:
    """Map the facts behind editable parameters to these, in words."""
    names = {}
    for offer in playbook.offers:
        for parameter in offer.edit:
            expression = offer.parameters[parameter].strip()
            if _is_fact_of(playbook, expression):
                names[expression] = _as_words(parameter)
    return names


def with_answers(
    case: Case, playbook: Playbook, evidence: Sequence[Evidence]
) -> tuple[Evidence, ...]:
    """Add the answers of people to what the systems say."""
    if not case.activity.inquiries:
        return tuple(evidence)
    facts = case_facts(case, evidence)
    editable = editable_facts(playbook)
    answers: list[Evidence] = []
    for inquiry in case.activity.inquiries:
        is_fact = inquiry.fact in editable or _is_unknown(inquiry.fact, facts)
        answers += inquiry.evidence(inquiry.fact if is_fact else "")
    return (*evidence, *answers)


def _is_unknown(name: str, facts: Facts) -> bool:
    """Tell whether no look-up has found this fact.

    No evidence speaks for the signal: ``case_facts`` fills in what that left out.
    """
    if not name or name.startswith(f"{SIGNAL}."):
        return False
    return find_scalar(name, facts) is None


def _as_words(name: str) -> str:
    return name.replace("_", " ")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _labels(playbook: Playbook) -> dict[str, str]:
    labels = {}
    for lookup in playbook.evidence:
        for column, label in lookup.show.items():
            labels[f"{lookup.name}.{column}"] = label
    return labels


def _used_facts(playbook: Playbook) -> list[str]:
    """List the facts that look-ups, stake and actions use, in their order."""
    names = []
    for expression in _expressions(playbook):
        for name in _FACT.findall(_QUOTED.sub("", expression)):
            if _is_fact_of(playbook, name):
                names.append(name)
    return names


def _expressions(playbook: Playbook) -> Iterator[str]:
    for lookup in playbook.evidence:
        yield from lookup.parameters.values()
    yield playbook.stake.amount
    for first in playbook.offers:
        for offer in first.chain():
            yield offer.when
            yield from offer.parameters.values()


def _is_fact_of(playbook: Playbook, name: str) -> bool:
    """Tell whether a look-up or the signal has this fact."""
    if not _FACT.fullmatch(name):
        return False
    item, _, column = name.partition(".")
    if item == SIGNAL:
        return column not in OWN_FACTS
    return any(lookup.name == item for lookup in playbook.evidence)
