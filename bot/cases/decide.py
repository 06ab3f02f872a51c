"""``decide(case, move, now)`` gives the entries a move writes, or refuses. Pure, and the only place where moves are judged.

Every refusal is a sentence to the person who asked. What a move may do to the state is the lifecycle table's business;
here is who may ask it, of which revision, and in time.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.cases import entry as e
from bot.cases import moves as m
from bot.cases.approval import Approval, Factor, Person, quorum_met, why_not
from bot.cases.case import Case
from bot.cases.delegation import stands_in_for
from bot.cases.entry import Body, Entry, StepState
from bot.cases.errors import BadRequest, LedgerBroken, MoveNotAllowed, NotEligible, Superseded, TooLate, WorldMoved
from bot.cases.evidence import changed
from bot.cases.lifecycle import DECIDED, WAITING, State, next_state
from bot.cases.passkey import LINK_IS_OVER, STEP_UP_FOR, Assertion, answers, challenge, is_in_force, waiting
from bot.cases.policy import RiskTier, Ruling, Verdict, no_looser
from bot.cases.sla import LEAST_GAP

DESK = "countersign"
LONGEST_NOTE = 1_000
LONGEST_SNOOZE = timedelta(days=30)


def decide(case: Case | None, move: m.Move, now: datetime) -> tuple[Entry, ...]:
    """The entries that this move writes, ready to commit on top of ``case``.

    Raises:
        Refusal: an expected no, safe to show the person who asked.
    """
    if case is None:
        return (_open(move, now),)
    bodies = DECISIONS[type(move)](case, move, now)
    state = case.state
    for body in bodies:
        state = next_state(state, body.move)
    by = getattr(move, "by", None)
    actor, surface = (by.person.id, by.surface) if by else _automatic(move)
    revision = case.revision
    entries = []
    for ahead, body in enumerate(bodies, start=1):
        revision = _revision_of(body) or revision
        entries.append(Entry(case.id, case.version + ahead, revision, now, actor, surface, body))
    return tuple(entries)


def refused(
    case: Case, by: m.Asker, attempt: str, revision: int, refusal: Exception, now: datetime
) -> tuple[Entry, ...]:
    """The entry for an attempt that was turned away: refused attempts are part of the record."""
    body = e.AttemptRefused(attempt, getattr(refusal, "code", "refused"), str(refusal), revision)
    return (Entry(case.id, case.version + 1, case.revision, now, by.person.id, by.surface, body),)


def conflicted(case: Case, source: str, key: str, digest: str, now: datetime) -> tuple[Entry, ...]:
    """The entry for a second body under a known key."""
    body = e.Conflicted(source, key, digest)
    return (Entry(case.id, case.version + 1, case.revision, now, f"source:{source}", "intake", body),)


def _open(move: m.Move, now: datetime) -> Entry:
    if not isinstance(move, m.Open):
        raise LedgerBroken("a case begins with its opening")
    body = e.Opened(move.signal, move.owner, move.channel, move.sla)
    return Entry(move.case_id, 1, 0, now, f"source:{move.signal.source}", "intake", body)


def _automatic(move: m.Move) -> tuple[str, str]:
    if isinstance(move, m.Recur | m.Clear):
        return f"source:{move.signal.source}", "intake"
    return DESK, "scheduler" if isinstance(move, m.Wake | m.Expire | m.Remind) else "desk"


def _revision_of(body: Body) -> int | None:
    """A body that carries a plan carries the revision it begins."""
    plan = getattr(body, "plan", None)
    return plan.revision if plan else None


# --- signals -----------------------------------------------------------------------------------------------------------


def _recur(case: Case, move: m.Recur, now: datetime) -> tuple[Body, ...]:
    if move.reopen:
        return e.Recurred(move.signal), e.Reopened(f"it came back: {move.signal.title}")
    return (e.Recurred(move.signal),)


def _clear(case: Case, move: m.Clear, now: datetime) -> tuple[Body, ...]:
    return (e.Cleared(move.signal),) if case.state in WAITING else (e.MarkedClear(move.signal),)


# --- recognition -------------------------------------------------------------------------------------------------------


def _recognise(case: Case, move: m.Recognise, now: datetime) -> tuple[Body, ...]:
    return (e.Recognised(move.recognition, move.owner, move.channel, move.sla, move.is_urgent),)


def _name_kind(case: Case, move: m.NameKind, now: datetime) -> tuple[Body, ...]:
    _must_be_nameless(case, move.by)
    return (e.Named(move.kind, move.owner, move.channel, move.sla, move.by.person.name),)


def _call_novel(case: Case, move: m.CallNovel, now: datetime) -> tuple[Body, ...]:
    _must_be_nameless(case, move.by)
    return (e.Novel(move.by.person.name),)


def _must_be_nameless(case: Case, by: m.Asker) -> None:
    """Only what was not recognised can be named, by those it belongs to."""
    if case.is_terminal:
        raise TooLate(_how_it_ended(case))
    _must_be_decider(case, by)
    if case.state is not State.REFERRED or case.recognition is None or case.recognition.kind or case.named_by:
        raise TooLate(f"{case.id} is known as {case.kind.replace('_', ' ')}; reject its plan if that is wrong")


def _narrate(case: Case, move: m.Narrate, now: datetime) -> tuple[Body, ...]:
    if move.revision != case.revision or case.state not in WAITING:
        raise Superseded(f"{case.id} has moved on since the model was asked")
    return (e.Narrated(move.words, move.revision),)


# --- triage ------------------------------------------------------------------------------------------------------------


def _gather(case: Case, move: m.Gather, now: datetime) -> tuple[Body, ...]:
    return (e.Gathered(move.evidence, move.what, move.why, move.stake),)


def _recommend(case: Case, move: m.Recommend, now: datetime) -> tuple[Body, ...]:
    plan, verdict = move.plan, move.verdict
    if plan is None or verdict is None:
        reason = move.recommendation.blocked or "no action of the playbook fits"
        return (e.Referred(reason, move.recommendation, sla=move.sla),)
    _must_follow(case, plan.revision)
    if verdict.ruling is Ruling.REFUSE:
        return (e.Referred(f"policy: {verdict.reason}", move.recommendation, plan, verdict, move.sla),)
    if verdict.ruling is Ruling.ALONE:
        by = (f"policy:{verdict.policy_digest}",)
        return (e.Authorised(plan.digest, by, move.recommendation, plan, verdict),)
    expires_at = move.expires_at or now + verdict.expires_for
    return (e.Recommended(move.recommendation, plan, verdict, expires_at, move.sla),)


def _must_follow(case: Case, revision: int) -> None:
    if revision != case.revision + 1:
        raise LedgerBroken(f"revision {revision} does not follow revision {case.revision} of {case.id}")


# --- decisions ---------------------------------------------------------------------------------------------------------


def _approve(case: Case, move: m.Approve, now: datetime) -> tuple[Body, ...]:
    given, verdict = _heard(case, move, now)
    if verdict.step_up:
        given = replace(given, assertion=_signed(case, move, given.digest, now))
    votes = (*case.approvals, given)
    if given.emergency or quorum_met(votes, verdict.factors, move.by.groups):
        return e.ApprovalGiven(given), e.Authorised(given.digest, tuple(vote.person for vote in votes))
    return (e.ApprovalGiven(given),)


def _begin_approval(case: Case, move: m.BeginApproval, now: datetime) -> tuple[Body, ...]:
    """Everything is judged as for the yes itself, so that nobody is sent to their device for nothing."""
    given, verdict = _heard(case, m.Approve(move.by, move.revision, move.note), now)
    if not verdict.step_up:
        raise BadRequest("this plan is approved on its card")
    if not any(key.person == given.person for key in move.passkeys):
        raise NotEligible("this needs your passkey, and you have none yet; ask whoever runs Countersign to invite you")
    return (e.StepUpAsked(move.ticket, given.note, now + STEP_UP_FOR, given.name),)


def _signed(case: Case, move: m.Approve, digest: str, now: datetime) -> Assertion:
    """What the person's device signed, if it was asked for exactly this and in time. Its signature is verified at the door."""
    person, signed = move.by.person.id, move.assertion
    if signed is None:
        raise NotEligible("this plan is approved with your passkey, outside Slack: press Approve on its card")
    asked = waiting(case.step_ups, signed.ticket, now)
    if asked is None or asked.person != person:
        raise TooLate(LINK_IS_OVER)
    if not is_in_force(signed, person, move.passkeys):
        raise NotEligible("this passkey is not one of yours any more")
    if not answers(signed, challenge(case.id, case.revision, digest, person, signed.ticket)):
        raise NotEligible("your device signed something else than this plan")
    return signed


def _heard(case: Case, move: m.Approve, now: datetime) -> tuple[Approval, Verdict]:
    """The yes of somebody who may say it, once, to a question that is open; with the verdict that says what it takes."""
    verdict = _open_question(case, move.revision, "approve", now)
    if case.plan is None:
        raise LedgerBroken(f"{case.id} waits for a decision without a plan")
    given = _vote(case, move, verdict, now, case.plan.digest)
    if any(vote.person == given.person for vote in case.approvals):
        raise TooLate("you have approved this already; it waits for somebody else")
    if any(vote.principal == given.principal for vote in case.approvals):
        raise TooLate(f"{given.behalf_name or given.name} has been heard already; it waits for somebody else")
    if verdict.tier is RiskTier.HIGH and not move.note.strip():
        raise BadRequest("a high-risk plan needs your reason in words", field="note")
    return given, verdict


def _vote(case: Case, move: m.Approve, verdict: Verdict, now: datetime, digest: str) -> Approval:
    """The yes of this person: in their own right, in an emergency, or for somebody they stand in for."""
    person, note = move.by.person, _note(move.note)
    vote = Approval(person.id, person.name, digest, now, note)
    if move.emergency:
        _must_be_an_emergency(case, move, verdict)
        return replace(vote, emergency=True)
    reason = why_not(person, authors=case.authors, factors=verdict.factors, groups=move.by.groups)
    if reason is None:
        return vote
    if person.id not in case.authors and is_colleague(person):
        for giver in move.by.behalf_of:
            if why_not(giver, authors=case.authors, factors=verdict.factors, groups=move.by.groups) is None:
                return replace(vote, behalf_of=giver.id, behalf_name=giver.name)
    raise NotEligible(reason)


def _must_be_an_emergency(case: Case, move: m.Approve, verdict: Verdict) -> None:
    """The glass is never broken for high risk, nor by an author; that the person may at all is ruled with the standing."""
    if verdict.tier is RiskTier.HIGH or verdict.step_up:
        raise NotEligible("a high-risk plan is never let through by one person alone")
    if move.by.person.id in case.authors or not is_colleague(move.by.person):
        raise NotEligible("whoever raised or edited a plan, or gains from it, cannot approve it")
    if not move.note.strip():
        raise BadRequest("say why it cannot wait; it is read afterwards", field="note")


def _withdraw(case: Case, move: m.Withdraw, now: datetime) -> tuple[Body, ...]:
    _same_revision(case, move.revision)
    if case.state not in {State.PROPOSED, State.APPROVED}:
        raise TooLate(f"{case.id} is {case.state}: what has begun can only be undone, not withdrawn")
    if not any(given.person == move.by.person.id for given in case.approvals):
        raise NotEligible("there is no approval of yours to withdraw")
    return (e.Withdrawn(move.by.person.id),)


def _reject(case: Case, move: m.Reject, now: datetime) -> tuple[Body, ...]:
    _same_revision(case, move.revision)
    _undecided(case, "reject")
    _must_be_decider(case, move.by)
    if move.reason is e.RejectReason.OTHER and not move.note.strip():
        raise BadRequest("say in a few words why", field="note")
    return (e.Rejected(move.reason, _note(move.note), move.by.person.name),)


def _edit(case: Case, move: m.Edit, now: datetime) -> tuple[Body, ...]:
    _open_question(case, move.revision, "edit", now)
    _must_be_decider(case, move.by)
    if not move.changes:
        raise BadRequest("nothing was changed")
    _must_follow(case, move.plan.revision)
    expires_at = move.expires_at or now + move.verdict.expires_for
    edited = e.Edited(move.plan, move.verdict, move.changes, move.by.person.name, expires_at)
    if move.verdict.ruling is Ruling.REFUSE:
        raise BadRequest(f"policy does not allow it: {move.verdict.reason}")
    return (edited,)


def _hand_over(case: Case, move: m.HandOver, now: datetime) -> tuple[Body, ...]:
    if case.is_terminal:
        raise TooLate(_how_it_ended(case))
    _must_be_colleague(move.by.person)
    if not move.to:
        raise BadRequest("name who takes over", field="to")
    if move.to == case.owner:
        raise BadRequest("it is theirs already", field="to")
    for field, words in (("done", move.done), ("remains", move.remains)):
        if not words.strip():
            raise BadRequest(f"say what {'is done' if field == 'done' else 'is open'}", field=field)
    note = f"Done: {move.done.strip()} Open: {move.remains.strip()}"
    return (e.HandedOver(move.to, _note(note), move.by.person.name),)


def _claim(case: Case, move: m.Claim, now: datetime) -> tuple[Body, ...]:
    if case.is_terminal:
        raise TooLate(_how_it_ended(case))
    _must_be_decider(case, move.by)
    if case.owner == move.by.person.id:
        raise TooLate("it is yours already")
    return (e.Claimed(move.by.person.name),)


def _undo(case: Case, move: m.Undo, now: datetime) -> tuple[Body, ...]:
    """To take back is an action too: of those who may approve the plan, inside the window that its actions declare."""
    if case.state is not State.RESOLVED or case.verdict is None or case.undo_until is None:
        raise TooLate(f"{case.id} is {case.state}; there is nothing that can be taken back")
    if now >= case.undo_until:
        raise TooLate("the time to take it back has passed; raise what is wrong as a new case")
    if case.verdict.ruling is Ruling.ALONE:
        _must_be_decider(case, move.by)
    else:
        _must_be_approver(case, move.by, case.verdict)
    if not move.note.strip():
        raise BadRequest("say why it is taken back", field="note")
    return (e.UndoAsked(_note(move.note), move.by.person.name),)


def _snooze(case: Case, move: m.Snooze, now: datetime) -> tuple[Body, ...]:
    _undecided(case, "snooze")
    _must_be_decider(case, move.by)
    if not now < move.until <= now + LONGEST_SNOOZE:
        raise BadRequest(f"snooze until a time within {LONGEST_SNOOZE.days} days", field="until")
    return (e.Snoozed(move.until, _note(move.reason), move.by.person.name),)


def _resolve(case: Case, move: m.Resolve, now: datetime) -> tuple[Body, ...]:
    if case.is_terminal:
        raise TooLate(_how_it_ended(case))
    _must_be_decider(case, move.by)
    if not move.note.strip():
        raise BadRequest("say what was done", field="note")
    return (e.Resolved(e.Resolution.BY_HAND, _note(move.note), move.by.person.name),)


def _try_again(case: Case, move: m.TryAgain, now: datetime) -> tuple[Body, ...]:
    if case.is_terminal:
        raise TooLate(_how_it_ended(case))
    _must_be_decider(case, move.by)
    return (e.Drifted((f"{move.by.person.name} asked to look again",)),)


def _settle(case: Case, move: m.Settle, now: datetime) -> tuple[Body, ...]:
    _must_be_decider(case, move.by)
    if case.state is not State.PARKED:
        raise TooLate(f"{case.id} is {case.state}; there is nothing in doubt")
    if not move.note.strip():
        raise BadRequest("say what you saw, and where", field="note")
    step = _step_in_doubt(case)
    return (e.Settled(step, move.landed, _note(move.note), move.by.person.name),)


def _step_in_doubt(case: Case) -> int:
    return next(index for index, step in enumerate(case.steps) if step.state in e.IN_DOUBT)


# --- time --------------------------------------------------------------------------------------------------------------


def _wake(case: Case, move: m.Wake, now: datetime) -> tuple[Body, ...]:
    if case.snoozed_until is None or now < case.snoozed_until:
        raise MoveNotAllowed(f"{case.id} sleeps until {case.snoozed_until}")
    return (e.Woken(),)


def _expire(case: Case, move: m.Expire, now: datetime) -> tuple[Body, ...]:
    """Expiry never means yes. Without a plan a case goes to the next owner too, and never closes by itself."""
    ends = [case.expires_at] if case.expires_at and case.state is State.PROPOSED else []
    until = min([*ends, case.sla.decide_by]) if not case.escalated else min(ends, default=None)
    if until is None or now < until:
        raise MoveNotAllowed(f"{case.id} has until {until}")
    if case.escalated:
        return (e.Expired(),)
    wait = case.verdict.expires_for if case.verdict and case.state is State.PROPOSED else move.decide_for
    return (e.Escalated(move.next_owner, move.expires_at or now + wait, move.remind_at),)


def _remind(case: Case, move: m.Remind, now: datetime) -> tuple[Body, ...]:
    if case.remind_at is None or now < case.remind_at:
        raise MoveNotAllowed(f"{case.id} is reminded of at {case.remind_at}")
    if case.state not in {State.PROPOSED, State.REFERRED, State.PARKED}:
        raise MoveNotAllowed(f"cannot remind of a case that is {case.state}")
    return (e.Reminded(case.owner, max(move.next_at, now + LEAST_GAP)),)


# --- execution ---------------------------------------------------------------------------------------------------------


def _start_step(case: Case, move: m.StartStep, now: datetime) -> tuple[Body, ...]:
    """The step starts only if everything that was approved is still so; otherwise the case goes back with the reasons.

    Raises:
        WorldMoved: a later step cannot start; what has landed must be undone.
    """
    if case.plan is None or case.verdict is None:
        raise LedgerBroken(f"{case.id} is approved without a plan")
    reasons = what_moved(case, move, now)
    if reasons and any(step.state is StepState.LANDED for step in case.steps):
        raise WorldMoved("; ".join(reasons))
    if reasons:
        return (e.Drifted(tuple(reasons)),)
    return (e.StepStarted(move.step, case.plan.step_key(move.step), case.plan.digest),)


def what_moved(case: Case, move: m.StartStep, now: datetime) -> list[str]:
    """What is no longer as it was approved, as sentences; empty when the step may run."""
    plan, verdict = case.plan, case.verdict
    if plan is None or verdict is None:
        return ["there is no plan"]
    reasons = changed(plan.actions[move.step].precondition, move.precondition)
    if move.digest != plan.digest or any(given.digest != plan.digest for given in case.approvals):
        reasons.append("the plan is not the one that was approved")
    if now >= plan.not_after:
        reasons.append("the approval is too old")
    if not no_looser(verdict, move.verdict):
        reasons.append(f"policy is stricter now: {move.verdict.reason}")
    if verdict.ruling is not Ruling.ALONE:
        standing = [given for given in case.approvals if _still_counts(case, given, move, now)]
        alone = any(given.emergency for given in standing)
        if not alone and not quorum_met(standing, verdict.factors, move.groups):
            reasons.append("the approvals no longer count")
    return reasons


def _still_counts(case: Case, given: Approval, move: m.StartStep, now: datetime) -> bool:
    """Whether the one who pressed, and the one they stood in for, may still say yes."""
    person = move.people.get(given.person)
    if person is None or not _still_signed(case, given, move):
        return False
    factors = case.verdict.factors if case.verdict else ()
    if given.emergency:
        factors = (Factor(move.emergency_group, 1),) if move.emergency_group else ()
    if not given.behalf_of:
        return why_not(person, authors=case.authors, factors=factors, groups=move.groups) is None
    giver = move.people.get(given.behalf_of)
    delegated = stands_in_for(move.delegations, given.person, case.kind, now)
    return (
        giver is not None
        and is_colleague(person)
        and person.id not in case.authors
        and any(found.giver == giver.id for found in delegated)
        and why_not(giver, authors=case.authors, factors=factors, groups=move.groups) is None
    )


def _still_signed(case: Case, given: Approval, move: m.StartStep) -> bool:
    """A yes that needed a passkey counts no longer when that passkey has been removed."""
    if case.verdict is None or not case.verdict.step_up:
        return True
    return given.assertion is not None and is_in_force(given.assertion, given.person, move.passkeys)


def _report_step(case: Case, move: m.ReportStep, now: datetime) -> tuple[Body, ...]:
    return (e.StepReported(move.step, move.state, move.detail),)


def _drift(case: Case, move: m.Drift, now: datetime) -> tuple[Body, ...]:
    return (e.Drifted(move.reasons),)


def _stop(case: Case, move: m.Stop, now: datetime) -> tuple[Body, ...]:
    return (e.Stopped(move.reason),)


def _park(case: Case, move: m.Park, now: datetime) -> tuple[Body, ...]:
    return (e.Parked(move.step, move.reason),)


def _finish(case: Case, move: m.Finish, now: datetime) -> tuple[Body, ...]:
    return (e.Resolved(e.Resolution.WORKED, move.note, undo_until=move.undo_until),)


def _reopen(case: Case, move: m.Reopen, now: datetime) -> tuple[Body, ...]:
    return (e.Reopened(move.reason),)


# --- what many of them ask -----------------------------------------------------------------------------------------------


def _open_question(case: Case, revision: int, attempt: str, now: datetime) -> Verdict:
    """The verdict of a case that can be decided now, on this revision."""
    _same_revision(case, revision)
    _undecided(case, attempt)
    if case.state is not State.PROPOSED or case.verdict is None or case.expires_at is None:
        raise MoveNotAllowed(f"cannot {attempt} a case that is {case.state}")
    if now >= case.expires_at:
        raise TooLate("the time to decide has passed; it goes to the next person")
    return case.verdict


def _same_revision(case: Case, revision: int) -> None:
    if revision < case.revision:
        raise Superseded(f"{case.id} has a newer plan (revision {case.revision}); please look at it again")
    if revision > case.revision:
        raise BadRequest(f"{case.id} has no revision {revision}")


def _undecided(case: Case, attempt: str) -> None:
    if case.is_terminal:
        raise TooLate(_how_it_ended(case))
    if case.state in DECIDED:
        names = ", ".join(given.name for given in case.approvals)
        raise TooLate(f"{case.id} was approved by {names} and is {case.state}; too late to {attempt}")


def _how_it_ended(case: Case) -> str:
    ending = case.ending
    if ending is None:
        return f"{case.id} is {case.state}"
    by = f" by {ending.by}" if case.state is State.REJECTED or ending.by not in {"", DESK} else ""
    return f"{case.id} is {case.state}{by} since {ending.at:%d %b %H:%M} UTC: {ending.reason}"


def _must_be_approver(case: Case, by: m.Asker, verdict: Verdict) -> None:
    reason = why_not(by.person, authors=case.authors, factors=verdict.factors, groups=by.groups)
    if reason:
        raise NotEligible(reason)


def _must_be_decider(case: Case, by: m.Asker) -> None:
    """Who may reject, edit, snooze or close: the approvers of this plan and the owning group, or who stands in; authors may say no."""
    factors = case.verdict.factors if case.verdict else ()
    wanted = (*factors, *(Factor(group, 1) for group in sorted({case.owner, case.team}) if "/" not in group))
    reason = why_not(by.person, authors=(), factors=wanted, groups=by.groups)
    if reason is None or (by.person.id == case.owner and is_colleague(by.person)):
        return
    for giver in by.behalf_of if is_colleague(by.person) else ():
        if why_not(giver, authors=(), factors=wanted, groups=by.groups) is None or giver.id == case.owner:
            return
    raise NotEligible(reason)


def is_colleague(person: Person) -> bool:
    """A member of this workspace, at work in it: no guest, nobody from outside, no app."""
    return person.active and not (person.bot or person.guest or person.external)


def _must_be_colleague(person: Person) -> None:
    if not is_colleague(person):
        raise NotEligible("only members of this workspace may do this")


def _note(text: str) -> str:
    return text.strip()[:LONGEST_NOTE]


DECISIONS: dict[type, Callable[[Case, Any, datetime], tuple[Body, ...]]] = {
    m.Recur: _recur,
    m.Clear: _clear,
    m.Recognise: _recognise,
    m.NameKind: _name_kind,
    m.CallNovel: _call_novel,
    m.Narrate: _narrate,
    m.Gather: _gather,
    m.Recommend: _recommend,
    m.Approve: _approve,
    m.BeginApproval: _begin_approval,
    m.Withdraw: _withdraw,
    m.Reject: _reject,
    m.Edit: _edit,
    m.HandOver: _hand_over,
    m.Claim: _claim,
    m.Snooze: _snooze,
    m.Resolve: _resolve,
    m.TryAgain: _try_again,
    m.Settle: _settle,
    m.Wake: _wake,
    m.Expire: _expire,
    m.Remind: _remind,
    m.Undo: _undo,
    m.StartStep: _start_step,
    m.ReportStep: _report_step,
    m.Drift: _drift,
    m.Stop: _stop,
    m.Park: _park,
    m.Finish: _finish,
    m.Reopen: _reopen,
}
