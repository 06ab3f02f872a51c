"""``decide(case, move, now)`` gives the entries a move writes, or refuses. Pure, and the only place where moves are judged.

Every refusal is a sentence to the person who asked. What a move may do to the state is the lifecycle table's business;
here is who may ask it, of which revision, and in time.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.cases import commands as m
from bot.cases import entries as e
from bot.cases.approval import (
    Approval,
    ApprovalRequirement,
    Groups,
    ineligibility_reason,
    names_of,
    quorum_met,
)
from bot.cases.authority import ineligibility, is_colleague
from bot.cases.case import DESK_ACTOR, Case, evolve
from bot.cases.delegation import stands_in_for
from bot.cases.entries import IN_DOUBT, Body, Entry, StepState
from bot.cases.errors import (
    BadRequest,
    DoubtDropped,
    LedgerBroken,
    MoveNotAllowed,
    NotEligible,
    Superseded,
    TooLate,
    WorldMoved,
)
from bot.cases.evidence import list_changes
from bot.cases.identity import Identities
from bot.cases.lifecycle import DECIDED, WAITING, State, next_state
from bot.cases.passkey import (
    LINK_IS_OVER,
    STEP_UP_LIFETIME,
    Assertion,
    Passkey,
    Purpose,
    challenge,
    find_live_link,
    is_in_force,
    matches_challenge,
)
from bot.cases.plan import Plan
from bot.cases.policy import RiskTier, Ruling, Verdict, is_governed, no_looser
from bot.cases.seen import CHANGES_COURSE, OFFERED, DecisionKind, Seen
from bot.cases.sla import MIN_REMINDER_GAP

LONGEST_NOTE = 1_000
LONGEST_SNOOZE = timedelta(days=30)
NOW_FOR_REAL = "it was approved as a dry run; now it would be carried out"
NOW_FOR_SHOW = "it was approved to be carried out; now it would only be a dry run"


def decide(case: Case | None, move: m.Command, now: datetime) -> tuple[Entry, ...]:
    """The entries that this move writes, ready to commit on top of ``case``.

    Raises:
        Refusal: an expected no, safe to show the person who asked.
    """
    if case is None:
        return (_open(move, now),)
    actor, surface = _automatic(move)
    if isinstance(move, m.PersonDecision):
        must_be_current(case, move.decision, move.seen)
        _must_be_allowed(case, move)
        actor, surface = move.by.person.id, move.by.surface
    bodies = DECISIONS[type(move)](case, move, now)
    after, entries = case, []
    for body in bodies:
        next_state(after.state, body.transition)
        revision = _revision_of(body) or after.revision
        entry = Entry(case.id, after.version + 1, revision, now, actor, surface, body)
        after = _followed_by(after, entry)
        entries.append(entry)
    return tuple(entries)


def must_be_current(case: Case, decision: DecisionKind, seen: Seen) -> None:
    """Refuse a decision on what is no longer so, or that the case offers nobody now.

    Raises:
        TooLate: it has been decided or has ended; the text says by whom and how.
        Superseded: what the person had before them is not what is decided on.
        MoveNotAllowed: the card of this state does not offer it.
    """
    is_offered = case.state in OFFERED[decision]
    if not is_offered:
        _must_not_be_over(case, decision)
    _same_revision(case, seen.revision)
    present = Seen.of(case)
    if seen.checksum != present.checksum:
        what = "plan" if case.plan else "case"
        raise Superseded(
            f"that card shows another {what} than {case.id} has now; look at its card again"
        )
    if not is_offered:
        raise MoveNotAllowed(f"cannot {decision} a case that is {case.state}")
    if decision in CHANGES_COURSE and seen != present:
        raise Superseded(
            f"{case.id} has moved on since that card was drawn ({case.state}); look at it again"
        )


def _must_be_allowed(case: Case, move: m.PersonDecision) -> None:
    """Refuse whoever has no authority. Whom policy names for emergencies is ruled with the standing."""
    if isinstance(move, m.Approve) and move.emergency:
        return
    reason = ineligibility(case, move.decision, move.by)
    if reason:
        raise NotEligible(reason)


def _followed_by(case: Case, entry: Entry) -> Case:
    """Fold the entry, if it leaves no step in doubt behind."""
    try:
        return evolve(case, entry)
    except DoubtDropped as dropped:
        raise MoveNotAllowed(f"{dropped}: that is found out first") from None


def record_refusal(
    case: Case, by: m.Asker, attempt: str, revision: int, refusal: Exception, now: datetime
) -> tuple[Entry, ...]:
    """The entry for an attempt that was turned away: refused attempts are part of the record."""
    body = e.AttemptRefused(
        str(attempt), getattr(refusal, "code", "refused"), str(refusal), revision
    )
    return (Entry(case.id, case.version + 1, case.revision, now, by.person.id, by.surface, body),)


def record_conflict(
    case: Case, source: str, key: str, digest: str, now: datetime
) -> tuple[Entry, ...]:
    """The entry for a second body under a known key."""
    body = e.Conflicted(source, key, digest)
    return (
        Entry(case.id, case.version + 1, case.revision, now, f"source:{source}", "intake", body),
    )


def _open(move: m.Command, now: datetime) -> Entry:
    if not isinstance(move, m.Open):
        raise LedgerBroken("a case begins with its opening")
    body = e.Opened(move.signal, move.owner, move.channel, move.sla)
    return Entry(move.case_id, 1, 0, now, f"source:{move.signal.source}", "intake", body)


def _automatic(move: m.Command) -> tuple[str, str]:
    if isinstance(move, m.Recur | m.Clear):
        return f"source:{move.signal.source}", "intake"
    return DESK_ACTOR, "scheduler" if isinstance(move, m.Wake | m.Expire | m.Remind) else "desk"


def _revision_of(body: Body) -> int | None:
    """A body that carries a plan carries the revision it begins."""
    plan = getattr(body, "plan", None)
    return plan.revision if plan else None


# --- signals -----------------------------------------------------------------------------------------------------------


def _recur(case: Case, move: m.Recur, now: datetime) -> tuple[Body, ...]:
    if move.reopen:
        return e.Recurred(move.signal), e.Reopened(f"it came back: {move.signal.title}")
    requester = move.signal.requester
    is_stranger = bool(requester and move.identities.strangers([requester]))
    is_asked = case.state is State.PROPOSED and case.verdict and not is_governed(case.verdict)
    if is_stranger and is_asked:
        # Others must say yes now, so the question is another one.
        why = "somebody who is not known here has raised it too"
        return e.Recurred(move.signal), _drifted((why,))
    return (e.Recurred(move.signal),)


def _clear(case: Case, move: m.Clear, now: datetime) -> tuple[Body, ...]:
    return (e.Cleared(move.signal),) if case.state in WAITING else (e.MarkedClear(move.signal),)


# --- recognition -------------------------------------------------------------------------------------------------------


def _recognise(case: Case, move: m.Recognise, now: datetime) -> tuple[Body, ...]:
    return (e.Recognised(move.recognition, move.owner, move.channel, move.sla, move.is_urgent),)


def _name_kind(case: Case, move: m.NameKind, now: datetime) -> tuple[Body, ...]:
    _must_be_nameless(case)
    return (e.Named(move.kind, move.owner, move.channel, move.sla, move.by.person.name),)


def _call_novel(case: Case, move: m.CallNovel, now: datetime) -> tuple[Body, ...]:
    _must_be_nameless(case)
    return (e.Novel(move.by.person.name),)


def _must_be_nameless(case: Case) -> None:
    """Only what was not recognised can be named."""
    if case.recognition is None or case.recognition.kind or case.named_by:
        raise TooLate(
            f"{case.id} is known as {case.kind.replace('_', ' ')}; reject its plan if that is wrong"
        )


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
        return (
            e.Referred(f"policy: {verdict.reason}", move.recommendation, plan, verdict, move.sla),
        )
    if verdict.ruling is Ruling.ALONE:
        by = (f"policy:{verdict.policy_digest}",)
        return (e.Authorised(plan.plan_hash, by, move.recommendation, plan, verdict),)
    expires_at = move.expires_at or now + verdict.expires_for
    return (e.Recommended(move.recommendation, plan, verdict, expires_at, move.sla),)


def _must_follow(case: Case, revision: int) -> None:
    if revision != case.revision + 1:
        raise LedgerBroken(
            f"revision {revision} does not follow revision {case.revision} of {case.id}"
        )


# --- decisions ---------------------------------------------------------------------------------------------------------


def _approve(case: Case, move: m.Approve, now: datetime) -> tuple[Body, ...]:
    given, verdict = _heard(case, move, now)
    if verdict.step_up:
        given = replace(given, assertion=_signed(case, move, given.digest, now))
    votes = (*case.approvals, given)
    people = move.by.identities.distinct(votes)
    if given.emergency or quorum_met(people, verdict.factors, move.by.groups):
        return e.ApprovalGiven(given), e.Authorised(
            given.digest, tuple(vote.person for vote in votes)
        )
    return (e.ApprovalGiven(given),)


def _begin_approval(case: Case, move: m.BeginApproval, now: datetime) -> tuple[Body, ...]:
    """Everything is judged as for the yes itself, so that nobody is sent to their device for nothing."""
    given, verdict = _heard(case, m.Approve(move.by, move.seen, move.note), now)
    if not verdict.step_up:
        raise BadRequest("this plan is approved on its card")
    _must_have_a_passkey(given, move.passkeys)
    return (e.StepUpAsked(move.ticket, given.note, now + STEP_UP_LIFETIME, given.name),)


def _must_have_a_passkey(given: Approval, passkeys: tuple[Passkey, ...]) -> None:
    if not any(key.person == given.person for key in passkeys):
        raise NotEligible(
            "this needs your passkey, and you have none yet; ask whoever runs Countersign to invite you"
        )


NOT_SIGNED = {
    Purpose.APPROVE: "this plan is approved with your passkey, outside Slack: press Approve on its card",
    Purpose.UNDO: "this plan is taken back with your passkey, outside Slack: press Take back on its card",
}


def _signed(
    case: Case,
    move: m.Approve | m.Undo,
    digest: str,
    now: datetime,
    purpose: Purpose = Purpose.APPROVE,
) -> Assertion:
    """What the person's device signed, if it was asked for exactly this and in time. Its signature is verified at the door."""
    person, signed = move.by.person.id, move.assertion
    if signed is None:
        raise NotEligible(NOT_SIGNED[purpose])
    asked = find_live_link(case.step_ups, signed.ticket, now)
    if asked is None or asked.person != person or asked.purpose is not purpose:
        raise TooLate(LINK_IS_OVER)
    if not is_in_force(signed, person, move.passkeys):
        raise NotEligible("this passkey is not one of yours any more")
    wanted = challenge(case.id, case.revision, digest, person, signed.ticket, purpose)
    if not matches_challenge(signed, wanted):
        raise NotEligible("your device signed something else than this plan")
    return signed


def _heard(case: Case, move: m.Approve, now: datetime) -> tuple[Approval, Verdict]:
    """The yes of somebody who may say it, once, to a question that is open; with the verdict that says what it takes."""
    verdict = _open_question(case, now)
    if case.plan is None:
        raise LedgerBroken(f"{case.id} waits for a decision without a plan")
    given = _vote(case, move, verdict, now, case.plan.plan_hash)
    _must_be_new(given, case.approvals, move.by.identities, "you have approved this already")
    if verdict.tier is RiskTier.HIGH and not move.note.strip():
        raise BadRequest("a high-risk plan needs your reason in words", field="note")
    return given, verdict


def _must_be_new(
    given: Approval,
    votes: tuple[Approval, ...],
    identities: Identities,
    said: str,
) -> None:
    """Hear one person once, under whichever account, and whoever they stand in for once."""
    if any(identities.are_one(vote.person, given.person) for vote in votes):
        raise TooLate(f"{said}; it waits for somebody else")
    if identities.is_one_of(given.principal, votes):
        name = given.behalf_name or given.name
        raise TooLate(f"{name} has been heard already; it waits for somebody else")
    if identities.is_one_of(given.person, votes):
        raise TooLate(f"{given.name} has been heard already; it waits for somebody else")


def _vote(case: Case, move: m.Approve, verdict: Verdict, now: datetime, digest: str) -> Approval:
    """The yes of this person: in their own right, in an emergency, or for somebody they stand in for."""
    person = move.by.person
    vote = Approval(person.id, person.name, digest, now, _note(move.note))
    if move.emergency:
        _must_be_an_emergency(case, move, verdict)
        return replace(vote, emergency=True)
    return _yes(case, move.by, verdict, vote)


def _yes(case: Case, by: m.Asker, verdict: Verdict, vote: Approval) -> Approval:
    """Give this vote in their own right, or for somebody they stand in for; or refuse it."""
    person, authors = by.person, by.identities.accounts(case.authors)
    reason = ineligibility_reason(
        person, authors=authors, factors=verdict.factors, groups=by.groups
    )
    if reason is None:
        return vote
    if person.id not in authors and is_colleague(person):
        for giver in by.behalf_of:
            if by.identities.are_one(giver.id, person.id):
                continue
            if (
                ineligibility_reason(
                    giver, authors=authors, factors=verdict.factors, groups=by.groups
                )
                is None
            ):
                return replace(vote, behalf_of=giver.id, behalf_name=giver.name)
    raise NotEligible(reason)


def _must_be_an_emergency(case: Case, move: m.Approve, verdict: Verdict) -> None:
    """The glass is never broken for high risk, nor by an author; that the person may at all is ruled with the standing."""
    if verdict.tier is RiskTier.HIGH or verdict.step_up:
        raise NotEligible("a high-risk plan is never let through by one person alone")
    if is_governed(verdict):
        raise NotEligible("who raised it is not known here, so nobody lets it through alone")
    authors = move.by.identities.accounts(case.authors)
    if move.by.person.id in authors or not is_colleague(move.by.person):
        raise NotEligible("whoever raised or edited a plan, or gains from it, cannot approve it")
    if not move.note.strip():
        raise BadRequest("say why it cannot wait; it is read afterwards", field="note")


def _withdraw(case: Case, move: m.Withdraw, now: datetime) -> tuple[Body, ...]:
    return (e.Withdrawn(move.by.person.id),)


def _reject(case: Case, move: m.Reject, now: datetime) -> tuple[Body, ...]:
    if move.reason is e.RejectReason.OTHER and not move.note.strip():
        raise BadRequest("say in a few words why", field="note")
    return (e.Rejected(move.reason, _note(move.note), move.by.person.name),)


def _edit(case: Case, move: m.Edit, now: datetime) -> tuple[Body, ...]:
    _open_question(case, now)
    if not move.changes:
        raise BadRequest("nothing was changed")
    _must_follow(case, move.plan.revision)
    expires_at = move.expires_at or now + move.verdict.expires_for
    edited = e.Edited(move.plan, move.verdict, move.changes, move.by.person.name, expires_at)
    if move.verdict.ruling is Ruling.REFUSE:
        raise BadRequest(f"policy does not allow it: {move.verdict.reason}")
    return (edited,)


def _hand_over(case: Case, move: m.HandOver, now: datetime) -> tuple[Body, ...]:
    if not move.to:
        raise BadRequest("name who takes over", field="to")
    if move.to == move.by.person.id:
        raise BadRequest(
            "choose somebody else; to take it on yourself, say so on its card", field="to"
        )
    if move.to == case.owner:
        raise BadRequest("it is theirs already", field="to")
    for field, words in (("done", move.done), ("remains", move.remains)):
        if not words.strip():
            raise BadRequest(f"say what {'is done' if field == 'done' else 'is open'}", field=field)
    note = f"Done: {move.done.strip()} Open: {move.remains.strip()}"
    return (e.HandedOver(move.to, _note(note), move.by.person.name),)


def _claim(case: Case, move: m.Claim, now: datetime) -> tuple[Body, ...]:
    if case.owner == move.by.person.id:
        raise TooLate("it is yours already")
    return (e.Claimed(move.by.person.name),)


def _undo(case: Case, move: m.Undo, now: datetime) -> tuple[Body, ...]:
    """Count a yes to taking it back; with as many as the doing needed, that begins."""
    given, verdict = _undo_heard(case, move, now)
    if verdict.step_up:
        given = replace(given, assertion=_signed(case, move, given.digest, now, Purpose.UNDO))
    votes = (*case.undo_approvals, given)
    if not _undo_agreed(verdict, move.by.identities.distinct(votes), move.by.groups):
        return (e.UndoApproved(given),)
    names = " and ".join(vote.name for vote in votes)
    by = tuple(vote.person for vote in votes)
    return e.UndoApproved(given), e.UndoAsked(given.note, names, by, case.undo_until)


def _begin_undo(case: Case, move: m.BeginUndo, now: datetime) -> tuple[Body, ...]:
    """Judge the yes before its signature, so that nobody goes to their device for nothing."""
    given, verdict = _undo_heard(case, move, now)
    if not verdict.step_up:
        raise BadRequest("this plan is taken back on its card")
    _must_have_a_passkey(given, move.passkeys)
    return (
        e.StepUpAsked(move.ticket, given.note, now + STEP_UP_LIFETIME, given.name, Purpose.UNDO),
    )


def _undo_heard(case: Case, move: m.Undo | m.BeginUndo, now: datetime) -> tuple[Approval, Verdict]:
    """Hear somebody who may take it back, once and in time; with what that takes."""
    plan, verdict, until, by = case.plan, case.verdict, case.undo_until, move.by
    if plan is None or verdict is None or until is None:
        raise TooLate(_nothing_to_undo(case))
    _must_be_of_this_mode(plan, move.mode)
    if now >= until:
        raise TooLate("the time to take it back has passed; raise what is wrong as a new case")
    given = Approval(by.person.id, by.person.name, plan.plan_hash, now, _note(move.note))
    # Nobody approved what policy let run alone, so whoever decides here may stop it.
    if verdict.ruling is not Ruling.ALONE:
        given = _yes(case, by, verdict, given)
    said = "you have said already that it is taken back"
    _must_be_new(given, case.undo_approvals, by.identities, said)
    if not move.note.strip():
        raise BadRequest("say why it is taken back", field="note")
    return given, verdict


def _undo_agreed(verdict: Verdict, votes: tuple[Approval, ...], groups: Groups) -> bool:
    """Tell whether as many have said so as had to approve the plan; one, where nobody had to."""
    if verdict.ruling is Ruling.ALONE:
        return bool(votes)
    return quorum_met(votes, verdict.factors, groups)


def _must_be_of_this_mode(plan: Plan, mode: str) -> None:
    """Refuse to take back what was done in another mode: it is not there."""
    if plan.is_of(mode):
        return
    if plan.is_dry_run:
        raise TooLate("it was a dry run: nothing was changed, so there is nothing to take back")
    raise TooLate(
        "it was carried out for real, and nothing is carried out now: it cannot be taken back"
    )


def _snooze(case: Case, move: m.Snooze, now: datetime) -> tuple[Body, ...]:
    if not now < move.until <= now + LONGEST_SNOOZE:
        raise BadRequest(f"snooze until a time within {LONGEST_SNOOZE.days} days", field="until")
    return (e.Snoozed(move.until, _note(move.reason), move.by.person.name),)


def _resolve(case: Case, move: m.Resolve, now: datetime) -> tuple[Body, ...]:
    if not move.note.strip():
        raise BadRequest("say what was done", field="note")
    return (e.Resolved(e.Resolution.BY_HAND, _note(move.note), move.by.person.name),)


def _try_again(case: Case, move: m.TryAgain, now: datetime) -> tuple[Body, ...]:
    return (e.RetriageAsked(move.by.person.name),)


def _settle(case: Case, move: m.Settle, now: datetime) -> tuple[Body, ...]:
    if not move.note.strip():
        raise BadRequest("say what you saw, and where", field="note")
    step = case.step_in_doubt
    if step is None:
        raise LedgerBroken(f"{case.id} is {case.state} without a step in doubt")
    return (e.Settled(step, move.landed, _note(move.note), move.by.person.name),)


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
    wait = (
        case.verdict.expires_for
        if case.verdict and case.state is State.PROPOSED
        else move.decide_for
    )
    return (e.Escalated(move.next_owner, move.expires_at or now + wait, move.remind_at),)


def _remind(case: Case, move: m.Remind, now: datetime) -> tuple[Body, ...]:
    if case.remind_at is None or now < case.remind_at:
        raise MoveNotAllowed(f"{case.id} is reminded of at {case.remind_at}")
    if case.state not in {State.PROPOSED, State.REFERRED, State.OUTCOME_UNKNOWN}:
        raise MoveNotAllowed(f"cannot remind of a case that is {case.state}")
    return (e.Reminded(case.owner, max(move.next_at, now + MIN_REMINDER_GAP)),)


# --- execution ---------------------------------------------------------------------------------------------------------


def _start_step(case: Case, move: m.StartStep, now: datetime) -> tuple[Body, ...]:
    """The step starts only if everything that was approved is still so; otherwise the case goes back with the reasons.

    Raises:
        WorldMoved: a later step cannot start; what has landed must be undone.
    """
    if case.plan is None or case.verdict is None:
        raise LedgerBroken(f"{case.id} is approved without a plan")
    _must_be_only_doubt(case, move.step)
    reasons = find_drift(case, move, now)
    if reasons and any(step.state is StepState.LANDED for step in case.steps):
        raise WorldMoved("; ".join(reasons))
    if reasons:
        return (_drifted(reasons),)
    return (e.StepStarted(move.step, case.plan.step_key(move.step), case.plan.plan_hash),)


def _look_first(case: Case, move: m.LookFirst, now: datetime) -> tuple[Body, ...]:
    """Nothing is judged yet: if it was done, it was done under this approval; if not, all is checked before it is."""
    if case.plan is None:
        raise LedgerBroken(f"{case.id} is approved without a plan")
    return (e.StepStarted(move.step, case.plan.step_key(move.step), case.plan.plan_hash),)


def find_drift(case: Case, move: m.StartStep, now: datetime) -> list[str]:
    """What is no longer as it was approved, as sentences; empty when the step may run."""
    plan, verdict = case.plan, case.verdict
    if plan is None or verdict is None:
        return ["there is no plan"]
    reasons = list_changes(plan.actions[move.step].precondition, move.precondition)
    if move.digest != plan.plan_hash or any(
        given.digest != plan.plan_hash for given in case.approvals
    ):
        reasons.append("the plan is not the one that was approved")
    if now >= plan.not_after:
        reasons.append("the approval is too old")
    if not plan.is_of(move.mode):
        reasons.append(NOW_FOR_REAL if plan.is_dry_run else NOW_FOR_SHOW)
    if not no_looser(verdict, move.verdict):
        reasons.append(f"policy is stricter now: {move.verdict.reason}")
    elif verdict.ruling is not Ruling.ALONE:
        reasons += _lapsed(case, verdict, move, now)
    return reasons


def _lapsed(case: Case, verdict: Verdict, move: m.StartStep, now: datetime) -> list[str]:
    """Say why the approvals do not carry the plan, by policy then and by policy now."""
    if not _carried(case, verdict.factors, move, now):
        return ["the approvals no longer count"]
    # Where it may run alone now, policy asks for nobody: what was approved still binds.
    if move.verdict.ruling is Ruling.ASK and not _carried(case, move.verdict.factors, move, now):
        names = ", ".join(names_of(factor.group for factor in move.verdict.factors))
        return [f"policy asks other people now: {names}"]
    return []


def _carried(
    case: Case, factors: tuple[ApprovalRequirement, ...], move: m.StartStep, now: datetime
) -> bool:
    """Tell whether the approvals that still stand are enough for these factors."""
    votes = [vote for vote in case.approvals if _still_counts(case, vote, factors, move, now)]
    if any(vote.emergency for vote in votes):
        return True
    return quorum_met(move.identities.distinct(votes), factors, move.groups)


def _still_counts(
    case: Case,
    given: Approval,
    factors: tuple[ApprovalRequirement, ...],
    move: m.StartStep | m.StartUndo,
    now: datetime,
) -> bool:
    """Whether the one who pressed, and the one they stood in for, may still say yes."""
    person = move.people.get(given.person)
    if person is None or not _still_signed(case, given, move):
        return False
    authors = move.identities.accounts(case.authors_before(given.at))
    if given.emergency:
        group = move.emergency_group if isinstance(move, m.StartStep) else ""
        factors = (ApprovalRequirement(group, 1),) if group else ()
    if not given.behalf_of:
        return (
            ineligibility_reason(person, authors=authors, factors=factors, groups=move.groups)
            is None
        )
    giver = move.people.get(given.behalf_of)
    delegated = stands_in_for(move.delegations, given.person, case.kind, now)
    return (
        giver is not None
        and is_colleague(person)
        and person.id not in authors
        and not move.identities.are_one(person.id, giver.id)
        and any(found.giver == giver.id for found in delegated)
        and ineligibility_reason(giver, authors=authors, factors=factors, groups=move.groups)
        is None
    )


def _still_signed(case: Case, given: Approval, move: m.StartStep | m.StartUndo) -> bool:
    """A yes that needed a passkey counts no longer when that passkey has been removed."""
    if case.verdict is None or not case.verdict.step_up:
        return True
    return given.assertion is not None and is_in_force(given.assertion, given.person, move.passkeys)


def _start_undo(case: Case, move: m.StartUndo, now: datetime) -> tuple[Body, ...]:
    """Begin the undoing only if those who wanted it may still want it."""
    # Whoever asked under an earlier release is not in the case.
    is_new = case.undo_approvals and not case.is_undo_begun
    if is_new and not _undo_still_agreed(case, move, now):
        return (e.UndoLapsed("the approvals to take it back no longer count", case.undo_until),)
    return (e.StepReported(move.step, StepState.UNDOING, ""),)


def _undo_still_agreed(case: Case, move: m.StartUndo, now: datetime) -> bool:
    verdict = case.verdict
    if verdict is None:
        return False
    if verdict.ruling is Ruling.ALONE:
        standing = [vote for vote in case.undo_approvals if _still_decides(case, vote, move, now)]
    else:
        standing = [
            vote
            for vote in case.undo_approvals
            if _still_counts(case, vote, verdict.factors, move, now)
        ]
    return _undo_agreed(verdict, move.identities.distinct(standing), move.groups)


def _still_decides(case: Case, given: Approval, move: m.StartUndo, now: datetime) -> bool:
    """Tell whether whoever takes back what nobody had approved may still decide here."""
    person = move.people.get(given.person)
    delegated = stands_in_for(move.delegations, given.person, case.kind, now)
    givers = tuple(move.people[one.giver] for one in delegated if one.giver in move.people)
    if person is None:
        return False
    by = m.Asker(
        person=person,
        groups=move.groups,
        behalf_of=givers,
        playbook_owners=move.playbook_owners,
        identities=move.identities,
    )
    return ineligibility(case, DecisionKind.UNDO, by) is None


def _report_step(case: Case, move: m.ReportStep, now: datetime) -> tuple[Body, ...]:
    if move.state in IN_DOUBT:
        _must_be_only_doubt(case, move.step)
    return (e.StepReported(move.step, move.state, move.detail),)


def _must_be_only_doubt(case: Case, step: int) -> None:
    """Begin nothing while it is not known what came of another step: a person can settle only one."""
    doubtful = case.step_in_doubt
    if doubtful is not None and doubtful != step:
        raise MoveNotAllowed(f"nobody knows yet what came of step {doubtful + 1} of {case.id}")


def _drift(case: Case, move: m.Drift, now: datetime) -> tuple[Body, ...]:
    return (_drifted(move.reasons),)


def _drifted(reasons: Iterable[str]) -> e.Drifted:
    return e.Drifted(tuple(reasons), is_settled=True)


def _stop(case: Case, move: m.Stop, now: datetime) -> tuple[Body, ...]:
    return (e.Stopped(move.reason),)


def _park(case: Case, move: m.Park, now: datetime) -> tuple[Body, ...]:
    if case.step_in_doubt != move.step:
        raise MoveNotAllowed(f"step {move.step + 1} of {case.id} is not in doubt")
    return (e.Parked(move.step, move.reason),)


def _finish(case: Case, move: m.Finish, now: datetime) -> tuple[Body, ...]:
    until = move.undo_until
    votes = case.undo_votes_needed if until else 0
    return (e.Resolved(e.Resolution.WORKED, move.note, undo_until=until, undo_votes=votes),)


def _reopen(case: Case, move: m.Reopen, now: datetime) -> tuple[Body, ...]:
    return (e.Reopened(move.reason),)


# --- what many of them ask -----------------------------------------------------------------------------------------------


def _open_question(case: Case, now: datetime) -> Verdict:
    """The verdict of a case that can be decided now."""
    if case.verdict is None or case.expires_at is None:
        raise LedgerBroken(f"{case.id} waits for a decision without a verdict")
    if now >= case.expires_at:
        raise TooLate("the time to decide has passed; it goes to the next person")
    return case.verdict


def _same_revision(case: Case, revision: int) -> None:
    if revision < case.revision:
        raise Superseded(
            f"{case.id} has a newer plan (revision {case.revision}); please look at it again"
        )
    if revision > case.revision:
        raise BadRequest(f"{case.id} has no revision {revision}")


def _must_not_be_over(case: Case, decision: DecisionKind) -> None:
    """Say how it was decided or ended, where that is why the decision comes too late."""
    if decision is DecisionKind.SETTLE:
        raise TooLate(f"{case.id} is {case.state}; there is nothing in doubt")
    if decision is DecisionKind.UNDO:
        raise TooLate(_nothing_to_undo(case))
    if case.is_terminal:
        raise TooLate(_how_it_ended(case))
    if decision is DecisionKind.WITHDRAW and case.state in DECIDED:
        raise TooLate(
            f"{case.id} is {case.state}: what has begun can only be undone, not withdrawn"
        )
    if case.state in DECIDED:
        names = ", ".join(given.name for given in case.approvals)
        raise TooLate(
            f"{case.id} was approved by {names} and is {case.state}; too late to {decision}"
        )


def _nothing_to_undo(case: Case) -> str:
    return f"{case.id} is {case.state}; there is nothing that can be taken back"


def _how_it_ended(case: Case) -> str:
    ending = case.ending
    if ending is None:
        return f"{case.id} is {case.state}"
    by = (
        f" by {ending.by}"
        if case.state is State.REJECTED or ending.by not in {"", DESK_ACTOR}
        else ""
    )
    return f"{case.id} is {case.state}{by} since {ending.at:%d %b %H:%M} UTC: {ending.reason}"


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
    m.BeginUndo: _begin_undo,
    m.StartUndo: _start_undo,
    m.StartStep: _start_step,
    m.LookFirst: _look_first,
    m.ReportStep: _report_step,
    m.Drift: _drift,
    m.Stop: _stop,
    m.Park: _park,
    m.Finish: _finish,
    m.Reopen: _reopen,
}
