"""Trials of cases: card, plan, dry run, verdict, deciders, gaps."""

from collections.abc import Iterator
from typing import Any

from bot.cases.approval import ApprovalRequirement
from bot.cases.case import Case
from bot.cases.signal import UNRECOGNISED
from bot.cases.verdict import Ruling, Verdict
from bot.cli.card_view import card_view
from bot.cli.terminal import out, print_hanging
from bot.connectors.recorded import CANNOT_PREPARE
from bot.ports.card_store import CardContext
from bot.views.plan_words import plan_sentence
from handlers.cards.case_card import case_card
from handlers.cards.case_words import case_wording
from knowledge.library import FileLibrary

PEOPLE = "people:"
#: More than any plan says.
MAX_WORDS = 2_000


def card_of(case: Case, library: FileLibrary) -> list[Any]:
    """Return the blocks of the case's card."""
    return case_card(case, CardContext(labels=library.labels()))


def find_unknown(case: Case, library: FileLibrary) -> list[str]:
    """Return a sentence for each gap in a manager's decision."""
    return list(_find_unknown(case, library))


def _find_unknown(case: Case, library: FileLibrary) -> Iterator[str]:
    if library.playbook(case.kind).kind == UNRECOGNISED:
        yield "no kind: no playbook is about this signal"
    for fact in case.assessment.evidence:
        if fact.failure:
            yield f"{fact.label or fact.name}: {fact.failure}"
    recommendation = case.proposal.recommendation
    if case.proposal.plan is None and recommendation is not None:
        for alternative in recommendation.alternatives:
            if alternative.why_not.startswith(CANNOT_PREPARE):
                yield f"{alternative.action} {alternative.why_not}"
    verdict = case.proposal.verdict
    if case.proposal.plan is None or verdict is None:
        return
    if verdict.ruling is Ruling.REFUSE:
        yield f"policy refuses the plan: {verdict.reason}"
    elif verdict.ruling is Ruling.ASK and not _can_decide(verdict):
        yield "nobody may decide: policy names no group or person for this plan"


def _can_decide(verdict: Verdict) -> bool:
    groups = [factor for factor in verdict.factors if factor.group.removeprefix(PEOPLE)]
    return bool(groups) and len(groups) == len(verdict.factors)


def deciders(verdict: Verdict) -> str:
    """Say who decides a plan under this verdict."""
    match verdict.ruling:
        case Ruling.REFUSE:
            return "nobody: policy refuses it"
        case Ruling.ASK:
            words = " and ".join(_decider(factor) for factor in verdict.factors) or "nobody"
            if verdict.step_up:
                words += ", each with a passkey"
            return words
        case _:
            return "policy alone"


def _decider(factor: ApprovalRequirement) -> str:
    if factor.group.startswith(PEOPLE):
        names = factor.group.removeprefix(PEOPLE).split("+")
        return f"{factor.count} of {', '.join(names)}"
    return f"{factor.count} of {factor.group.removeprefix('group:')}"


def print_trial(case: Case, library: FileLibrary) -> None:
    """Print the card, and what stands behind it."""
    out.print(card_view(card_of(case, library)))
    plan = case.proposal.plan
    if plan is None:
        _print_line("plan", "none: a person decides what to do")
    else:
        sentence = plan_sentence(plan, str, library.labels().system)
        _print_line("plan", words_of(sentence, case, library))
        for action in plan.actions:
            _print_line("dry run", words_of(action.preview, case, library))
    verdict = case.proposal.verdict
    if verdict is not None:
        _print_line("verdict", f"{verdict.tier.name.lower()} risk, {verdict.reason}")
        _print_line("decides", deciders(verdict))
    for sentence in find_unknown(case, library):
        _print_line("unknown", sentence)


def words_of(text: str, case: Case, library: FileLibrary) -> str:
    """Write a text of a plan as cards do: days, money, channels."""
    return case_wording(case, library.labels()).prose(text, MAX_WORDS)


def _print_line(name: str, words: str) -> None:
    print_hanging(f"  {name:<9}", words)
