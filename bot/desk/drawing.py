"""Keep the card in Slack equal to the case: drawn from the state as it is now, whatever asked for it."""

from dataclasses import dataclass
from datetime import timedelta

from bot.ports import Chat, Clock, Store, Work

NOT_YET = timedelta(seconds=1)


@dataclass(frozen=True)
class Drawing:
    store: Store
    chat: Chat
    clock: Clock

    def draw(self, work: Work) -> None:
        """Make the one live card show the case."""
        case = self.store.case(work.case_id)
        cards = self.store.cards(case.id)
        if cards and cards[0].generation == case.generation and cards[0].version == case.version:
            self.store.finish(work)
            return
        drawn = self.chat.draw_card(case, cards, look_first=work.doubt > 1)
        self.store.finish(work, drawn=drawn)

    def note(self, work: Work) -> None:
        """Tell the thread what was written; once the card stands."""
        case = self.store.case(work.case_id)
        cards = self.store.cards(case.id)
        if not cards:
            # No failure: the card is waiting for Slack, and the note waits for the card.
            self.store.retry(work, self.clock() + NOT_YET, "the card does not stand yet", certain=True)
            return
        versions = set(work.payload["versions"])
        entries = [entry for entry in self.store.entries(case.id, after=min(versions) - 1) if entry.version in versions]
        self.chat.post_note(case, entries, cards, key=work.key, look_first=work.doubt > 1)
        self.store.finish(work)
