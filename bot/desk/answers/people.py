"""Answers about people, groups, stand-ins and pauses."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.cases.actor import is_person
from bot.cases.approval import is_colleague, people_of
from bot.cases.controls import ActivePause, DeskControls
from bot.cases.delegation import Delegation
from bot.cases.lifecycle import State
from bot.desk.answers.asker import Asker
from bot.desk.answers.filters import ConditionFilters
from bot.desk.answers.names import Names, scope_title
from bot.desk.answers.readings import QueryWords
from bot.desk.answers.wording import count_word
from bot.desk.case_texts import as_sentence, join_words, local_time, verb
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library
from bot.views.answers import Answer, Figure
from bot.views.labels import start_upper
from bot.views.query import ME, About, Condition, Grouping, Query

#: What is in them waits on people to decide in time.
BLOCKED_STATES = (State.PROPOSED, State.REFERRED)
SEVERAL = "A case that waits on several counts for each of them."


@dataclass(frozen=True, kw_only=True)
class PeopleAnswers:
    """Answer about the people and the controls of the desk."""

    queries: CaseQueries
    desk_controls: DeskControlsStore
    library: Library
    filters: ConditionFilters
    words: QueryWords
    names: Names
    clock: Clock

    def answer(self, query: Query, asker: Asker) -> Answer:
        """Answer what the query is about; else, who holds things up."""
        match query.about:
            case About.STAND_IN:
                return self._stand_ins(query, asker)
            case About.MEMBERS:
                return self._members(query, asker)
            case About.PAUSE:
                return self._pauses(asker)
            case _:
                return self._blockers(query.condition, asker)

    # --- who holds things up ---------------------------------------------------------------------

    def _blockers(self, condition: Condition, asker: Asker) -> Answer:
        """Count what waits on whom: the overdue, or else all."""
        waiting = replace(condition, is_open=None, waits_on="", states=BLOCKED_STATES)
        overdue = replace(waiting, is_overdue=True)
        answer = self._count_by_waiter(overdue, asker)
        if answer:
            return answer
        answer = self._count_by_waiter(replace(waiting, is_overdue=False), asker)
        if answer is None:
            return Answer(text="Nobody: nothing that you may see waits on anybody.")
        cases = self.words.cases(replace(overdue, states=()), asker, noun="case")
        return replace(answer, text=f"No {cases} waits on anybody. {answer.text}")

    def _count_by_waiter(self, condition: Condition, asker: Asker) -> Answer | None:
        """Count the cases of each group and person, the most first."""
        filter = self.filters.filter(condition, asker)
        total = self.queries.count(filter)
        if not total:
            return None
        part_approved = self.filters.waiting.part_approved(filter)
        figures = []
        for waiter in self._waiters(filter):
            count = self.queries.count(replace(filter, waits_on=(waiter,)))
            for case, waiters in part_approved:
                if waiter in case.waits_on and waiter not in waiters:
                    count -= 1
            if count > 0:
                label = self.names.owner(waiter)
                figures.append(Figure(label=label, value=f"{count:,}", number=count))
        table = sorted(figures, key=lambda figure: (-figure.number, figure.label))
        is_counted_twice = sum(figure.number for figure in table) > total
        return Answer(
            text=self._describe_waiters(condition, total, table, asker=asker),
            facts=(SEVERAL,) if is_counted_twice else (),
            table=tuple(table),
            table_titles=("Waits on", "Cases"),
        )

    def _describe_waiters(
        self, condition: Condition, total: int, table: Sequence[Figure], *, asker: Asker
    ) -> str:
        noun = verb(total, "case", "cases")
        cases = self.words.cases(replace(condition, states=()), asker, noun=noun)
        names = join_words([figure.label for figure in table])
        count = start_upper(count_word(total))
        return f"{count} {cases} {verb(total, 'waits', 'wait')} on {names}."

    def _waiters(self, filter: CaseFilter) -> list[str]:
        """List the groups that decide, and whoever has a case."""
        owners = [owner for owner, _ in self.queries.group(filter, Grouping.OWNER) if owner]
        return list(dict.fromkeys([*self.library.deciders(), *owners]))

    # --- who stands in ---------------------------------------------------------------------------

    def _stand_ins(self, query: Query, asker: Asker) -> Answer:
        """Say who stands in now, for one person or for anybody."""
        now = self.clock()
        controls = self.desk_controls.load()
        delegations = [one for one in controls.delegations if one.begins_at <= now < one.ends_at]
        person = _account(query.of, asker)
        taker = _account(query.to, asker)
        if taker and not person:
            delegations = [one for one in delegations if one.taker == taker]
            none = start_upper(f"{self.names.person(taker)} stands in for nobody at the moment.")
        elif person:
            none = f"Nobody stands in for {self._name(person, asker)} at the moment."
            delegations = self._about(person, delegations)
        else:
            none = "Nobody stands in for anybody at the moment."
        sentences = [self._describe_delegation(one, asker) for one in delegations]
        facts = sentences[1:]
        if not sentences:
            sentences = [none]
            facts = self._later(controls, person, asker)
        if person == asker.person:
            # "Am I standing in" and "who stands in for me" are easily taken for each other.
            facts = [*facts, *self._taken_on(controls, asker)]
        return Answer(text=sentences[0], facts=tuple(facts))

    def _taken_on(self, controls: DeskControls, asker: Asker) -> list[str]:
        """Say for whom the asker stands in now."""
        now = self.clock()
        sentences = []
        for delegation in controls.delegations:
            is_now = delegation.begins_at <= now < delegation.ends_at
            if is_now and delegation.taker == asker.person:
                sentences.append(self._describe_delegation(delegation, asker))
        return sentences or ["You stand in for nobody at the moment."]

    def _about(self, person: str, delegations: list[Delegation]) -> list[Delegation]:
        """Keep those of this person, or of the members of this group."""
        givers = {person}
        if not is_person(person):
            givers = set(self.names.groups([person]).get(person, frozenset()))
        return [one for one in delegations if one.giver in givers]

    def _later(self, controls: DeskControls, person: str, asker: Asker) -> list[str]:
        """Say what has been arranged for later."""
        now = self.clock()
        sentences = []
        for delegation in controls.delegations:
            if now < delegation.begins_at and person in {"", delegation.giver}:
                begin = local_time(delegation.begins_at, asker.hours, now)
                sentence = self._describe_delegation(delegation, asker)
                sentences.append(f"From {begin} on: {sentence}")
        return sentences

    def _describe_delegation(self, delegation: Delegation, asker: Asker) -> str:
        until = local_time(delegation.ends_at, asker.hours, self.clock())
        scope = ""
        if delegation.kind:
            scope = f", only for “{self.library.labels().kind(delegation.kind)}”,"
        giver, taker = delegation.giver_name, delegation.taker_name
        return f"{taker} stands in for {giver}{scope} until {until}."

    def _name(self, account: str, asker: Asker) -> str:
        return "you" if account == asker.person else self.names.account(account)

    # --- groups ----------------------------------------------------------------------------------

    def _members(self, query: Query, asker: Asker) -> Answer:
        """Name the members of a group, or the groups of a person."""
        subject = _account(query.of, asker)
        if not subject:
            handles = self.library.deciders()
            facts = [self._describe_members(handle) for handle in handles]
            return Answer(text="The groups that decide here:", facts=tuple(facts))
        if is_person(subject):
            return Answer(text=self._describe_groups_of(subject, asker))
        return Answer(text=self._describe_members(subject))

    def _describe_members(self, handle: str) -> str:
        accounts = self.names.groups([handle]).get(handle, frozenset())
        members = self.names.colleagues(handle)
        others = []
        for account in accounts:
            person = self.names.find(account)
            if person and not is_colleague(person):
                others.append(person.name)
        if not members and not others:
            return f"I find nobody in {self.names.group(handle)}."
        title = "Named one by one" if people_of(handle) else f"In @{handle}"
        text = f"{title}: {join_words(members) or 'nobody who may decide'}."
        if not others:
            return text
        are = verb(len(others), "is", "are")
        return f"{text} {join_words(sorted(others))} {are} in it too, but cannot decide."

    def _describe_groups_of(self, person: str, asker: Asker) -> str:
        groups = self.names.groups(self.library.deciders())
        handles = [handle for handle in sorted(groups) if person in groups[handle]]
        names = [f"@{handle}" for handle in handles if not people_of(handle)]
        if len(names) < len(handles):
            names.append("a group whose members are named one by one")
        place = join_words(names) or "none of the groups that decide"
        if person == asker.person:
            return f"You are in {place}."
        return start_upper(f"{self.names.person(person)} is in {place}.")

    # --- pauses ----------------------------------------------------------------------------------

    def _pauses(self, asker: Asker) -> Answer:
        """Say what is paused, by whom, since when and why."""
        pauses = self.desk_controls.load().holds
        if not pauses:
            return Answer(text="Nothing is paused.")
        sentences = [self.describe_pause(pause, asker) for pause in pauses]
        return Answer(text=sentences[0], facts=tuple(sentences[1:]))

    def describe_pause(self, pause: ActivePause, asker: Asker) -> str:
        """Say what is paused, by whom, since when and why."""
        since = local_time(pause.at, asker.hours, self.clock())
        scope = start_upper(scope_title(pause.scope, self.library.labels()))
        text = f"{scope} has been paused by {pause.by_name} since {since}: {pause.reason}"
        return as_sentence(text)


def _account(name: str, asker: Asker) -> str:
    """Return the account that a query names."""
    return asker.person if name == ME else name
