"""Requests about the desk: pauses, stand-ins, reminders, new exceptions."""

from dataclasses import dataclass

from bot.cases.actor import is_person
from bot.cases.approval import Person
from bot.cases.controls import EVERYTHING, ActivePause
from bot.desk.answers.asker import Asker
from bot.desk.answers.names import Names
from bot.desk.answers.people import PeopleAnswers
from bot.desk.case_texts import as_sentence, count_noun, join_words, verb
from bot.desk.eligibility import Eligibility
from bot.desk.reminders import Reminders
from bot.desk.spoken_times import read_time
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library
from bot.views.answers import Answer, Offer
from bot.views.query import ME, Act, Query

PAUSE_BY_BUTTON = "I pause nothing from words; the button below does."
RESUME_BY_BUTTON = "I resume nothing from words; the button below does."
STAND_IN_BY_BUTTON = "I arrange no stand-in from words; the button below opens the form."
RAISE_BY_BUTTON = "I open no case from words; the button below does."
REMIND_BY_BUTTON = "I remind nobody from words; the button below does."
MAX_OFFERS = 5


@dataclass(frozen=True, kw_only=True)
class ControlActs:
    """Offer the controls of the desk to those who may use them."""

    desk_controls: DeskControlsStore
    library: Library
    names: Names
    eligibility: Eligibility
    people: PeopleAnswers
    reminders: Reminders
    clock: Clock

    # --- pauses ----------------------------------------------------------------------------------

    def offer_pause(self, query: Query, asker: Asker) -> Answer:
        """Offer to pause what the query names, or everything."""
        if not self.eligibility.may_pause(asker.person):
            handles = [*self.library.deciders(), *self.library.governors()]
            return Answer(
                text="You cannot pause anything: only those who decide cases here may.",
                facts=(f"Ask somebody of {self._group_names(handles)}.",),
            )
        offers = []
        facts = []
        for scope in _scopes(query):
            pause = self._find_pause(scope)
            if pause:
                facts.append(self.people.describe_pause(pause, asker))
            else:
                offers.append(Offer(act=Act.PAUSE, scope=scope, note=query.words))
        if not offers:
            return Answer(text="That is paused already.", facts=tuple(facts))
        return Answer(text=PAUSE_BY_BUTTON, facts=tuple(facts), offers=tuple(offers[:MAX_OFFERS]))

    def offer_resume(self, query: Query, asker: Asker) -> Answer:
        """Offer to end the pause that the query names, or each one."""
        pauses = list(self.desk_controls.load().holds)
        pauses = [pause for pause in pauses if pause.scope in _scopes(query)] or pauses
        if not pauses:
            return Answer(text="Nothing is paused, so there is nothing to resume.")
        facts = tuple(self.people.describe_pause(pause, asker) for pause in pauses)
        if not self.eligibility.may_resume(asker.person):
            names = self._group_names(self.library.governors())
            text = "You cannot resume it: only the governance owners may let it go on."
            return Answer(text=text, facts=(*facts, f"Ask somebody of {names}."))
        offers = [Offer(act=Act.RESUME, scope=pause.scope) for pause in pauses]
        return Answer(text=RESUME_BY_BUTTON, facts=facts, offers=tuple(offers[:MAX_OFFERS]))

    def _find_pause(self, scope: str) -> ActivePause | None:
        for pause in self.desk_controls.load().holds:
            if pause.scope == scope:
                return pause
        return None

    def _group_names(self, handles: list[str]) -> str:
        groups = list(dict.fromkeys(handles))
        return join_words([self.names.group_with_members(group) for group in groups], "or")

    # --- stand-ins -------------------------------------------------------------------------------

    def offer_stand_in(self, query: Query, asker: Asker) -> Answer:
        """Offer the form that lets somebody decide for the asker."""
        giver = query.of or ME
        if giver not in {ME, asker.person}:
            name = self.names.account(giver)
            return Answer(text=f"Only {name} can let somebody stand in for {name}.")
        if not self.eligibility.may_delegate(asker.person):
            text = "You decide nothing here that somebody could stand in for."
            return Answer(text=text, facts=("So there is nothing to arrange.",))
        taker = self.names.find(query.to) if is_person(query.to) else None
        zone = self._zone(asker)
        until = read_time(query.until, self.clock(), asker.hours, zone=zone)
        facts = []
        if taker is None:
            facts.append("Choose in the form who stands in for you.")
        if until is None:
            facts.append("Choose in the form until when.")
        offer = Offer(
            act=Act.STAND_IN,
            scope=next((scope for scope in _scopes(query) if scope.startswith("kind:")), ""),
            person=taker,
            until=until,
            note=query.words,
        )
        return Answer(text=STAND_IN_BY_BUTTON, facts=tuple(facts), offers=(offer,))

    def _zone(self, asker: Asker) -> str:
        person = self.names.find(asker.person)
        return person.zone if person else ""

    # --- new exceptions --------------------------------------------------------------------------

    def offer_raising(self, query: Query, asker: Asker) -> Answer:
        """Offer the form that opens a case, with the person's own words."""
        if not self.eligibility.may_raise(asker.person):
            text = "You cannot raise an exception: only members of this workspace may."
            return Answer(text=text, facts=("Ask a colleague to raise it.",))
        return Answer(
            text=RAISE_BY_BUTTON,
            offers=(Offer(act=Act.RAISE, note=query.words),),
        )

    # --- reminders -------------------------------------------------------------------------------

    def offer_reminder(self, query: Query, asker: Asker) -> Answer:
        """Offer to remind the people on whom something waits."""
        people = self._recipients(query, asker)
        if not people:
            return Answer(text="Say whom I should remind: a colleague, by name.")
        facts = []
        offers = []
        for person in people:
            cases = self.reminders.shared_cases(
                by=asker.person, of=person.id, case_id=query.case_id
            )
            if not cases:
                facts.append(f"Nothing that you both may see waits on {person.name}.")
                continue
            wait = verb(len(cases), "waits", "wait")
            facts.append(f"{count_noun(len(cases), 'case')} {wait} on {person.name}.")
            offers.append(Offer(act=Act.REMIND, person=person))
        if not offers:
            text = f"{facts[0]} So there is nothing to remind of."
            return Answer(text=text, facts=tuple(facts[1:]))
        return Answer(
            text=REMIND_BY_BUTTON,
            facts=tuple(as_sentence(fact) for fact in facts),
            offers=tuple(offers[:MAX_OFFERS]),
        )

    def _recipients(self, query: Query, asker: Asker) -> list[Person]:
        """Return the person, or the other members of the group."""
        subject = query.of or query.to
        if not subject or subject in {ME, asker.person}:
            return []
        if is_person(subject):
            person = self.names.find(subject)
            return [person] if person else []
        accounts = self.names.groups([subject]).get(subject, frozenset())
        members = [self.names.find(account) for account in sorted(accounts - {asker.person})]
        return [member for member in members if member][:MAX_OFFERS]


def _scopes(query: Query) -> list[str]:
    """List the scopes of pauses that a query names, or everything."""
    if query.condition.kinds:
        return [f"kind:{kind}" for kind in query.condition.kinds]
    if query.condition.action:
        return [f"action:{query.condition.action}"]
    return [EVERYTHING]
