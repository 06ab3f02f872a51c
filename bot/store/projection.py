"""The rows that follow from a case and its entries.

They are serialised before the writer's turn comes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from secrets import token_hex
from typing import Any

from bot.cases.canonical import Scalar, canonical_bytes, to_json
from bot.cases.case import Case
from bot.cases.entries import Entry, Settled, StepReported, StepStarted, StepState, entry_plain
from bot.cases.lifecycle import State
from bot.cases.names import names_in
from bot.cases.plan import Money
from bot.cases.results import agreement_of, is_undone, moved_amount
from bot.cases.search_words import search_words
from bot.cases.sla import rank
from bot.store.case_tallies import tally_changes
from bot.store.decision_scores import score_changes

MAX_SEARCH_TEXT = 4_000
#: The kind of every probe, in columns.
PROBE_KIND = "probe"
CENTS = 100
#: Of an entry in the ledger.
SALT_BYTES = 16
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A ledger entry before it has its place."""

    case_id: str
    version: int
    #: Canonical JSON.
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseWrite:
    """All rows that one change of a case writes."""

    #: The version at which ``cases`` must hold the case. 0: it must not hold it yet.
    expected_version: int
    #: The version of the desk's controls by which it was judged; None for whichever.
    controls_version: int | None = None
    #: The row of ``cases``.
    case: Row
    lines: Sequence[Line]
    #: Rows of ``effects``: steps begun.
    effects: Sequence[Row]
    #: Steps ended.
    outcomes: Sequence[Row]
    #: Rows of ``case_people``: parties to the case that are new, or that it took elsewhere.
    people: Sequence[Row]
    #: What it adds to ``case_tallies`` and takes from them.
    tallies: Sequence[Row] = ()
    #: Rows of ``decision_scores``, and keys of those that hold no more.
    scores: Sequence[Row] = ()
    dropped_scores: Sequence[Row] = ()


def case_write(before: Case | None, after: Case, entries: Sequence[Entry]) -> CaseWrite:
    """Serialise a change of a case."""
    row = case_row(after)
    scores, dropped_scores = score_changes(before, after)
    return CaseWrite(
        expected_version=before.version if before else 0,
        case=row,
        lines=ledger_lines(entries),
        effects=effect_rows(after, entries),
        outcomes=outcome_rows(entries),
        people=_new_people_rows(before, after),
        tallies=_tally_changes(before, after, row),
        scores=scores,
        dropped_scores=dropped_scores,
    )


def people_rows(case: Case) -> list[dict[str, Any]]:
    """Return the rows of ``case_people``: the parties to a case."""
    number = case_number(case.id)
    if case.probe is not None:
        return []
    return [
        {"person": person, "case_id": case.id, "channel": case.channel, "number": number}
        for person in case.activity.people
    ]


def _new_people_rows(before: Case | None, after: Case) -> list[dict[str, Any]]:
    if before is None or before.channel != after.channel:
        return people_rows(after)
    people_before = before.activity.people
    return [row for row in people_rows(after) if row["person"] not in people_before]


def _tally_changes(before: Case | None, after: Case, row: Row) -> list[dict[str, Any]]:
    """Return the changes of tallies.

    A case that is open before and after has none.
    """
    if after.probe is not None:
        return []
    row_before = case_columns(before) if before is not None and before.is_terminal else None
    return tally_changes(row_before, row if after.is_terminal else None)


def ledger_lines(entries: Iterable[Entry]) -> list[Line]:
    """Serialise entries for the ledger."""
    return [Line(entry.case_id, entry.version, _salted_bytes(entry)) for entry in entries]


def _salted_bytes(entry: Entry) -> bytes:
    """Return the canonical bytes of an entry with a salt.

    The salt goes when a person is erased from the entry. Then nobody can find out by trying names
    which of them the leaf was made of.
    """
    return canonical_bytes({**entry_plain(entry), "salt": token_hex(SALT_BYTES)})


def case_row(case: Case) -> dict[str, Any]:
    """Return the row of ``cases``, with the columns for lists."""
    if case.probe is not None:
        return {**_probe_columns(case), "body": to_json(case), "words": "", "names": ""}
    return {
        **case_columns(case),
        "body": to_json(case),
        "words": search_text(case),
        "names": "\n".join(names_in(case)),
    }


def case_number(case_id: str) -> int:
    """Return the number in the id of a case."""
    return int(case_id.rpartition("-")[2])


def case_columns(case: Case) -> dict[str, Any]:
    """Return the row of ``cases`` without its long texts."""
    stake = case.assessment.stake
    return {
        "id": case.id,
        "number": case_number(case.id),
        "kind": case.kind,
        "source": case.signal.source,
        "state": case.state.code,
        "fingerprint": case.signal.fingerprint,
        "owner": case.owner,
        "team": case.team,
        "version": case.version,
        "channel": case.channel,
        "rank": rank(case.timers.sla, stake.amount if stake else None),
        **_stake_columns(stake),
        **_time_columns(case),
        **_people_columns(case),
        **_proposal_columns(case),
        **_decision_columns(case),
        **_result_columns(case),
    }


def _probe_columns(case: Case) -> dict[str, Any]:
    """Return the row of a probe.

    No list, figure or signal finds it: its number is below zero, and it is in no channel.
    """
    return {
        **case_columns(case),
        "number": -case_number(case.id),
        "kind": PROBE_KIND,
        "channel": "",
        "fingerprint": f"probe:{case.id}",
    }


def _stake_columns(stake: Money | None) -> dict[str, Any]:
    if stake is None:
        return {"stake": None, "stake_cents": None, "currency": ""}
    return {
        "stake": float(stake.amount),
        "stake_cents": round(stake.amount * CENTS),
        "currency": stake.currency,
    }


def _time_columns(case: Case) -> dict[str, Any]:
    undo_until = case.execution.undo_until if case.state is State.RESOLVED else None
    return {
        "due_at": _seconds(case.timers.due_at),
        "opened_at": _seconds(case.timers.opened_at),
        "decide_by": _seconds(case.timers.sla.decide_by),
        "decided_at": _seconds(case.timers.decided_at),
        "ended_at": _seconds(case.ended_at),
        "undo_until": _seconds(undo_until),
        "expires_at": _seconds(case.proposal.expires_at),
    }


def _people_columns(case: Case) -> dict[str, Any]:
    votes = [vote for vote in case.proposal.approvals if not vote.is_by_policy]
    parties = [party for vote in votes for party in sorted(vote.parties)]
    return {
        "waits_on": _between_blanks(case.waits_on),
        "authors": _between_blanks(case.authors),
        "voters": _between_blanks(parties),
        "requesters": _between_blanks(requester.account for requester in case.requesters),
        "approvals_given": len(votes),
    }


def _proposal_columns(case: Case) -> dict[str, Any]:
    proposal = case.proposal
    verdict = proposal.verdict
    actions = proposal.plan.actions if proposal.plan else ()
    approvals_needed = verdict.approvals_needed if verdict else 0
    risk = int(verdict.tier) if verdict else 0
    return {
        "approvers": _between_blanks(factor.group for factor in proposal.factors),
        "approvals_needed": approvals_needed,
        "risk": risk,
        "actions": _between_blanks(action.name for action in actions),
        "is_automatic": int(case.was_auto_approved),
        "is_edited": int(bool(proposal.editors)),
    }


def _decision_columns(case: Case) -> dict[str, Any]:
    decision = case.activity.last_decision
    if decision is None:
        return {"decision": "", "decision_at": None, "deciders": _between_blanks(())}
    return {
        "decision": decision.type.value,
        "decision_at": _seconds(decision.at),
        "deciders": _between_blanks(decision.by),
    }


def _result_columns(case: Case) -> dict[str, Any]:
    """Return what digests and reviews count."""
    agreement = agreement_of(case)
    return {
        **_moved_columns(moved_amount(case)),
        "agreement": agreement.value if agreement else "",
        "is_escalated": int(case.timers.is_escalated),
        "is_reopened": int(bool(case.activity.reopening_reason)),
        "is_undone": int(is_undone(case)),
        "is_named": int(bool(case.classification.named_by)),
        "inquiry_count": len(case.activity.inquiries),
    }


def _moved_columns(amount: Money | None) -> dict[str, Any]:
    if amount is None:
        return {"moved_cents": None, "moved_currency": ""}
    return {"moved_cents": round(amount.amount * CENTS), "moved_currency": amount.currency}


def _between_blanks(names: Iterable[str]) -> str:
    """Join names with a blank on either side of each.

    So each is found as a whole.
    """
    return f" {' '.join(dict.fromkeys(names))} "


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()


def search_text(case: Case) -> str:
    """Return the words under which a case is found.

    Each stands once and after a blank.
    """
    words = search_words(_texts(case))
    return f" {' '.join(words)}"[:MAX_SEARCH_TEXT]


def _texts(case: Case) -> Iterator[str]:
    """Yield everything that a person may look for, the most telling first."""
    signal, assessment, plan = case.signal, case.assessment, case.proposal.plan
    yield from (signal.title, assessment.what, assessment.why, signal.subject)
    for fact in assessment.evidence:
        yield from (_text(fact.value), fact.label)
    yield from _values(signal.facts)
    for action in plan.actions if plan else ():
        yield action.summary
        yield from _values(action.parameters)


def _values(values: Mapping[str, Scalar]) -> Iterator[str]:
    # By their keys: what is read from the ledger has another order.
    for key in sorted(values):
        yield _text(values[key])


def _text(value: Scalar) -> str:
    """Return what a person would type; nothing for what has no words."""
    if isinstance(value, float) and value.is_integer():
        # Read from the ledger, it is a whole number.
        return str(int(value))
    return "" if value is None or isinstance(value, bool) else str(value)


def effect_rows(after: Case, entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """List the steps that these entries begin. Each consumes its approval."""
    rows = []
    alone_kind = after.kind if after.was_auto_approved else ""
    for entry in entries:
        if not isinstance(entry.body, StepStarted):
            continue
        action = after.action(entry.body.step)
        money = action.amount or Money(Decimal(0), "")
        rows.append(
            {
                "case_id": after.id,
                "revision": entry.revision,
                "step": entry.body.step,
                "day": f"{entry.at:%Y-%m-%d}",
                "at": entry.at.timestamp(),
                "action": action.name,
                "target": action.target,
                "amount": money.amount,
                "currency": money.currency,
                "requester": _requester(after),
                "alone_kind": alone_kind,
                "grant_id": after.grant_id,
                "rule_id": after.standing_rule_id,
            }
        )
    return rows


def _requester(case: Case) -> str:
    """Return who raised the plan; empty where no person did."""
    return (case.proposal.plan.requester if case.proposal.plan else None) or ""


def outcome_rows(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """List how steps ended, for the limits and the circuit breaker."""
    rows = []
    for entry in entries:
        match entry.body:
            case StepReported(step=step, state=StepState.LANDED | StepState.FAILED as state):
                outcome = state
            case Settled(step=step, landed=has_landed):
                outcome = StepState.LANDED if has_landed else StepState.FAILED
            case _:
                continue
        rows.append(
            {
                "of_case": entry.case_id,
                "of_revision": entry.revision,
                "of_step": step,
                "outcome": outcome.name,
            }
        )
    return rows
