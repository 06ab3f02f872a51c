"""Put practice cases before queues: past cases that people rightly refused.

It is off until an organisation has agreed to it. A queue of fewer people than figures may be about
gets none.
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.cases.actor import CaseId
from bot.cases.approver_health import MIN_PEOPLE
from bot.cases.case import Case
from bot.cases.commands import Open
from bot.cases.decide import open_probe
from bot.cases.desk_kinds import DESK_SOURCE
from bot.cases.entries import Gathered, Recommended
from bot.cases.errors import ChatFailed
from bot.cases.lifecycle import State
from bot.cases.plan import Plan
from bot.cases.probe import Probe
from bot.cases.probes import MIN_AGE, PROBE_MODE, probe_of
from bot.cases.recommendation import Recommendation
from bot.cases.signal import Signal
from bot.cases.sla import Sla
from bot.cases.verdict import Verdict
from bot.desk.effects import change
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.case_store import CaseStore, Change, ReceiptOutcome
from bot.ports.clock import Clock
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.probe_records import ProbeRecords

WEEK = timedelta(days=7)
#: A past case is used once, and not when it is older.
MAX_AGE = timedelta(days=365)
MAX_CANDIDATES = 200
#: Working time to decide one; then it ends by itself, and nobody is reminded.
DECIDE_FOR = timedelta(hours=9)
#: Hours of a week in which cards are read; the chance of an hour follows from it.
HOURS_PER_WEEK = 40
PER_MILLE = 1_000


@dataclass(frozen=True, slots=True)
class ProbeCandidate:
    """A past case, and the probe that it makes."""

    case: Case
    probe: Probe


@dataclass(frozen=True, kw_only=True)
class Probes:
    """Put past cases before their queues as practice, a few a week."""

    cases: CaseStore
    queries: CaseQueries
    records: ProbeRecords
    library: Library
    directory: Directory
    clock: Clock
    mode: str
    #: For each queue, at most; 0 for none.
    max_per_week: int

    def put_due(self) -> int:
        """Put what is due in this hour. Return the number of cards."""
        if not self.max_per_week:
            return 0
        now = self.clock()
        earlier = self.records.since(now - MAX_AGE)
        candidates = self._find_candidates(earlier, now)
        groups = sorted({one.probe.group for one in candidates})
        due_groups = [group for group in groups if self._is_due(group, earlier, now)]
        count = 0
        for group in self._groups_with_enough_people(due_groups):
            own = [one for one in candidates if one.probe.group == group]
            count += self._put(min(own, key=lambda one: _draw(one.probe.of_case, now)), now)
        return count

    def _find_candidates(self, earlier: Sequence[Case], now: datetime) -> list[ProbeCandidate]:
        used_ids = {case.probe.of_case for case in earlier if case.probe}
        filter = CaseFilter(
            states=(State.REJECTED,), ended_between=(now - MAX_AGE, now - MIN_AGE), is_over=True
        )
        candidates = []
        for case in self.queries.find(filter, MAX_CANDIDATES):
            probe = probe_of(case, self.mode, now)
            is_handled = self.library.playbook(case.kind).kind == case.kind
            is_awake = self.library.hours(case.channel).is_open(now)
            if probe and probe.of_case not in used_ids and is_handled and is_awake:
                candidates.append(ProbeCandidate(case, probe))
        return candidates

    def _is_due(self, group: str, earlier: Sequence[Case], now: datetime) -> bool:
        """Tell whether a queue gets one more, and chance picks this hour."""
        own = [case for case in earlier if case.probe and case.probe.group == group]
        recent_count = sum(now - case.timers.opened_at < WEEK for case in own)
        has_open = any(not case.is_terminal for case in own)
        if has_open or recent_count >= self.max_per_week:
            return False
        return _draw(group, now) * HOURS_PER_WEEK < PER_MILLE * self.max_per_week

    def _groups_with_enough_people(self, groups: Collection[str]) -> Iterator[str]:
        """Yield the groups whose figures are about nobody alone."""
        if not groups:
            return
        try:
            members = self.directory.groups(sorted(groups))
        except ChatFailed:
            return
        for group in groups:
            if len(members.get(group) or ()) >= MIN_PEOPLE:
                yield group

    def _put(self, candidate: ProbeCandidate, now: datetime) -> bool:
        """Put one before its queue, once ever."""
        signal = _probe_signal(candidate, now)

        def judge(latest: Case | None, new_id: str) -> Change | None:
            return (
                None if latest else self._open(candidate, signal, case_id=CaseId(new_id), now=now)
            )

        receipt = self.cases.receive(signal, b"{}", judge=judge, now=now)
        return receipt.outcome is ReceiptOutcome.OPENED

    def _open(
        self, candidate: ProbeCandidate, signal: Signal, *, case_id: CaseId, now: datetime
    ) -> Change | None:
        past, proposal = candidate.case, candidate.case.proposal
        plan, verdict, recommendation = proposal.plan, proposal.verdict, proposal.recommendation
        if plan is None or verdict is None or recommendation is None:
            return None
        hours = self.library.hours(past.channel)
        expires_at = hours.add_working_time(now, DECIDE_FOR)
        opening = Open(
            case_id=case_id,
            signal=signal,
            owner=past.team,
            channel=past.channel,
            sla=Sla(decide_by=expires_at, resolve_by=expires_at),
            probe=candidate.probe,
        )
        proposal_body = _proposal_body(
            plan=replace(plan, case_id=case_id, revision=1, not_after=expires_at, mode=PROBE_MODE),
            verdict=verdict,
            recommendation=recommendation,
            expires_at=expires_at,
        )
        decision = open_probe(
            opening, evidence=_evidence_body(past, now), proposal=proposal_body, now=now
        )
        return change(None, decision, self.library.playbook(past.kind))


def _probe_signal(candidate: ProbeCandidate, now: datetime) -> Signal:
    """Make the signal of a probe.

    It is as old as that of the past case was then.
    """
    signal = candidate.case.signal
    occurred_at = signal.occurred_at
    if occurred_at is not None:
        occurred_at += now - candidate.case.timers.opened_at
    return replace(
        signal,
        source=DESK_SOURCE,
        key=f"probe:{candidate.probe.of_case}",
        domain="",
        occurred_at=occurred_at,
    )


def _evidence_body(past: Case, now: datetime) -> Gathered:
    assessment = past.assessment
    return Gathered(
        evidence=tuple(replace(fact, read_at=now) for fact in assessment.evidence),
        what=assessment.what,
        why=assessment.why,
        stake=assessment.stake,
    )


def _proposal_body(
    *, plan: Plan, verdict: Verdict, recommendation: Recommendation, expires_at: datetime
) -> Recommended:
    return Recommended(
        recommendation=recommendation, plan=plan, verdict=verdict, expires_at=expires_at
    )


def _draw(name: str, now: datetime) -> int:
    """Draw a number below a thousand, the same for a whole hour."""
    text = f"{name}:{now:%Y-%m-%d %H}"
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % PER_MILLE
