"""The rules of probes: their choice, and the outcome of any decision.

Nothing of a probe is ever carried out: every decision but taking it on ends it, and no entry that
could authorise its plan can be written.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.cases.case import Case, StatusReason
from bot.cases.commands import Approve, Claim, Command, DecisionKind, Expire, PersonDecision
from bot.cases.desk_kinds import DESK_SOURCE
from bot.cases.entries import CaseBody, Entry, ProbeAnswered, ProbeBody, RejectReason
from bot.cases.errors import LedgerBroken, MoveNotAllowed
from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier
from bot.cases.probe import Probe, ProbeAnswer

#: The mode of a probe's plan: no program runs in it, so none would carry it out.
PROBE_MODE = "probe"
#: The decisions that end a probe, and their meaning.
ANSWERS: Mapping[DecisionKind, ProbeAnswer] = {
    DecisionKind.APPROVE: ProbeAnswer.APPROVED,
    DecisionKind.REJECT: ProbeAnswer.REJECTED,
    DecisionKind.EDIT: ProbeAnswer.EDITED,
    DecisionKind.SNOOZE: ProbeAnswer.LOOKED_INTO,
    DecisionKind.HAND_OVER: ProbeAnswer.LOOKED_INTO,
    DecisionKind.ASK: ProbeAnswer.LOOKED_INTO,
}
#: What makes the right answer plain to whoever reads the card.
PLAIN_REASONS = frozenset(
    {RejectReason.WRONG_PLAN, RejectReason.WRONG_FACTS, RejectReason.NOT_ALLOWED}
)
#: Somebody may still remember a younger one.
MIN_AGE = timedelta(days=14)
ENDED = "it was a practice case"
NOT_FOR_PROBES = "this case is decided in the usual way, or not at all"


def decide(case: Case, command: Command, now: datetime) -> tuple[CaseBody, ...]:
    """Find the entry that ends a probe.

    Currency and authority are checked already.

    Raises:
        MoveNotAllowed: the command is nothing that is done with a probe.
    """
    if isinstance(command, Expire) and _is_over(case, now):
        return (ProbeAnswered(ProbeAnswer.NONE),)
    is_emergency = isinstance(command, Approve) and command.emergency
    if isinstance(command, PersonDecision) and command.decision in ANSWERS and not is_emergency:
        return (ProbeAnswered(ANSWERS[command.decision]),)
    raise MoveNotAllowed(NOT_FOR_PROBES)


def is_practised(case: Case, command: Command) -> bool:
    """Tell whether a command is judged as one on a probe."""
    return case.probe is not None and not isinstance(command, Claim)


def _is_over(case: Case, now: datetime) -> bool:
    expires_at = case.proposal.expires_at
    return expires_at is not None and now >= expires_at


def apply(case: Case, body: ProbeBody, entry: Entry) -> Case:
    """Return the probe after its answer."""
    if case.probe is None:
        raise LedgerBroken(f"{case.id} is no probe, and entry {entry.version} answers one")
    probe = replace(case.probe, answer=body.answer)
    classification = replace(case.classification, probe=probe)
    case = case.with_reason(StatusReason(entry.at, "", ENDED))
    return replace(case, classification=classification)


def probe_of(case: Case, mode: str, now: datetime) -> Probe | None:
    """Make the probe of a past case.

    None where its right answer is not plain.
    """
    plan, verdict, reason = case.proposal.plan, case.proposal.verdict, case.activity.status_reason
    if case.state is not State.REJECTED or plan is None or verdict is None or reason is None:
        return None
    is_plain = reason.reason in {one.description for one in PLAIN_REASONS}
    is_of_today = plan.mode == mode and case.ended_at is not None and now - case.ended_at >= MIN_AGE
    # A person who raised it or answered for it would be taken for one who did so now.
    is_of_people = bool(case.authors or case.activity.inquiries or case.proposal.editors)
    is_of_desk = case.signal.source == DESK_SOURCE or case.probe is not None
    is_small = verdict.tier < RiskTier.HIGH and not verdict.step_up and len(verdict.factors) == 1
    if not (is_plain and is_of_today and is_small) or is_of_people or is_of_desk:
        return None
    return Probe(
        of_case=str(case.id),
        group=verdict.factors[0].group,
        source=case.signal.source,
        reason=": ".join(filter(None, (reason.reason, reason.note))),
    )
