"""Past plans, judged again under another policy."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol

from bot.cases.backtest import Backtest, BacktestResult, Surroundings
from bot.cases.controls import DeskControls
from bot.cases.entries import entry_of
from bot.cases.plan import Plan
from bot.cases.policy import PlaybookTerms, Policy, Stage
from bot.ports.library import Library


class LedgerRow(Protocol):
    """One line of the ledger."""

    body: str


class LedgerRows(Protocol):
    """Read the lines of the ledger in order."""

    def rows(self) -> Iterator[LedgerRow]:
        """Yield every line."""


def surroundings_of(library: Library, controls: DeskControls | None = None) -> Surroundings:
    """Ask these files about a past case, at the recorded stages."""

    def terms(kind: str) -> PlaybookTerms:
        return library.playbook(kind).terms

    def local(channel: str, at: datetime) -> datetime:
        return library.hours(channel).local(at)

    def has_stranger(accounts: Iterable[str]) -> bool:
        return bool(library.identities().unknown_accounts(accounts))

    def stage(kind: str, plan: Plan, initial: Stage) -> Stage:
        return controls.stage_of_plan(kind, plan, initial) if controls else initial

    return Surroundings(terms=terms, local=local, has_stranger=has_stranger, stage=stage)


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
