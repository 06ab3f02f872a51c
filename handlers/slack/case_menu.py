"""The menu "More" of a card."""

from bot.cases.errors import BadRequest
from bot.cases.seen import DecisionKind
from handlers.cards import forms, ids
from handlers.cards.notes import precedent_blocks, trail_lines
from handlers.slack.case_presses import CasePresses
from handlers.slack.interactions import ButtonPress
from handlers.slack.listeners import ButtonHandler

MAX_TRAIL_LINES = 25


class CaseMenu(CasePresses):
    """One method for each entry of the menu."""

    def select(self, press: ButtonPress) -> str | None:
        """Do what was selected."""
        handlers: dict[str, ButtonHandler] = {
            ids.CLAIM_IT: self.claim,
            ids.HAND_OVER: self.hand_over,
            ids.SNOOZE: self.snooze,
            ids.WITHDRAW: self.withdraw,
            ids.TRAIL: self.trail,
            ids.PRECEDENTS: self.precedents,
        }
        if press.choice not in handlers:
            raise BadRequest("this menu has no such entry")
        return handlers[press.choice](press)

    def claim(self, press: ButtonPress) -> None:
        """Make the presser the owner."""
        self.decisions.claim(self._request(press, DecisionKind.CLAIM))

    def hand_over(self, press: ButtonPress) -> None:
        """Open the form that hands the case to somebody else."""
        case = self._current(press, DecisionKind.HAND_OVER)
        next_owner = self.library.playbook(case.kind).owners.next_owner
        self._open(press, forms.hand_over_form(case, next_owner))

    def snooze(self, press: ButtonPress) -> None:
        """Open the form that snoozes."""
        case = self._current(press, DecisionKind.SNOOZE)
        self._open(press, forms.snooze_form(case))

    def withdraw(self, press: ButtonPress) -> str:
        """Withdraw the presser's approval."""
        self.decisions.withdraw(self._request(press, DecisionKind.WITHDRAW))
        return "Your approval is withdrawn."

    def trail(self, press: ButtonPress) -> str:
        """List the latest ledger entries of the case."""
        case = self.decisions.cases.case(press.case_id)
        lines = trail_lines(case, self.decisions.cases.entries(case.id))
        header = [f"The trail of {case.id} (UTC)"]
        earlier = len(lines) - MAX_TRAIL_LINES
        if earlier > 0:
            header.append(f"… {earlier} earlier")
        return "\n".join([*header, *lines[-MAX_TRAIL_LINES:]])

    def precedents(self, press: ButtonPress) -> None:
        """Show the precedents of the recommendation, with links to their cards."""
        case = self.decisions.cases.case(press.case_id)
        summary = "nothing"
        links: dict[str, str] = {}
        if case.proposal.recommendation:
            summary = case.proposal.recommendation.precedents
            for citation in case.proposal.recommendation.citations:
                links[citation.case_id] = self._card_link(citation.case_id)
        self.chat.send_ephemeral(
            channel=press.channel,
            user=press.user,
            text=f"What {case.id} stands on: {summary}",
            blocks=precedent_blocks(case, links),
        )

    def _card_link(self, case_id: str) -> str:
        """Return the address of a case's card, or ""."""
        # An imported precedent is of no case.
        if not case_id:
            return ""
        cards = self.card_store.cards(case_id)
        if not cards:
            return ""
        return self.chat.permalink(cards[0].channel, cards[0].ts)
