"""The state of a case in words, and what happens next."""

from bot.cases.lifecycle import State
from bot.desk.answers.case_file import CaseFile, Statement
from bot.desk.answers.decisions import (
    describe_ending,
    describe_last_decision,
    describe_missing,
    list_votes,
)
from bot.desk.answers.plan_facts import describe_execution
from bot.desk.answers.times import describe_due, describe_snooze, describe_undo
from bot.desk.case_texts import as_sentence, describe_state, join_words, phrase
from bot.views.labels import start_upper
from bot.views.plan_words import plan_items


def describe_status(file: CaseFile) -> Statement:
    """Say where the case is, and who must do what by when."""
    case = file.case
    subject = as_sentence(file.words(case.assessment.what or case.signal.title))
    stake = phrase(" {} is at stake.", case.assessment.stake)
    text = f"{describe_state(case)}. {subject}{stake}"
    facts = [fact for fact in _next_steps(file) if fact]
    return Statement(text=text, facts=tuple(facts))


def _next_steps(file: CaseFile) -> list[str]:
    """Say what happens next, or what happened last."""
    case = file.case
    match case.state:
        case State.NEW | State.OPEN:
            return ["I am looking into it, and say what I find on its card."]
        case State.PROPOSED:
            return _describe_wait(file)
        case State.REFERRED | State.OUTCOME_UNKNOWN:
            return [*_describe_person_needed(file), describe_due(file).text]
        case State.SNOOZED:
            snooze = describe_snooze(file)
            return [snooze.text, *snooze.facts]
        case State.APPROVED | State.RUNNING:
            decision = describe_last_decision(file)
            return [file.without_id(decision.text), describe_execution(file).text]
        case State.RESOLVED:
            decision = describe_last_decision(file)
            sentence = file.without_id(decision.text)
            return [sentence, *decision.facts, describe_undo(file).text]
        case State.REJECTED | State.EXPIRED | State.CLEARED | State.WITHDRAWN:
            ending = describe_ending(file)
            return [file.without_id(ending.text), *ending.facts]


def _describe_wait(file: CaseFile) -> list[str]:
    """Say what is planned, and who must decide by when."""
    case = file.case
    present_plan = case.proposal.plan
    items = plan_items(present_plan, file.words, file.labels.system) if present_plan else []
    plan = phrase("The plan: {}.", "; ".join(items))
    pause = phrase("Nothing of it runs now: {}.", file.pause_reason)
    return [plan, *list_votes(case), describe_missing(file), describe_due(file).text, pause]


def _describe_person_needed(file: CaseFile) -> list[str]:
    case = file.case
    reason = case.activity.status_reason
    owners = join_words(file.names_here(case.waits_on[:1]))
    is_group = "@" in owners
    text = f"Somebody of {owners} has to look at it." if is_group else f"{owners} has it."
    facts = [start_upper(text)]
    if reason:
        facts.append(as_sentence(f"The reason: {file.words(reason.reason)}"))
    return facts
