"""Files of rules: in force, waiting, or rejected."""

import logging
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from bot import storage
from bot.cases.case import Case
from bot.cases.controls import AdoptedRules, DeskControls
from bot.cases.desk_kinds import RULES_KIND
from bot.cases.errors import CountersignError
from bot.desk.rules_in_force import RulesInForce
from bot.ports.case_queries import CaseFilter
from bot.preflight import open_library
from bot.settings import Settings
from bot.store.store import Store
from bot.views.rule_changes import changed_files, rule_changes
from knowledge.library import FileLibrary

log = logging.getLogger(__name__)
MAX_CASES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesStatus:
    """The standing of the files against the rules in force."""

    is_in_force: bool
    sentence: str
    #: What differs, in words.
    changes: tuple[str, ...] = ()
    on_case: str = ""


def note_about_rules(settings: Settings) -> str:
    """Say what to do about files that are not in force.

    Empty where they are, or where that is not known.

    A database that is away, or of another release, says nothing here.
    """
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        # A look must not make one.
        return ""
    try:
        store = storage.open_reader(settings)
        with closing(store.database):
            status = rules_status(store, open_library(settings))
    except (CountersignError, SQLAlchemyError, OSError) as failure:
        log.info("whether the rules are in force cannot be read: %s", failure)
        return ""
    if status.is_in_force:
        return ""
    return (
        f"{status.sentence}. Until then the stricter of both holds: let the governance owners"
        " decide the case, or put the file back"
    )


def rules_status(store: Store, library: FileLibrary) -> RulesStatus:
    """Compare the files with what is in force."""
    controls = store.desk_controls.load()
    rules = controls.adopted_rules
    if rules is None:
        return RulesStatus(
            is_in_force=True, sentence="These rules come into force with the first start."
        )
    if rules.checksum == library.rule_record().checksum:
        return RulesStatus(is_in_force=True, sentence=_adoption_text(rules))
    return _waiting_status(store, library, controls)


def _adoption_text(rules: AdoptedRules) -> str:
    since = f"In force since {rules.at:%-d %b %Y %H:%M} UTC"
    if not rules.on_case:
        return f"{since}, {rules.by_name}."
    return f"{since}: {rules.by_name} decided it in {rules.on_case}."


def _waiting_status(store: Store, library: FileLibrary, controls: DeskControls) -> RulesStatus:
    waiting = RulesInForce(store.cases, library, store.desk_controls).waiting(controls)
    if waiting is None:
        return RulesStatus(is_in_force=True, sentence="")
    before, after = waiting.record, waiting.changed_record
    changes = rule_changes(
        (before, waiting.in_force.policy), (after, waiting.of_files.policy), library.labels()
    )
    case = _case_about(store, after.checksum)
    *others, last = changed_files(before, after)
    files = f"{', '.join(others)} and {last} are" if others else f"{last} is"
    return RulesStatus(
        is_in_force=False,
        sentence=f"{files} not in force: {_case_text(case)}",
        changes=tuple(changes),
        on_case=str(case.id) if case else "",
    )


def _case_about(store: Store, checksum: str) -> Case | None:
    """Find the latest case about these rules."""
    cases = [
        case
        for case in store.queries.find(CaseFilter(kinds=(RULES_KIND,)), MAX_CASES)
        if case.signal.facts.get("checksum") == checksum
    ]
    return max(cases, key=lambda case: case.timers.opened_at, default=None)


def _case_text(case: Case | None) -> str:
    if case is None:
        return "a case is opened at the next start"
    return f"{case.id} {case.state.predicate}"
