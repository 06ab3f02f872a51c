"""Keep the card in Slack equal to the case.

A card is drawn from the state of the case as it is now, whatever caused the refresh.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from bot import tracing
from bot.cases.actor import is_person
from bot.cases.case import Case
from bot.cases.controls import DeskControls
from bot.cases.entries import Claimed, Edited, Escalated, HandedOver
from bot.cases.errors import StaleFence
from bot.cases.evidence import find_stale_facts
from bot.cases.grant import GrantMeter
from bot.cases.lifecycle import State
from bot.cases.missing_approvals import MissingApprovals
from bot.desk.alert_storms import AlertStorms, shared_card_key
from bot.desk.app_home import FRESH_FOR
from bot.desk.calls import Calls
from bot.desk.card_evidence import CardEvidence
from bot.desk.message_cleanup import SETTLE_FOR, sweep_card
from bot.desk.missing_approvals import describe_missing_groups, find_missing_approvals
from bot.desk.rows import requester_name
from bot.ports.card_store import (
    CARD_FORMAT,
    REPLACED,
    CardContext,
    CardRef,
    CardState,
    CardStore,
)
from bot.ports.case_store import CaseStore
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, card_message
from bot.views.labels import Labels

# In these states somebody decides by the facts on the card.
FACTS_MATTER = frozenset({State.PROPOSED, State.REFERRED})
# In these states something is run now or soon, so a pause is worth showing.
PAUSABLE = frozenset({State.PROPOSED, State.APPROVED, State.RUNNING})
Follower = Callable[[Case, Sequence[str]], None]


class Hands(NamedTuple):
    """The names of the plan's last editor and the case's last giver."""

    editor: str = ""
    giver: str = ""


@dataclass(frozen=True, kw_only=True)
class Cards:
    """Draw and replace the cards of cases."""

    cases: CaseStore
    card_store: CardStore
    outbox: Outbox
    chat: Chat
    clock: Clock
    evidence: CardEvidence
    #: Called with a case that has changed, and the keys of the live lists that show it.
    followers: Sequence[Follower] = ()
    #: The same for App Homes, which may have to show any case.
    follow_homes: Follower | None = None
    storms: AlertStorms | None = None
    calls: Calls | None = None
    library: Library | None = None
    directory: Directory | None = None
    #: The mode that the program runs in.
    mode: str = ""
    #: How long Slack may take to show a message.
    settle_for: timedelta = SETTLE_FOR

    def refresh(self, message: LeasedMessage) -> None:
        """Make the card and the lists show the case as it is."""
        state = self._read(message)
        case, cards = state.case, state.cards
        tracing.annotate(kind=case.kind, state=case.state.name.lower())
        if case.signal.is_removed:
            # Its card is gone with what it was about, and never posted again. Lists may show it.
            self._follow(state)
            self.outbox.finish(message)
            return
        context = self._context(state)
        if cards and _is_current(cards[0], case, context):
            self.outbox.finish(message)
            return
        if not cards and self._is_in_storm(state, message):
            self._follow(state)
            self.outbox.finish(message)
            return
        is_retry = message.uncertain_attempts > 1
        card = self.chat.draw_card(
            case,
            cards,
            look_first=is_retry,
            context=context,
            mentions=self._mentions_on_card(case, cards),
        )
        card = replace(card, look=context.key)
        try:
            self._finish(state, card=card, message=message)
        except StaleFence:
            # Another worker has this message now, and has drawn a card too: one of them must go.
            if _is_new(card, cards):
                self.outbox.enqueue([sweep_card(case, cards, self._settled_at())])
            raise

    def _read(self, message: LeasedMessage) -> CardState:
        now = self.clock()
        return self.card_store.state_of(message, homes_since=now - FRESH_FOR, cards_due_at=now)

    def _context(self, state: CardState) -> CardContext:
        """Gather what the card shows and the case does not say."""
        case = state.case
        hands = self._find_hands(case)
        return CardContext(
            pause_reason=_describe_pause(case, state.controls),
            why_nobody=self._why_nobody(case),
            is_undoable=self._is_undoable(case),
            edited_by=hands.editor,
            handed_over_by=hands.giver,
            missing_approvals=self._missing_approvals(case),
            stale_facts=self._find_stale_facts(case),
            requester_name=requester_name(self.directory, case),
            labels=self.library.labels() if self.library else Labels(),
            grant_meter=self._grant_meter(case, state.controls),
        )

    def _grant_meter(self, case: Case, controls: DeskControls) -> GrantMeter | None:
        """Return what was approved in advance with this case, with its use."""
        now = self.clock()
        for grant in controls.grants:
            if grant.on_case == case.id and now < grant.until:
                return GrantMeter(grant, self.cases.grant_use(grant))
        return None

    def _mentions_on_card(self, case: Case, cards: Sequence[CardRef]) -> tuple[str, ...]:
        if self.calls is None:
            return ()
        is_new = all(card.generation != case.generation for card in cards)
        return self.calls.mentions_on_card(case, is_new=is_new)

    def _is_in_storm(self, state: CardState, message: LeasedMessage) -> bool:
        """Tell whether a shared card shows this case instead of its own."""
        if self.storms is None:
            return False
        keys = state.live_list_keys
        # A card that may have been posted already stays a card of its own.
        if message.uncertain_attempts > 1 and not shared_card_key(state.case.id, keys):
            return False
        return self.storms.takes(state.case, keys)

    def _finish(
        self,
        state: CardState,
        *,
        card: CardRef,
        message: LeasedMessage,
    ) -> None:
        """Retire older cards, refresh the lists, and record the new card."""
        case, cards = state.case, state.cards
        is_new = _is_new(card, cards)
        sweeps = self._sweeps(case, cards, message) if is_new else []
        try:
            for older in cards:
                if older.look != REPLACED and not _is_same_message(older, card):
                    self._retire(
                        case,
                        older,
                        card=card,
                        message=message,
                    )
            if is_new:
                # A list that was saved meanwhile has no link to the card yet.
                state = replace(self._read(message), case=case)
            # Before the message is finished, so that a crash leaves no list with a dead button.
            self._follow(state)
        except BaseException:
            # Slack has answered, so where the card is must be recorded. Version 0 draws it again.
            self.card_store.record(
                replace(card, version=0),
                hold=message,
                messages=[*sweeps, *self.evidence.request(state, card)] if is_new else sweeps,
            )
            raise
        evidence = []
        if is_new:
            is_retry = message.uncertain_attempts > 1
            evidence = self.evidence.post(state, card, look_first=is_retry)
        self.card_store.record(
            card,
            finish=message,
            messages=[*sweeps, *evidence],
            now=self.clock(),
        )

    def _retire(
        self,
        case: Case,
        older: CardRef,
        *,
        card: CardRef,
        message: LeasedMessage,
    ) -> None:
        self.chat.retire_card(case, older)
        # A card of the same generation is the one that the new record replaces.
        if older.generation != card.generation:
            self.card_store.record(replace(older, look=REPLACED), hold=message)

    def _sweeps(
        self, case: Case, cards: Sequence[CardRef], message: LeasedMessage
    ) -> list[OutboxMessage]:
        """Request a search for possible copies of a new card."""
        has_predecessor = any(one.generation == case.generation for one in cards)
        if message.uncertain_attempts <= 1 and not has_predecessor:
            return []
        return [sweep_card(case, cards, self._settled_at())]

    def _settled_at(self) -> datetime:
        return self.clock() + self.settle_for

    def renew(self) -> int:
        """Refresh cards of an earlier release, and cards that nobody can approve.

        Return how many.
        """
        # The buttons of an earlier release do nothing any more.
        case_ids = self.card_store.find_outdated(CARD_FORMAT, self.clock())
        now = self.clock()
        self.outbox.enqueue([card_message(case_id, now) for case_id in case_ids])
        return len(case_ids)

    def _follow(self, state: CardState) -> None:
        for follow in self.followers:
            follow(state.case, state.live_list_keys)
        if state.has_homes and self.follow_homes:
            self.follow_homes(state.case, state.live_list_keys)

    def _is_undoable(self, case: Case) -> bool:
        """Tell whether the plan can still be undone.

        It can in time, and in the mode that it was done in.
        """
        if case.execution.undo_until is None or case.proposal.plan is None:
            return False
        is_in_time = self.clock() < case.execution.undo_until
        return is_in_time and case.proposal.plan.is_of(self.mode)

    def _find_hands(self, case: Case) -> Hands:
        """Find by whose hands plan and owner are what they are."""
        # The case knows their accounts; names stand in its entries. Most cards need neither.
        if not case.proposal.changes and not is_person(case.owner):
            return Hands()
        hands = Hands()
        for entry in self.cases.entries(case.id):
            match entry.body:
                case Edited():
                    hands = hands._replace(editor=entry.body.by_name)
                case HandedOver():
                    hands = hands._replace(giver=entry.body.by_name)
                case Claimed() | Escalated():
                    hands = hands._replace(giver="")
        if not case.proposal.changes:
            hands = hands._replace(editor="")
        if not is_person(case.owner):
            hands = hands._replace(giver="")
        return hands

    def _missing_approvals(self, case: Case) -> MissingApprovals | None:
        if self.directory is None or self.library is None:
            return None
        return find_missing_approvals(case, self.directory, self.library)

    def _why_nobody(self, case: Case) -> str:
        return describe_missing_groups(case, self.directory) if self.directory else ""

    def _find_stale_facts(self, case: Case) -> tuple[str, ...]:
        if self.library is None or case.state not in FACTS_MATTER:
            return ()
        fresh_for = self.library.playbook(case.kind).fresh_for
        return find_stale_facts(case.assessment.evidence, fresh_for, self.clock())


def _describe_pause(case: Case, controls: DeskControls) -> str:
    """Say which pause holds this case up; empty when none does."""
    if case.state not in PAUSABLE:
        return ""
    pause = controls.pause_on(case.kind, case.proposal.plan)
    return pause.description if pause else ""


def _is_current(card: CardRef, case: Case, context: CardContext) -> bool:
    """Tell whether the card shows this state of the case already."""
    return (card.generation, card.version, card.look) == (
        case.generation,
        case.version,
        context.key,
    )


def _is_same_message(one: CardRef, other: CardRef) -> bool:
    return (one.channel, one.ts) == (other.channel, other.ts)


def _is_new(card: CardRef, cards: Sequence[CardRef]) -> bool:
    """Tell whether the card was not recorded before it was drawn."""
    return not any(_is_same_message(one, card) for one in cards)
