"""Call those for whom a case waits, once for each matter.

A card that is posted mentions them itself. Otherwise they are mentioned in its thread. Those on
duty get a direct message, which follows its case until that is decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.cases.approval import Groups
from bot.cases.call_rules import Reach
from bot.cases.calls import (
    MAX_MENTIONS,
    SHARED_IN_STORM,
    WITHOUT_MENTION,
    Call,
    CallSubject,
    callees,
    is_due,
    may_be_held,
    may_wait,
    pending_call,
    reach_of,
)
from bot.cases.case import Case
from bot.cases.policy import RiskTier
from bot.desk.alert_storms import shared_card_key
from bot.desk.call_records import DIRECT_PREFIX, MENTION_PREFIX, mention_prefix
from bot.desk.direct_calls import DirectCalls
from bot.desk.missed_calls import MissedCalls
from bot.ports.card_store import CardRef, CardState, CardStore
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.live_lists import LiveList, LiveLists
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic
from bot.views.calls import ThreadCall

RETRY_INTERVAL = timedelta(seconds=1)
MENTIONS_PERIOD = timedelta(minutes=10)
# Whoever was called to a channel a moment ago sees what comes right after.
BURST_PERIOD = timedelta(minutes=1)
NO_CARD = "the card does not stand yet"


@dataclass(frozen=True, kw_only=True)
class Calls:
    """Send mentions and direct messages."""

    card_store: CardStore
    #: Records the mentions.
    live_lists: LiveLists
    outbox: Outbox
    library: Library
    directory: Directory
    chat: Chat
    clock: Clock
    direct_calls: DirectCalls
    missed_calls: MissedCalls

    # --- on the card ------------------------------------------------------------------------------

    def mentions_on_card(self, case: Case, *, is_new: bool) -> tuple[str, ...]:
        """List whom the card mentions.

        ``is_new``: it is about to be posted, so they are notified.
        """
        call = pending_call(case)
        if call is None or self._reach(call, case) is Reach.NOBODY:
            return ()
        names = callees(call, case)
        if not is_new:
            return names
        if self._must_wait(call, case) or self._is_too_many(call, case):
            return ()
        # Before the post: a post that is tried again mentions them again, and nothing else does.
        self._record_mention(call, case)
        return names

    # --- calls ------------------------------------------------------------------------------------

    def run(self, message: LeasedMessage) -> None:
        """Send a call, a message, a notice or a report."""
        if "slot" in message.payload:
            self.direct_calls.slots.run(message)
        elif "missed" in message.payload:
            self.missed_calls.report(message)
        elif "storm" in message.payload:
            self._call_about_storm(message)
        elif "demotion" in message.payload:
            self.direct_calls.tell_of_demotion(message)
        elif "ended_rules" in message.payload:
            self.direct_calls.tell_of_ended_rules(message)
        elif "version" in message.payload:
            self.direct_calls.tell_of_version(message)
        elif "notice" in message.payload:
            self.direct_calls.send_notice(message)
        elif "person" in message.payload:
            self.direct_calls.draw(message)
        else:
            self._send(message)

    def _send(self, message: LeasedMessage) -> None:
        state = self.card_store.state_of(message)
        case = state.case
        call = _call_of(message)
        reach = self._reach(call, case)
        if reach is Reach.NOBODY or not is_due(call, case):
            self.outbox.finish(message)
            return
        if self._must_wait(call, case):
            self._wait_for_opening(message, call, case, reach=reach)
            return
        self._deliver(message, call, state, reach=reach)

    def _wait_for_opening(
        self, message: LeasedMessage, call: Call, case: Case, *, reach: Reach
    ) -> None:
        """Let the mention wait, and collect the direct messages."""
        if reach is Reach.DUTY and may_be_held(call.subject, case):
            names = self._callees(call, case, self._groups(call, case))
            self.outbox.enqueue(self.direct_calls.requests(call, case, names=names))
        now = self.clock()
        opening = self.library.hours(case.channel).next_opening(now)
        self.outbox.wait(message, opening, "it waits for the working hours")

    def _deliver(
        self, message: LeasedMessage, call: Call, state: CardState, *, reach: Reach
    ) -> None:
        """Mention the callees in the thread, and request their direct messages."""
        case, cards = state.case, state.cards
        storm_key = shared_card_key(case.id, state.live_list_keys)
        if storm_key and call.subject in SHARED_IN_STORM:
            self.outbox.finish(message, [self._storm_call(storm_key, call, case)])
            return
        has_card = bool(cards) and cards[0].generation == case.generation
        if not has_card and not storm_key and call.subject not in WITHOUT_MENTION:
            # No failure: the card waits for Slack, and the call waits for the card.
            self.outbox.wait(message, self.clock() + RETRY_INTERVAL, NO_CARD)
            return
        groups = self._groups(call, case)
        names = self._callees(call, case, groups)
        if has_card and names and call.subject not in WITHOUT_MENTION:
            self._mention(message, call, case, card=cards[0], names=names)
        direct_messages = []
        # On a shared card a nudge has no thread to be said in.
        is_unheard = call.subject is CallSubject.NUDGE and not has_card
        if reach is Reach.DUTY or is_unheard:
            direct_messages = self.direct_calls.requests(call, case, names=names)
        self.outbox.finish(message, direct_messages)

    def _mention(
        self, message: LeasedMessage, call: Call, case: Case, *, card: CardRef, names: Sequence[str]
    ) -> None:
        """Mention the callees in the thread, unless that was done."""
        if self.live_lists.get(_mention_key(call, case)) or self._is_too_many(call, case):
            return
        thread_call = ThreadCall(
            channel=card.channel,
            thread_ts=card.ts,
            subject=call.subject,
            case=case,
            labels=self.library.labels(),
        )
        self.chat.post_call(
            thread_call,
            names,
            key=message.key,
            look_first=message.uncertain_attempts > 1,
        )
        self._record_mention(call, case)

    # --- storms -----------------------------------------------------------------------------------

    def _storm_call(self, storm_key: str, call: Call, case: Case) -> OutboxMessage:
        # One key for all cases of the storm: however many ask, one worker sends it once.
        return OutboxMessage(
            topic=Topic.CALL,
            key=f"{DIRECT_PREFIX}{storm_key}",
            case_id="",
            run_at=self.clock(),
            payload={
                "storm": storm_key,
                "kind": case.kind,
                "subject": call.subject,
                "names": list(callees(call, case)),
            },
        )

    def _call_about_storm(self, message: LeasedMessage) -> None:
        storm_key = str(message.payload["storm"])
        marker = f"{MENTION_PREFIX}{storm_key}"
        if self.live_lists.get(marker):
            self.outbox.finish(message)
            return
        storm = self.live_lists.get(storm_key)
        if storm is None:
            self.outbox.wait(message, self.clock() + RETRY_INTERVAL, NO_CARD)
            return
        kind = str(message.payload["kind"])
        if self._is_burst(mention_prefix(storm.place, kind)):
            # The first cards of the storm have called already.
            self._save_marker(marker, storm.place)
            self.outbox.finish(message)
            return
        call = ThreadCall(
            channel=storm.place,
            thread_ts=storm.ts,
            subject=CallSubject(message.payload["subject"]),
            case=None,
            storm_title=self.library.playbook(kind).title,
        )
        self.chat.post_call(
            call,
            list(message.payload["names"]),
            key=message.key,
            look_first=message.uncertain_attempts > 1,
        )
        self._save_marker(marker, storm.place)
        self.outbox.finish(message)

    # --- rules ------------------------------------------------------------------------------------

    def _reach(self, call: Call, case: Case) -> Reach:
        return reach_of(call, case, self.library.call_rules(case.channel, case.kind))

    def _must_wait(self, call: Call, case: Case) -> bool:
        if not may_wait(call, case, self.library.call_rules(case.channel, case.kind)):
            return False
        return not self.library.hours(case.channel).is_open(self.clock())

    def _groups(self, call: Call, case: Case) -> Groups:
        """Read the groups of the approvers, where the call depends on them."""
        verdict = case.proposal.verdict
        depends = call.subject in {CallSubject.NEXT_APPROVAL, CallSubject.NUDGE}
        if not depends or verdict is None:
            return {}
        return self.directory.groups([factor.group for factor in verdict.factors])

    def _callees(self, call: Call, case: Case, groups: Groups) -> tuple[str, ...]:
        approvals = self.library.identities().distinct_votes(case.proposal.approvals)
        return callees(call, case, approvals=tuple(approvals), groups=groups)

    def _is_too_many(self, call: Call, case: Case) -> bool:
        """Tell whether the kind was mentioned often enough just now."""
        verdict = case.proposal.verdict
        if call.subject not in SHARED_IN_STORM or case.classification.is_urgent:
            return False
        if verdict and verdict.tier is RiskTier.HIGH:
            return False
        prefix = mention_prefix(case.channel, case.kind)
        if self._is_burst(prefix, except_case=case.id):
            return True
        mentions = self.live_lists.find(prefix, self.clock() - MENTIONS_PERIOD)
        key = _mention_key(call, case)
        return len([mention for mention in mentions if mention.key != key]) >= MAX_MENTIONS

    def _is_burst(self, prefix: str, *, except_case: str = "") -> bool:
        """Tell whether another case of the kind was mentioned a moment ago."""
        mentions = self.live_lists.find(prefix, self.clock() - BURST_PERIOD)
        own_prefix = f"{prefix}{except_case}:"
        return any(not mention.key.startswith(own_prefix) for mention in mentions)

    def _record_mention(self, call: Call, case: Case) -> None:
        self._save_marker(_mention_key(call, case), case.channel)

    def _save_marker(self, key: str, channel: str) -> None:
        marker = LiveList(
            key=key,
            place=channel,
            ts="",
            sections={},
            shown_at=self.clock(),
        )
        self.live_lists.save(marker, follow=False)


def _call_of(message: LeasedMessage) -> Call:
    matter = message.key.rpartition(":")[2]
    return Call(CallSubject(message.payload["subject"]), matter, str(message.payload["to"]))


def _mention_key(call: Call, case: Case) -> str:
    return f"{mention_prefix(case.channel, case.kind)}{case.id}:{call.matter}"
