"""Call those for whom a case waits, once for each matter.

A card that is posted mentions them itself. Otherwise they are mentioned in its thread. Those on
duty get a direct message, which follows its case until that is decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.cases.actor import is_person
from bot.cases.approval import Groups, Person
from bot.cases.calls import (
    MAX_MENTIONS,
    SHARED_IN_STORM,
    WITHOUT_MENTION,
    Call,
    CallSubject,
    Reach,
    callees,
    is_due,
    may_wait,
    pending_call,
    people_on_duty,
    reach_of,
)
from bot.cases.case import Case
from bot.cases.errors import NotEligible
from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier
from bot.desk.alert_storms import PREFIX as STORM_PREFIX
from bot.ports.card_store import CardRef, CardStore
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.case_store import CaseStore
from bot.ports.chat import Chat, PostedMessage
from bot.ports.clock import Clock
from bot.ports.connector import EffectStatus
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.live_lists import LiveList, LiveLists
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic
from bot.views.calls import DirectCall, ThreadCall
from bot.views.rows import CaseRow

RETRY_INTERVAL = timedelta(seconds=1)
MENTIONS_PERIOD = timedelta(minutes=10)
NO_CARD = "the card does not stand yet"
# Direct messages that follow their cases, and the record of mentions.
DIRECT_PREFIX, MENTION_PREFIX = "call:", "called:"
PENDING_STATES = frozenset({State.PROPOSED, State.REFERRED, State.OUTCOME_UNKNOWN})


@dataclass(frozen=True, kw_only=True)
class Calls:
    """Send mentions and direct messages."""

    cases: CaseStore
    card_store: CardStore
    queries: CaseQueries
    #: Records the mentions, and the direct messages with the cases that they show.
    live_lists: LiveLists
    outbox: Outbox
    library: Library
    directory: Directory
    chat: Chat
    clock: Clock

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
        """Send a call, one of its direct messages, the call of a storm, or a notice."""
        if "storm" in message.payload:
            self._call_about_storm(message)
        elif "notice" in message.payload:
            self._send_notice(message)
        elif "person" in message.payload:
            self._draw_direct(message)
        else:
            self._send(message)

    def _send(self, message: LeasedMessage) -> None:
        case = self.cases.case(message.case_id)
        call = _call_of(message)
        reach = self._reach(call, case)
        if reach is Reach.NOBODY or not is_due(call, case):
            self.outbox.finish(message)
            return
        if self._must_wait(call, case):
            now = self.clock()
            opening = self.library.hours(case.channel).next_opening(now)
            self._wait(message, "it waits for the working hours", opening - now)
            return
        storm_key = self._storm_key(case)
        if storm_key and call.subject in SHARED_IN_STORM:
            self.outbox.finish(message, [self._storm_call(storm_key, call, case)])
            return
        cards = self.card_store.cards(case.id)
        has_card = bool(cards) and cards[0].generation == case.generation
        if not has_card and not storm_key and call.subject not in WITHOUT_MENTION:
            # No failure: the card waits for Slack, and the call waits for the card.
            self._wait(message, NO_CARD, RETRY_INTERVAL)
            return
        groups = self._groups(call, case)
        names = self._callees(call, case, groups)
        if has_card and names and call.subject not in WITHOUT_MENTION:
            self._mention(message, call, case, card=cards[0], names=names)
        direct = self._direct_messages(call, case, names=names) if reach is Reach.DUTY else []
        self.outbox.finish(message, direct)

    def _mention(
        self, message: LeasedMessage, call: Call, case: Case, *, card: CardRef, names: Sequence[str]
    ) -> None:
        """Mention them in the thread, unless that was done."""
        if self.live_lists.get(_mention_key(call, case)) or self._is_too_many(call, case):
            return
        thread_call = ThreadCall(
            channel=card.channel, thread_ts=card.ts, subject=call.subject, case=case
        )
        self.chat.post_call(
            thread_call,
            names,
            key=message.key,
            look_first=message.uncertain_attempts > 1,
        )
        self._record_mention(call, case)

    def _direct_messages(
        self, call: Call, case: Case, *, names: Sequence[str]
    ) -> list[OutboxMessage]:
        """Request one message a person, so that each is sent and repeated by itself."""
        groups = self.directory.groups([name for name in names if not is_person(name)])
        accounts = {name for name in names if is_person(name)}
        accounts = accounts.union(*groups.values())
        people = self._people(accounts)
        return [
            OutboxMessage(
                topic=Topic.CALL,
                key=f"{DIRECT_PREFIX}{case.id}:{call.matter}:{account}",
                case_id=case.id,
                run_at=self.clock(),
                payload={"person": account, "subject": call.subject},
            )
            for account in people_on_duty(call, case, people, groups)
        ]

    def _people(self, accounts: set[str]) -> dict[str, Person]:
        people = {}
        for account in sorted(accounts):
            try:
                people[account] = self.directory.person(account)
            except NotEligible:
                # Slack does not know them: nobody can be called there.
                continue
        return people

    # --- direct messages --------------------------------------------------------------------------

    def follow(self, case: Case, live_list_keys: Sequence[str]) -> None:
        """Update the direct messages about a case that has changed."""
        messages = [
            OutboxMessage(
                topic=Topic.CALL,
                key=key,
                case_id=case.id,
                run_at=self.clock(),
                payload={"person": key.rpartition(":")[2]},
            )
            for key in live_list_keys
            if key.startswith(DIRECT_PREFIX)
        ]
        self.outbox.enqueue(messages)

    def _draw_direct(self, message: LeasedMessage) -> None:
        """Send a direct message, or make the sent one show the case as it is."""
        case = self.cases.case(message.case_id)
        person = str(message.payload["person"])
        live_list = self.live_lists.get(message.key)
        posted = None
        if live_list:
            posted = PostedMessage(message.key, live_list.place, live_list.ts)
            subject = CallSubject(next(iter(live_list.sections)))
        else:
            subject = CallSubject(message.payload["subject"])
        is_pending = _is_pending(case, person, subject)
        if posted is None and not is_pending and subject is not CallSubject.RESULT:
            self.outbox.finish(message)
            return
        cards = self.card_store.cards(case.id)
        row = CaseRow(case, case.channel, cards[0].ts if cards else "")
        call = DirectCall(
            key=message.key,
            person=person,
            subject=subject,
            row=row,
            is_pending=is_pending,
            usual_seconds=self._usual_seconds(case, subject),
        )
        look_first = message.uncertain_attempts > 1
        posted = self.chat.draw_direct_call(call, posted, look_first=look_first)
        self.live_lists.save(
            LiveList(
                key=message.key,
                place=posted.channel,
                ts=posted.ts,
                sections={subject: (case.id,)},
                shown_at=self.clock(),
            )
        )
        self.outbox.finish(message)

    def _send_notice(self, message: LeasedMessage) -> None:
        """Tell a person in plain words, once."""
        user_id = str(message.payload["to"]).rpartition("/")[2]
        is_sent = False
        if message.uncertain_attempts > 1:
            is_sent = self.chat.find_message(user_id, message.key) is EffectStatus.LANDED
        if not is_sent:
            self.chat.send(user_id, str(message.payload["notice"]), message.key)
        self.outbox.finish(message)

    # --- storms -----------------------------------------------------------------------------------

    def _storm_key(self, case: Case) -> str:
        """Return the key of the card that the case shares, or ""."""
        for key in self.live_lists.keys_with(case.id):
            if key.startswith(STORM_PREFIX):
                return key
        return ""

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
            self._wait(message, NO_CARD, RETRY_INTERVAL)
            return
        call = ThreadCall(
            channel=storm.place,
            thread_ts=storm.ts,
            subject=CallSubject(message.payload["subject"]),
            case=None,
            storm_title=self.library.playbook(str(message.payload["kind"])).title,
        )
        self.chat.post_call(
            call,
            list(message.payload["names"]),
            key=message.key,
            look_first=message.uncertain_attempts > 1,
        )
        self._save_marker(marker, storm.place)
        self.outbox.finish(message)

    def _usual_seconds(self, case: Case, subject: CallSubject) -> float | None:
        """Return how long cases of this kind took to be decided, for whoever asked."""
        if subject is not CallSubject.REQUEST:
            return None
        return self.queries.durations(CaseFilter(kind=case.kind, is_over=True)).to_decision

    # --- rules ------------------------------------------------------------------------------------

    def _reach(self, call: Call, case: Case) -> Reach:
        return reach_of(call, case, self.library.call_rules(case.channel))

    def _must_wait(self, call: Call, case: Case) -> bool:
        if not may_wait(call, case, self.library.call_rules(case.channel)):
            return False
        return not self.library.hours(case.channel).is_open(self.clock())

    def _groups(self, call: Call, case: Case) -> Groups:
        """Read the groups of the approvers, where the call depends on them."""
        verdict = case.proposal.verdict
        if call.subject is not CallSubject.NEXT_APPROVAL or verdict is None:
            return {}
        return self.directory.groups([factor.group for factor in verdict.factors])

    def _callees(self, call: Call, case: Case, groups: Groups) -> tuple[str, ...]:
        approvals = self.library.identities().distinct_votes(case.proposal.approvals)
        return callees(call, case, approvals=tuple(approvals), groups=groups)

    def _is_too_many(self, call: Call, case: Case) -> bool:
        """Tell whether the channel was called about this kind often enough just now."""
        verdict = case.proposal.verdict
        if call.subject not in SHARED_IN_STORM or case.classification.is_urgent:
            return False
        if verdict and verdict.tier is RiskTier.HIGH:
            return False
        since = self.clock() - MENTIONS_PERIOD
        mentions = self.live_lists.find(_mention_prefix(case), since)
        key = _mention_key(call, case)
        return len([mention for mention in mentions if mention.key != key]) >= MAX_MENTIONS

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

    def _wait(self, message: LeasedMessage, reason: str, span: timedelta) -> None:
        self.outbox.retry(
            message,
            self.clock() + span,
            reason,
            certain=message.uncertain_attempts <= 1,
            counts=False,
        )


def _call_of(message: LeasedMessage) -> Call:
    matter = message.key.rpartition(":")[2]
    return Call(CallSubject(message.payload["subject"]), matter, str(message.payload["to"]))


def _is_pending(case: Case, person: str, subject: CallSubject) -> bool:
    """Tell whether a person can still do, or waits for, what the message is about."""
    if subject is CallSubject.REQUEST:
        return not case.is_terminal
    if case.state not in PENDING_STATES:
        return False
    return all(person not in approval.parties for approval in case.proposal.approvals)


def _mention_prefix(case: Case) -> str:
    return f"{MENTION_PREFIX}{case.channel}:{case.kind}:"


def _mention_key(call: Call, case: Case) -> str:
    return f"{_mention_prefix(case)}{case.id}:{call.matter}"
