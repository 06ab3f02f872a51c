"""Past plans, judged again under another policy."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.cases.backtest import Backtest, BacktestResult, Surroundings
from bot.cases.case import Case
from bot.cases.case_facts import case_facts
from bot.cases.controls import DeskControls
from bot.cases.entries import entry_of
from bot.cases.plan import Plan
from bot.cases.policy import PlaybookTerms, Policy, Stage
from bot.cases.standing_rule import StandingRule, figures_of
from bot.ports.library import Library

BACKTEST_SPAN = timedelta(days=90)


class LedgerRow(Protocol):
    """One line of the ledger."""

    body: str


class LedgerRows(Protocol):
    """Read the lines of the ledger in order."""

    def rows(self) -> Iterator[LedgerRow]:
        """Yield every line."""


def surroundings_of(
    library: Library,
    controls: DeskControls | None = None,
    *,
    draft: StandingRule | None = None,
) -> Surroundings:
    """Ask these files about a past case.

    The stages are the recorded ones, and the standing rules those in force.

    ``draft``: as if it were the only standing rule, and always had been.
    """

    def terms(kind: str) -> PlaybookTerms:
        return library.playbook(kind).terms

    def local(channel: str, at: datetime) -> datetime:
        return library.hours(channel).local(at)

    def has_stranger(accounts: Iterable[str]) -> bool:
        return bool(library.identities().unknown_accounts(accounts))

    def stage(kind: str, plan: Plan, initial: Stage) -> Stage:
        return controls.stage_of_plan(kind, plan, initial) if controls else initial

    def standing_rule(case: Case, plan: Plan) -> StandingRule | None:
        rules = controls.standing_rules if controls else ()
        if draft is not None:
            rules = (draft,)
        facts = case_facts(case, case.assessment.evidence)
        return next((rule for rule in rules if _has_bounds_of(rule, plan, facts)), None)

    return Surroundings(
        terms=terms,
        local=local,
        has_stranger=has_stranger,
        stage=stage,
        standing_rule=standing_rule,
    )


def _has_bounds_of(rule: StandingRule, plan: Plan, facts: Mapping[str, Any]) -> bool:
    """Tell whether a past plan was within a rule, at any time."""
    return rule.is_about(plan) and rule.contains(figures_of(plan, facts))


def judge_past(
    ledger: LedgerRows,
    *,
    today: Policy,
    proposal: Policy,
    surroundings: Surroundings,
    since: datetime | None,
) -> BacktestResult:
    """Judge past plans by today's policy and by another one."""
    test = Backtest(today=today, proposal=proposal, surroundings=surroundings, since=since)
    for row in ledger.rows():
        plain = json.loads(row.body)
        if test.needs(plain["case"], plain["type"]):
            test.add(entry_of(plain), plain["type"])
    return test.result()
