"""Mentions in threads, and direct messages with the buttons of a case."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import assert_never

from bot.cases.calls import CallSubject
from bot.cases.case import Case
from bot.cases.commands import OFFERED, DecisionKind
from bot.cases.lifecycle import State
from bot.cases.notices import MOMENT
from bot.cases.policy import RiskTier
from bot.ports.card_store import CardContext
from bot.views.calls import DirectCall, SlotCall, ThreadCall
from bot.views.labels import start_upper
from bot.views.progress import Progress
from handlers.cards import ids
from handlers.cards.blocks import button, context_block, heading
from handlers.cards.card_buttons import button_row, card_buttons, kind_buttons
from handlers.cards.case_card import notification_text
from handlers.cards.case_words import case_wording
from handlers.cards.rows import Permalink, case_rows, describe_outcome
from handlers.cards.text import (
    Json,
    clean,
    date_run,
    escape_mrkdwn,
    link_run,
    paragraph,
    plain_text,
    rich_text,
    text_run,
)
from handlers.cards.waiting_card import question_text

# Apart from the blocks of cards: a press here is no press on a copy of the card.
BLOCK_NAME = "call"
REQUEST_BLOCK = "request"
SLOT_BLOCK = "slot"
MAX_NOTICE = 2_000


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
    title = paragraph(link, text_run(f"  {_title(call)}"))
    if not call.is_pending:
        outcome = text_run(f"  {describe_outcome(case)}")
        return [rich_text(title, paragraph(outcome))]
    if call.subject is CallSubject.REQUEST:
        progress = [rich_text(title, paragraph(*_progress(call)))]
        return [*progress, *button_row(REQUEST_BLOCK, case, _request_buttons(call))]
    body = [
        paragraph(text_run(_reason(call.subject, case), bold=True)),
        paragraph(text_run(question_text(case, case_wording(case, call.labels)))),
        paragraph(
            link, text_run(f"  {_title(call)}  ·  decide by "), date_run(case.timers.sla.decide_by)
        ),
    ]
    buttons = card_buttons(case, is_undoable=False, labels=call.labels)
    kinds = button_row(f"{BLOCK_NAME}-kind", case, kind_buttons(case))
    return [rich_text(*body), *kinds, *button_row(BLOCK_NAME, case, buttons)]


def direct_call_text(call: DirectCall) -> str:
    """Write the notification line of a direct message."""
    case = call.row.case
    if call.is_pending and call.subject is CallSubject.REQUEST:
        return escape_mrkdwn(f"You raised {case.id}: {_title(call)}", 250)
    if call.is_pending:
        return notification_text(case, CardContext(labels=call.labels))
    return escape_mrkdwn(f"{case.id}: {describe_outcome(case)}", 250)


# --- the message of a slot ------------------------------------------------------------------------


def slot_call_blocks(slot: SlotCall, permalink: Permalink) -> list[Json]:
    """Build one message about several cases, with the buttons of each."""
    count = slot.more
    for row in slot.rows:
        count += row.is_decidable and not row.case.is_terminal
    blocks = [heading(_slot_heading(count)), *case_rows(SLOT_BLOCK, slot.rows, permalink)]
    if slot.more:
        blocks.append(context_block(f"and {slot.more} more, which are on your Home tab"))
    return blocks


def slot_call_text(slot: SlotCall) -> str:
    """Write the notification line: the first ask, and how many follow."""
    first = slot.rows[0].case
    text = notification_text(first, CardContext(labels=slot.labels))
    others = len(slot.rows) + slot.more - 1
    return f"{text} · and {others} more" if others else text


def _slot_heading(count: int) -> str:
    if not count:
        return "Nothing here waits for you any more"
    if count == 1:
        return "One case waits for you"
    return f"{count} cases wait for you"


# --- notices --------------------------------------------------------------------------------------


def notice_blocks(text: str) -> list[Json]:
    """Build a notice, one paragraph a line."""
    paragraphs = []
    for line in text.split("\n"):
        paragraphs.append(paragraph(*_notice_runs(line)))
    return [rich_text(*paragraphs)]


def notice_text(text: str) -> str:
    """Write the notification line of a notice."""
    return escape_mrkdwn(MOMENT.sub(_moment_text, text), MAX_NOTICE)


def _notice_runs(line: str) -> list[Json]:
    """Build a line of text, with dates in the reader's zone."""
    runs = []
    # Text and moments take turns, beginning with text.
    for index, part in enumerate(MOMENT.split(line)):
        if index % 2:
            runs.append(date_run(datetime.fromtimestamp(int(part), UTC)))
        elif part:
            runs.append(text_run(_clean_run(part)))
    return runs or [text_run(" ")]


def _clean_run(text: str) -> str:
    """Clean part of a line, and keep the blanks around it."""
    start = " " if text[:1] == " " else ""
    end = " " if text[-1:] == " " else ""
    return f"{start}{clean(text, MAX_NOTICE)}{end}"


def _moment_text(match: re.Match[str]) -> str:
    return f"{datetime.fromtimestamp(int(match[1]), UTC):%d %b %H:%M} UTC"


# --- the message to whoever raised a case ---------------------------------------------------------


def _progress(call: DirectCall) -> list[Json]:
    """Build the line about the progress of a case."""
    case = call.row.case
    if case.state is State.SNOOZED and case.timers.snoozed_until:
        return [text_run("Snoozed until "), date_run(case.timers.snoozed_until), text_run(".")]
    if case.state is State.OPEN:
        return [text_run("Being looked into.")]
    if not call.progress.waits_for:
        return [text_run(f"{describe_outcome(case)}.")]
    runs = [
        text_run(f"{_waiting_sentence(call.progress)} Decide by "),
        date_run(case.timers.sla.decide_by),
    ]
    count = case.activity.nudge_count
    if count:
        runs.append(text_run(f". Asked again {_times(count)}"))
    if call.next_nudge_at:
        runs += [text_run(", and you may again from "), date_run(call.next_nudge_at)]
    return [*runs, text_run(".")]


def _waiting_sentence(progress: Progress) -> str:
    """Write the wait as a sentence.

    "Waits for Ana, 2 of 2 approvals still needed; cases like it take 40 minutes, …"
    """
    sentence = f"Waits for {clean(' and '.join(progress.waits_for), 200)}"
    if progress.approvals_missing and progress.approvals_needed > 1:
        count = f"{progress.approvals_missing} of {progress.approvals_needed}"
        sentence += f", {count} approvals still needed"
    times = progress.usual_times
    if times:
        median, four_in_five = describe_span(times.median), describe_span(times.four_in_five)
        sentence += f"; cases like it take {median}, four in five under {four_in_five}"
    return f"{sentence}."


def _request_buttons(call: DirectCall) -> list[Json]:
    """Build the buttons that whoever raised the case may press now."""
    case = call.row.case
    token = ids.token(case)
    buttons = []
    if case.state in OFFERED[DecisionKind.NUDGE] and call.next_nudge_at is None:
        buttons.append(button("Nudge", ids.NUDGE, token))
    if case.state in OFFERED[DecisionKind.RETRACT]:
        withdraw = button("Withdraw", ids.RETRACT, token)
        withdraw["confirm"] = _confirm(case)
        buttons.append(withdraw)
    return buttons


def _confirm(case: Case) -> Json:
    return {
        "title": plain_text(f"Withdraw {case.id}?", 100),
        "text": plain_text("The case ends, and nothing is done about it.", 300),
        "confirm": plain_text("Withdraw", 30),
        "deny": plain_text("Keep it", 30),
    }


def describe_span(seconds: float) -> str:
    """Write a span in the unit that people would use, rounded up."""
    minutes = max(1, math.ceil(seconds / 60))
    if minutes < 100:
        return "a minute" if minutes == 1 else f"{minutes} minutes"
    hours = math.ceil(minutes / 60)
    return f"{hours} hours" if hours < 48 else f"{math.ceil(hours / 24)} days"


def _times(count: int) -> str:
    if count < 3:
        return "once" if count == 1 else "twice"
    return f"{count} times"


# --- words ----------------------------------------------------------------------------------------


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
        case CallSubject.NUDGE:
            return f"{_nudge_words(call.case)}; it still waits for you."
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
        case CallSubject.NUDGE:
            return f"{start_upper(_nudge_words(case))}; it still waits for you"
        case CallSubject.REQUEST:
            return "You raised this"
        case CallSubject.RESULT:
            return "What you raised has ended"
        case _:
            assert_never(subject)


def _nudge_words(case: Case) -> str:
    count = case.activity.nudge_count
    if count < 2:
        return "whoever raised this asks again"
    return f"whoever raised this has asked again {_times(count)}"


def _approvers(case: Case) -> str:
    names = [approval.name for approval in case.proposal.approvals]
    return clean(", ".join(names), 80) or "Somebody"


def _title(call: DirectCall) -> str:
    wording = case_wording(call.row.case, call.labels)
    return wording.prose(call.row.case.signal.title, 150)
