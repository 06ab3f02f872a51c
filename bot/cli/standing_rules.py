"""``countersign policy rules``."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from bot import storage
from bot.cases.controls import DESK_ID
from bot.cases.entries import RuleAdopted, RuleEnded
from bot.cases.standing_rule import RuleUse, StandingRule, deciding_case
from bot.cli.terminal import AsJson, out, print_json
from bot.clock import utc_now
from bot.preflight import open_library
from bot.settings import load_offline
from bot.store.store import Store
from bot.views.standing_rules import bound_words, day_words, free_words, rule_sentence, within_words
from knowledge.library import FileLibrary

COLUMNS = ("decided in", "what runs", "owner", "state", "used", "last", "until")


@dataclass(frozen=True, kw_only=True)
class ListedRule:
    """A standing rule as the ledger has it."""

    rule: StandingRule
    adoption: RuleAdopted
    use: RuleUse
    #: "in force", or why not.
    state: str


def rules(as_json: AsJson = False) -> None:
    settings = load_offline()
    store = storage.open_store(settings)
    with closing(store.database):
        listed_rules = list(list_rules(store, utc_now()))
    library = open_library(settings)
    if as_json:
        print_json([_plain(one, library) for one in listed_rules])
        return
    if not listed_rules:
        out.print("No standing rule was ever adopted.", markup=False)
        return
    table = Table(*COLUMNS)
    for one in listed_rules:
        table.add_row(*map(escape, _row(one, library)))
    out.print(table)


def list_rules(store: Store, now: datetime) -> Iterator[ListedRule]:
    """List every rule that was adopted, those in force first."""
    entries = store.cases.entries(str(DESK_ID))
    adoptions = [entry.body for entry in entries if isinstance(entry.body, RuleAdopted)]
    ends = {entry.body.rule: entry.body for entry in entries if isinstance(entry.body, RuleEnded)}
    rules_in_force = {rule.id: rule for rule in store.desk_controls.load().standing_rules}
    for adoption in sorted(adoptions, key=lambda one: one.rule.id not in rules_in_force):
        rule = rules_in_force.get(adoption.rule.id, adoption.rule)
        yield ListedRule(
            rule=rule,
            adoption=adoption,
            use=store.cases.rule_use(rule),
            state=_state(rule, ends.get(rule.id), now),
        )


def _state(rule: StandingRule, end: RuleEnded | None, now: datetime) -> str:
    if end is not None:
        return f"ended: {end.reason}"
    if now >= rule.until:
        return "its time is over"
    return f"ends: {rule.doubt}" if rule.doubt else "in force"


def _row(one: ListedRule, library: FileLibrary) -> tuple[str, ...]:
    playbook, labels = library.playbook(one.rule.kind), library.labels()
    what = f"{rule_sentence(one.rule, playbook, labels)}; {free_words(one.rule, labels)}"
    return (
        deciding_case(one.rule.id),
        what.removesuffix("; none"),
        f"{one.rule.owner} ({one.adoption.by_name})",
        one.state,
        f"{one.use.times:,}",
        day_words(one.use.last_at) if one.use.last_at else "never",
        day_words(one.rule.until),
    )


def _plain(one: ListedRule, library: FileLibrary) -> dict[str, Any]:
    rule = one.rule
    return {
        "rule": rule.id,
        "kind": rule.kind,
        "actions": list(rule.actions),
        "sentence": rule_sentence(rule, library.playbook(rule.kind), library.labels()),
        "within": within_words(rule, library.playbook(rule.kind)),
        "bounds": {bound.name: bound_words(bound) for bound in rule.bounds},
        "owner": rule.owner,
        "approved_by": one.adoption.by_name,
        "case": deciding_case(rule.id),
        "yeses": list(one.adoption.yeses),
        "counter_examples": list(one.adoption.counter_examples),
        "times_per_day": rule.times_per_day,
        "state": one.state,
        "used": one.use.times,
        "last_used_at": one.use.last_at.isoformat() if one.use.last_at else None,
        "until": rule.until.isoformat(),
    }
