"""Direct messages to those for whom a case waits.

Such a message is a list of one case: it is recorded as lists are, and follows its case.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.cases.actor import is_person
from bot.cases.approval import Person
from bot.cases.calls import Call, CallSubject, add_stand_ins, people_on_duty
from bot.cases.case import Case
from bot.cases.controls import DESK_ID
from bot.cases.entries import RuleEnded
from bot.cases.errors import NotEligible
from bot.cases.lifecycle import WAITING_ON_PEOPLE
from bot.cases.requester import next_nudge_at
from bot.cases.standing_rule import deciding_case
from bot.desk.call_records import DIRECT_PREFIX
from bot.desk.call_slots import CallSlots
from bot.desk.case_progress import CaseProgress
from bot.desk.rows import with_cards
from bot.ports.card_store import CardStore
from bot.ports.case_store import CaseStore
from bot.ports.chat import Chat, PostedMessage
from bot.ports.clock import Clock
from bot.ports.connector import EffectStatus
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.live_lists import LiveList, LiveLists
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic
from bot.views.calls import DirectCall


@dataclass(frozen=True, kw_only=True)
class DirectCalls:
    """Send direct messages, and keep them true."""

    cases: CaseStore
    card_store: CardStore
    #: Records where the messages stand, and which case each shows.
    live_lists: LiveLists
    outbox: Outbox
    desk_controls: DeskControlsStore
    library: Library
    directory: Directory
    chat: Chat
    clock: Clock
    progress: CaseProgress
    #: Holds back what may wait.
    slots: CallSlots

    def requests(self, call: Call, case: Case, *, names: Sequence[str]) -> list[OutboxMessage]:
        """Request one message a person, each repeated by itself."""
        handles = [name for name in names if not is_person(name)]
        factors = case.proposal.factors
        approver_groups = [factor.group for factor in factors]
        members = self.directory.groups([*handles, *approver_groups])
        groups = add_stand_ins(
            members,
            case,
            delegations=self.desk_controls.load().delegations,
            now=self.clock(),
        )
        accounts = {name for name in names if is_person(name)}
        for handle in handles:
            accounts |= groups.get(handle, frozenset())
        people = people_on_duty(
            call,
            case,
            people=self._people(accounts),
            groups=groups,
            identities=self.library.identities(),
        )
        return [
            OutboxMessage(
                topic=Topic.CALL,
                key=f"{DIRECT_PREFIX}{case.id}:{call.matter}:{account}",
                case_id=case.id,
                run_at=self.clock(),
                payload={"person": account, "subject": call.subject},
            )
            for account in people
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

    def draw(self, message: LeasedMessage) -> None:
        """Send a direct message, or update the one that was sent."""
        case = self.cases.case(message.case_id)
        person = str(message.payload["person"])
        # A later update has a key of its own, since it waits.
        key = str(message.payload.get("update", message.key))
        reference = None
        subject_name = message.payload.get("subject", "")
        live_list = self.live_lists.get(key)
        if live_list:
            reference = PostedMessage(key, live_list.place, live_list.ts)
            (subject_name,) = live_list.sections
        subject = CallSubject(subject_name)
        is_pending = _is_pending(case, person, subject)
        if reference is None:
            if not is_pending and subject is not CallSubject.RESULT:
                self.outbox.finish(message)
                return
            if self.slots.take(message, case, person=person, subject=subject):
                return
        call = self._view(
            key,
            case,
            person=person,
            subject=subject,
            is_pending=is_pending,
        )
        look_first = message.uncertain_attempts > 1
        self._record(call, self.chat.draw_message(call, reference, look_first=look_first))
        self.outbox.finish(message, self._updates(call))

    def _view(
        self, key: str, case: Case, *, person: str, subject: CallSubject, is_pending: bool
    ) -> DirectCall:
        (row,) = with_cards(self.card_store, self.directory, [case])
        call = DirectCall(
            key=key,
            person=person,
            subject=subject,
            row=row,
            is_pending=is_pending,
            labels=self.library.labels(),
        )
        if subject is not CallSubject.REQUEST or not is_pending:
            return call
        return replace(
            call,
            progress=self.progress.of(case),
            next_nudge_at=self._next_nudge_at(case),
        )

    def _next_nudge_at(self, case: Case) -> datetime | None:
        """Return when a requester may ask again; None for now."""
        again_at = next_nudge_at(case)
        if again_at is None or again_at <= self.clock():
            return None
        return again_at

    def _updates(self, call: DirectCall) -> list[OutboxMessage]:
        """Request the update that offers a nudge again."""
        if call.next_nudge_at is None:
            return []
        update = OutboxMessage(
            topic=Topic.CALL,
            key=f"{call.key}@{int(call.next_nudge_at.timestamp())}",
            case_id=call.row.case.id,
            run_at=call.next_nudge_at,
            payload={"person": call.person, "update": call.key},
        )
        return [update]

    def _record(self, call: DirectCall, reference: PostedMessage) -> None:
        """Record where the message stands, so that it follows its case."""
        live_list = LiveList(
            key=call.key,
            place=reference.channel,
            ts=reference.ts,
            sections={call.subject: (call.row.case.id,)},
            shown_at=self.clock(),
        )
        if self.live_lists.save(live_list, cases=[call.row.case]):
            self.follow(call.row.case, [call.key])

    def tell_of_demotion(self, message: LeasedMessage) -> None:
        """Tell those who govern a kind what asks people again.

        What asked already has lost nothing, and nobody is told.
        """
        kind, action = str(message.payload["kind"]), str(message.payload["demotion"])
        record = self.desk_controls.load().recorded_stage(kind, action)
        if record is None or record.on_case != message.case_id or not record.is_demotion:
            self.outbox.finish(message)
            return
        labels = self.library.labels()
        notice = (
            f"“{labels.action(action)}” for “{labels.kind(kind)}” asks people again from now on:"
            f" {record.reason}. It may earn to run alone anew, by what people decide from here on."
        )
        self._tell_governors(message, kind, notice)

    def tell_of_ended_rules(self, message: LeasedMessage) -> None:
        """Tell the owners of a kind which standing rules have ended."""
        kind, action = str(message.payload["kind"]), str(message.payload["ended_rules"])
        ends = [
            entry.body
            for entry in self.cases.entries(str(DESK_ID))
            if isinstance(entry.body, RuleEnded)
            and entry.body.on_case == message.case_id
            and (entry.body.kind == kind and action in entry.body.actions)
        ]
        if not ends:
            self.outbox.finish(message)
            return
        labels = self.library.labels()
        case_ids = ", ".join(deciding_case(end.rule) for end in ends)
        notice = (
            f"The standing rule of {case_ids} (“{labels.action(action)}” for"
            f" “{labels.kind(kind)}”) has ended: {ends[0].reason}. Such plans ask people again."
        )
        self._tell_governors(message, kind, notice)

    def tell_of_version(self, message: LeasedMessage) -> None:
        """Tell those who govern a kind that a version went back.

        What was not tried any more when the case turned out wrong has lost nothing.
        """
        kind, checksum = str(message.payload["kind"]), str(message.payload["version"])
        versions = self.desk_controls.load().versions_of(kind)
        is_its = versions is not None and versions.ended_on == message.case_id
        if versions is None or not is_its or checksum not in versions.past_candidates:
            self.outbox.finish(message)
            return
        notice = (
            f"The new version of “{self.library.labels().kind(kind)}” judges nothing any more:"
            f" {versions.end_reason}. The version before judges every case again. The new one is"
            " tried again once its file is edited."
        )
        self._tell_governors(message, kind, notice)

    def _tell_governors(self, message: LeasedMessage, kind: str, notice: str) -> None:
        group = self.library.playbook(kind).owners.governance
        members = self.directory.groups([group]).get(group, frozenset())
        messages = [
            OutboxMessage(
                topic=Topic.CALL,
                key=f"{message.key}:{member}",
                case_id=message.case_id,
                run_at=self.clock(),
                payload={"notice": notice, "to": member},
            )
            for member in sorted(members)
        ]
        self.outbox.finish(message, messages)

    def send_notice(self, message: LeasedMessage) -> None:
        """Tell a person in plain words, once."""
        user_id = str(message.payload["to"]).rpartition("/")[2]
        is_sent = False
        if message.uncertain_attempts > 1:
            is_sent = self.chat.find_message(user_id, message.key) is EffectStatus.LANDED
        if not is_sent:
            self.chat.send_notice(user_id, str(message.payload["notice"]), message.key)
        self.outbox.finish(message)


def _is_pending(case: Case, person: str, subject: CallSubject) -> bool:
    """Tell whether the message still concerns something to come."""
    if subject is CallSubject.REQUEST:
        return not case.is_terminal
    if case.state not in WAITING_ON_PEOPLE:
        return False
    return all(person not in approval.parties for approval in case.proposal.approvals)
