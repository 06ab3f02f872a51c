"""Mentions in threads, and direct messages with the buttons of a case."""

import math
from collections.abc import Sequence
from typing import assert_never

from bot.cases.actor import is_person
from bot.cases.approval import either
from bot.cases.calls import CallSubject
from bot.cases.case import Case
from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier
from bot.ports.card_store import CardContext
from bot.views.calls import DirectCall, ThreadCall
from bot.views.labels import Labels, start_upper
from handlers.cards.card_buttons import button_row, card_buttons, kind_buttons
from handlers.cards.case_card import notification_text
from handlers.cards.case_words import case_wording
from handlers.cards.question import ask
from handlers.cards.rows import Permalink, describe_outcome
from handlers.cards.text import (
    Json,
    clean,
    date_run,
    escape_mrkdwn,
    link_run,
    paragraph,
    rich_text,
    text_run,
)

# Apart from the blocks of cards: a press here is no press on a copy of the card.
BLOCK_NAME = "call"


def mention_block(mentions: Sequence[Json]) -> Json:
    """Build the line of a card that notifies people and groups."""
    runs = [text_run("For ")]
    for index, mention in enumerate(mentions):
        if index:
            runs.append(text_run(", "))
        runs.append(mention)
    return rich_text(paragraph(*runs))


def thread_call_blocks(call: ThreadCall, mentions: Sequence[Json]) -> list[Json]:
    """Build the mention in a thread."""
    runs: list[Json] = []
    for mention in mentions:
        runs += [mention, text_run(" ")]
    runs.append(text_run(_thread_sentence(call)))
    return [rich_text(paragraph(*runs))]


def thread_call_text(call: ThreadCall) -> str:
    """Write the notification line of a mention."""
    if call.case is None:
        return escape_mrkdwn(_thread_sentence(call), 250)
    return notification_text(call.case, CardContext(labels=call.labels))


def direct_call_blocks(call: DirectCall, permalink: Permalink) -> list[Json]:
    """Build a direct message, with buttons while they work."""
    case = call.row.case
    link = link_run(permalink(call.row.channel, call.row.ts), case.id)
    if not call.is_pending:
        outcome = text_run(f"  {describe_outcome(case)}")
        return [rich_text(paragraph(link, text_run(f"  {_title(case)}")), paragraph(outcome))]
    deadline = date_run(case.timers.sla.decide_by)
    if call.subject is CallSubject.REQUEST:
        status = [text_run(_progress(call)), deadline, text_run(".")]
        return [rich_text(paragraph(link, text_run(f"  {_title(case)}")), paragraph(*status))]
    body = [
        paragraph(text_run(_reason(call.subject, case), bold=True)),
        paragraph(text_run(_request(case, call.labels))),
        paragraph(link, text_run(f"  {_title(case)}  ·  decide by "), deadline),
    ]
    buttons = card_buttons(case, is_undoable=False, labels=call.labels)
    kinds = button_row(f"{BLOCK_NAME}-kind", case, kind_buttons(case))
    return [rich_text(*body), *kinds, *button_row(BLOCK_NAME, case, buttons)]


def direct_call_text(call: DirectCall) -> str:
    """Write the notification line of a direct message."""
    case = call.row.case
    if call.is_pending and call.subject is CallSubject.REQUEST:
        return escape_mrkdwn(f"You raised {case.id}: {_title(case)}", 250)
    if call.is_pending:
        return notification_text(case, CardContext(labels=call.labels))
    return escape_mrkdwn(f"{case.id}: {describe_outcome(case)}", 250)


def _progress(call: DirectCall) -> str:
    """Write what the case waits for, and how long that takes."""
    case = call.row.case
    if not case.waits_on:
        sentence = f"{start_upper(case.state)}."
    else:
        sentence = f"Waits for {either(_group_names(case))}."
    verdict = case.proposal.verdict
    if case.state is State.PROPOSED and verdict and verdict.approvals_needed > 1:
        count = len(case.proposal.approvals)
        sentence += f" {count} of {verdict.approvals_needed} approvals given."
    if call.usual_seconds:
        sentence += f" Cases like it are usually decided within {_duration(call.usual_seconds)}."
    return f"{sentence} Decision due by "


def _group_names(case: Case) -> list[str]:
    """List the groups that the case waits on."""
    # A person has no readable name here.
    return [name for name in case.waits_on if not is_person(name)] or [case.team]


def _duration(seconds: float) -> str:
    minutes = max(1, math.ceil(seconds / 60))
    if minutes < 100:
        return "a minute" if minutes == 1 else f"{minutes} minutes"
    hours = math.ceil(minutes / 60)
    return f"{hours} hours" if hours < 48 else f"{math.ceil(hours / 24)} days"


def _thread_sentence(call: ThreadCall) -> str:
    if call.case is None:
        return f"many cases at once: {clean(call.storm_title, 150)}. This card has all of them."
    match call.subject:
        case CallSubject.DECISION:
            return "this needs your decision."
        case CallSubject.NEXT_APPROVAL:
            return f"{_approvers(call.case)} approved; it needs your approval too."
        case CallSubject.PERSON:
            return "no plan fits this case; somebody must look."
        case CallSubject.OUTCOME:
            return "a step may or may not have run; somebody must look."
        case (
            CallSubject.HAND_OVER
            | CallSubject.ESCALATION
            | CallSubject.REQUEST
            | CallSubject.RESULT
        ):
            return "this is with you now."
        case _:
            assert_never(call.subject)


def _reason(subject: CallSubject, case: Case) -> str:
    match subject:
        case CallSubject.DECISION:
            tier = case.proposal.verdict.tier if case.proposal.verdict else RiskTier.HIGH
            return f"Your decision is needed ({tier.name.lower()} risk)"
        case CallSubject.NEXT_APPROVAL:
            return f"{_approvers(case)} approved this; it needs your approval too"
        case CallSubject.PERSON:
            return "Somebody must look at this"
        case CallSubject.OUTCOME:
            return "Somebody must look whether this was done"
        case CallSubject.HAND_OVER:
            return "This was handed over to you"
        case CallSubject.ESCALATION:
            return "Nobody decided in time; this is with you now"
        case CallSubject.REQUEST:
            return "You raised this"
        case CallSubject.RESULT:
            return "What you raised has ended"
        case _:
            assert_never(subject)


def _request(case: Case, labels: Labels) -> str:
    """Write the ask of a plan, or the reason for none."""
    if case.proposal.plan and case.proposal.verdict:
        return str(ask(case.proposal.plan, case_wording(case, labels)))
    reason = case.activity.status_reason
    return clean(reason.reason, 300) if reason else _title(case)


def _approvers(case: Case) -> str:
    names = [approval.name for approval in case.proposal.approvals]
    return clean(", ".join(names), 80) or "Somebody"


def _title(case: Case) -> str:
    return clean(case.signal.title, 150)
