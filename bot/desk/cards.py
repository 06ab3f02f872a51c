"""Keep the card in Slack equal to the case: drawn from the state as it is now, whatever asked for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.cases.case import Case
from bot.cases.entries import ApprovalGiven, Entry, Escalated, HandedOver, Reminded
from bot.cases.errors import StaleFence
from bot.cases.lifecycle import State
from bot.desk.alert_storms import AlertStorms
from bot.desk.effects import card_message
from bot.desk.message_cleanup import SETTLE_FOR, sweep_card
from bot.ports.card_store import CARD_FORMAT, REPLACED, CardContext, CardRef, CardStore
from bot.ports.case_store import CaseStore
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library
from bot.ports.live_lists import LiveLists
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage

NOT_YET = timedelta(seconds=1)


def _is_stale(entry: Entry, case: Case) -> bool:
    """A reminder that could not be posted in time, and that a later one or a decision has overtaken, is only noise."""
    if not isinstance(entry.body, Reminded):
        return False
    return case.remind_at is None or case.remind_at > entry.body.next_at or not case.waits_on


def _is_new(drawn: CardRef, cards: Sequence[CardRef]) -> bool:
    """Whether the card was posted, or found, just now."""
    return all((one.channel, one.ts) != (drawn.channel, drawn.ts) for one in cards)


@dataclass(frozen=True)
class Cards:
    cases: CaseStore
    card_store: CardStore
    live_lists: LiveLists
    outbox: Outbox
    desk_controls: DeskControlsStore
    chat: Chat
    clock: Clock
    followers: Sequence[Callable[[Case, Sequence[str]], None]] = ()
    storms: AlertStorms | None = None
    library: Library | None = None
    mode: str = ""
    settle_for: timedelta = SETTLE_FOR

    def refresh(self, work: LeasedMessage) -> None:
        """Make the one live card show the case; what else shows it follows."""
        case = self.cases.case(work.case_id)
        cards = self.card_store.cards(case.id)
        look = CardContext(self._paused(case), self._is_undoable(case))
        shown = cards[0] if cards else None
        if shown and (shown.generation, shown.version, shown.look) == (
            case.generation,
            case.version,
            look.key,
        ):
            self.outbox.finish(work)
            return
        if not cards and self._is_in_a_storm(case, work):
            self._follow(case)
            self.outbox.finish(work)
            return
        drawn = replace(
            self.chat.draw_card(case, cards, look_first=work.uncertain_attempts > 1, context=look),
            look=look.key,
        )
        try:
            self._finish(case, cards, drawn, work)
        except StaleFence:
            # Somebody else has this work now, and has drawn a card of their own: one of the two is too many.
            if _is_new(drawn, cards):
                self.outbox.enqueue([sweep_card(case, cards, self.clock() + self.settle_for)])
            raise

    def _is_in_a_storm(self, case: Case, work: LeasedMessage) -> bool:
        """Whether a shared card tells of this case; what may have been posted already stays a card of its own."""
        if self.storms is None:
            return False
        return (
            self.storms.takes(case)
            if work.uncertain_attempts <= 1 or self.storms.has(case.id)
            else False
        )

    def _finish(
        self, case: Case, cards: Sequence[CardRef], drawn: CardRef, work: LeasedMessage
    ) -> None:
        """Do what follows once the card stands, and record where it does."""
        outgoing = self._sweeps(case, cards, drawn, work)
        try:
            for older in cards:
                if older.look != REPLACED and (older.channel, older.ts) != (
                    drawn.channel,
                    drawn.ts,
                ):
                    self._retire(case, older, drawn, work)
            # Before the row is done: whoever dies in between leaves no list with a dead button.
            self._follow(case)
        except BaseException:
            # Slack has answered: whatever fails from here on, where the card stands is known. Version 0 draws it again.
            self.card_store.record(replace(drawn, version=0), hold=work, messages=outgoing)
            raise
        self.card_store.record(drawn, finish=work, messages=outgoing)

    def _retire(self, case: Case, older: CardRef, drawn: CardRef, work: LeasedMessage) -> None:
        self.chat.retire_card(case, older)
        if older.generation != drawn.generation:
            self.card_store.record(replace(older, look=REPLACED), hold=work)

    def _sweeps(
        self, case: Case, cards: Sequence[CardRef], drawn: CardRef, work: LeasedMessage
    ) -> tuple[OutboxMessage, ...]:
        """Ask for a search when this card was posted in doubt, or in the place of one of its own generation."""
        is_again = any(one.generation == case.generation for one in cards)
        if not _is_new(drawn, cards) or not (work.uncertain_attempts > 1 or is_again):
            return ()
        return (sweep_card(case, cards, self.clock() + self.settle_for),)

    def renew(self) -> int:
        """Ask for the cards that an earlier release drew, whose buttons do nothing any more; say how many."""
        outdated = self.card_store.find_outdated(CARD_FORMAT, self.clock())
        self.outbox.enqueue([card_message(case_id, self.clock()) for case_id in outdated])
        return len(outdated)

    def _follow(self, case: Case) -> None:
        boards = self.live_lists.keys_with(case.id)
        for follow in self.followers:
            follow(case, boards)

    def _called(self, case: Case, entries: Sequence[Entry]) -> tuple[str, bool]:
        """Who is called by name, and whether the whole channel hears it: an emergency is never quiet."""
        if any(
            isinstance(entry.body, ApprovalGiven) and entry.body.approval.emergency
            for entry in entries
        ):
            return (
                self.library.playbook(case.kind).owners.governance if self.library else ""
            ), True
        called = [
            entry.body.to
            for entry in entries
            if isinstance(entry.body, Reminded | Escalated | HandedOver)
        ]
        return (called[-1] if called else ""), False

    def _is_undoable(self, case: Case) -> bool:
        """Tell whether it can still be taken back: in time, in the mode it was done in."""
        in_time = case.undo_until is not None and self.clock() < case.undo_until
        return in_time and case.plan is not None and case.plan.is_of(self.mode)

    def _paused(self, case: Case) -> str:
        """What holds this case up, in words; empty when nothing does, or nothing is about to run."""
        if case.state not in {State.PROPOSED, State.APPROVED, State.RUNNING}:
            return ""
        pause = self.desk_controls.load().pause_on(case.kind, case.plan)
        return pause.description if pause else ""

    def post_update(self, work: LeasedMessage) -> None:
        """Tell the thread what was written; once the card stands."""
        case = self.cases.case(work.case_id)
        cards = self.card_store.cards(case.id)
        if not cards and self.storms and self.storms.has(case.id):
            self.outbox.finish(work)
            return
        if not cards:
            # No failure: the card is waiting for Slack, and the note waits for the card.
            self.outbox.retry(
                work,
                self.clock() + NOT_YET,
                "the card does not stand yet",
                certain=True,
                counts=False,
            )
            return
        versions = set(work.payload["versions"])
        entries = [
            entry
            for entry in self.cases.entries(case.id, after=min(versions) - 1)
            if entry.version in versions
        ]
        if not all(_is_stale(entry, case) for entry in entries):
            call, is_loud = self._called(case, entries)
            self.chat.post_note(
                case,
                entries,
                cards,
                key=work.key,
                look_first=work.uncertain_attempts > 1,
                call=call,
                is_loud=is_loud,
            )
        self.outbox.finish(work)
