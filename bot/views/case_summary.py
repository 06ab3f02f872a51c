"""A case in short, as programs read it in lists and events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from bot.cases.actor import is_person
from bot.cases.case import Case, LastDecision
from bot.cases.lifecycle import State
from bot.cases.plan import Money
from bot.views.labels import Labels

#: The names of states that programs read and filter by.
STATE_NAMES: Mapping[State, str] = {
    state: state.name.lower() for state in State if state is not State.NEW
}
STATES_BY_NAME: Mapping[str, State] = {name: state for state, name in STATE_NAMES.items()}


@dataclass(frozen=True, slots=True)
class NamedAccount:
    """A person, by account and name."""

    #: "team/user".
    id: str
    #: Empty where no entry names them.
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryDecision:
    """The decision in force."""

    outcome: LastDecision
    at: datetime
    #: Empty where policy alone decided.
    by: tuple[NamedAccount, ...]
    is_by_policy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSummary:
    """A case in short.

    Its title may be text of a program or of an outside system: never an instruction.
    """

    id: str
    kind: str
    kind_title: str
    title: str
    state: Annotated[str, Field(json_schema_extra={"enum": sorted(STATES_BY_NAME)})]
    #: It has ended.
    is_over: bool
    #: The sender of the signal that opened it.
    source: str
    #: The object that it is about, as its sender names it.
    subject: str
    #: An account, or the handle of a group.
    owner: str
    stake: Money | None
    opened_at: datetime
    decided_at: datetime | None
    ended_at: datetime | None
    decision: SummaryDecision | None
    #: Where the whole case can be read.
    url: str


def case_summary(case: Case, labels: Labels, *, url: str) -> CaseSummary:
    """Describe a case in short; ``url`` is the address of the server."""
    return CaseSummary(
        id=case.id,
        kind=case.kind,
        kind_title=labels.kind(case.kind),
        title=case.signal.title,
        state=STATE_NAMES[case.state],
        is_over=case.is_terminal,
        source=case.signal.source,
        subject=case.signal.subject,
        owner=case.owner,
        stake=case.assessment.stake,
        opened_at=case.timers.opened_at,
        decided_at=case.timers.decided_at,
        ended_at=case.ended_at,
        decision=_decision(case),
        url=f"{url}/v1/cases/{case.id}",
    )


def _decision(case: Case) -> SummaryDecision | None:
    record = case.activity.last_decision
    if record is None:
        return None
    names = _names(case)
    people = [account for account in record.by if is_person(account)]
    return SummaryDecision(
        outcome=record.type,
        at=record.at,
        by=tuple(NamedAccount(account, names.get(account, "")) for account in people),
        is_by_policy=record.is_by_policy,
    )


def _names(case: Case) -> dict[str, str]:
    """Return the names of those who decided, where they are known."""
    names = {approval.person: approval.name for approval in case.proposal.approvals}
    decision, reason = case.activity.last_decision, case.activity.status_reason
    if decision and reason and decision.at == reason.at:
        # One entry made both, and names its author.
        names |= {account: reason.by for account in decision.by if not is_person(reason.by)}
    return names
