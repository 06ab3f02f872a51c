"""Merits: points for verified behaviour, found in the ledger alone.

Each award names the entry that proves it. What was reversed later is revoked, what somebody raised
and resolved themselves does not count, and caps bound the rest. Nothing here looks at approvals,
or at the time that anybody took to decide.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from bot.cases.actor import is_person
from bot.cases.entries import (
    Authorised,
    Claimed,
    Drifted,
    Edited,
    Entry,
    Escalated,
    GlassBroken,
    GlassReviewed,
    HandedOver,
    InquiryAnswered,
    InquiryOpened,
    Named,
    Opened,
    Parked,
    Recognised,
    Recurred,
    Reopened,
    Resolution,
    Resolved,
    RetriageAsked,
    Settled,
    Stopped,
    UndoAsked,
    UndoLapsed,
    Withdrawn,
)
from bot.cases.evidence import facts_of
from bot.cases.expressions import find_scalar
from bot.cases.identity import Identities
from bot.cases.merit_rules import Merit, MeritCaps, MeritRule, MeritRules

#: After one of these the outcome that was proved no longer holds.
REVERSALS = (Reopened, UndoAsked)
#: A plan that was approved is no longer after these, or has not been carried out.
APPROVAL_REVERSALS = (*REVERSALS, Stopped, Withdrawn, Drifted)
OWN_CASE = "raised by the same person"
REVERSED = "the outcome was reversed"


class AwardState(StrEnum):
    """The state of an award: whether its points are given."""

    COUNTS = "counts"
    #: Its outcome has not stood for long enough.
    PENDING = "pending"
    REVOKED = "revoked"
    NOT_COUNTED = "not counted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Award:
    """One deed that is recognised, or the reason why it is not."""

    merit: Merit
    #: The account of the person.
    person: str
    points: int
    case_id: str
    #: The kind of the case; empty for the desk as a whole.
    kind: str
    #: The versions of the entries of what was done, and of what proves it.
    deed: int
    proof: int
    #: When it was proved.
    at: datetime
    #: The other person of it; empty where there is none.
    other: str = ""
    state: AwardState = AwardState.COUNTS
    #: Why it does not count, in words.
    reason: str = ""
    #: The version of the entry that reversed it.
    reversal: int | None = None

    @property
    def counts(self) -> bool:
        """Tell whether the points are given."""
        return self.state is AwardState.COUNTS

    def without_points(self, state: AwardState, reason: str) -> "Award":
        """Return it as one that does not count."""
        return replace(self, state=state, reason=reason)


def find_awards(
    histories: Iterable[Sequence[Entry]],
    rules: MeritRules,
    *,
    identities: Identities,
    now: datetime,
) -> list[Award]:
    """Find the awards of these histories, in the order of their proofs.

    Each history is all entries of one case, or of the desk as a whole.
    """
    awards: list[Award] = []
    for entries in histories:
        if entries:
            awards += _CaseMerits(tuple(entries), rules, identities).awards()
    awards.sort(key=lambda award: (award.at, award.case_id, award.proof, award.merit))
    standing = [_require_standing(award, rules, now) for award in awards]
    return cap_awards(standing, rules.caps)


def _require_standing(award: Award, rules: MeritRules, now: datetime) -> Award:
    if award.counts and now - award.at < rules.stands_for:
        return award.without_points(AwardState.PENDING, "it has not stood for long enough")
    return award


def cap_awards(awards: Iterable[Award], caps: MeritCaps) -> list[Award]:
    """Leave out what is more than the caps allow, the earlier first."""
    counts: Counter[tuple[object, ...]] = Counter()
    result = []
    for award in awards:
        if award.counts:
            limits = _limits_of(award, caps)
            reasons = [reason for key, (most, reason) in limits.items() if counts[key] >= most]
            if reasons:
                award = award.without_points(AwardState.NOT_COUNTED, reasons[0])
            else:
                counts.update(limits.keys())
        result.append(award)
    return result


def _limits_of(award: Award, caps: MeritCaps) -> dict[tuple[object, ...], tuple[int, str]]:
    """Return each count that an award adds to, with its maximum and reason."""
    day, month = f"{award.at:%Y-%m-%d}", f"{award.at:%Y-%m}"
    limits: dict[tuple[object, ...], tuple[int, str]] = {
        (award.person, day): (caps.per_day, "more than count on one day"),
        (award.person, day, award.merit, award.kind): (
            caps.same_per_day,
            "more of the same than count on one day",
        ),
    }
    if award.other:
        pair = frozenset({award.person, award.other})
        reason = "more between the same two people than count in a month"
        limits[pair, month] = (caps.pair_per_month, reason)
    return limits


@dataclass(frozen=True, slots=True)
class _CaseMerits:
    """The merits of one history."""

    entries: tuple[Entry, ...]
    rules: MeritRules
    identities: Identities

    def awards(self) -> list[Award]:
        """Find the awards, one for each person and merit."""
        awards: dict[tuple[Merit, str], Award] = {}
        for merit, rule in self.rules.merits.items():
            if rule.kinds and self._kind not in rule.kinds:
                continue
            for award in self._find(merit, rule):
                earlier = awards.get((merit, award.person))
                # What was reversed and then done again counts once.
                if earlier is None or not earlier.counts:
                    awards[merit, award.person] = award
        return list(awards.values())

    @property
    def _kind(self) -> str:
        kind = ""
        for entry in self.entries:
            match entry.body:
                case Opened(signal=signal):
                    kind = signal.kind
                case Recognised(recognition=recognition) if recognition.kind:
                    kind = recognition.kind
                case Named(kind=name):
                    kind = name
                case _:
                    pass
        return kind

    @property
    def _requesters(self) -> list[str]:
        signals = [
            entry.body.signal for entry in self.entries if isinstance(entry.body, Opened | Recurred)
        ]
        return [signal.requester for signal in signals if signal.requester]

    def _find(self, merit: Merit, rule: MeritRule) -> Iterator[Award]:
        match merit:
            case Merit.HAND_OVER:
                return self._hand_overs(rule)
            case Merit.RESOLUTION:
                return self._resolutions(rule)
            case Merit.CHECK:
                return self._checks(rule)
            case Merit.TRAINING:
                return self._trainings(rule)
            case Merit.REFERRAL:
                return self._referrals(rule)
            case Merit.CORRECTION:
                return self._corrections(rule)
            case _:
                assert_never(merit)

    def _award(
        self,
        merit: Merit,
        rule: MeritRule,
        *,
        person: str,
        deed: Entry,
        proof: Entry,
        other: str = "",
        is_request: bool = False,
        reversals: tuple[type, ...] = REVERSALS,
    ) -> Award:
        """Make an award, revoked or not counted where it must be.

        ``is_request``: it is about what the person raised, and others proved it.
        """
        award = Award(
            merit=merit,
            person=person,
            points=rule.points,
            case_id=proof.case_id,
            kind=self._kind,
            deed=deed.version,
            proof=proof.version,
            at=proof.at,
            other=other if is_person(other) else "",
        )
        if not is_request and any(self._is_same(person, one) for one in self._requesters):
            return award.without_points(AwardState.NOT_COUNTED, OWN_CASE)
        reversal = self._find_reversal(proof, reversals)
        if reversal is None:
            return award
        award = award.without_points(AwardState.REVOKED, REVERSED)
        return replace(award, reversal=reversal.version)

    def _find_reversal(self, proof: Entry, reversals: tuple[type, ...]) -> Entry | None:
        """Return the entry that reversed what was proved.

        An undo that lapsed reverses nothing.
        """
        reversal: Entry | None = None
        for entry in self._after(proof):
            if reversal is not None and isinstance(entry.body, UndoLapsed):
                reversal = None
            elif reversal is None and isinstance(entry.body, reversals):
                reversal = entry
        return reversal

    def _is_same(self, person: str, other: str) -> bool:
        return self.identities.is_same_person(person, other)

    def _after(self, entry: Entry) -> tuple[Entry, ...]:
        return tuple(later for later in self.entries if later.version > entry.version)

    # --- each merit -----------------------------------------------------------------------

    def _hand_overs(self, rule: MeritRule) -> Iterator[Award]:
        """Find hand-overs to the owner who brought the case to its end."""
        for entry in self.entries:
            if not isinstance(entry.body, HandedOver) or not entry.actor.is_person:
                continue
            proof = self._end_without_another_owner(entry)
            if proof is not None:
                yield self._award(
                    Merit.HAND_OVER,
                    rule,
                    person=str(entry.actor),
                    deed=entry,
                    proof=proof,
                    other=entry.body.to,
                )

    def _end_without_another_owner(self, hand_over: Entry) -> Entry | None:
        for entry in self._after(hand_over):
            match entry.body:
                case Resolved():
                    return entry
                # The wrong owner hands it on, or nobody there takes it in time.
                case HandedOver() | Escalated():
                    return None
                case Claimed() if entry.actor == hand_over.actor:
                    return None
                case _:
                    pass
        return None

    def _resolutions(self, rule: MeritRule) -> Iterator[Award]:
        """Find the ends of cases that somebody had, or handled by hand."""
        owner, taking = "", self.entries[0]
        for entry in self.entries:
            match entry.body:
                case Claimed():
                    owner, taking = str(entry.actor), entry
                case HandedOver(to=to) | Escalated(to=to) | Named(owner=to):
                    owner, taking = to, entry
                case Resolved(resolution=Resolution.BY_HAND) if entry.actor.is_person:
                    yield self._resolution(rule, str(entry.actor), deed=entry, proof=entry)
                case Resolved() if is_person(owner):
                    yield self._resolution(rule, owner, deed=taking, proof=entry)
                case _:
                    pass

    def _resolution(self, rule: MeritRule, person: str, *, deed: Entry, proof: Entry) -> Award:
        other = next(iter(self._requesters), "")
        return self._award(
            Merit.RESOLUTION, rule, person=person, deed=deed, proof=proof, other=other
        )

    def _checks(self, rule: MeritRule) -> Iterator[Award]:
        """Find answers, looks into a system and reviews that came in time."""
        for entry in self.entries:
            if not entry.actor.is_person:
                continue
            pair = self._request_of(entry)
            if pair is None:
                continue
            request, due = pair
            is_own = self._is_same(str(request.actor), str(entry.actor))
            if entry.at <= (due or request.at + rule.within) and not is_own:
                yield self._award(
                    Merit.CHECK,
                    rule,
                    person=str(entry.actor),
                    deed=request,
                    proof=entry,
                    other=str(request.actor),
                )

    def _request_of(self, check: Entry) -> tuple[Entry, datetime | None] | None:
        """Return the entry that asked for a check, and its own deadline."""
        earlier = [entry for entry in self.entries if entry.version < check.version]
        for entry in reversed(earlier):
            match check.body, entry.body:
                case InquiryAnswered(inquiry=number), InquiryOpened() if entry.version == number:
                    return entry, None
                case Settled(step=step), Parked(step=doubt) if step == doubt:
                    return entry, None
                case GlassReviewed(on_case=case), GlassBroken(on_case=other) if case == other:
                    return entry, entry.body.review_by
                case _:
                    pass
        return None

    def _trainings(self, rule: MeritRule) -> Iterator[Award]:
        """Find ends of cases that report a training of somebody."""
        person = self._named_person(rule)
        for entry in self.entries:
            if not isinstance(entry.body, Resolved) or not is_person(person):
                continue
            if not self._is_same(str(entry.actor), person):
                yield self._award(
                    Merit.TRAINING,
                    rule,
                    person=person,
                    deed=self.entries[0],
                    proof=entry,
                    is_request=True,
                )

    def _referrals(self, rule: MeritRule) -> Iterator[Award]:
        """Find plans about a referral that other people have approved."""
        person = self._named_person(rule)
        for entry in self.entries:
            if not isinstance(entry.body, Authorised) or not is_person(person):
                continue
            approvers = [one for one in entry.body.by if is_person(one)]
            if approvers and not any(self._is_same(one, person) for one in approvers):
                yield self._award(
                    Merit.REFERRAL,
                    rule,
                    person=person,
                    deed=self.entries[0],
                    proof=entry,
                    other=approvers[0],
                    is_request=True,
                    reversals=APPROVAL_REVERSALS,
                )

    def _named_person(self, rule: MeritRule) -> str:
        """Return the Slack account of the person whom a case is about."""
        opening = self.entries[0].body
        if not isinstance(opening, Opened):
            return ""
        account = opening.signal.requester or ""
        if rule.person:
            account = str(find_scalar(rule.person, facts_of(opening.signal, ())) or "")
        return self.identities.person_of(account) or ""

    def _corrections(self, rule: MeritRule) -> Iterator[Award]:
        """Find edits and named kinds that brought a case to its end."""
        for entry in self.entries:
            if not isinstance(entry.body, Edited | Named) or not entry.actor.is_person:
                continue
            proof = self._end_with_correction(entry)
            if proof is not None:
                yield self._award(
                    Merit.CORRECTION, rule, person=str(entry.actor), deed=entry, proof=proof
                )

    def _end_with_correction(self, correction: Entry) -> Entry | None:
        for entry in self._after(correction):
            match entry.body:
                case Resolved(resolution=Resolution.WORKED):
                    return entry
                # A kind that was named rightly is handled by hand, too; an edit is not.
                case Resolved() if isinstance(correction.body, Named):
                    return entry
                case Resolved() | Drifted() | RetriageAsked():
                    return None
                case Edited() | Named() if type(entry.body) is type(correction.body):
                    return None
                case _:
                    pass
        return None


def names_of(entries: Iterable[Entry]) -> dict[str, str]:
    """Map the accounts of those who acted to their names."""
    names: dict[str, str] = {}
    for entry in entries:
        name = getattr(entry.body, "by_name", "")
        if name and entry.actor.is_person:
            names[str(entry.actor)] = name
    return names
