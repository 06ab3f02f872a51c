"""The menu "More" of a card."""

from bot.cases.case import Case
from bot.cases.commands import Claim, DecisionKind, Withdraw
from bot.cases.desk_kinds import counted_kind
from bot.cases.errors import BadRequest
from bot.cases.evidence import find_stale_facts
from bot.metrics import DETAILS_OPENED, kind_label
from handlers.cards import forms, ids
from handlers.cards.case_details import details_view
from handlers.cards.grant_form import grant_form
from handlers.cards.inquiry_form import ask_form
from handlers.cards.trail_view import TrailPlace
from handlers.slack.case_presses import CasePresses
from handlers.slack.case_trail import TrailWindow
from handlers.slack.interactions import ButtonPress
from handlers.slack.listeners import ButtonHandler


class CaseMenu(CasePresses):
    """One method for each entry of the menu."""

    def select(self, press: ButtonPress) -> str | None:
        """Do what was selected."""
        handlers: dict[str, ButtonHandler] = {
            ids.CLAIM_IT: self.claim,
            ids.HAND_OVER: self.hand_over,
            ids.SNOOZE: self.snooze,
            ids.ASK: self.ask,
            ids.WITHDRAW: self.withdraw,
            ids.APPROVE_NEXT: self.approve_next,
            ids.NOT_THIS_KIND: self.not_this_kind,
            ids.TRAIL: self.trail,
        }
        if press.choice not in handlers:
            raise BadRequest("this menu entry is not available; use the menu of the current card")
        return handlers[press.choice](press)

    def claim(self, press: ButtonPress) -> None:
        """Make the presser the owner."""
        self._decide(Claim, press)

    def hand_over(self, press: ButtonPress) -> None:
        """Open the form that hands the case to somebody else."""
        case = self._current(press, DecisionKind.HAND_OVER)
        next_owner = self.library.playbook(case.kind).owners.next_owner
        self._open(press, forms.hand_over_form(case, next_owner))

    def snooze(self, press: ButtonPress) -> None:
        """Open the form that snoozes."""
        case = self._current(press, DecisionKind.SNOOZE)
        self._open(press, forms.snooze_form(case))

    def ask(self, press: ButtonPress) -> None:
        """Open the form that asks somebody a question."""
        case = self._current(press, DecisionKind.ASK)
        self._open(press, ask_form(case, self.library.playbook(case.kind)))

    def not_this_kind(self, press: ButtonPress) -> None:
        """Open the list of kinds for what was recognised wrongly."""
        case = self._current(press, DecisionKind.NAME_KIND)
        titles = self.library.titles()
        others = [(kind, title) for kind, title in titles if kind != case.kind]
        self._open(press, forms.kind_form(case, [*others, forms.SOMETHING_NEW]))

    def withdraw(self, press: ButtonPress) -> str:
        """Withdraw the presser's approval."""
        self._decide(Withdraw, press)
        return "Your approval is withdrawn."

    def approve_next(self, press: ButtonPress) -> None:
        """Open the form that approves the next plans like this one, too."""
        case = self._current(press, DecisionKind.APPROVE)
        suggestion = self.decisions.grants.suggest(case)
        self._open(press, grant_form(case, suggestion, self.library.labels()))

    def trail(self, press: ButtonPress) -> None:
        """Open the window with the latest entries of the case."""
        window = TrailWindow(self.decisions, self.library, self.chat)
        self._open(press, window.build(TrailPlace(press.case_id)))

    def details(self, press: ButtonPress) -> None:
        """Show everything that the card leaves out."""
        case = self.decisions.cases.case(press.case_id)
        playbook = self.library.playbook(case.kind)
        evidence = case.assessment.evidence
        view = details_view(
            case,
            self.library.labels(),
            links=self._precedent_links(case),
            stale_facts=find_stale_facts(evidence, playbook.fresh_for, self.decisions.clock()),
            owners=playbook.owners.by_role(),
        )
        self._open(press, view)
        # For the health of approvals: that somebody has looked, and never who.
        decisions = self.decisions
        decisions.details_openings.record(case.id, case.proposal.revision, decisions.clock())
        DETAILS_OPENED.labels(kind_label(counted_kind(case.kind, case.signal.source))).inc()

    def _precedent_links(self, case: Case) -> dict[str, str]:
        """Map each precedent to the address of its card."""
        recommendation = case.proposal.recommendation
        if recommendation is None:
            return {}
        case_ids = dict.fromkeys(citation.case_id for citation in recommendation.citations)
        return {case_id: self._card_link(case_id) for case_id in case_ids}

    def _card_link(self, case_id: str) -> str:
        """Return the address of a case's card, or ""."""
        # An imported precedent is of no case.
        if not case_id:
            return ""
        cards = self.card_store.cards(case_id)
        if not cards:
            return ""
        return self.chat.permalink(cards[0].channel, cards[0].ts)
